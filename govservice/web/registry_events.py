"""The door at which registries speak by themselves. Who speaks is proved by the message's signature, by nothing else.

As with payments no form of ours leads here: the form's token is not asked for, and a stranger hears one and the same
refusal.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from govservice import logs
from govservice.operations.registry_events import DOOR, MAX_BODY, Unheard, hear
from govservice.web.access import audience, current_runtime

blueprint = Blueprint("registry_events", __name__)
log = logs.get("govservice.web.registry_events")


@blueprint.post(f"{DOOR}/<registry>")
@audience("anyone")
def message(registry: str) -> Response:
    """202: it is kept and followed within seconds, or was known. 400: it counts for nothing."""
    request.max_content_length = MAX_BODY
    rt = current_runtime()
    try:
        result = hear(rt, registry, request.get_data(cache=False), rt.now())
    except Unheard as refused:
        log.warning("registry_event.refused", code=refused.why)
        response = jsonify(result="refused")
        response.status_code = 400
        return response
    response = jsonify(result=result)
    response.status_code = 202
    return response
