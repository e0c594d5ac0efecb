"""The clerk's blueprint and the words that its templates share."""

from __future__ import annotations

from flask import Blueprint

from govservice.models.base import new_id
from govservice.operations.runtime import Runtime
from govservice.web.titles import Titles

blueprint = Blueprint("clerk", __name__, url_prefix="/clerk")


def helpers(rt: Runtime) -> dict[str, object]:
    """Titles by code; a fresh key for each form."""
    return {**Titles(rt).for_templates(), "new_key": new_id}
