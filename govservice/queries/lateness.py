"""By how much a limit has passed, said so that it is true: a limit that ended last night is not yet a day late."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from govservice.worktime.calendar import Calendar


@dataclass(frozen=True, slots=True)
class Late:
    """A limit that has passed. `due_at` is its first instant that was too late, `due_on` its last day; `ends_inside`:
    it ended within that day, as a limit in office hours does, not with it. `days_ago` are calendar days since that day,
    `days` the working days among them, today's included."""

    due_at: datetime
    due_on: date
    ends_inside: bool
    days_ago: int
    days: int


def lateness(calendar: Calendar, now: datetime, due_at: datetime | None) -> Late | None:
    """None for a limit that has not passed, and where there is none."""
    if due_at is None or due_at > now:
        return None
    due_on, today = calendar.last_day(due_at), calendar.local_date(now)
    inside = due_at != calendar.end_of(due_on)
    return Late(due_at, due_on, inside, (today - due_on).days, calendar.working_days_between(due_on, today))
