"""The applicant chooses a time for the meeting that a step of the case asks for."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from govservice.web import appointments
from govservice.web.access import audience, citizen_case, current_actor, current_runtime, now
from govservice.web.citizen import blueprint


@blueprint.route("/my/cases/<number>/appointment/<int:token>", methods=["GET", "POST"])
@audience("citizen")
def appointment(number: str, token: int) -> Response | str | tuple[str, int]:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        case = citizen_case(number, session)
    back = url_for("citizen.case", number=number)
    return appointments.page(rt, case, actor, token, layout="layouts/citizen.html", back=back, now=now())
