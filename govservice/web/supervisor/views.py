"""Pages of the supervisor. Each reads, shows, and links every number to the list behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from flask import Blueprint, Response, abort, render_template, request
from flask_babel import gettext
from sqlalchemy.orm import Session

from govservice.operations.runtime import Runtime
from govservice.operations.supervising import possible
from govservice.queries.recusals import conflicts
from govservice.queries.supervision import (
    DECIDED,
    PAGE,
    SHOWS,
    WHOLE,
    CaseLine,
    Part,
    case_line,
    case_lines,
    workload,
)
from govservice.queries.tracking import case_page
from govservice.queries.turnaround import Decided, Scope, StepFigure, decided_cases, step_figures
from govservice.web.access import audience, current_actor, current_runtime, supervisor_areas, supervisor_case
from govservice.web.ad_hoc import words_of
from govservice.web.csv_text import csv_answer
from govservice.web.frame import role_title
from govservice.web.i18n import text
from govservice.web.picture import columns_of
from govservice.web.supervisor import figures
from govservice.web.timeline import staff_timeline
from govservice.web.titles import Titles

blueprint = Blueprint("supervisor", __name__, url_prefix="/supervisor", template_folder=None)
LAST_PAGE = 10_000  # nobody turns so many pages; a larger number is a mistake


@dataclass(frozen=True, slots=True)
class Choice:
    """What the filter form chose; wrong values fall back to the default."""

    service: str | None
    area: str | None
    period: int
    scope: Scope

    @property
    def areas(self) -> tuple[str, ...]:
        return self.scope.areas or ()

    def query(self) -> dict[str, str]:
        """The choice as query parameters, for links that keep it."""
        given = {"service": self.service, "area": self.area, "period": str(self.period)}
        return {k: v for k, v in given.items() if v}


def choose(rt: Runtime, now: datetime) -> Choice:
    """Reads the filter of the request; without a service, all of them."""
    areas = supervisor_areas()
    area = request.args.get("area") if request.args.get("area") in areas else None
    period = next((p for p in figures.PERIODS if str(p) == request.args.get("period")), 90)
    service = request.args.get("service")
    service = service if service in rt.definitions.codes() else None
    return Choice(service, area, period, figures.scope_of((area,) if area else areas, service, period, now))


def choose_one(rt: Runtime, session: Session, now: datetime) -> tuple[Choice, list[StepFigure]]:
    """The filter with one service (without one, that under the greatest strain), and the figures of its steps."""
    choice = choose(rt, now)
    found = step_figures(session, choice.scope, now)
    if choice.service is None:
        service = figures.pick_service(rt, found)
        choice = replace(choice, service=service, scope=replace(choice.scope, service=service))
    return choice, found


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
        choice, found = choose_one(rt, session, now)
        shown = figures.overview(rt, session, choice.scope, found, now)
        late, n_late = _lines(rt, session, choice, "late_here", now, size=7)
    return render_template(
        "supervisor/overview.html", o=shown, choice=choice, late=late, n_late=n_late, now=now,
        fields=filter_fields(rt, choice), area=figures.area_text(rt, choice.areas), **helpers(rt),
    )  # fmt: skip


def _lines(rt: Runtime, session: Session, choice: Choice, show: str, now: datetime, *, part: Part = WHOLE,
           page: int = 1, size: int = PAGE) -> tuple[Sequence[CaseLine], int]:  # fmt: skip
    calendar = rt.calendars.for_area(choice.scope.areas[0] if choice.scope.areas else None)
    decided: list[Decided] = (
        decided_cases(session, choice.scope, rt.definitions, rt.calendars) if show in DECIDED else []
    )
    return case_lines(session, choice.scope, show, calendar, now, part=part, decided=decided, page=page, size=size)


def helpers(rt: Runtime) -> dict[str, object]:
    """Words of codes for the templates: titles of services and steps, names of departments and roles."""
    return {**Titles(rt).for_templates()}


@blueprint.get("/cases")
@audience("supervisor")
def cases() -> str:
    """The cases that a figure counts."""
    rt = current_runtime()
    now, show = rt.now(), request.args.get("show", "open")
    if show not in SHOWS:
        abort(404)
    page = min(max(1, request.args.get("page", 1, type=int)), LAST_PAGE)
    names = {"step": "step", "staff": "staff", "role": "role", "department_id": "department"}
    part = Part(**{field: (request.args.get(name) or None) for field, name in names.items()})
    with rt.read() as session:
        choice = choose(rt, now)
        rows, total = _lines(rt, session, choice, show, now, part=part, page=page)
    kept = {name: value for field, name in names.items() if (value := getattr(part, field))}
    return render_template(
        "supervisor/cases.html", rows=rows, total=total, show=show, part=part, kept=kept, choice=choice, page=page,
        by_days=show in DECIDED, pages=max(1, -(-total // PAGE)), fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.areas), **helpers(rt),
    )  # fmt: skip


@blueprint.get("/late")
@audience("supervisor")
def late() -> str:
    """What is past a limit now, and what will be within two working days if nobody acts."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        choice = choose(rt, now)
        here, n_here = _lines(rt, session, choice, "late_here", now)
        promise, n_promise = _lines(rt, session, choice, "late", now)
        soon, n_soon = _lines(rt, session, choice, "soon", now)
        unclaimed, n_unclaimed = _lines(rt, session, choice, "unclaimed", now)
        deemed, n_deemed = _lines(rt, session, choice, "deemed", now)
        revoked, n_revoked = _lines(rt, session, choice, "revoked", now)
        kept = conflicts(session, choice.areas, choice.service, rt.today(now))
    lists = [("late_here", here, n_here), ("late", promise, n_promise), ("soon", soon, n_soon),
             ("unclaimed", unclaimed, n_unclaimed), ("deemed", deemed, n_deemed),
             ("revoked", revoked, n_revoked)]  # fmt: skip
    return render_template(
        "supervisor/late.html", lists=lists, conflicts=kept, choice=choice,
        fields=filter_fields(rt, choice, any_service=True), area=figures.area_text(rt, choice.areas), **helpers(rt),
    )  # fmt: skip


@blueprint.get("/workload")
@audience("supervisor")
def workload_page() -> str:
    """What each member of staff has in hand."""
    rt = current_runtime()
    now = rt.now()
    with rt.read() as session:
        choice = choose(rt, now)
        rows = workload(session, choice.scope, now)
    return render_template(
        "supervisor/workload.html", rows=rows, choice=choice, fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.areas), role_words=role_title, **helpers(rt),
    )  # fmt: skip


@blueprint.get("/steps")
@audience("supervisor")
def steps() -> str:
    """Every step of every service against its limit."""
    rt = current_runtime()
    choice, shown = _step_tables(rt)
    with rt.read() as session:
        departments = figures.department_table(rt, session, choice.scope, rt.now())
    return render_template(
        "supervisor/steps.html", services=shown, departments=departments, choice=choice,
        fields=filter_fields(rt, choice, any_service=True),
        area=figures.area_text(rt, choice.areas), **helpers(rt),
    )  # fmt: skip


def _step_tables(rt: Runtime) -> tuple[Choice, list[tuple[str, tuple[figures.StepRow, ...]]]]:
    """(service, its steps) of every service chosen."""
    now = rt.now()
    choice = choose(rt, now)
    with rt.read() as session:
        found = step_figures(session, choice.scope, now)
    codes = [choice.service] if choice.service else list(rt.definitions.codes())
    return choice, [(code, figures.step_table(rt, rt.definitions.current(code), found)[0]) for code in codes]


@blueprint.get("/steps.csv")
@audience("supervisor")
def steps_csv() -> Response:
    """The figures of all steps as a table; days are working days of one office day each."""
    rt = current_runtime()
    titles = Titles(rt)
    head = [
        gettext("Service"), gettext("Step"), gettext("Department"), gettext("Waiting"),
        gettext("Past the step's limit"), gettext("Finished"), gettext("Median (working days)"),
        gettext("p90 (working days)"),
        gettext("Limit (working days)"),
    ]  # fmt: skip
    rows = [
        (text(titles.service(code)), text(r.title), text(r.who), r.waiting, r.late, r.n, r.median if r.known else None,
         r.p90 if r.known else None, r.limit)
        for code, table in _step_tables(rt)[1] for r in table
    ]  # fmt: skip
    return csv_answer("steps.csv", head, rows)


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
        actor = current_actor()
        ad_hoc = possible(rt, session, found, actor) if actor is not None else []
    return render_template(
        "supervisor/case.html", case=found, page=page, line=line, fee=page.fee,
        columns=columns_of(page, by_applicant=False),
        timeline=staff_timeline(page.compiled, page.happenings, {}, quotes=False, asides=page.asides),
        ad_hoc=ad_hoc, act_words=words_of,
        done=request.args.get("done") == "recorded", **helpers(rt),
    )  # fmt: skip
