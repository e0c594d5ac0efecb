"""Milestones start and stop the case's limits; corrections pause them; timers follow the clock they hang on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from govservice.definitions.compiled import Compiled, Limit, Step, TimerRule
from govservice.engine.clocks import Deadline, duration, late
from govservice.engine.decide_work import Work
from govservice.engine.state import ClockState, TimerState, Token
from govservice.engine.types import MAIN
from govservice.worktime.duration import Duration
from govservice.worktime.limits import fraction, resolved

TimerRow = list[Any]  # [token id, key, clock key | None, due | None]
ASK_AT = 80  # per cent of a limit: then whoever may extend it is shown the case
INTAKE = ("received", "accepted")  # the milestones of the authority's check for completeness (art. 32)


def limit_key(name: str) -> str:
    return f"limit:{name}"


# -- milestones


def mark(work: Work, milestone: str, at: str, dest: str) -> None:
    """A milestone was marked: limits that end with it stop, limits that begin with it start, if a grant is ahead.

    A later mark of the same milestone replaces the earlier one, and the limits are counted again.
    """
    for name, limit in work.d.limits.items():
        if limit.stop == milestone and limit_key(name) in work.st.clocks:
            _stop(work, limit_key(name), at)
    for name, limit in work.d.limits.items():
        if limit.start == milestone and leads_to_grant(work.d, dest):
            start(work, name, limit, at)


def _stop(work: Work, key: str, at: str) -> None:
    """A limit ends. One that stands still has no dates to be judged by: its pause ends first."""
    if work.st.clocks[key].paused_since is not None:
        resume(work, key)
    clock = work.st.clocks[key]
    # Deemed acts take effect in the past, but never before the limit itself began.
    stopped = max(at, clock.started_at)
    work.emit("clock.stopped", None, {"key": key, "stopped_at": stopped, "late": late(clock, stopped)})


def start(work: Work, name: str, limit: Limit, at: str) -> None:
    statutory = work.deadline(at, limit.statutory)
    promised = work.deadline(at, limit.promised) if limit.promised else None
    ask = asked(work, limit, None, at, limit.statutory)
    key = limit_key(name)
    data = {
        "key": key, "statutory": str(limit.statutory), "promised": str(limit.promised) if limit.promised else None,
        "started_at": at, "calendar": work.cal.version, **dates(statutory, promised),
    }  # fmt: skip
    work.emit("clock.started", None, {**data, "timers": limit_timers(key, statutory, promised, ask)})
    follow(work, key)


NO_DATES: dict[str, Any] = {
    "statutory_on": None, "statutory_at": None, "promised_on": None, "promised_at": None, "provisional": False,
}  # fmt: skip


def dates(statutory: Deadline, promised: Deadline | None) -> dict[str, Any]:
    return {
        "statutory_on": statutory.on, "statutory_at": statutory.at,
        "promised_on": promised.on if promised else None, "promised_at": promised.at if promised else None,
        "provisional": statutory.provisional or (promised is not None and promised.provisional),
    }  # fmt: skip


def asked(
    work: Work, limit: Limit, clock: ClockState | None, start: str, length: Duration, pauses: Any = ()
) -> Deadline | None:
    """When whoever may extend a limit is shown the case; None where it cannot be extended (any more)."""
    more = limit.extend
    if more is None or (clock is not None and clock.extended and more.once):
        return None
    return work.deadline(start, fraction(length, ASK_AT), pauses)


def length_now(limit: Limit, clock: ClockState | None) -> Duration:
    """A limit by law with the extensions that a case has had: as the limit would be by another version, but never less
    than what the applicant was told where that version knows no extension."""
    if clock is None or not clock.extended:
        return limit.statutory
    if limit.extend is None:
        return duration(clock.statutory)
    return Duration(limit.statutory.n + clock.extended * limit.extend.by.n, limit.statutory.unit)


def limit_timers(key: str, statutory: Deadline, promised: Deadline | None, ask: Deadline | None) -> list[TimerRow]:
    """The two timers that record a missed date; separate, because the two dates are separate promises. A limit that may
    be extended has a third: `ask`, when whoever may extend it is shown the case."""
    rows: list[TimerRow] = [[MAIN, f"{key}:promised", key, promised.at]] if promised else []
    rows += [[MAIN, f"{key}:extend", key, ask.at]] if ask else []
    return [*rows, [MAIN, f"{key}:statutory", key, statutory.at]]


def leads_to_grant(d: Compiled, dest: str) -> bool:
    """Whether a granted end is still ahead: a refusal starts no delivery."""
    return "#" in dest or dest in d.granting


# -- pauses


def pause(work: Work, keys: Iterable[str], kind: str) -> None:
    for key in keys:
        work.emit("clock.paused", None, {"key": key, "kind": kind})


def resume(work: Work, key: str) -> None:
    """The pause of a limit is over: its dates are counted again from the start and the list of pauses."""
    clock = work.st.clocks[key]
    dates, timers = _recount(work, clock, (*clock.pauses[:-1], (clock.pauses[-1][0], work.at, clock.pauses[-1][2])))
    work.emit("clock.resumed", None, {"key": key, **dates, "timers": timers})
    follow(work, key)


def recalculate(work: Work) -> None:
    """A new calendar: every running limit is counted again by it."""
    for clock in [c for c in work.st.clocks.values() if c.token_id is None and c.running]:
        if clock.calendar != work.cal.version:
            dates, timers = _recount(work, clock, clock.pauses)
            work.emit("clock.moved", None, {"key": clock.key, "calendar": work.cal.version, **dates, "timers": timers})
            follow(work, clock.key)


def _recount(work: Work, clock: ClockState, pauses: Any) -> tuple[dict[str, Any], list[TimerRow]]:
    limit, length = work.d.limits[clock.key.partition(":")[2]], duration(clock.statutory)
    statutory = work.deadline(clock.started_at, length, pauses)
    promised = work.deadline(clock.started_at, limit.promised, pauses) if limit.promised else None
    ask = asked(work, limit, clock, clock.started_at, length, pauses)
    armed = [row for row in limit_timers(clock.key, statutory, promised, ask) if f"{MAIN}/{row[1]}" in work.st.timers]
    return dates(statutory, promised), armed


def extend(work: Work, facts: Mapping[str, Any]) -> None:
    """A limit is made longer by what the definition allows; the promised date stays as it was promised."""
    name = work.cmd.trigger.partition(":")[2]
    clock, more = work.st.clocks[limit_key(name)], work.d.limits[name].extend
    assert more is not None
    length = duration(clock.statutory)
    longer = clock._replace(statutory=str(Duration(length.n + more.by.n, length.unit)))
    days: dict[str, Any] = NO_DATES
    timers: list[TimerRow] = []
    if clock.paused_since is None:
        days, timers = _recount(work, longer, clock.pauses)
    data = {"key": clock.key, "by": str(more.by), "statutory": longer.statutory, **days, "timers": timers, **facts}
    work.emit("clock.extended", MAIN, {**data, "effects": ["notice.extension"]})
    follow(work, clock.key)


def pause_stay(work: Work, token_id: int, kind: str) -> None:
    work.emit("token.paused", token_id, {"kind": kind})


def resume_stay(work: Work, token_id: int) -> None:
    """A token's stay counts on: the step's own limit and its timers get their dates back."""
    token = work.token(token_id)
    last = token.pauses[-1]
    after = token._replace(pauses=(*token.pauses[:-1], (last[0], work.at, last[2])))
    step = work.step(token.step)
    due = work.deadline(token.entered_at, step.limit, after.pauses) if step.limit else None
    data = {
        "due_on": due.on if due else None, "due_at": due.at if due else None,
        "provisional": due.provisional if due else False, "timers": rearmed(work, after),
    }  # fmt: skip
    work.emit("token.resumed", token_id, data)


# -- timers of steps


def armed(work: Work, step: Step, token: Token) -> list[TimerRow]:
    """The timers of a step that a token has just entered (`token` as it will stand there)."""
    return [[token.id, f"{step.path}:{rule.id}", *timer_due(work, rule, step, token)] for rule in step.timers]


def rearmed(work: Work, token: Token) -> list[TimerRow]:
    """The timers of a token's step that have not fired yet, with the dates they have now."""
    step = work.d.steps.get(token.step)
    rows = armed(work, step, token) if step is not None else []
    return [row for row in rows if f"{token.id}/{row[1]}" in work.st.timers]


def timer_due(work: Work, rule: TimerRule, step: Step, token: Token) -> tuple[str | None, str | None]:
    """(clock that the timer hangs on, when it acts); no date while the stay or the clock stands still."""
    if rule.of is not None:
        key = limit_key(rule.of)
        clock = work.st.clocks.get(key)
        if clock is None or not clock.running or token.paused:
            return key, None
        return key, work.deadline(clock.started_at, resolved(rule.at, duration(clock.statutory)), clock.pauses).at
    stay = f"step:{token.id}:{token.entered_seq}" if rule.at.unit == "%limit" else None
    if token.paused:
        return stay, None
    return stay, work.deadline(token.entered_at, resolved(rule.at, step.limit), token.pauses).at


def follow(work: Work, key: str) -> None:
    """Timers of steps that hang on a case limit get the date that the limit has now."""
    rows: list[TimerRow] = []
    name = key.partition(":")[2]
    for token in work.st.tokens.values():
        if token.status != "ended" and _hangs_on(work, token, name):
            rows += [row for row in rearmed(work, token) if row[2] == key and _moved(work, row)]
    if rows:
        work.emit("timers.set", None, {"timers": rows})


def _hangs_on(work: Work, token: Token, limit: str) -> bool:
    """Whether a timer of the token's step counts by this limit: of others no date need be counted."""
    step = work.d.steps.get(token.step)
    return step is not None and any(rule.of == limit for rule in step.timers)


def _moved(work: Work, row: TimerRow) -> bool:
    timer: TimerState = work.st.timers[f"{row[0]}/{row[1]}"]
    return bool(timer.due_at != row[3])
