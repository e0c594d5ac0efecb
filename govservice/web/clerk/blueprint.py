"""The clerk's blueprint and the words that its templates share."""

from __future__ import annotations

from flask import Blueprint

from govservice.models.base import new_id
from govservice.operations.runtime import Runtime

blueprint = Blueprint("clerk", __name__, url_prefix="/clerk")


def helpers(rt: Runtime) -> dict[str, object]:
    """Titles of services and steps by code; a fresh key for each form."""

    def step_title(service: str, step: str) -> object:
        found = rt.definitions.current(service).steps.get(step)
        return found.title if found else step

    return {
        "service_title": lambda code: rt.definitions.current(code).service.title,
        "step_title": step_title,
        "new_key": new_id,
    }
