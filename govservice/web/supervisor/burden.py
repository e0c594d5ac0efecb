"""The burden ledger on the supervisor's desk: difficult, slow and complicated in figures, per service and month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import Response, jsonify, render_template
from flask_babel import gettext

from govservice.operations.runtime import Runtime
from govservice.queries.burden import Month, Toll, ledger, months, total
from govservice.web.access import audience, current_runtime
from govservice.web.csv_text import csv_answer
from govservice.web.i18n import text
from govservice.web.supervisor import figures
from govservice.web.supervisor.views import Choice, blueprint, choose, filter_fields, helpers

QUARTER = 3  # months that are held against those before
# What is shown of a service, by the three complaints: the name, how many decimals, and whether it is a share.
MEASURES: Mapping[str, tuple[str, ...]] = {
    "difficult": ("documents_brought", "visits", "corrections"),
    "slow": ("median_days",),
    "complicated": ("fields_typed", "characters", "pages"),
}
SAME = 0.02  # a change of less than two per cent is none


@dataclass(frozen=True, slots=True)
class Line:
    """One service: the last three months, and the three before them."""

    service: str
    now: Toll
    before: Toll

    def value(self, measure: str) -> float | None:
        """The measure of one case."""
        return of(self.now, measure)

    def trend(self, measure: str) -> str:
        """better | worse | same, "" where there is nothing to compare with. Less is always better."""
        new, old = of(self.now, measure), of(self.before, measure)
        if new is None or old is None:
            return ""
        if abs(new - old) <= SAME * max(old, new):
            return "same"
        return "better" if new < old else "worse"


def of(toll: Toll, measure: str) -> float | None:
    """What one case costs; days are the median."""
    return toll.median_days if measure == "median_days" else toll.each(measure)


def _read(rt: Runtime) -> tuple[Choice, list[Month], dict[tuple[str, date], Toll]]:
    now = rt.now()
    choice = choose(rt, now)
    calendar = rt.calendars.for_area(choice.areas[0] if choice.areas else None)
    wanted = months(calendar, calendar.local_date(now))
    with rt.read() as session:
        return choice, wanted, ledger(session, calendar, wanted, choice.areas)


def _codes(rt: Runtime, choice: Choice) -> Sequence[str]:
    return [choice.service] if choice.service else list(rt.definitions.codes())


@blueprint.get("/burden")
@audience("supervisor")
def burden() -> str:
    """What each service costs the people who need it, and whether it becomes less."""
    rt = current_runtime()
    choice, wanted, found = _read(rt)
    now, before = wanted[-QUARTER:], wanted[-2 * QUARTER : -QUARTER]
    lines = [Line(code, total(found, code, now), total(found, code, before)) for code in _codes(rt, choice)]
    lines = sorted((line for line in lines if line.now.cases or line.before.cases), key=lambda line: -line.now.cases)
    every = Line("", sum((line.now for line in lines), Toll()), sum((line.before for line in lines), Toll()))
    monthly = [(m.first, sum((found.get((c, m.first), Toll()) for c in _codes(rt, choice)), Toll())) for m in wanted]
    fields = [field for field in filter_fields(rt, choice, any_service=True) if field["name"] != "period"]
    return render_template(
        "supervisor/burden.html", lines=lines, every=every, monthly=monthly, measures=MEASURES, choice=choice, of=of,
        fields=fields, area=figures.area_text(rt, choice.areas), since=now[0].first, **helpers(rt),
    )  # fmt: skip


@blueprint.get("/burden.csv")
@audience("supervisor")
def burden_csv() -> Response:
    """The ledger as a table, a row for each service and month; sums, and days as the median of those that ended."""
    rt = current_runtime()
    choice, wanted, found = _read(rt)
    head = [
        gettext("Service"), gettext("Month"), gettext("Applications"), gettext("Fields"), gettext("Fields typed"),
        gettext("Documents needed"), gettext("Documents brought"), gettext("Characters typed"), gettext("Form pages"),
        gettext("Corrections"), gettext("Visits"), gettext("Days from sending to the end (median)"),
    ]  # fmt: skip
    rows = [
        (text(rt.definitions.current(code).service.title), month.first.isoformat()[:7], t.cases, t.fields,
         t.fields_typed, t.documents, t.documents_brought, t.characters, t.pages, t.corrections, t.visits,
         t.median_days)
        for code in _codes(rt, choice) for month in wanted if (t := found.get((code, month.first))) is not None
    ]  # fmt: skip
    return csv_answer("burden.csv", head, rows)


@blueprint.get("/burden.json")
@audience("supervisor")
def burden_json() -> Response:
    """The ledger for machines: sums of each service and month, shares spared, days as the median."""
    rt = current_runtime()
    choice, wanted, found = _read(rt)
    rows = [
        _row(code, month.first, toll)
        for code in _codes(rt, choice)
        for month in wanted
        if (toll := found.get((code, month.first))) is not None
    ]
    return jsonify({"months": rows})


def _row(service: str, first: date, toll: Toll) -> dict[str, Any]:
    return {
        "service": service, "month": first.isoformat()[:7], "cases": toll.cases, "fields": toll.fields,
        "fields_typed": toll.fields_typed, "fields_spared": _rounded(toll.fields_spared), "documents": toll.documents,
        "documents_brought": toll.documents_brought, "documents_spared": _rounded(toll.documents_spared),
        "characters": toll.characters, "pages": toll.pages, "corrections": toll.corrections, "visits": toll.visits,
        "median_days": toll.median_days,
    }  # fmt: skip


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 4)
