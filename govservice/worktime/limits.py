"""Legal limits: when they end, how much of one is used, and how pauses stop them.

The rules (Civil Code art. 201-203, Administrative Licensing Law art. 42, 45 and 82):
- the day of the starting act is not counted; day 1 of a limit in working days is the next working day;
- the limit ends with its last counted day, at 24:00, since acts are done online;
- a limit in calendar days, months or years that would end on a day off ends on the next working day;
- a pause leaves out the days d with `pause_start < d <= pause_end`: the day on which it starts is used, the day
  on which it ends is not, counting resumes the day after. Overlapping pauses leave a day out once. For office
  hours, the office time between the two instants is left out.
A limit is never a shifted date: every date here is computed from the start and the list of pauses. Where a pause
begins on the very last day of a limit, that day stays the last one (it is used).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from govservice.worktime.days import Calendar
from govservice.worktime.duration import Duration

At = TypeVar("At", date, datetime)
Amount = TypeVar("Amount", int, timedelta)


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which a limit stands still. `end` None = it still runs: no day after its start is used."""

    start: datetime
    end: datetime | None
    kind: str


def due_on(cal: Calendar, start: datetime, limit: Duration, pauses: Sequence[Pause] = ()) -> date:
    """The last day of a limit that started with an act at `start`.

    Raises ValueError for a share of a limit (see `fraction`) and while a pause that began before the limit was
    used up is still running: the date is not known then.
    """
    if limit.unit == "wh":
        return cal.local_date(due_at(cal, start, limit, pauses))
    first = cal.local_date(start)
    spans = _day_spans(cal, pauses)
    if limit.unit == "wd":
        return _nth(first, limit.n, spans, cal.working_days_between, cal.add_working_days)
    return _open_day(cal, _nth(first, _days_in(first, limit), spans, _days_between, _add_days), spans)


def due_at(cal: Calendar, start: datetime, limit: Duration, pauses: Sequence[Pause] = ()) -> datetime:
    """The first instant (UTC) that is too late: 24:00 of the due day; for office hours the exact instant."""
    if limit.unit != "wh":
        return cal.end_of(due_on(cal, start, limit, pauses))
    spans = _merged((p.start, p.end) for p in pauses)
    return _nth(start, timedelta(hours=limit.n), spans, cal.office_time, cal.add_office_time)


def fraction(limit: Duration, percent: int) -> Duration:
    """A share of a limit, for its warnings: rounded down to whole units but never below one unit.

    80% of 7wd = 5wd, 80% of 10wd = 8wd, 80% of 1wd = 1wd, 100% is the limit itself. Rounding down warns early
    rather than late. Years and months that do not divide are first turned into months and days (of 30), so 50% of
    1y = 6mo and 80% of 1mo = 24d. Raises ValueError for a share of a share or a negative percentage.
    """
    if limit.unit == "%limit" or percent < 0:
        raise ValueError(f"{percent}% of {limit} is not a limit")
    if limit.n * percent % 100 == 0 and limit.n * percent > 0:
        return Duration(limit.n * percent // 100, limit.unit)
    if limit.unit == "y":
        return fraction(Duration(limit.n * 12, "mo"), percent)
    if limit.unit == "mo":
        return fraction(Duration(limit.n * 30, "d"), percent)
    return Duration(max(limit.n * percent // 100, min(limit.n, 1)), limit.unit)


def resolved(at: Duration, limit: Duration | None) -> Duration:
    """A timer's `at` as a length: `80%limit` of its limit, others as they stand. ValueError without a limit."""
    if at.unit != "%limit":
        return at
    if limit is None:
        raise ValueError(f"{at} needs a limit")
    return fraction(limit, at.n)


def consumed(cal: Calendar, start: datetime, now: datetime, limit: Duration, pauses: Sequence[Pause] = ()) -> int:
    """Units of the limit used up at `now`; may exceed the limit. A day is used once it is over (24:00).

    So on the last day of a limit one unit is left, and from `due_at` on none. Months and years count when they
    are complete. A pause that still runs counts up to `now`.
    """
    if limit.unit == "%limit":
        raise ValueError("a share of a limit has no units of its own")
    closed = [p if p.end is not None else Pause(p.start, max(now, p.start), p.kind) for p in pauses]
    if limit.unit == "wh":
        spans_of_time = _merged((p.start, p.end) for p in closed)
        return _used(start, now, spans_of_time, cal.office_time, timedelta(0)) // timedelta(hours=1)
    first, over = cal.local_date(start), cal.local_date(now) - timedelta(days=1)
    spans = _day_spans(cal, closed)
    if limit.unit == "wd":
        return _used(first, over, spans, cal.working_days_between, 0)
    days = _used(first, over, spans, _days_between, 0)
    return days if limit.unit == "d" else _whole_months(first, days) // (12 if limit.unit == "y" else 1)


def remaining(cal: Calendar, start: datetime, now: datetime, limit: Duration, pauses: Sequence[Pause] = ()) -> int:
    """Units left at `now`: 1 on the last day, 0 or less once the limit has been missed."""
    return limit.n - consumed(cal, start, now, limit, pauses)


# --- counting


def _merged(pairs: Iterable[tuple[At, At | None]]) -> list[tuple[At, At | None]]:
    """Disjoint spans in order from spans that may overlap; an end of None is open."""
    merged: list[tuple[At, At | None]] = []
    for begin, end in sorted(pairs, key=lambda pair: pair[0]):
        if end is not None and end <= begin:
            continue
        if merged and (merged[-1][1] is None or begin <= merged[-1][1]):
            last_begin, last_end = merged[-1]
            merged[-1] = (last_begin, None if last_end is None or end is None else max(last_end, end))
        else:
            merged.append((begin, end))
    return merged


def _day_spans(cal: Calendar, pauses: Sequence[Pause]) -> list[tuple[date, date | None]]:
    """Pauses as disjoint spans of legal days, each leaving out its days after the first."""
    if not pauses:
        return []
    day = cal.local_date
    return _merged((day(p.start), None if p.end is None else day(p.end)) for p in pauses)


def _nth(
    start: At,
    wanted: Amount,
    spans: Sequence[tuple[At, At | None]],
    between: Callable[[At, At], Amount],
    add: Callable[[At, Amount], At],
) -> At:
    """Where the wanted amount has been counted after `start`, leaving the spans out."""
    cursor, left = start, wanted
    for begin, end in spans:
        before = between(cursor, begin)
        if left <= before:
            break
        if end is None:
            raise ValueError("the limit is paused: it has no due date until the pause ends")
        left, cursor = left - before, max(cursor, end)
    return add(cursor, left)


def _used(
    start: At,
    end: At,
    spans: Sequence[tuple[At, At | None]],
    between: Callable[[At, At], Amount],
    nothing: Amount,
) -> Amount:
    """The amount between two points, leaving the spans out."""
    paused = (between(max(a, start), end if b is None else min(b, end)) for a, b in spans)
    return between(start, end) - sum(paused, nothing)


def _open_day(cal: Calendar, d: date, spans: Sequence[tuple[date, date | None]]) -> date:
    """`d`, or the next working day (not inside a pause) where `d` is a day off."""
    due = cal.on_or_after(d)
    for begin, end in spans:
        if due != d and begin < due and (end is None or due <= end):
            if end is None:
                raise ValueError("the limit is paused: it has no due date until the pause ends")
            due = cal.next_working_day(end)
    return due


def _days_in(first: date, limit: Duration) -> int:
    """Calendar days of a limit that starts on `first`."""
    return (limit.after(first) - first).days


def _whole_months(first: date, days: int) -> int:
    """How many complete months lie in that many days after `first`."""
    months = max(days, 0) // 28 + 1
    while _days_in(first, Duration(months, "mo")) > max(days, 0):
        months -= 1
    return months


def _days_between(a: date, b: date) -> int:
    return max((b - a).days, 0)


def _add_days(d: date, n: int) -> date:
    return d + timedelta(days=n)
