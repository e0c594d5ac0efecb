"""Pages of the supervisor. Each reads, shows, and links every number to the list behind it."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Response, abort, make_response, render_template, request
from sqlalchemy.orm import Session

from govservice.operations.runtime import Runtime
from govservice.queries.supervision import DECIDED, OPEN_SHOWS, PAGE, case_line, case_lines, workload
from govservice.queries.tracking import case_page
from govservice.queries.turnaround import Scope, decided_cases
from govservice.web.access import audience, current_runtime, supervisor_areas, supervisor_case
from govservice.web.citizen.picture import columns_of
from govservice.web.i18n import text
from govservice.web.supervisor import figures
from govservice.web.timeline import staff_timeline

blueprint = Blueprint("supervisor", __name__, url_prefix="/supervisor", template_folder=None)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the filter form chose; wrong values fall back to the default."""

    service: str | None
    area: str | None
    period: int
    scope: Scope

    def query(self) -> dict[str, str]:
        """The choice as query parameters, for links that keep it."""
        given = {"service": self.service, "area": self.area, "period": str(self.period)}
        return {k: v for k, v in given.items() if v}


def choose(rt: Runtime, session: Session, now: datetime, *, any_service: bool = False) -> Choice:
    """Reads the filter of the request. Without a service the one under the greatest strain is taken."""
    areas = supervisor_areas()
    area = request.args.get("area") if request.args.get("area") in areas else None
    period = next((p for p in figures.PERIODS if str(p) == request.args.get("period")), 90)
    scope = figures.scope_of((area,) if area else areas, None, period, now)
    service = request.args.get("service")
    if service not in rt.definitions.codes():
        service = None if any_service else figures.pick_service(rt, session, scope, now)
    return Choice(service, area, period, figures.scope_of(scope.areas, service, period, now))


def filter_fields(rt: Runtime, choice: Choice, *, any_service: bool = False) -> list[dict[str, object]]:
    """The filter form's fields, as `data.filter_form` wants them."""
    areas = rt.definitions.catalogue.areas
    services = [(code, rt.definitions.current(code).service.title) for code in rt.definitions.codes()]
    everywhere = ("", {"en": "All my areas", "zh": "全部辖区"})
    anything = [("", {"en": "All services", "zh": "全部事项"})] if any_service else []
    periods = [(str(p), {"en": f"Last {p} days", "zh": f"近 {p} 天"}) for p in figures.PERIODS]
    fields: list[dict[str, object]] = [
        {"name": "service", "label": {"en": "Service", "zh": "事项"}, "kind": "select",
         "options": [*anything, *services], "value": choice.service or ""},
        {"name": "period", "label": {"en": "Period", "zh": "时间"}, "kind": "select", "options": periods,
         "value": str(choice.period)},
    ]  # fmt: skip
    if len(mine := supervisor_areas()) > 1:
        options = [everywhere, *((a, areas[a].name) for a in mine)]
        field = {"name": "area", "label": {"en": "Area", "zh": "区域"}, "kind": "select", "options": options}
        fields.insert(1, {**field, "value": choice.area or ""})
    return fields


@blueprint.get("/")
@audience("supervisor")
def overview() -> str:
    """One sentence, six figures, one picture: the bottleneck is named before anything else."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        choice = choose(rt, session, now)
        shown = figures.overview(rt, session, choice.scope, now)
        late, n_late = _lines(rt, session, choice, "late_here", now, size=7)
    return render_template(
        "supervisor/overview.html", o=shown, choice=choice, late=late, n_late=n_late, now=now,
        fields=filter_fields(rt, choice), area=figures.area_text(rt, choice.scope.areas), **helpers(rt),
    )  # fmt: skip


def _lines(rt: Runtime, session: Session, choice: Choice, show: str, now: datetime, *, step: str | None = None,
           page: int = 1, size: int = PAGE) -> tuple[list[object], int]:  # fmt: skip
    calendar = rt.calendars.for_area(choice.scope.areas[0] if choice.scope.areas else None)
    decided = decided_cases(session, choice.scope, rt.calendars) if show in DECIDED else []
    rows, total = case_lines(
        session, choice.scope, show, calendar, now, step=step, decided=decided, page=page, size=size
    )
    return list(rows), total


def helpers(rt: Runtime) -> dict[str, object]:
    """Words of codes for the templates: titles of services and steps, names of departments and roles."""

    def step_title(service: str, step: str) -> object:
        found = rt.definitions.current(service).steps.get(step)
        return found.title if found else step

    return {
        "service_title": lambda code: rt.definitions.current(code).service.title,
        "step_title": step_title,
        "department": lambda id: figures.department_text(rt, id),
        "role_title": lambda service, role: rt.definitions.current(service).service.roles[role].title or role,
    }


@blueprint.get("/cases")
@audience("supervisor")
def cases() -> str:
    """The cases that a figure counts."""
    rt = current_runtime()
    now, show = rt.now(), request.args.get("show", "open")
    if show not in DECIDED and show not in OPEN_SHOWS:
        abort(404)
    page = max(1, request.args.get("page", 1, type=int))
    with rt.read() as session:
        choice = choose(rt, session, now, any_service=True)
        step = request.args.get("step") or None
        rows, total = _lines(rt, session, choice, show, now, step=step, page=page)
    return render_template(
        "supervisor/cases.html", rows=rows, total=total, show=show, step=step, choice=choice, page=page,
        pages=max(1, -(-total // PAGE)), fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.scope.areas), **helpers(rt),
    )  # fmt: skip


@blueprint.get("/late")
@audience("supervisor")
def late() -> str:
    """What is past a limit now, and what will be within two working days if nobody acts."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        choice = choose(rt, session, now, any_service=True)
        here, n_here = _lines(rt, session, choice, "late_here", now)
        promise, n_promise = _lines(rt, session, choice, "late", now)
        soon, n_soon = _lines(rt, session, choice, "soon", now)
    lists = [("late_here", here, n_here), ("late", promise, n_promise), ("soon", soon, n_soon)]
    return render_template(
        "supervisor/late.html", lists=lists, choice=choice, fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.scope.areas), **helpers(rt),
    )  # fmt: skip


@blueprint.get("/workload")
@audience("supervisor")
def workload_page() -> str:
    """What each member of staff has in hand."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        choice = choose(rt, session, now, any_service=True)
        rows = workload(session, choice.scope, now)
    return render_template(
        "supervisor/workload.html", rows=rows, choice=choice, fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.scope.areas), **helpers(rt),
    )  # fmt: skip


@blueprint.get("/steps")
@audience("supervisor")
def steps() -> str:
    """Every step of every service against its limit."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        choice = choose(rt, session, now, any_service=True)
        codes = [choice.service] if choice.service else list(rt.definitions.codes())
        shown = [
            figures.overview(rt, session, figures.scope_of(choice.scope.areas, code, choice.period, now), now)
            for code in codes
        ]
    return render_template(
        "supervisor/steps.html", services=shown, choice=choice, fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.scope.areas), **helpers(rt),
    )  # fmt: skip


@blueprint.get("/steps.csv")
@audience("supervisor")
def steps_csv() -> Response:
    """The figures of all steps as a table: office days, both languages in the header."""
    rt = current_runtime()
    now = rt.now()
    out = io.StringIO()
    table = csv.writer(out)
    table.writerow(
        ["service", "step", "department", "waiting", "late", "finished", "median_days", "p90_days", "limit_days"]
    )
    with rt.read() as session:
        choice = choose(rt, session, now, any_service=True)
        for code in [choice.service] if choice.service else list(rt.definitions.codes()):
            scope = figures.scope_of(choice.scope.areas, code, choice.period, now)
            for row in figures.overview(rt, session, scope, now).steps:
                table.writerow(
                    [code, text(row.title), text(row.who), row.waiting, row.late, row.n, row.median, row.p90, row.limit]
                )
    response = make_response("\ufeff" + out.getvalue())
    response.headers["Content-Type"] = "text/csv; charset=utf-8"
    response.headers["Content-Disposition"] = "attachment; filename=steps.csv"
    return response


@blueprint.get("/cases/<number>")
@audience("supervisor")
def case(number: str) -> str:
    """One case as a supervisor sees it: where it stood how long, without what people answered or wrote."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        found = supervisor_case(session, number)
        page = case_page(session, rt.definitions, rt.calendars, found, now)
        calendar = rt.calendars.for_area(found.area)
        line = case_line(session, found, calendar, now)
    return render_template(
        "supervisor/case.html", case=found, page=page, line=line, columns=columns_of(page),
        timeline=staff_timeline(page.compiled, page.happenings, {}, quotes=False),
        **helpers(rt),
    )  # fmt: skip
