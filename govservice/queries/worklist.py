"""The worklist: open tasks of the roles a clerk holds, the most urgent first.

One page costs one index range (`ix_tasks_worklist`) a role, never a look into the log. Work comes first, by due
instant; then what waits for the applicant. What is only to be seen (a step brought to a superior's attention, the
departments' work that a lead watches) is a list of its own. The order is stable under paging by key.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from govservice.models.cases import Case, Task, Token
from govservice.queries.cases_like import cases_like
from govservice.queries.lateness import Late, lateness
from govservice.queries.names import organisation_names, person_names, staff_names
from govservice.queries.recusals import closed_to
from govservice.worktime.calendar import Calendar

PAGE = 50
OPEN = ("open", "waiting")
URGENCIES = ("late", "today", "soon", "later", "stopped")  # of work, in the order of the list
WATCHED = "watched"  # nothing to do, only to be seen
SOON = 2  # working days


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the list. `days` are working days until the due day (0 = today); `late` where it has passed."""

    case_id: str
    token_id: int
    number: str
    service: str
    def_sha: str  # of the version that the case is pinned to: it knows the step's title
    step: str
    department_id: str
    role: str
    applicant: str
    person_id: str | None  # whose name was opened, for the access record; None for organisations
    due_on: date | None
    due_kind: str | None
    days: int | None
    late: Late | None
    urgency: str
    opened_at: datetime
    age: int  # working days in the step
    assignee_id: str | None
    assignee: dict[str, str] | None
    promised_on: date | None
    statutory_on: date | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What the clerk chose. `urgency`: one of URGENCIES or WATCHED. `whose`: all | me | nobody | mine_or_nobody."""

    urgency: str | None = None
    service: str | None = None
    step: str | None = None
    whose: str = "all"
    text: str | None = None  # a case number, or part of an organisation's name


@dataclass(frozen=True, slots=True)
class Worklist:
    """One page. `counts` are of what the other filters leave, by urgency, WATCHED and "all"; `total` is of all work."""

    rows: tuple[Row, ...]
    counts: dict[str, int]
    total: int
    services: tuple[str, ...]
    steps: tuple[tuple[str, str], ...]  # (service, step)
    next_key: tuple[str, str] | None  # (due instant ISO, task id) of the last row, where more follow


Key = tuple[datetime | None, str]  # of a row: the due instant of work, None for what has none; the task's id


def worklist(
    session: Session,
    roles: Iterable[tuple[str, str]],
    user_id: str | tuple[str, ...],
    filters: Filters,
    calendar: Calendar,
    now: datetime,
    after: Key | None = None,
    limit: int = PAGE,
) -> Worklist:
    """The tasks of (role, department id) pairs. Empty where the clerk holds no role. `user_id`: the clerk, and the
    absent colleagues for whom they stand in."""
    ids = (user_id,) if isinstance(user_id, str) else user_id
    mine = roles_clause(roles)
    if mine is None:
        return Worklist((), dict.fromkeys(("all", *URGENCIES, WATCHED), 0), 0, (), (), None)
    base = and_(mine, Task.status.in_(OPEN), ~closed_to(ids[0], Task.case_id))
    chosen, urgency = and_(base, *_filter_clauses(filters, ids)), _urgency(calendar, now)
    wanted = filters.urgency if filters.urgency in (*URGENCIES, WATCHED) else None
    shown = and_(chosen, urgency == wanted if wanted else urgency != WATCHED)
    tasks = _page(session, shown, after, limit + 1)
    more = len(tasks) > limit
    rows = rows_of(session, tasks[:limit], calendar, now)
    kinds = session.execute(
        select(Task.service, Task.step).where(base).distinct().order_by(Task.service, Task.step)
    ).all()
    counts = _counts(session, chosen, urgency)
    narrowed = filters.service or filters.step or filters.text or filters.whose != "all"
    return Worklist(
        rows,
        counts,
        _counts(session, base, urgency)["all"] if narrowed else counts["all"],
        tuple(dict.fromkeys(k.service for k in kinds)),
        tuple((k.service, k.step) for k in kinds),
        _key(tasks[limit - 1]) if more else None,
    )


def roles_clause(roles: Iterable[tuple[str, str]]) -> ColumnElement[bool] | None:
    """Tasks of any of the (role, department id) pairs; None for no pair."""
    clauses = [and_(Task.department_id == department, Task.role == role) for role, department in roles]
    return or_(*clauses) if clauses else None


@cache  # expressions are immutable; building this one costs more than running it
def is_watched() -> ColumnElement[bool]:
    """The task is only to be seen: it was brought to a superior's attention while another role has the step, or it is
    a lead's while the departments work. Its row says `waiting` as one does whose applicant must answer first."""
    other = aliased(Task)
    own_task_elsewhere = exists().where(
        other.case_id == Task.case_id, other.token_id == Task.token_id, other.status.in_(OPEN),
        other.opened_seq < Task.opened_seq,
    )  # fmt: skip
    waits = Token.waits_for.in_(("correction", "correction_notice"))
    with_applicant = exists().where(Token.case_id == Task.case_id, Token.id == Task.token_id, waits)
    return and_(Task.status == "waiting", or_(own_task_elsewhere, not_(with_applicant)))


def _key(task: Task) -> tuple[str, str]:
    due = task.due_at if task.status == "open" else None
    return (due.isoformat() if due else "", task.id)


def _page(session: Session, where: ColumnElement[bool], after: Key | None, limit: int) -> Sequence[Task]:
    """Work by due instant, then work without one and what waits, by age (ids grow)."""
    parts = [(and_(where, _dated()), (Task.due_at, Task.id)), (and_(where, not_(_dated())), (Task.id,))]
    found: list[Task] = []
    for dated, (clause, order) in zip((True, False), parts, strict=True):
        if after is not None and dated and after[0] is None:
            continue  # the page before ended behind all dated work
        query = select(Task).where(clause, *_later(after, dated)).order_by(*order).limit(limit - len(found))
        found += session.scalars(query).all() if len(found) < limit else []
    return found


def _dated() -> ColumnElement[bool]:
    return and_(Task.status == "open", Task.due_at.is_not(None))


def _later(after: Key | None, dated: bool) -> list[ColumnElement[bool]]:
    if after is None:
        return []
    due, task_id = after
    if due is None:
        return [Task.id > task_id]
    return [or_(Task.due_at > due, and_(Task.due_at == due, Task.id > task_id))] if dated else []


def _bounds(calendar: Calendar, now: datetime) -> tuple[datetime, datetime]:
    """The ends of today and of the second working day from today: due instants are 00:00 of the day after."""
    today = calendar.local_date(now)
    return calendar.end_of(today), calendar.end_of(calendar.add_working_days(today, SOON))


def _urgency(calendar: Calendar, now: datetime) -> ColumnElement[str]:
    """The urgency of a task: one of URGENCIES or WATCHED."""
    end_of_today, end_of_soon = _bounds(calendar, now)
    return case(
        (Task.status == "waiting", case((is_watched(), WATCHED), else_="stopped")),
        (Task.due_at <= now, "late"),
        (Task.due_at <= end_of_today, "today"),
        (Task.due_at <= end_of_soon, "soon"),
        else_="later",
    )


def _filter_clauses(filters: Filters, ids: tuple[str, ...]) -> list[ColumnElement[bool]]:
    clauses: list[ColumnElement[bool]] = []
    if filters.service:
        clauses.append(Task.service == filters.service)
    if filters.step:
        clauses.append(Task.step == filters.step)
    if filters.whose == "me":
        clauses.append(Task.assignee_id.in_(ids))
    elif filters.whose == "nobody":
        clauses.append(Task.assignee_id.is_(None))
    elif filters.whose == "mine_or_nobody":
        clauses.append(or_(Task.assignee_id.is_(None), Task.assignee_id.in_(ids)))
    if filters.text:
        clauses.append(Task.case_id.in_(cases_like(filters.text)))
    return clauses


def _counts(session: Session, base: ColumnElement[bool], urgency: ColumnElement[str]) -> dict[str, int]:
    found = select(urgency.label("urgency")).where(base).subquery()
    rows = session.execute(select(found.c.urgency, func.count()).group_by(found.c.urgency))
    counts = dict.fromkeys((*URGENCIES, WATCHED), 0) | {name: int(count) for name, count in rows}
    return {"all": sum(counts[u] for u in URGENCIES), **counts}


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
    due_on = calendar.last_day(task.due_at) if task.due_at else None
    days = working_days_left(calendar, now, due_on) if due_on else None
    return Row(
        case.id, task.token_id, case.number, task.service, case.def_sha, task.step, task.department_id, task.role,
        organisations[case.organisation_id] if case.organisation_id else people[case.applicant_id],
        None if case.organisation_id else case.applicant_id,
        due_on, task.due_kind, days, lateness(calendar, now, task.due_at), urgency_of(task, calendar, now),
        task.opened_at,
        calendar.working_days_between(calendar.local_date(task.opened_at), calendar.local_date(now)),
        task.assignee_id, staff.get(task.assignee_id or ""), case.promised_on, case.statutory_on,
    )  # fmt: skip


def working_days_left(calendar: Calendar, now: datetime, due_on: date) -> int:
    """Working days from today to the due day: 0 = due today, or past (`lateness` says since when)."""
    return max(0, calendar.working_days_between(calendar.local_date(now), due_on))


def urgency_of(task: Task, calendar: Calendar, now: datetime) -> str:
    """The word for a task, by the same comparisons as the counts; one that waits has none of its own."""
    if task.status != "open":
        return "stopped"
    if task.due_at is None:
        return "later"
    end_of_today, end_of_soon = _bounds(calendar, now)
    steps = ((now, "late"), (end_of_today, "today"), (end_of_soon, "soon"))
    return next((word for until, word in steps if task.due_at <= until), "later")
