"""Turnaround figures made ready to show: working days, verdicts, the flow picture, the sentence on top."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled, Step
from govservice.operations.runtime import Runtime
from govservice.queries.departments import department_figures
from govservice.queries.supervision import unpaid_cases
from govservice.queries.turnaround import (
    CaseFigures,
    Decided,
    HeldFigures,
    Scope,
    StepFigure,
    bottleneck,
    case_figures,
    cases_with_applicant,
    decided_cases,
    weekly,
    who_held,
)
from govservice.queries.way import way
from govservice.queries.what_if import on_time_if_kept

PERIODS = (30, 90, 365)  # calendar days
Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step against its limit; times in working days of one office day each."""

    service: str
    step: str
    title: Text
    who: Text
    waiting: int
    late: int
    n: int
    median: float
    p90: float
    limit: float | None
    stopped: int  # of cases that stand there, with the applicant
    worst: bool
    stuck: bool  # too little has passed to measure, and what stands there is late
    look: str  # "hot" or ""

    @property
    def over(self) -> bool:
        return self.stuck or (self.limit is not None and self.p90 > self.limit)

    @property
    def known(self) -> bool:
        return self.n > 0


@dataclass(frozen=True, slots=True)
class Overview:
    """Everything the first page shows, for one service."""

    compiled: Compiled
    steps: tuple[StepRow, ...]
    worst: StepRow | None
    columns: tuple[tuple[Any, ...], ...]
    scale: float
    cases: CaseFigures
    decided: tuple[Decided, ...]
    day_s: int
    held: tuple[tuple[Text, float, str], ...]  # who, working days, tone
    held_days: float  # of the average case closed, from sending to the end
    weeks: tuple[tuple[Any, int, float, float], ...]  # Monday, n, median, p90
    promised: int | None
    statutory: int | None
    if_kept: float | None  # share on time had the worst step kept its limit
    stopped: int
    unpaid: int | None  # open cases that wait for their fee; None where the service has none


def days(seconds: float, day_s: int) -> float:
    return round(seconds / day_s, 1)


def pick_service(rt: Runtime, figures: Sequence[StepFigure]) -> str:
    """The service whose worst step is under the greatest strain: the page opens where something must be done."""
    limits: dict[tuple[str, str], int] = {}
    for code in rt.definitions.codes():
        limits |= limits_s(rt, rt.definitions.current(code))
    later = {
        (code, step.path)
        for code in rt.definitions.codes()
        for step in rt.definitions.current(code).steps.values()
        if step.after_close
    }
    worst = bottleneck([f for f in figures if (f.service, f.step) not in later], limits)
    return worst.service if worst and worst.service in rt.definitions.codes() else next(iter(rt.definitions.codes()))


def limits_s(rt: Runtime, compiled: Compiled) -> dict[tuple[str, str], int]:
    """Limits of the steps of a service in office seconds; steps without one in working days are left out."""
    day = int(rt.calendars.for_area(None).office_day.total_seconds())
    return {
        (compiled.code, step.path): step.limit.n * day
        for step in compiled.steps.values()
        if step.limit is not None and step.limit.unit == "wd" and step.kind == "human"
    }


def overview(rt: Runtime, session: Session, scope: Scope, figures: Sequence[StepFigure], now: datetime) -> Overview:
    """The figures of `scope.service`, of which `figures` has the steps. Raises NotFound for an unknown service."""
    compiled = rt.definitions.current(scope.service or "")
    calendar = rt.calendars.for_area(scope.areas[0] if scope.areas else None)
    day_s = int(calendar.office_day.total_seconds())
    rows, worst = step_table(rt, compiled, figures)
    worst_row = next((r for r in rows if r.worst), None)
    decided = decided_cases(session, scope, rt.definitions, rt.calendars)
    limit = compiled.limit("decision")
    measured = worst if worst_row and worst_row.over and not worst_row.stuck else None
    if_kept = on_time_if_kept(session, decided, measured, limits_s(rt, compiled), limit, day_s) if measured else None
    stopped = cases_with_applicant(session, scope)
    held = who_held(session, scope)
    return Overview(
        compiled, rows, worst_row, columns(compiled, rows, stopped),
        max([r.p90 for r in rows] + [r.limit or 0 for r in rows] + [1.0]),
        case_figures(session, scope, decided, calendar, now), tuple(decided), day_s,
        held_rows(rt, held, day_s, worst_row), days(held.seconds, day_s),
        tuple((w, n, days(m, day_s), days(p, day_s)) for w, n, m, p in weekly(decided)),
        limit.promised.n if limit and limit.promised else None, limit.statutory.n if limit else None,
        if_kept, stopped, unpaid_cases(session, scope) if compiled.service.fee is not None else None,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class DepartmentRow:
    """One department; times in working days of one office day each, `share` of stays within their step's limit."""

    department_id: str
    waiting: int
    late: int
    n: int
    share: float | None
    median: float
    p90: float


def department_table(rt: Runtime, session: Session, scope: Scope, now: datetime) -> list[DepartmentRow]:
    """Every department that had a case in the period or has one now, the most late first."""
    day_s = int(rt.calendars.for_area(None).office_day.total_seconds())
    services = [rt.definitions.current(code) for code in rt.definitions.codes()]
    limits = {key: limit for compiled in services for key, limit in limits_s(rt, compiled).items()}
    parallel = {(compiled.code, path) for compiled in services for path in compiled.blocks}
    return [
        DepartmentRow(f.department_id, f.waiting, f.late, f.n, f.share, days(f.median_s, day_s), days(f.p90_s, day_s))
        for f in department_figures(session, scope, limits, parallel, now)
    ]


def step_table(
    rt: Runtime, compiled: Compiled, figures: Iterable[StepFigure]
) -> tuple[tuple[StepRow, ...], StepFigure | None]:
    """Every step of a service against its limit, and the worst one."""
    day_s = int(rt.calendars.for_area(None).office_day.total_seconds())
    own = {f.step: f for f in figures if f.service == compiled.code and f.step in compiled.steps}
    limits = limits_s(rt, compiled)
    on_the_way = (f for f in own.values() if not compiled.steps[f.step].after_close)  # a check later delays no decision
    worst = bottleneck(on_the_way, limits)
    return step_rows(rt, compiled, own, limits, worst, day_s), worst


def step_rows(
    rt: Runtime, compiled: Compiled, figures: Mapping[str, StepFigure], limits: Mapping[tuple[str, str], int],
    worst: StepFigure | None, day_s: int,
) -> tuple[StepRow, ...]:  # fmt: skip
    """Rows for every step that a department works at, in the order of the definition."""
    empty = StepFigure(compiled.code, "", 0, 0, 0, 0, 0, 0)
    rows = []
    for step in compiled.steps.values():
        if step.kind != "human":
            continue
        figure, limit = figures.get(step.path, empty), limits.get((compiled.code, step.path))
        is_worst = worst is not None and worst.step == step.path
        rows.append(
            StepRow(
                compiled.code,
                step.path,
                step.title,
                who_of(rt, compiled, step),
                figure.waiting,
                figure.late,
                figure.n,
                days(figure.median_s, day_s),
                days(figure.p90_s, day_s),
                days(limit, day_s) if limit else None,
                figure.stopped,
                is_worst,
                figure.stuck,
                "hot" if is_worst else "",
            )  # fmt: skip
        )
    return tuple(rows)


def who_of(rt: Runtime, compiled: Compiled, step: Step) -> Text:
    """The role that owns a step, with the kind of its department."""
    role = compiled.service.roles.get(step.owner or "")
    if role is None:
        return {"en": "", "zh": ""}
    kind = rt.definitions.catalogue.kinds.get(role.department, {"en": "", "zh": ""})
    return {lang: kind[lang] for lang in ("en", "zh")}


def columns(compiled: Compiled, rows: Sequence[StepRow], stopped: int) -> tuple[tuple[Any, ...], ...]:
    """The flow picture: a column per step of the way, a list per branch where departments work at once."""
    nodes = {r.step: _node(r) for r in rows}
    found: list[tuple[Any, ...]] = []
    for step in way(compiled):
        if step.path in compiled.blocks:
            branches = [
                [nodes[s.path] for s in compiled.steps.values() if s.scope == b.scope and s.path in nodes]
                for b in compiled.blocks[step.path].branches
            ]
            found.append(tuple(b[0] if len(b) == 1 else b for b in branches if b))  # empty: systems tell each other
        elif step.path in nodes:
            found.append((nodes[step.path],))
    found = [column for column in found if column]
    if found and stopped:
        aside = {
            "dashed": True,
            "aside": True,
            "stopped": stopped,
            "title": {"en": "With applicants", "zh": "在申请人处"},
        }
        last = next((i for i in range(len(found) - 1, -1, -1) if len(found[i]) == 1), None)
        if last is not None:
            found[last] = (*found[last], aside)
    return tuple(found)


def _node(row: StepRow) -> dict[str, Any]:
    return {
        "title": row.title, "service": row.service, "step": row.step, "waiting": row.waiting, "late": row.late,
        "median": row.median, "p90": row.p90, "limit": row.limit, "worst": row.worst and row.over, "known": row.known,
    }  # fmt: skip


def held_rows(rt: Runtime, held: HeldFigures, day_s: int, worst: StepRow | None) -> tuple[tuple[Text, float, str], ...]:
    """Who held the average case, in working days; the department of the worst step is marked."""
    own = {"applicant": ({"en": "Applicant (clock stopped)", "zh": "申请人（停止计时）"}, "stopped"),
           "system": ({"en": "Automatic", "zh": "系统自动"}, "")}  # fmt: skip
    rows = []
    for who, seconds in held.by:
        kind = rt.definitions.catalogue.kinds.get(who, {"en": who, "zh": who})
        label, tone = own.get(who, (kind, "hot" if worst and worst.over and dict(kind) == dict(worst.who) else ""))
        rows.append((label, days(seconds, day_s), tone))
    return tuple(row for row in rows if row[1])


def scope_of(areas: tuple[str, ...], service: str | None, period: int, now: datetime) -> Scope:
    return Scope(areas, now - timedelta(days=period), service)


def area_text(rt: Runtime, areas: Sequence[str]) -> Text:
    """The area a supervisor looks at, or the first of several with its parent's name."""
    catalogue = rt.definitions.catalogue
    if len(areas) == 1:
        return catalogue.areas[areas[0]].name
    parents = {catalogue.areas[a].parent for a in areas}
    parent = next(iter(parents)) if len(parents) == 1 else None
    return catalogue.areas[parent].name if parent else {"en": "All areas", "zh": "全部区域"}
