"""Of which time a registry is asked (`as_of` of a fact): a word in the definition, a date or period in the question.

The words are few on purpose: what a registry can be asked for stands in its file (`periods` of a dataset), and people
read the period beside the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal, get_args

Period = Literal["today", "last_month", "last_year", "last_tax_year"]
PERIODS: tuple[str, ...] = get_args(Period)
_MONTHS = "January February March April May June July August September October November December".split()


def period_of(word: Period, today: date) -> str:
    """What the registry is asked for on a legal day: a date, a month (2026-02) or a year (2025).

    A tax year is the calendar year (Individual Income Tax Law art. 1).
    """
    if word == "today":
        return today.isoformat()
    if word == "last_month":
        return f"{today.replace(day=1) - timedelta(days=1):%Y-%m}"
    return str(today.year - 1)


def period_words(period: str) -> Mapping[str, str]:
    """The period as people read it; a text of another form as it is."""
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", period, re.ASCII):
        return {"en": period, "zh": period}
    year, *rest = (int(part) for part in period.split("-"))
    if not rest:
        return {"en": f"{year}", "zh": f"{year}年"}
    month = _MONTHS[(rest[0] - 1) % 12]
    if len(rest) == 1:
        return {"en": f"{month} {year}", "zh": f"{year}年{rest[0]}月"}
    return {"en": f"{rest[1]} {month} {year}", "zh": f"{year}年{rest[0]}月{rest[1]}日"}
