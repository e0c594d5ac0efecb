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

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from govservice.models.base import from_iso
from govservice.models.cases import Case, CaseClock, Task, Visit
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
    """One step: finished stays in the period (`n`, quantiles in office seconds), what waits there now, what is late."""

    service: str
    step: str
    role: str | None
    department: str | None  # the kind: "fire_rescue"
    n: int
    median_s: int
    p90_s: int
    waiting: int
    late: int
    stopped: int  # of those waiting, with the clock stopped (the applicant corrects)


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


def quantile(ordered: Sequence[int], share: float) -> int:
    """The nearest-rank quantile of ordered values: the smallest value that `share` of them do not exceed; 0 of none."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else 0


def step_figures(session: Session, scope: Scope, now: datetime) -> list[StepFigure]:
    """Figures per service and step of departments, in no particular order."""
    stays: dict[tuple[str, str], list[int]] = defaultdict(list)
    holders: dict[tuple[str, str], tuple[str | None, str | None]] = {}
    finished = select(Visit.service, Visit.step, Visit.role, Visit.department_id, Visit.working_s).where(
        *scope.of(Visit), Visit.left_at >= scope.since, Visit.waited_on == "department", Visit.working_s.is_not(None)
    )
    for row in session.execute(finished):
        stays[row.service, row.step].append(row.working_s)
        holders[row.service, row.step] = (row.role, row.department_id)
    waiting: dict[tuple[str, str], tuple[int, int, int]] = {}
    late = func.count().filter(Task.step_due_at <= now)
    stopped = func.count().filter(Task.status == "waiting")
    now_open = (
        select(Task.service, Task.step, func.max(Task.role), func.max(Task.department_id), func.count(), late, stopped)
        .where(*scope.of(Task), Task.status.in_(OPEN_TASK))
        .group_by(Task.service, Task.step)
    )
    for service, step, role, department, count, n_late, n_stopped in session.execute(now_open):
        waiting[service, step] = (count, n_late, n_stopped)
        holders.setdefault((service, step), (role, department))
    return [_step_figure(key, stays[key], holders[key], waiting.get(key, (0, 0, 0))) for key in sorted(holders)]


def _step_figure(
    key: tuple[str, str], stays: list[int], holder: tuple[str | None, str | None], waiting: tuple[int, int, int]
) -> StepFigure:
    stays = sorted(stays)
    department = holder[1].partition(".")[2] if holder[1] else None
    return StepFigure(
        *key, holder[0], department, len(stays), quantile(stays, 0.5), quantile(stays, 0.9), *waiting
    )  # fmt: skip


def bottleneck(figures: Iterable[StepFigure], limits_s: Mapping[tuple[str, str], int]) -> StepFigure | None:
    """The step where one case in ten overruns its limit most (p90 over limit); steps without a limit count by the
    longest p90 after those. None where no step has enough finished stays."""
    known = [f for f in figures if f.n >= ENOUGH]
    if not known:
        return None
    return max(known, key=lambda f: (_strain(f, limits_s), f.p90_s, f.waiting))


def _strain(figure: StepFigure, limits_s: Mapping[tuple[str, str], int]) -> float:
    limit = limits_s.get((figure.service, figure.step))
    return figure.p90_s / limit if limit else 0.0


def decided_cases(session: Session, scope: Scope, calendars: Calendars) -> list[Decided]:
    """Every case decided in the period, with its turnaround from acceptance to decision."""
    query = (
        select(Case.id, Case.service, Case.area, CaseClock.started_at, CaseClock.stopped_at, CaseClock.pauses,
               CaseClock.promised_on, CaseClock.statutory_on)
        .join(CaseClock, (CaseClock.case_id == Case.id) & (CaseClock.key == "limit:decision"))
        .where(*scope.of(Case), CaseClock.stopped_at >= scope.since, Case.decided_at.is_not(None))
        .order_by(CaseClock.stopped_at)
    )  # fmt: skip
    return [_decided(row, calendars.for_area(row.area)) for row in session.execute(query)]


def _decided(row: object, calendar: Calendar) -> Decided:
    started, stopped = row.started_at, row.stopped_at  # type: ignore[attr-defined]
    paused = sum(
        calendar.working_seconds(from_iso(a), min(from_iso(b), stopped) if b else stopped)
        for a, b, _kind in row.pauses  # type: ignore[attr-defined]
    )
    on = calendar.local_date(stopped)
    promised, statutory = row.promised_on, row.statutory_on  # type: ignore[attr-defined]
    return Decided(
        row.id, row.service, row.area, on,  # type: ignore[attr-defined]
        max(0, calendar.working_seconds(started, stopped) - paused), paused,
        promised is None or on <= promised, statutory is None or on <= statutory,
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


def who_held(session: Session, scope: Scope) -> list[tuple[str, float]]:
    """Average office seconds per decided case by who held it: a department kind, `applicant` or `system`; most first.

    Only cases closed in the period count, so that half-finished ones do not look fast.
    """
    closed = select(Case.id).where(*scope.of(Case), Case.closed_at >= scope.since).subquery()
    n = session.scalar(select(func.count()).select_from(closed)) or 0
    held: dict[str, int] = defaultdict(int)
    rows = session.execute(
        select(Visit.department_id, Visit.waited_on, func.sum(Visit.working_s), func.sum(Visit.paused_s))
        .where(Visit.case_id.in_(select(closed.c.id)), Visit.left_at.is_not(None))
        .group_by(Visit.department_id, Visit.waited_on)
    )
    for department, waited_on, working, paused in rows:
        who = (department or "").partition(".")[2] if waited_on == "department" else waited_on
        held[who or waited_on] += int(working or 0)
        held["applicant"] += int(paused or 0)
    return sorted(((who, total / n) for who, total in held.items() if total), key=lambda p: -p[1]) if n else []


def late_cases(session: Session, scope: Scope, now: datetime, limit: int = 50) -> Sequence[Task]:
    """Open tasks past their step's limit, the longest late first."""
    return session.scalars(
        select(Task)
        .where(*scope.of(Task), Task.status.in_(OPEN_TASK), Task.step_due_at <= now)
        .order_by(Task.step_due_at, Task.id)
        .limit(limit)
    ).all()
