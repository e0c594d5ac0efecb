"""Due dates of limits and stays: `worktime` applied to the engine's texts. Pure.

Days-based dates depend on the legal day of the start only, so they are remembered by day: a busy office asks for the
same few dates again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple

from govservice.engine.state import CaseState, ClockState, Task
from govservice.engine.types import moment
from govservice.models.base import to_iso
from govservice.worktime.calendar import Calendar
from govservice.worktime.duration import Duration
from govservice.worktime.limits import Pause, consumed, due_at, due_on

Pauses = Sequence[tuple[str, str | None, str]]


class Deadline(NamedTuple):
    """The last day of a limit, the first instant that is too late, and whether that day may still move."""

    on: str
    at: str
    provisional: bool


def deadline(cal: Calendar, start: str, limit: Duration, pauses: Pauses = ()) -> Deadline:
    """When a limit that started at `start` ends. Raises ValueError while a pause runs."""
    if not pauses and limit.unit != "wh":
        return _by_day(cal, _local_day(cal, start), limit)
    began, spans = moment(start), pauses_of(pauses)
    on = due_on(cal, began, limit, spans)
    return Deadline(on.isoformat(), to_iso(due_at(cal, began, limit, spans)), cal.provisional(on))


@lru_cache(maxsize=8192)
def _by_day(cal: Calendar, day: date, limit: Duration) -> Deadline:
    start = cal.end_of(day) - _TICK
    on = due_on(cal, start, limit)
    return Deadline(on.isoformat(), to_iso(cal.end_of(on)), cal.provisional(on))


_TICK = datetime.resolution


@lru_cache(maxsize=8192)
def _local_day(cal: Calendar, at: str) -> date:
    return cal.local_date(moment(at))


@lru_cache(maxsize=512)
def duration(text: str) -> Duration:
    return Duration.parse(text)


def pauses_of(pauses: Pauses) -> list[Pause]:
    return [Pause(moment(start), moment(end) if end else None, kind) for start, end, kind in pauses]


def used(cal: Calendar, clock: ClockState, at: str) -> int:
    """Units of a clock's limit used up when it stopped, or at `at` while it runs."""
    until = moment(clock.stopped_at or at)
    return max(0, consumed(cal, moment(clock.started_at), until, duration(clock.statutory), pauses_of(clock.pauses)))


def late(clock: ClockState, at: str) -> list[str]:
    """Which of its dates a clock has missed at `at`: statutory and promised are judged apart."""
    dates = {"promised": clock.promised_at, "statutory": clock.statutory_at}
    return [kind for kind, due in dates.items() if due is not None and at >= due]


class Due(NamedTuple):
    """When a task is due: the earliest of its step's limit and the case's running dates, and which of them that is."""

    step_at: str | None
    at: str | None
    kind: str | None


def due_of(st: CaseState, task: Task) -> Due:
    """The dates of a task as the worklist sorts by them; nothing while every clock stands still."""
    token = st.tokens[task.token_id]
    clock = st.step_clock(token)
    step_at = clock.statutory_at if clock is not None else None
    best, kind = step_at, "step" if step_at else None
    for limit in st.clocks.values():
        if limit.token_id is None and limit.running:
            for name, at in (("promised", limit.promised_at), ("statutory", limit.statutory_at)):
                if at is not None and (best is None or at < best):
                    best, kind = at, name
    return Due(step_at, best, kind)


def case_dates(st: CaseState) -> tuple[str | None, str | None]:
    """(promised day, statutory day) of the limit that runs now; of several, the one that started last."""
    running = [c for c in st.clocks.values() if c.token_id is None and c.running]
    if not running:
        return None, None
    clock = max(running, key=lambda c: c.started_at)
    return clock.promised_on or clock.statutory_on, clock.statutory_on
