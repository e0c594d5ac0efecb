"""The designer's desk: what is in force, what waits for a second person, which cases still run by what."""

from govservice.web.designer.views import blueprint

__all__ = ["blueprint"]
