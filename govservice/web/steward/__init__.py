"""The desk of a registry's owner: how good its data is, who may ask for it, and what people say is wrong in it."""

from govservice.web.steward import disputes, grants, quality
from govservice.web.steward.blueprint import blueprint

__all__ = ["blueprint", "disputes", "grants", "quality"]
