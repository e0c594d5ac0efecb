"""What was sealed, handed out: the text, the portal's signature and its public key, to be checked by anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime

from flask import Response, abort
from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.exchange.snapshot import verify_snapshot
from govservice.models.exchange import Snapshot
from govservice.web.access import audience, citizen_case, current_runtime
from govservice.web.citizen import blueprint

REASONS: dict[str, Callable[[], str]] = {
    "submit": lambda: gettext("What you sent"),
    "correction": lambda: gettext("With your corrections"),
    "supplement": lambda: gettext("With what you brought later"),
    "decision": lambda: gettext("What the decision was made on"),
}


def seals_of(session: Session, case_id: str) -> list[tuple[int, str, datetime]]:
    """What was sealed of a case, the first first: its number, what it is, when (aware UTC)."""
    kept = session.execute(
        select(Snapshot.n, Snapshot.reason, Snapshot.created_at)
        .where(Snapshot.case_id == case_id, Snapshot.canonical_enc.is_not(None))
        .order_by(Snapshot.n)
    )
    return [(n, str(REASONS[reason]()), at) for n, reason, at in kept]


@blueprint.get("/my/cases/<number>/seals/<int:n>.json")
@audience("citizen")
def seal(number: str, n: int) -> Response:
    """The n-th snapshot of one's own case. Its text is checked before it leaves; docs/evidence.md says how to check it
    elsewhere."""
    rt = current_runtime()
    if n >= 2**31:
        abort(404)
    with rt.read() as session:
        case = citizen_case(number, session)
        found = session.scalars(select(Snapshot).where(Snapshot.case_id == case.id, Snapshot.n == n)).one_or_none()
        text = verify_snapshot(session, found) if found is not None else None
    if found is None or text is None:
        abort(404)
    content = {
        "sealed": text.decode(), "sha256": found.sha256, "signature": found.jws, "key": dict(rt.keyring.signer.public),
    }  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="seal-{n}.json"', "Cache-Control": "private, no-store"}
    return Response(json.dumps(content, ensure_ascii=False, indent=1), mimetype="application/json", headers=headers)
