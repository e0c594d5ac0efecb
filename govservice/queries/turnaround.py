"""Turnaround: where the time of cases goes, from visits and clocks. Exact figures (nearest-rank quantiles).

Seconds are office time of the area's calendar with pauses taken off; the desks show them as working days of one
office day each. A scope is what a supervisor may see: areas, and optionally one service.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, exists, false, func, not_, or_, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import MAIN
from govservice.definitions.library import Definitions
from govservice.models.base import from_iso
from govservice.models.cases import Case, CaseClock, Definition, Task, Token, Visit
from govservice.queries.worklist import is_watched
from govservice.worktime.calendar import Calendar, Calendars

OPEN_TASK = ("open", "waiting")
ENOUGH = 5  # finished stays below which a step's quantiles are not compared


@dataclass(frozen=True, slots=True)
class Scope:
    """Which cases are looked at, and since when finished work counts. `areas` None means everywhere."""

    areas: tuple[str, ...] | None
    since: datetime
    service: str | None = None

    def of(self, model: type[Case] | type[Visit] | type[Task]) -> list[ColumnElement[bool]]:
        clauses: list[ColumnElement[bool]] = [] if self.areas is None else [model.area.in_(self.areas)]
        if self.service:
            clauses.append(model.service == self.service)
        return clauses


@dataclass(frozen=True, slots=True)
class StepFigure:
    """One step: finished stays in the period (`n`, quantiles in office seconds), what waits there for its department
    now, what of that is late, and what stands there with the clock stopped because the applicant must answer."""

    service: str
    step: str
    n: int
    median_s: int
    p90_s: int
    waiting: int
    late: int
    stopped: int

    @property
    def stuck(self) -> bool:
        """Too little has passed to measure the step, and what stands there is late: it lets nothing through."""
        return self.n < ENOUGH <= self.late


@dataclass(frozen=True, slots=True)
class CaseFigures:
    """The six figures. Shares are None where nothing was decided in the period."""

    open: int
    late: int
    late_soon: int
    decided: int
    on_time_promised: int
    on_time_statutory: int
    median_s: int
    p90_s: int

    @property
    def promised_share(self) -> float | None:
        return self.on_time_promised / self.decided if self.decided else None

    @property
    def statutory_share(self) -> float | None:
        return self.on_time_statutory / self.decided if self.decided else None


@dataclass(frozen=True, slots=True)
class Decided:
    """One decided case: when, how long it took (office seconds without pauses), and whether in time."""

    case_id: str
    service: str
    area: str
    decided_on: date
    seconds: int
    paused: int
    in_promise: bool
    in_law: bool
    clock: str  # key of the limit that counted it


def quantile(ordered: Sequence[int], share: float) -> int:
    """The nearest-rank quantile of ordered values: the smallest value that `share` of them do not exceed; 0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0


def waits_at_step() -> ColumnElement[bool]:
    """Tasks of a stay in a step, each stay once: tasks that are only to be seen are nobody's turn, and who leads a
    parallel step has nothing to do while its branches work."""
    branches = exists().where(
        Token.case_id == Task.case_id, Token.id == Task.token_id, Token.status == "waiting", Token.waits_for.is_(None)
    )
    return and_(Task.status.in_(OPEN_TASK), not_(is_watched()), not_(and_(Task.status == "waiting", branches)))


def with_applicant() -> ColumnElement[bool]:
    """The applicant was sent a correction notice and has not answered: the clock of the task's step stands still."""
    return exists().where(Token.case_id == Task.case_id, Token.id == Task.token_id, Token.waits_for == "correction")


def step_figures(session: Session, scope: Scope, now: datetime) -> list[StepFigure]:
    """Figures per service and step of departments, in no particular order. A parallel step itself is left out: the
    stays in its branches say who had the case."""
    stays: dict[tuple[str, str], list[int]] = defaultdict(list)
    finished = select(Visit.service, Visit.step, Visit.working_s).where(
        *scope.of(Visit), Visit.left_at >= scope.since, Visit.waited_on == "department", Visit.working_s.is_not(None)
    )
    for service, step, working_s in session.execute(finished):
        stays[service, step].append(working_s or 0)
    waiting: dict[tuple[str, str], tuple[int, int, int]] = {}
    late, stopped = func.count().filter(Task.step_due_at <= now), func.count().filter(with_applicant())
    now_open = (
        select(Task.service, Task.step, func.count(), late, stopped)
        .where(*scope.of(Task), waits_at_step())
        .group_by(Task.service, Task.step)
    )
    for service, step, count, n_late, n_stopped in session.execute(now_open):
        waiting[service, step] = (count - n_stopped, n_late, n_stopped)
    steps = {*stays, *waiting}
    blocks = {(service, step.partition(".")[0]) for service, step in steps if "." in step}
    return [_step_figure(key, stays.get(key, []), waiting.get(key, (0, 0, 0))) for key in sorted(steps - blocks)]


def _step_figure(key: tuple[str, str], stays: list[int], waiting: tuple[int, int, int]) -> StepFigure:
    stays.sort()
    return StepFigure(*key, len(stays), quantile(stays, 0.5), quantile(stays, 0.9), *waiting)


def bottleneck(figures: Iterable[StepFigure], limits_s: Mapping[tuple[str, str], int]) -> StepFigure | None:
    """The step where one case in ten overruns its limit most (p90 over limit); steps without a limit count by the
    longest p90 after those. A step that lets nothing through counts by what is late there. None where nothing is known.
    """
    known = [f for f in figures if f.n >= ENOUGH or f.stuck]
    return max(known, key=lambda f: (_strain(f, limits_s), f.p90_s, f.waiting), default=None)


def _strain(figure: StepFigure, limits_s: Mapping[tuple[str, str], int]) -> float:
    if figure.stuck:
        return 1 + figure.late / (figure.n + figure.waiting)
    limit = limits_s.get((figure.service, figure.step))
    return figure.p90_s / limit if limit else 0.0


def cases_with_applicant(session: Session, scope: Scope) -> int:
    """Open cases whose applicant must answer a correction notice."""
    waits = exists().where(Token.case_id == Case.id, Token.waits_for == "correction")
    query = select(func.count()).select_from(Case).where(*scope.of(Case), Case.status == "open", waits)
    return session.scalar(query) or 0


def decided_cases(session: Session, scope: Scope, definitions: Definitions, calendars: Calendars) -> list[Decided]:
    """Every case decided in the period, with its turnaround from acceptance to decision."""
    clock = _decision_clock(session, scope, definitions)
    query = (
        select(Case.id, Case.service, Case.area, CaseClock.key, CaseClock.started_at, CaseClock.stopped_at,
               CaseClock.pauses, CaseClock.promised_on, CaseClock.statutory_on)
        .join(CaseClock, (CaseClock.case_id == Case.id) & clock)
        .where(*scope.of(Case), CaseClock.stopped_at >= scope.since, Case.decided_at.is_not(None))
        .order_by(CaseClock.stopped_at)
    )  # fmt: skip
    return [_decided(row, calendars.for_area(row.area)) for row in session.execute(query)]


def _decision_clock(session: Session, scope: Scope, definitions: Definitions) -> ColumnElement[bool]:
    """A case's clock being that of its decision, which each version of a service may name as it likes."""
    versions = select(Definition.sha).where(exists().where(Case.def_sha == Definition.sha))
    if scope.service:
        versions = versions.where(Definition.service == scope.service)
    named: dict[str, list[str]] = defaultdict(list)
    for sha in session.scalars(versions):
        limit = definitions.by_sha(sha).limit("decision")
        if limit is not None:
            named[f"limit:{limit.name}"].append(sha)
    return or_(false(), *(and_(CaseClock.key == key, Case.def_sha.in_(shas)) for key, shas in named.items()))


def _decided(row: Row[Any], calendar: Calendar) -> Decided:
    started, stopped = row.started_at, row.stopped_at
    pauses = [(from_iso(a), min(from_iso(b), stopped) if b else stopped) for a, b, _ in row.pauses]
    paused: int = sum([calendar.working_seconds(a, b) for a, b in pauses])
    on = calendar.local_date(stopped)
    promised, statutory = row.promised_on, row.statutory_on
    return Decided(
        row.id, row.service, row.area, on,
        max(0, calendar.working_seconds(started, stopped) - paused), paused,
        promised is None or on <= promised, statutory is None or on <= statutory, row.key,
    )  # fmt: skip


def case_figures(
    session: Session, scope: Scope, decided: Sequence[Decided], calendar: Calendar, now: datetime
) -> CaseFigures:
    """The figures of the top strip. `decided` comes from `decided_cases` of the same scope."""
    today = calendar.local_date(now)
    soon = calendar.add_working_days(today, 2)
    row = session.execute(
        select(
            func.count().label("open"),
            func.count().filter(Case.promised_on < today).label("late"),
            func.count().filter(Case.promised_on.between(today, soon)).label("soon"),
        ).where(*scope.of(Case), Case.status == "open")
    ).one()
    times = sorted(d.seconds for d in decided)
    return CaseFigures(
        row.open, row.late, row.soon, len(decided), sum(d.in_promise for d in decided),
        sum(d.in_law for d in decided), quantile(times, 0.5), quantile(times, 0.9),
    )  # fmt: skip


def weekly(decided: Iterable[Decided]) -> list[tuple[date, int, int, int]]:
    """Per week (its Monday): n, median and p90 seconds, oldest first."""
    weeks: dict[date, list[int]] = defaultdict(list)
    for d in decided:
        weeks[d.decided_on - timedelta(days=d.decided_on.weekday())].append(d.seconds)
    return [(w, len(v), quantile(sorted(v), 0.5), quantile(sorted(v), 0.9)) for w, v in sorted(weeks.items())]


@dataclass(frozen=True, slots=True)
class HeldFigures:
    """Of the average case closed in the period: how long it took (office seconds, from sending to the end), and how
    much of that each holder had it: a department kind, `applicant` or `system`; most first. Departments that work at
    once each count, so that the parts may be more than the whole."""

    cases: int
    seconds: float
    by: tuple[tuple[str, float], ...]


def who_held(session: Session, scope: Scope) -> HeldFigures:
    """Only cases closed in the period count, so that half-finished ones do not look fast. The time of the draft is the
    applicant's own and is left out; time with the clock stopped was the applicant's."""
    closed = (*scope.of(Case), Case.closed_at >= scope.since, Case.received_at.is_not(None))
    n = session.scalar(select(func.count()).select_from(Case).where(*closed)) or 0
    main = (Visit.token_id == MAIN).label("main")
    rows = session.execute(
        select(main, Visit.service, Visit.step, Visit.department_id, Visit.waited_on, func.sum(Visit.working_s),
               func.sum(Visit.paused_s))
        .join(Case, Case.id == Visit.case_id)
        .where(*closed, Visit.left_at.is_not(None), Visit.entered_at >= Case.received_at)
        .group_by(main, Visit.service, Visit.step, Visit.department_id, Visit.waited_on)
    ).all()  # fmt: skip
    if not n:
        return HeldFigures(0, 0.0, ())
    blocks = {(row.service, row.step.partition(".")[0]) for row in rows if not row.main}
    held: dict[str, int] = defaultdict(int)
    whole = 0
    for is_main, service, step, department, waited_on, working, paused in rows:
        if (
            is_main
        ):  # the case itself stands in one step at a time: its stays add up to the whole, its pauses are told once
            whole += int(working or 0) + int(paused or 0)
            held["applicant"] += int(paused or 0)
        if not (is_main and (service, step) in blocks):  # the branches of a parallel step say who had it
            held[_holder(department, waited_on)] += int(working or 0)
    by = sorted(((who, total / n) for who, total in held.items() if total), key=lambda p: -p[1])
    return HeldFigures(n, whole / n, tuple(by))


def _holder(department: str | None, waited_on: str) -> str:
    kind = (department or "").partition(".")[2] if waited_on == "department" else ""
    return kind or waited_on
