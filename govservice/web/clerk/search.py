"""Searching the clerk's own cases. Each person whose name is shown sees the read."""

from __future__ import annotations

from flask import render_template, request

from govservice.exchange.accesses import Read
from govservice.queries.case_search import MOST, search_cases
from govservice.web.access import audience, current_runtime, work_roles
from govservice.web.clerk.access import clerk
from govservice.web.clerk.blueprint import blueprint, helpers
from govservice.web.clerk.worklist import record_names
from govservice.web.language import switched_in_place
from govservice.web.timeline import outcome_name

LONGEST = 100  # characters of a search


@blueprint.get("/search")
@audience("clerk")
def search() -> str:
    """Cases by number or enterprise, among those that a role of the clerk has or had."""
    rt, actor = current_runtime(), clerk()
    given = request.form if switched_in_place() else request.args  # a switch of language sends what stands in the box
    typed = (given.get("q") or "").strip()[:LONGEST]
    with rt.read() as session:
        found, more = search_cases(session, work_roles(actor), typed)
    reads = [
        ((f.role, f.department_id), Read(f.person_id, f.case_id, ["person.name"], "search"))
        for f in found
        if f.person_id
    ]
    record_names(rt, actor, reads, rt.now())
    return render_template(
        "clerk/search.html", typed=typed, found=found, more=more, most=MOST, outcome=outcome_name, **helpers(rt)
    )
