"""The worklist: open tasks of the roles a clerk holds, the most urgent first.

One page costs one index range (`ix_tasks_worklist`) a role, never a look into the log. The order is by due instant,
so it is stable under paging by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy import case as sql_case
from sqlalchemy.orm import Session

from govservice.models.cases import Case, Task
from govservice.models.people import Organisation
from govservice.queries.names import organisation_names, person_names, staff_names
from govservice.worktime.calendar import Calendar

PAGE = 50
OPEN = ("open", "waiting")
URGENCIES = ("late", "today", "soon", "later", "stopped")
SOON = 2  # working days


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. `days` are working days until the due day (0 = today, negative = late)."""

    task_id: str
    case_id: str
    token_id: int
    number: str
    service: str
    step: str
    department_id: str
    role: str
    applicant: str
    person_id: str | None  # whose name was opened, for the access record; None for organisations
    due_on: date | None
    due_kind: str | None
    days: int | None
    urgency: str
    opened_at: datetime
    age: int  # working days in the step
    assignee_id: str | None
    assignee: dict[str, str] | None
    promised_on: date | None
    statutory_on: date | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the clerk chose. `whose`: all | me | nobody | mine_or_nobody."""

    urgency: str | None = None
    service: str | None = None
    step: str | None = None
    whose: str = "all"
    text: str | None = None  # a case number, or part of an organisation's name


@dataclass(frozen=True, slots=True)
class Worklist:
    rows: tuple[Row, ...]
    counts: dict[str, int]  # by urgency, and "all"
    services: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]  # (service, step)
    next_key: tuple[str, str] | None  # (due instant ISO, task id) of the last row, where more follow


def worklist(
    session: Session,
    roles: Iterable[tuple[str, str]],
    user_id: str,
    filters: Filters,
    calendar: Calendar,
    now: datetime,
    after: tuple[datetime | None, str] | None = None,
    limit: int = PAGE,
) -> Worklist:
    """The tasks of (role, department id) pairs. Empty where the clerk holds no role."""
    mine = roles_clause(roles)
    if mine is None:
        return Worklist((), dict.fromkeys(("all", *URGENCIES), 0), (), (), None)
    base = and_(mine, Task.status.in_(OPEN))
    chosen = and_(base, *_filter_clauses(filters, user_id, calendar, now))
    tasks = _page(session, chosen, after, limit + 1)
    more = len(tasks) > limit
    rows = rows_of(session, tasks[:limit], calendar, now)
    kinds = session.execute(
        select(Task.service, Task.step).where(base).distinct().order_by(Task.service, Task.step)
    ).all()
    last = tasks[limit - 1] if more else None
    return Worklist(
        rows,
        _counts(session, base, calendar, now),
        tuple(dict.fromkeys(k.service for k in kinds)),
        tuple((k.service, k.step) for k in kinds),
        ((last.due_at.isoformat() if last.due_at else ""), last.id) if last else None,
    )


def roles_clause(roles: Iterable[tuple[str, str]]) -> ColumnElement[bool] | None:
    """Tasks of any of the (role, department id) pairs; None for no pair."""
    clauses = [and_(Task.department_id == department, Task.role == role) for role, department in roles]
    return or_(*clauses) if clauses else None


def _page(
    session: Session, where: ColumnElement[bool], after: tuple[datetime | None, str] | None, limit: int
) -> Sequence[Task]:
    # Waiting tasks (clock stopped) have no due instant and stand last.
    order = (sql_case((Task.due_at.is_(None), 1), else_=0), Task.due_at, Task.id)
    query = select(Task).where(where).order_by(*order).limit(limit)
    if after is not None:
        due, task_id = after
        later = (
            and_(Task.due_at.is_(None), Task.id > task_id)
            if due is None
            else or_(Task.due_at > due, and_(Task.due_at == due, Task.id > task_id), Task.due_at.is_(None))
        )
        query = query.where(later)
    return session.scalars(query).all()


def _bounds(calendar: Calendar, now: datetime) -> tuple[datetime, datetime]:
    """The ends of today and of the second working day from today: due instants are 00:00 of the day after."""
    today = calendar.local_date(now)
    return calendar.end_of(today), calendar.end_of(calendar.add_working_days(today, SOON))


def _urgency_clause(urgency: str, calendar: Calendar, now: datetime) -> ColumnElement[bool]:
    end_of_today, end_of_soon = _bounds(calendar, now)
    clauses = {
        "late": Task.due_at <= now,
        "today": and_(Task.due_at > now, Task.due_at <= end_of_today),
        "soon": and_(Task.due_at > end_of_today, Task.due_at <= end_of_soon),
        "later": Task.due_at > end_of_soon,
        "stopped": Task.due_at.is_(None),
    }
    return clauses[urgency]


def _filter_clauses(filters: Filters, user_id: str, calendar: Calendar, now: datetime) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if filters.urgency in URGENCIES:
        clauses.append(_urgency_clause(filters.urgency, calendar, now))
    if filters.service:
        clauses.append(Task.service == filters.service)
    if filters.step:
        clauses.append(Task.step == filters.step)
    if filters.whose == "me":
        clauses.append(Task.assignee_id == user_id)
    elif filters.whose == "nobody":
        clauses.append(Task.assignee_id.is_(None))
    elif filters.whose == "mine_or_nobody":
        clauses.append(or_(Task.assignee_id.is_(None), Task.assignee_id == user_id))
    if filters.text:
        clauses.append(Task.case_id.in_(_cases_like(filters.text)))
    return clauses


def _cases_like(text: str) -> Sequence[str] | object:
    """Cases by number (however its groups were typed) or by part of an organisation's name."""
    like = "%" + text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    organisations = select(Organisation.id).where(Organisation.name.like(like, escape="\\"))
    return select(Case.id).where(or_(Case.number == text.strip().upper(), Case.organisation_id.in_(organisations)))


def _counts(session: Session, base: ColumnElement[bool], calendar: Calendar, now: datetime) -> dict[str, int]:
    columns = [func.count().filter(_urgency_clause(u, calendar, now)).label(u) for u in URGENCIES]
    row = session.execute(select(func.count().label("all"), *columns).select_from(Task).where(base)).one()
    return {name: int(getattr(row, name)) for name in ("all", *URGENCIES)}


def rows_of(session: Session, tasks: Sequence[Task], calendar: Calendar, now: datetime) -> tuple[Row, ...]:
    """Lines for tasks, in their order, with three statements for all names."""
    cases = {c.id: c for c in session.scalars(select(Case).where(Case.id.in_({t.case_id for t in tasks})))}
    organisations = organisation_names(session, (c.organisation_id for c in cases.values() if c.organisation_id))
    people = person_names(session, (c.applicant_id for c in cases.values() if not c.organisation_id))
    staff = staff_names(session, (t.assignee_id for t in tasks if t.assignee_id))
    return tuple(_row(t, cases[t.case_id], organisations, people, staff, calendar, now) for t in tasks)


def _row(
    task: Task, case: Case, organisations: dict[str, str], people: dict[str, str],
    staff: dict[str, dict[str, str]], calendar: Calendar, now: datetime,
) -> Row:  # fmt: skip
    due_on = calendar.local_date(task.due_at - timedelta(microseconds=1)) if task.due_at else None
    days = working_days_left(calendar, now, due_on) if due_on else None
    return Row(
        task.id, case.id, task.token_id, case.number, task.service, task.step, task.department_id, task.role,
        organisations[case.organisation_id] if case.organisation_id else people[case.applicant_id],
        None if case.organisation_id else case.applicant_id,
        due_on, task.due_kind, days, urgency_of(days), task.opened_at,
        calendar.working_days_between(calendar.local_date(task.opened_at), calendar.local_date(now)),
        task.assignee_id, staff.get(task.assignee_id or ""), case.promised_on, case.statutory_on,
    )  # fmt: skip


def working_days_left(calendar: Calendar, now: datetime, due_on: date) -> int:
    """Working days from today to the due day: 0 = due today, -1 = one working day late."""
    today = calendar.local_date(now)
    if due_on >= today:
        return calendar.working_days_between(today, due_on)
    return -max(1, calendar.working_days_between(due_on, today))


def urgency_of(days: int | None) -> str:
    """The word for a distance in working days."""
    if days is None:
        return "stopped"
    if days < 0:
        return "late"
    return "today" if days == 0 else "soon" if days <= SOON else "later"
