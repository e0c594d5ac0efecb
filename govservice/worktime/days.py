"""Working-day calendars: which days are worked, and counting them in constant time.

A calendar is data (`workflows/calendars/*.yaml`) over the public holidays of the `holidays` library, which
knows China's make-up working days (调休上班) of every announced year; `calendar.py` reads it. Counting runs over
two tables built once: the ordinals of all working days, and for every day how many there are up to it. Nothing
loops over days.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SATURDAY = 5
_ONE_DAY = timedelta(days=1)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """The working days and office hours of a jurisdiction.

    `holidays` are days off beside the weekend, `makeup` weekend days that are worked (these win over holidays).
    `announced_to` is the last year whose make-up days are known: later dates are provisional. Dates outside
    `first_year`..`last_year` raise ValueError.
    """

    code: str
    version: str
    zone: ZoneInfo
    opens: time
    closes: time
    holidays: frozenset[date]
    makeup: frozenset[date]
    announced_to: int
    first_year: int = 2000
    last_year: int = 2080
    _base: int = field(init=False, repr=False)
    _worked: array[int] = field(init=False, repr=False)  # ordinals of the working days, ascending
    _upto: array[int] = field(init=False, repr=False)  # per day since _base: working days up to and with it

    def __post_init__(self) -> None:
        if self.opens >= self.closes:
            raise ValueError(f"calendar {self.code}: offices must close after they open")
        base = date(self.first_year, 1, 1).toordinal()
        worked, upto = array("i"), array("i")
        for ordinal in range(base, date(self.last_year, 12, 31).toordinal() + 1):
            if self._worked_on(date.fromordinal(ordinal)):
                worked.append(ordinal)
            upto.append(len(worked))
        object.__setattr__(self, "_base", base)
        object.__setattr__(self, "_worked", worked)
        object.__setattr__(self, "_upto", upto)

    def _worked_on(self, d: date) -> bool:
        return d in self.makeup or (d.weekday() < SATURDAY and d not in self.holidays)

    def _count(self, d: date) -> int:
        """How many working days the table holds up to and with `d`."""
        index = d.toordinal() - self._base
        if not 0 <= index < len(self._upto):
            raise ValueError(f"calendar {self.code} has {self.first_year} to {self.last_year}, not {d}")
        return self._upto[index]

    # --- days

    def is_working_day(self, d: date) -> bool:
        """Whether offices work on that day: make-up weekend days do, holidays do not."""
        count = self._count(d)
        return count > 0 and self._worked[count - 1] == d.toordinal()

    def next_working_day(self, d: date) -> date:
        """The first working day strictly after `d`."""
        return self.add_working_days(d, 1)

    def on_or_after(self, d: date) -> date:
        """`d` itself if it is a working day, else the next one."""
        return d if self.is_working_day(d) else self.next_working_day(d)

    def add_working_days(self, d: date, n: int) -> date:
        """The n-th working day strictly after `d`; `d` itself for n = 0. ValueError for a negative n."""
        if n == 0:
            return d
        if n < 0:
            raise ValueError("working days are only counted forward")
        index = self._count(d) + n - 1
        if index >= len(self._worked):
            raise ValueError(f"calendar {self.code} ends with {self.last_year}: {n} working days after {d}")
        return date.fromordinal(self._worked[index])

    def working_days_between(self, a: date, b: date) -> int:
        """How many working days d there are with a < d <= b; 0 if b is not after a."""
        return self._count(b) - self._count(a) if b > a else 0

    def provisional(self, d: date) -> bool:
        """Whether that year's make-up days are not announced yet, so that a date there may still move."""
        return d.year > self.announced_to

    # --- instants

    def local_date(self, at: datetime) -> date:
        """The legal day of an instant. Raises ValueError for an instant without a zone."""
        return self._local(at).date()

    def last_day(self, too_late: datetime) -> date:
        """The last legal day before an instant that is the first too late (`end_of` the other way round)."""
        return self.local_date(too_late - datetime.resolution)

    def end_of(self, d: date) -> datetime:
        """24:00 of a legal day, as aware UTC: the first instant that is too late for an online act."""
        return self._instant(d + _ONE_DAY, time(0))

    @property
    def office_day(self) -> timedelta:
        """Office hours of one working day."""
        return timedelta(seconds=_seconds(self.closes) - _seconds(self.opens))

    def working_seconds(self, a: datetime, b: datetime) -> int:
        """Whole seconds of office hours on working days between two instants; 0 if b is not after a."""
        return int(self.office_time(a, b).total_seconds())

    def office_time(self, a: datetime, b: datetime) -> timedelta:
        """Office time on working days between two instants, exact; zero if b is not after a."""
        return self._office_time_upto(b) - self._office_time_upto(a) if b > a else timedelta(0)

    def add_office_time(self, at: datetime, length: timedelta) -> datetime:
        """The instant (UTC) by which that much office time has passed; `at` itself for none.

        A sum that ends with an office day ends at its closing time, not at the next opening. ValueError for a
        negative length.
        """
        if length < timedelta(0):
            raise ValueError("office hours are only counted forward")
        if not length:
            return at.astimezone(UTC)
        total = self._office_time_upto(at) + length
        whole = (total - _TICK) // self.office_day
        if whole >= len(self._worked):
            raise ValueError(f"calendar {self.code} ends with {self.last_year}")
        rest = total - whole * self.office_day
        return self._instant(date.fromordinal(self._worked[whole]), self.opens) + rest

    def _office_time_upto(self, at: datetime) -> timedelta:
        """Office time from the start of the table to an instant."""
        local = self._local(at)
        day = local.date()
        before = self._count(day)
        if not self.is_working_day(day):
            return before * self.office_day
        seconds = _seconds(local.time()) - _seconds(self.opens)
        clock = timedelta(seconds=seconds, microseconds=local.microsecond)
        return (before - 1) * self.office_day + min(max(clock, timedelta(0)), self.office_day)

    def _local(self, at: datetime) -> datetime:
        if at.tzinfo is None:
            raise ValueError("a legal clock needs an instant with a time zone")
        return at.astimezone(self.zone)

    def _instant(self, d: date, clock: time) -> datetime:
        return datetime.combine(d, clock, self.zone).astimezone(UTC)


def _seconds(clock: time) -> int:
    return clock.hour * 3600 + clock.minute * 60 + clock.second
