"""The door at which the payment provider speaks by itself. Who speaks is proved by the message's seal, by nothing else.

No form of ours leads here and no cookie is looked at, so the form's token is not asked for; a browser that another site
sends here names that site and is refused like everywhere. Answers tell a stranger nothing: one and the same refusal.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request

from govservice import logs
from govservice.operations.fees import CALLBACK, hear
from govservice.payments.messages import MAX_BODY
from govservice.payments.signing import Refused
from govservice.web.access import audience, current_runtime, now

blueprint = Blueprint("payments", __name__)
log = logs.get("govservice.web.payments")
# What is said of a message that is truly the provider's; everything else is 400 and says nothing.
STATUS = {
    "order": 404, "superseded": 409, "replayed": 409,
    **dict.fromkeys(("amount", "currency", "contradiction", "impossible"), 422),
}  # fmt: skip


@blueprint.post(CALLBACK)
@audience("anyone")
def callback() -> Response:
    """200: it counts, or it was known. 4xx: it counts for nothing and will not when it is sent again."""
    request.max_content_length = MAX_BODY
    try:
        result = hear(current_runtime(), request.headers, request.get_data(cache=False), now())
    except Refused as refused:
        log.warning("payment.callback_refused", code=refused.why)
        response = jsonify(result=refused.why if refused.why in STATUS else "refused")
        response.status_code = STATUS.get(refused.why, 400)
        return response
    return jsonify(result=result)
