"""Where a case stands for its applicant: whose turn it is, since when, by which day, how much time is used.

Pure functions over rows that the caller has read; the list of cases and the page of one case agree because both ask
here. A department's name is never guessed: it stands in the open task.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from govservice.definitions.compiled import MAIN, Compiled, LimitKind
from govservice.models.base import from_iso
from govservice.models.cases import Case, CaseClock, Task, Timer, Token
from govservice.worktime.calendar import Calendar
from govservice.worktime.duration import Duration
from govservice.worktime.limits import Pause, consumed, due_on, remaining

Turn = Literal["draft", "you", "pay", "others", "departments", "system", "granted", "refused", "ended"]
PAUSE = "@pause:"  # begins the key of a timer that ends excluded time
ORDER: tuple[LimitKind, ...] = ("decision", "intake", "delivery")  # which running limit people are told about first


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has the case: a role of a department at a step, or nobody yet (`assignee_id` None)."""

    step: str
    role: str
    department_id: str
    assignee_id: str | None
    since: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class ClockView:
    """One limit of the case as people read it. `left` and `total` are in the unit of the promised (or legal) limit.

    `if_answered` is the promised day, and `law_if_answered` the legal one, if the applicant answered at this moment.
    """

    name: str
    kind: LimitKind | None  # None for one that the case's version does not know any more
    length: Duration
    left: int
    promised_on: date | None
    statutory_on: date | None
    paused: bool
    paused_since: datetime | None
    provisional: bool
    if_answered: date | None = None
    law_if_answered: date | None = None

    @property
    def due(self) -> date | None:
        return self.promised_on or self.statutory_on


@dataclass(frozen=True, slots=True)
class Standing:
    turn: Turn
    since: datetime
    holders: tuple[Holder, ...] = ()
    clock: ClockView | None = None
    answer_by: datetime | None = None  # first instant that is too late for the applicant
    held: tuple[tuple[str, datetime], ...] = ()  # kinds of excluded time that run, and when each ends at the latest
    collecting: bool = False  # a department asked for something; the one notice goes out once all have looked
    own_step: str | None = None  # the step of the main token at which the applicant acts, beside the draft
    together: bool = False  # the parts of a bundle are at work
    gaps: tuple[tuple[str, datetime], ...] = ()  # materials put off, and the first instant that is too late for each
    brings: bool = False  # nothing goes on before those have come
    asked: tuple[tuple[str, datetime | None], ...] = ()  # steps that wait for another person, and until when at most


def standing(
    case: Case,
    compiled: Compiled,
    calendar: Calendar,
    now: datetime,
    tokens: Sequence[Token],
    tasks: Sequence[Task],
    clocks: Sequence[CaseClock],
    timers: Sequence[Timer] = (),
) -> Standing:
    """What the applicant is told first. `tasks` are the open ones, `timers` the armed ones of this case."""
    turn: Turn
    if case.status == "closed":
        turn = {"granted": "granted", "refused": "refused"}.get(case.outcome or "", "ended")  # type: ignore[assignment]
        return Standing(turn, case.closed_at or now)
    live = [token for token in tokens if token.status != "ended"]
    if case.status == "draft":
        return Standing("draft", case.opened_at)
    clock = clock_view(compiled, calendar, clocks, now)
    asked = [token for token in live if token.waits_for == "correction"]
    if asked:
        since = clock.paused_since if clock and clock.paused_since else max(token.entered_at for token in asked)
        return Standing("you", since, clock=clock, answer_by=_answer_by(timers))
    steps = [(t, s) for t in live if (s := compiled.steps.get(t.step)) is not None and s.kind == "applicant"]
    gaps = _gaps(timers)
    if any(token.waits_for == "gaps" for token in live) and gaps:
        since = max(token.entered_at for token in live if token.waits_for == "gaps")
        return Standing("you", since, clock=clock, answer_by=min(at for _, at in gaps), gaps=gaps, brings=True)
    at_applicant = [token for token, step in steps if step.person is None]
    own_step = next((t.step for t in at_applicant if t.id == MAIN), None)
    if any(t.step in compiled.bundles for t in live):
        return Standing("departments", max(t.entered_at for t in live), clock=clock, together=True)
    if at_applicant:
        return Standing("you", at_applicant[0].entered_at, clock=clock, answer_by=_answer_by(timers), own_step=own_step)
    owes = [t for t in live if (s := compiled.steps.get(t.step)) is not None and s.call == "fee.collect"]
    if owes:
        return Standing("pay", owes[0].entered_at, clock=clock)
    # Who leads a parallel step has nothing to do while its branches work: the departments that work are named.
    at_work = [task for task in tasks if task.step not in compiled.blocks] or tasks
    holders = tuple(Holder(t.step, t.role, t.department_id, t.assignee_id, t.opened_at, t.step_due_at) for t in at_work)
    collecting = any(token.waits_for == "correction_notice" for token in live)
    since = min((h.since for h in holders), default=max((t.entered_at for t in live), default=case.opened_at))
    others = [token for token, step in steps if step.person is not None]
    turn = "departments" if holders or collecting else "others" if others else "system"
    return Standing(
        turn, min(t.entered_at for t in others) if turn == "others" else since, holders, clock, None, _held(timers),
        collecting, gaps=gaps, asked=tuple((t.step, _asked_until(t, timers)) for t in others),
    )  # fmt: skip


def _held(timers: Sequence[Timer]) -> tuple[tuple[str, datetime], ...]:
    """Excluded time that runs: each has the timer that ends it."""
    return tuple((t.key.removeprefix(PAUSE), t.due_at) for t in timers if t.key.startswith(PAUSE) and t.due_at)


def _asked_until(token: Token, timers: Sequence[Timer]) -> datetime | None:
    """When what was asked of another person ends by itself."""
    return max((t.due_at for t in timers if t.token_id == token.id and t.due_at is not None), default=None)


def _answer_by(timers: Sequence[Timer]) -> datetime | None:
    """When the case lapses: the armed timer of the correction."""
    due = [t.due_at for t in timers if t.due_at is not None and t.key == "correction:lapse"]
    return min(due, default=None)


def _gaps(timers: Sequence[Timer]) -> tuple[tuple[str, datetime], ...]:
    """What was put off: each has the timer that ends the case without it."""
    keys = [(t.key.split(":"), t.due_at) for t in timers if t.due_at is not None]
    return tuple((k[1], at) for k, at in keys if len(k) == 3 and (k[0], k[2]) == ("deferral", "lapse"))


def clock_view(compiled: Compiled, calendar: Calendar, clocks: Sequence[CaseClock], now: datetime) -> ClockView | None:
    """The limit that runs now and matters most to the applicant."""
    running = {c.key.removeprefix("limit:"): c for c in clocks if c.key.startswith("limit:") and c.stopped_at is None}
    kinds = {name: limit.kind for name in running if (limit := compiled.limits.get(name)) is not None}
    name = min(running, key=lambda n: ORDER.index(kinds[n]) if n in kinds else len(ORDER), default=None)
    if name is None:
        return None
    row, kind = running[name], kinds.get(name)
    statutory = Duration.parse(row.statutory)
    length = Duration.parse(row.promised) if row.promised else statutory
    pauses = pauses_of(row)
    view = ClockView(
        name, kind, length, max(0, remaining(calendar, row.started_at, now, length, pauses)), row.promised_on,
        row.statutory_on, row.paused_since is not None, row.paused_since, row.provisional,
    )  # fmt: skip
    if not view.paused:
        return view
    ended = [Pause(p.start, p.end or now, p.kind) for p in pauses]
    answered = due_on(calendar, row.started_at, length, ended)
    law = due_on(calendar, row.started_at, statutory, ended)
    provisional = row.provisional or calendar.provisional(law)
    return ClockView(
        name,
        kind,
        length,
        view.left,
        row.promised_on,
        row.statutory_on,
        True,
        row.paused_since,
        provisional,
        answered,
        law,
    )


def took(compiled: Compiled, calendar: Calendar, clocks: Sequence[CaseClock]) -> Duration | None:
    """How long the decision took, counted as its limit is: without pauses, the day of the decision included. None
    while it is open, and for a service without such a limit."""
    limit = compiled.limit("decision")
    row = next((c for c in clocks if limit is not None and c.key == f"limit:{limit.name}"), None)
    return counted(calendar, row) if row is not None else None


def counted(calendar: Calendar, row: CaseClock) -> Duration | None:
    """What a limit counted from its start to its end, in its own unit; None while it runs."""
    if row.stopped_at is None:
        return None
    unit = Duration.parse(row.statutory)
    end = row.stopped_at if unit.unit == "wh" else calendar.end_of(calendar.local_date(row.stopped_at))
    return replace(unit, n=max(0, consumed(calendar, row.started_at, end, unit, pauses_of(row))))


def pauses_of(row: CaseClock) -> list[Pause]:
    return [Pause(from_iso(start), from_iso(end) if end else None, kind) for start, end, kind in row.pauses or ()]
