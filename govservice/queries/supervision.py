"""Lists behind the supervisor's figures: every number opens the cases that make it up. No personal names: a
supervisor watches time, and an organisation's name is public."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, exists, func, not_, select
from sqlalchemy.orm import Session

from govservice.models.accounts import User
from govservice.models.cases import Case, CaseClock, Task, Token, Visit
from govservice.models.papers import IssuedDocument
from govservice.queries.fees import waits_for_payment
from govservice.queries.lateness import Late, lateness
from govservice.queries.names import organisation_names, staff_names
from govservice.queries.standing import counted
from govservice.queries.turnaround import OPEN_TASK, Decided, Scope, waits_at_step, with_applicant
from govservice.queries.worklist import SOON, is_watched
from govservice.worktime.calendar import Calendar
from govservice.worktime.duration import Duration

PAGE = 50
UNCLAIMED_AFTER = 1  # working day in which nobody took a task: then supervision sees it


DECIDED: Mapping[str, Callable[[Decided], bool]] = {
    "decided": lambda _d: True,
    "in_promise": lambda d: d.in_promise,
    "past_promise": lambda d: not d.in_promise,
    "in_law": lambda d: d.in_law,
    "past_law": lambda d: not d.in_law,
}
OPEN_SHOWS = ("open", "late", "soon", "waiting", "late_here", "stopped", "unclaimed", "deemed", "revoked", "unpaid")
SHOWS = frozenset({*DECIDED, *OPEN_SHOWS, "finished"})
NOBODY = "nobody"  # instead of a user's id: tasks that nobody has taken


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a figure: one step; the tasks of one member of staff (or NOBODY) in one role of one department."""

    step: str | None = None
    staff: str | None = None
    role: str | None = None
    department_id: str | None = None

    def of_tasks(self) -> list[ColumnElement[bool]]:
        clauses: list[ColumnElement[bool]] = [Task.step == self.step] if self.step else []
        if self.staff:
            clauses.append(Task.assignee_id.is_(None) if self.staff == NOBODY else Task.assignee_id == self.staff)
        if self.role:
            clauses.append(Task.role == self.role)
        if self.department_id:
            clauses.append(Task.department_id == self.department_id)
        return clauses

    def of_visits(self) -> list[ColumnElement[bool]]:
        clauses: list[ColumnElement[bool]] = [Visit.step == self.step] if self.step else []
        if self.department_id:
            clauses.append(Visit.department_id == self.department_id)
        return clauses


WHOLE = Part()


@dataclass(frozen=True, slots=True)
class Held:
    """One department's open part of a case. `late`: the step's limit has passed."""

    step: str
    department_id: str
    role: str
    staff: Mapping[str, str] | None
    since: datetime
    step_due_on: date | None
    late: Late | None
    stopped: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """How long a decision took, beside what was promised and what the law gives; counted as these are counted: without
    pauses, the day of the decision included."""

    took: Duration
    promised: Duration | None
    statutory: Duration
    promised_on: date | None
    statutory_on: date | None
    in_promise: bool
    in_law: bool


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of a list. `organisation` is empty for a person's case; `taken` stands in lists of decided ones."""

    case_id: str
    number: str
    service: str
    def_sha: str
    area: str | None
    organisation: str
    opened_at: datetime
    received_at: datetime | None
    decided_at: datetime | None
    promised_on: date | None
    statutory_on: date | None
    late: Late | None  # the promised day has passed
    outcome: str | None
    held: tuple[Held, ...]
    taken: Taken | None = None

    @property
    def worst(self) -> Late | None:
        """What has been late longest: the promise or one of the steps where the case stands."""
        passed = [late for late in (self.late, *(h.late for h in self.held)) if late is not None]
        return min(passed, key=lambda late: late.due_at, default=None)


@dataclass(frozen=True, slots=True)
class Workload:
    """How many cases one member of staff (None: nobody yet) has in hand in one role, how many of them are late, and
    how many steps they finished in the period."""

    user_id: str | None
    name: Mapping[str, str] | None
    department_id: str
    role: str
    open: int
    late: int
    done: int


def case_lines(
    session: Session, scope: Scope, show: str, calendar: Calendar, now: datetime, *, part: Part = WHOLE,
    decided: Sequence[Decided] = (), page: int = 1, size: int = PAGE,
) -> tuple[list[CaseLine], int]:  # fmt: skip
    """A page of the cases that a figure counts, and how many there are. `decided` comes from `decided_cases` of the
    same scope: whether a decision was in time is judged in one place. Raises ValueError for an unknown `show`."""
    if show not in SHOWS:
        raise ValueError(show)
    if show in DECIDED:
        chosen = [d for d in reversed(decided) if DECIDED[show](d)]
        return _decided_lines(session, chosen[(page - 1) * size : page * size], calendar, now), len(chosen)
    query = _shown(scope, show, calendar, now, part)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    cases = session.scalars(query.limit(size).offset((page - 1) * size)).all()
    return _lines(session, cases, calendar, now), total


def _decided_lines(session: Session, chosen: Sequence[Decided], calendar: Calendar, now: datetime) -> list[CaseLine]:
    """Decided cases in the order given, each with the days it took."""
    ids = [d.case_id for d in chosen]
    cases = {c.id: c for c in session.scalars(select(Case).where(Case.id.in_(ids)))}
    clocks = {(c.case_id, c.key): c for c in session.scalars(select(CaseClock).where(CaseClock.case_id.in_(ids)))}
    lines = _lines(session, [cases[id] for id in ids if id in cases], calendar, now)
    found = {d.case_id: (d, clocks[d.case_id, d.clock]) for d in chosen if (d.case_id, d.clock) in clocks}
    return [replace(line, taken=_taken(*found[line.case_id], calendar)) for line in lines if line.case_id in found]


def _taken(decided: Decided, clock: CaseClock, calendar: Calendar) -> Taken | None:
    took = counted(calendar, clock)
    if took is None:
        return None
    promised = Duration.parse(clock.promised) if clock.promised else None
    return Taken(took, promised, Duration.parse(clock.statutory), clock.promised_on, clock.statutory_on,
                 decided.in_promise, decided.in_law)  # fmt: skip


def unpaid_cases(session: Session, scope: Scope) -> int:
    """How many open cases wait for their fee."""
    waiting = select(func.count()).select_from(Case).where(*scope.of(Case), Case.status == "open", waits_for_payment())
    return session.scalar(waiting) or 0


def case_line(session: Session, case: Case, calendar: Calendar, now: datetime) -> CaseLine:
    """One case as a line of a list."""
    return _lines(session, [case], calendar, now)[0]


def _shown(scope: Scope, show: str, calendar: Calendar, now: datetime, part: Part) -> Select[Case]:
    """The cases in the order in which somebody should look at them."""
    today = calendar.local_date(now)
    if show == "finished":  # at this step or department, in the period; the newest first
        last = func.max(Visit.left_at).label("at")
        ended = select(Visit.case_id, last).where(
            *scope.of(Visit), Visit.left_at >= scope.since, Visit.waited_on == "department",
            Visit.working_s.is_not(None), *part.of_visits(),
        )  # fmt: skip
        done = ended.group_by(Visit.case_id).subquery()
        return select(Case).join(done, done.c.case_id == Case.id).order_by(done.c.at.desc(), Case.id)
    cases = select(Case).where(*scope.of(Case), Case.status == "open")
    worked = select(Case).where(*scope.of(Case))  # a check of a pledge is work in a case that has closed
    by_promise = (Case.promised_on.is_(None), Case.promised_on, Case.opened_at, Case.id)
    if show == "open":
        return cases.order_by(*by_promise)
    if show == "late":
        return cases.where(Case.promised_on < today).order_by(*by_promise)
    if show == "soon":
        soon = calendar.add_working_days(today, SOON)
        return cases.where(Case.promised_on.between(today, soon)).order_by(*by_promise)
    if show == "unclaimed":
        task = select(Task.case_id, func.min(Task.opened_at).label("since"))
        task = task.where(*scope.of(Task), *part.of_tasks(), unclaimed(calendar, now)).group_by(Task.case_id)
        waiting = task.subquery()
        return worked.join(waiting, waiting.c.case_id == Case.id).order_by(waiting.c.since, Case.id)
    if show == "revoked":
        document = exists().where(
            IssuedDocument.case_id == Case.id,
            IssuedDocument.revoked_at >= scope.since,
            IssuedDocument.revoked_at <= now,
        )
        return select(Case).where(*scope.of(Case), document).order_by(Case.closed_at.desc(), Case.id)
    if show == "deemed":
        acted = exists().where(Visit.case_id == Case.id, by_law(scope))
        return select(Case).where(*scope.of(Case), acted).order_by(Case.received_at.desc(), Case.id)
    if show == "unpaid":
        return cases.where(waits_for_payment()).order_by(Case.opened_at, Case.id)
    if show == "stopped" and not part.of_tasks():
        waits = exists().where(Token.case_id == Case.id, Token.waits_for == "correction")
        return cases.where(waits).order_by(Case.opened_at, Case.id)
    kind = {
        "waiting": not_(with_applicant()), "late_here": Task.step_due_at <= now, "stopped": with_applicant(),
    }[show]  # fmt: skip
    held = select(Task.case_id, func.min(Task.step_due_at).label("due"))
    held = held.where(*scope.of(Task), waits_at_step(), kind, *part.of_tasks()).group_by(Task.case_id)
    first = held.subquery()
    return worked.join(first, first.c.case_id == Case.id).order_by(first.c.due.is_(None), first.c.due, Case.id)


def unclaimed(calendar: Calendar, now: datetime) -> ColumnElement[bool]:
    """Tasks that nobody has taken although a whole working day lies between their opening and today."""
    today = calendar.local_date(now)
    opened_on = today
    while calendar.working_days_between(opened_on, today) <= UNCLAIMED_AFTER:
        opened_on -= timedelta(days=1)
    return and_(Task.status == "open", Task.assignee_id.is_(None), Task.opened_at < calendar.end_of(opened_on))


def by_law(scope: Scope) -> ColumnElement[bool]:
    """Stays that ended because nobody acted in time and the law or the definition let silence count: the system took
    an action of people (deemed acceptance, deemed consent)."""
    of_people = and_(Visit.role.is_not(None), Visit.waited_on == "department", not_(Visit.action.startswith("@")))
    return and_(Visit.left_at >= scope.since, Visit.actor == "system", of_people)


def _lines(session: Session, cases: Sequence[Case], calendar: Calendar, now: datetime) -> list[CaseLine]:
    ids = [c.id for c in cases]
    tasks = session.scalars(select(Task).where(Task.case_id.in_(ids), waits_at_step())).all()
    staff = staff_names(session, (t.assignee_id for t in tasks if t.assignee_id))
    names = organisation_names(session, (c.organisation_id for c in cases if c.organisation_id))
    held: dict[str, list[Held]] = {}
    for task in tasks:
        held.setdefault(task.case_id, []).append(_held(task, staff, calendar, now))
    return [_line(c, names, tuple(held.get(c.id, ())), calendar, now) for c in cases]


def _held(task: Task, staff: Mapping[str, Mapping[str, str]], calendar: Calendar, now: datetime) -> Held:
    due_on = calendar.last_day(task.step_due_at) if task.step_due_at else None
    return Held(
        task.step, task.department_id, task.role, staff.get(task.assignee_id or ""), task.opened_at, due_on,
        lateness(calendar, now, task.step_due_at), task.status == "waiting",
    )  # fmt: skip


def _line(case: Case, names: Mapping[str, str], held: tuple[Held, ...], calendar: Calendar, now: datetime) -> CaseLine:
    runs = case.promised_on is not None and case.status == "open"
    late = lateness(calendar, now, calendar.end_of(case.promised_on)) if runs and case.promised_on else None
    return CaseLine(
        case.id, case.number, case.service, case.def_sha, case.area, names.get(case.organisation_id or "", ""),
        case.opened_at, case.received_at, case.decided_at, case.promised_on, case.statutory_on, late,
        case.outcome, held,
    )  # fmt: skip


Whose = tuple[str | None, str, str]  # member of staff (None: nobody), department, role


def _acted() -> ColumnElement[bool]:
    """A stay that somebody's own action ended, not one that another's act took away (`@cancelled`)."""
    return Visit.action.not_like("@%")


def workload(session: Session, scope: Scope, now: datetime) -> list[Workload]:
    """Cases in hand, late ones among them, and steps finished, per member of staff and role. What nobody claimed stands
    under nobody; what was done stands under whoever did it, claimed or not. Cases whose applicant must answer are in
    nobody's hand."""
    in_hand = and_(Task.status.in_(OPEN_TASK), not_(is_watched()), not_(with_applicant()))
    of_case = func.count(Task.case_id.distinct())
    held = session.execute(
        select(Task.assignee_id, Task.department_id, Task.role, of_case, of_case.filter(Task.step_due_at <= now))
        .where(*scope.of(Task), in_hand)
        .group_by(Task.assignee_id, Task.department_id, Task.role)
    ).all()
    acted = session.execute(
        select(Visit.actor, Visit.department_id, Visit.role, func.count())
        .join(User, (User.id == Visit.actor) & (User.kind == "staff"))  # who withdraws leaves a step too
        .where(*scope.of(Visit), Visit.left_at >= scope.since, Visit.role.is_not(None), _acted())
        .group_by(Visit.actor, Visit.department_id, Visit.role)
    ).all()
    done: dict[Whose, int] = {(who, str(department), str(role)): count for who, department, role, count in acted}
    hand: dict[Whose, tuple[int, int]] = {
        (who, department, role): (count, late) for who, department, role, count, late in held
    }
    names = staff_names(session, {who for who, *_ in (*hand, *done) if who})
    found = [
        Workload(key[0], names.get(key[0] or ""), key[1], key[2], *hand.get(key, (0, 0)), done.get(key, 0))
        for key in {*hand, *done}
    ]
    return sorted(found, key=lambda w: (-w.late, -w.open, -w.done, w.department_id, w.role, w.user_id or ""))
