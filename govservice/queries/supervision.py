"""Lists behind the supervisor's figures: every number opens the cases that make it up. No personal names: a
supervisor watches time, and an organisation's name is public."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from govservice.models.cases import Case, Task
from govservice.queries.names import organisation_names, staff_names
from govservice.queries.turnaround import OPEN_TASK, Decided, Scope
from govservice.queries.worklist import working_days_left
from govservice.worktime.calendar import Calendar

PAGE = 50


DECIDED: Mapping[str, Callable[[Decided], bool]] = {
    "decided": lambda _d: True,
    "in_promise": lambda d: d.in_promise,
    "past_promise": lambda d: not d.in_promise,
    "in_law": lambda d: d.in_law,
    "past_law": lambda d: not d.in_law,
}
OPEN_SHOWS = ("open", "late", "soon", "waiting", "late_here")


@dataclass(frozen=True, slots=True)
class Held:
    """One department's open part of a case. `late` are working days past the step's limit (0 = not late)."""

    step: str
    department_id: str
    role: str
    staff: Mapping[str, str] | None
    since: datetime
    step_due_on: date | None
    late: int
    stopped: bool


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of a list. `organisation` is empty for a person's case."""

    case_id: str
    number: str
    service: str
    area: str | None
    organisation: str
    opened_at: datetime
    received_at: datetime | None
    decided_at: datetime | None
    promised_on: date | None
    statutory_on: date | None
    late: int
    outcome: str | None
    held: tuple[Held, ...]


@dataclass(frozen=True, slots=True)
class Workload:
    """What one member of staff has in hand in one role, and what left it in the period."""

    user_id: str | None
    name: Mapping[str, str] | None
    department_id: str
    role: str
    open: int
    late: int
    done: int


def case_lines(
    session: Session, scope: Scope, show: str, calendar: Calendar, now: datetime, *, step: str | None = None,
    decided: Sequence[Decided] = (), page: int = 1, size: int = PAGE,
) -> tuple[list[CaseLine], int]:  # fmt: skip
    """A page of the cases that a figure counts, and how many there are. `decided` comes from `decided_cases` of the
    same scope: whether a decision was in time is judged in one place. Raises ValueError for an unknown `show`."""
    if show not in DECIDED and show not in OPEN_SHOWS:
        raise ValueError(show)
    if show in DECIDED:
        chosen = [d.case_id for d in reversed(decided) if DECIDED[show](d)]
        found = {
            c.id: c for c in session.scalars(select(Case).where(Case.id.in_(chosen[(page - 1) * size : page * size])))
        }
        return _lines(session, [found[i] for i in chosen if i in found], calendar, now), len(chosen)
    where = and_(*scope.of(Case), *_shown(scope, show, calendar, now, step))
    total = session.scalar(select(func.count()).select_from(Case).where(where)) or 0
    order = (Case.promised_on, Case.opened_at, Case.id)
    cases = session.scalars(select(Case).where(where).order_by(*order).limit(size).offset((page - 1) * size)).all()
    return _lines(session, cases, calendar, now), total


def case_line(session: Session, case: Case, calendar: Calendar, now: datetime) -> CaseLine:
    """One case as a line of a list."""
    return _lines(session, [case], calendar, now)[0]


def _shown(scope: Scope, show: str, calendar: Calendar, now: datetime, step: str | None) -> list[ColumnElement[bool]]:
    today = calendar.local_date(now)
    if show == "open":
        return [Case.status == "open"]
    if show == "late":
        return [Case.status == "open", Case.promised_on < today]
    if show == "soon":
        return [Case.status == "open", Case.promised_on.between(today, calendar.add_working_days(today, 2))]
    tasks = select(Task.case_id).where(*scope.of(Task), Task.status.in_(OPEN_TASK))
    tasks = tasks.where(Task.step == step) if step else tasks
    return [Case.id.in_(tasks.where(Task.step_due_at <= now) if show == "late_here" else tasks)]


def _lines(session: Session, cases: Sequence[Case], calendar: Calendar, now: datetime) -> list[CaseLine]:
    ids = [c.id for c in cases]
    tasks = session.scalars(select(Task).where(Task.case_id.in_(ids), Task.status.in_(OPEN_TASK))).all()
    staff = staff_names(session, (t.assignee_id for t in tasks if t.assignee_id))
    names = organisation_names(session, (c.organisation_id for c in cases if c.organisation_id))
    held: dict[str, list[Held]] = {}
    for task in tasks:
        held.setdefault(task.case_id, []).append(_held(task, staff, calendar, now))
    return [_line(c, names, tuple(held.get(c.id, ())), calendar, now) for c in cases]


def _held(task: Task, staff: Mapping[str, Mapping[str, str]], calendar: Calendar, now: datetime) -> Held:
    due_on = calendar.local_date(task.step_due_at - timedelta(microseconds=1)) if task.step_due_at else None
    left = working_days_left(calendar, now, due_on) if due_on else 0
    return Held(
        task.step, task.department_id, task.role, staff.get(task.assignee_id or ""), task.opened_at, due_on,
        max(0, -left), task.status == "waiting",
    )  # fmt: skip


def _line(case: Case, names: Mapping[str, str], held: tuple[Held, ...], calendar: Calendar, now: datetime) -> CaseLine:
    left = working_days_left(calendar, now, case.promised_on) if case.promised_on and case.status == "open" else 0
    return CaseLine(
        case.id, case.number, case.service, case.area, names.get(case.organisation_id or "", ""), case.opened_at,
        case.received_at, case.decided_at, case.promised_on, case.statutory_on, max(0, -left), case.outcome, held,
    )  # fmt: skip


def workload(session: Session, scope: Scope, now: datetime) -> list[Workload]:
    """Open, late and done tasks per member of staff and role; tasks that nobody claimed stand under nobody."""
    rows = session.execute(
        select(
            Task.assignee_id, Task.department_id, Task.role,
            func.count().filter(Task.status.in_(OPEN_TASK)),
            func.count().filter(and_(Task.status.in_(OPEN_TASK), Task.step_due_at <= now)),
            func.count().filter(and_(Task.status == "done", Task.done_at >= scope.since)),
        )
        .where(*scope.of(Task))
        .group_by(Task.assignee_id, Task.department_id, Task.role)
    ).all()  # fmt: skip
    names = staff_names(session, (r[0] for r in rows if r[0]))
    found = [Workload(r[0], names.get(r[0] or ""), *r[1:]) for r in rows if r[3] or r[5]]
    return sorted(found, key=lambda w: (-w.late, -w.open, w.department_id, w.role))
