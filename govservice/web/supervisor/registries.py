"""The breaker board: which registries answer, how fast, and which cases wait for them."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from govservice.queries.disputes import ageing, overdue
from govservice.queries.registries import boards, caught, told
from govservice.web.access import audience, current_runtime, supervisor_areas
from govservice.web.boards import KINDS, said
from govservice.web.i18n import text
from govservice.web.supervisor.views import blueprint, helpers
from govservice.web.titles import Titles

MONTH = timedelta(days=30)
QUARTER = timedelta(days=90)


@blueprint.get("/registries")
@audience("supervisor")
def registries() -> str:
    """Every registry over the last 24 hours, those in trouble first."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        found = boards(session, rt.definitions.catalogue, KINDS, now)
        heard = told(session, supervisor_areas(), now - MONTH)
        again = caught(session, supervisor_areas(), now - MONTH)
        open_disputes, late_disputes = overdue(session, supervisor_areas(), rt.today(now))
    known = rt.definitions.catalogue.registries
    trouble = [board for board in found if board.trouble]
    asked = [board for board in found if board.calls or board.trouble]
    idle = [text(known[board.code].title) for board in found if not board.calls and not board.trouble]
    return render_template(
        "supervisor/registries.html", asked=asked, idle=idle, trouble=trouble, now=now, said=said, heard=heard,
        open_disputes=open_disputes, late_disputes=late_disputes, again=again,
        what=lambda row: Titles(rt).event(row.registry, row.type),
        name=lambda code: known[code].title, owner=lambda code: known[code].owner, **helpers(rt),
    )  # fmt: skip


@blueprint.get("/disputes")
@audience("supervisor")
def disputes() -> str:
    """Entries of registers said to be wrong, the longest waiting first: nobody decides against a person meanwhile."""
    rt = current_runtime()
    now, areas = rt.now(), supervisor_areas()
    with rt.read() as session:
        found = ageing(session, areas, rt.calendars.for_area(areas[0] if areas else None), now, now - QUARTER)
    catalogue = rt.definitions.catalogue
    return render_template(
        "supervisor/disputes.html", found=found, today=rt.today(now), registries=catalogue.registries,
        label=lambda name: catalogue.label(name) or {"en": name, "zh": name}, **helpers(rt),
    )  # fmt: skip
