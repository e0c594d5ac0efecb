"""Lengths of time as the law and the definitions write them: `5wd`, `4wh`, `30d`, `18mo`, `80%limit`."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, cast

Unit = Literal["wd", "wh", "d", "mo", "y", "%limit"]

UNITS: tuple[Unit, ...] = ("wd", "wh", "d", "mo", "y", "%limit")
_FORM = re.compile(r"(0|[1-9][0-9]{0,3})(wd|wh|d|mo|y|%limit)", re.ASCII)
_SPAN = {"wd": 1, "d": 1, "mo": 30, "y": 365}
_DAYS_EACH = {"wd": 7 / 5, "wh": 7 / 5 / 8, "d": 1.0, "mo": 30.0, "y": 365.0}


@dataclass(frozen=True, slots=True)
class Duration:
    """So many units: `wd` working days, `wh` office hours, `d` calendar days, `mo` months, `y` years.

    `%limit` is a share of another limit, in per cent; `limits.fraction` turns it into a length. A duration is
    counted in its own unit and never converted: five working days are not seven days at the New Year.
    """

    n: int
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read `5wd`. Raises ValueError, with a sentence a designer understands, on anything else."""
        found = _FORM.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a duration: a number and {', '.join(UNITS)}, such as 5wd")
        return cls(int(found[1]), cast(Unit, found[2]))

    def __str__(self) -> str:
        return f"{self.n}{self.unit}"

    def after(self, d: date) -> date:
        """`d` plus so many calendar days, months or years; the last day of the month where there is no such day.

        For validities (`valid: 5y`) and limits in calendar units (Civil Code art. 202). Raises ValueError for
        working days and office hours, which need a calendar, and for a share of a limit.
        """
        if self.unit == "d":
            return d + timedelta(days=self.n)
        if self.unit not in ("mo", "y"):
            raise ValueError(f"{self} cannot be counted without a calendar")
        months = self.n * (12 if self.unit == "y" else 1)
        year, month = divmod(d.year * 12 + d.month - 1 + months, 12)
        return date(year, month + 1, min(d.day, monthrange(year, month + 1)[1]))

    @property
    def span(self) -> timedelta:
        """How long something stays fresh: a working day counts as a day, an office hour as an hour, a month as thirty
        days. Never for a due date. Raises ValueError for a share of a limit."""
        if self.unit == "%limit":
            raise ValueError(f"{self} is no length of time")
        return timedelta(hours=self.n) if self.unit == "wh" else timedelta(days=self.n * _SPAN[self.unit])

    @property
    def calendar_days(self) -> float:
        """A rough length for comparing limits of different units with each other: 5wd = 7d, 8wh = 1wd.

        Only for checks and sorting, never for a due date. Raises ValueError for a share of a limit.
        """
        if self.unit == "%limit":
            raise ValueError("a share of a limit has no length of its own")
        return self.n * _DAYS_EACH[self.unit]
