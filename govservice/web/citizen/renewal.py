"""The holder renews a licence: from when, the button, and the reminder in the inbox."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.errors import NotAllowed
from govservice.models.cases import Case
from govservice.operations import renewing
from govservice.queries import licences
from govservice.queries.tracking import CasePage, Happening
from govservice.web.access import audience, citizen_case, current_actor, current_runtime, now, today
from govservice.web.citizen import blueprint
from govservice.web.citizen.context import idem_of


@blueprint.post("/my/cases/<number>/renew")
@audience("citizen")
def renew(number: str) -> Response:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        case_id = citizen_case(number, session).id
    try:
        begun = renewing.begin(rt, actor, case_id, idem=idem_of(request.form.get("idem")), now=now())
    except NotAllowed:
        return redirect(url_for("citizen.case", number=number, said="not_now"), 303)
    return redirect(url_for("citizen.case", number=begun), 303)


def renewal_state(session: Session, case_id: str) -> tuple[bool, str]:
    """Whether the licence of a case may be renewed now, and the number of the application that renews it."""
    document = renewing.newest(session, case_id)
    running = session.get(Case, document.renewal_case_id) if document and document.renewal_case_id else None
    return renewing.may_renew(session, document, today()), running.number if running is not None else ""


def renewal_reminder(session: Session, page: CasePage, _about: Happening | None) -> dict[str, Any]:
    return {"licence": licences.of_case(session, page.case.id, today())}
