"""A second, slow and simple reading of the law's days: day by day, no tables, nothing of `worktime` but its data.

The day of the start is not counted; a day d with pause start < d <= pause end is left out; the limit ends with its last
counted day at 24:00; one in calendar days that would end on a day off goes on to the next working day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

ONE = timedelta(days=1)
Spans = tuple[tuple[str, str | None], ...]  # instants of pauses; None: it still runs


class Days:
    """The days of one calendar: holidays and make-up days are data, all else is counted here."""

    def __init__(self, calendar: Any) -> None:
        self.zone, self.off, self.on = calendar.zone, calendar.holidays, calendar.makeup
        self.due = lru_cache(maxsize=20_000)(self._due)
        self.day = lru_cache(maxsize=20_000)(self._day)
        self.end = lru_cache(maxsize=20_000)(self._end)

    def works(self, day: date) -> bool:
        return day in self.on or (day.weekday() < 5 and day not in self.off)

    def _day(self, at: str) -> date:
        return datetime.fromisoformat(at).astimezone(self.zone).date()

    def _end(self, day: date) -> str:
        """24:00 of a day, as the events write it."""
        at = datetime.combine(day + ONE, time(0), self.zone).astimezone(UTC)
        return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def last(self, start: str, limit: str, pauses: Iterable[Any] = ()) -> date:
        """The last day of a limit such as `5wd` or `30d`; every pause must have ended."""
        spans = tuple((self.day(p[0]), self.day(p[1])) for p in pauses)
        return self.due(self.day(start), limit, spans)

    def too_late(self, start: str, limit: str, pauses: Iterable[Any] = ()) -> str:
        return self.end(self.last(start, limit, pauses))

    def _due(self, first: date, limit: str, spans: tuple[tuple[date, date], ...]) -> date:
        working = limit.endswith("wd")
        left, day = int(limit[:-2] if working else limit[:-1]), first
        while left:
            day += ONE
            if not any(a < day <= b for a, b in spans) and (not working or self.works(day)):
                left -= 1
        if not working and not self.works(day):
            while not self.works(day) or any(a < day <= b for a, b in spans):
                day += ONE
        return day


def share(of: str, limit: str) -> str:
    """`80%limit` of `5wd` is `4wd`: whole units, rounded down, at least one. Anything else stands as it is."""
    if "%" not in of:
        return of
    unit = "wd" if limit.endswith("wd") else "d"
    return f"{max(1, int(limit.removesuffix(unit)) * int(of.partition('%')[0]) // 100)}{unit}"
