"""The supervisor's desk: where time goes, which step is the bottleneck, who waits for whom."""

from govservice.web.supervisor import acts, burden, registries
from govservice.web.supervisor.views import blueprint

__all__ = ["acts", "burden", "registries", "blueprint"]
