"""Supervision acts: it gives a task to somebody, ends a part, lets one be looked at again; always with reasons."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from govservice.errors import NotFound
from govservice.web import ad_hoc
from govservice.web.access import audience, current_actor, current_runtime, supervisor_case
from govservice.web.supervisor.views import blueprint


@blueprint.route("/cases/<number>/<int:token>/<act>", methods=["GET", "POST"])
@audience("supervisor")
def act(number: str, token: int, act: str) -> Response | str | tuple[str, int]:
    """The page of one act, and the act itself."""
    rt, actor = current_runtime(), current_actor()
    if actor is None:
        raise NotFound()
    back, done = url_for("supervisor.case", number=number), url_for("supervisor.case", number=number, done="recorded")
    with rt.read() as session:
        case = supervisor_case(session, number)
        return ad_hoc.page(rt, session, case, actor, token, act, desk="supervisor", back=back, done=done)
