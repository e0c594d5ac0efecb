"""My documents: what was issued to the person, and what they gave and need not look for a second time."""

from __future__ import annotations

from flask import render_template

from govservice.queries.papers import given_by, issued_to
from govservice.web.access import audience, current_actor, current_runtime, today
from govservice.web.citizen import blueprint


@blueprint.get("/my/documents")
@audience("citizen")
def papers() -> str:
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        issued = issued_to(session, actor, today())
        given = given_by(session, rt.definitions, actor, today())
    return render_template("citizen/papers.html", issued=issued, given=given)
