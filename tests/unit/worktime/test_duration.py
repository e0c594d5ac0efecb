"""Durations: what the law writes is read back as it was written, everything else is refused."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govservice.worktime.duration import UNITS, Duration


@given(st.integers(0, 9999), st.sampled_from(UNITS))
def test_what_is_written_is_read_back(n: int, unit: str) -> None:
    assert str(Duration.parse(f"{n}{unit}")) == f"{n}{unit}"


@pytest.mark.parametrize(
    "text", ["", "5", "wd", "5 wd", "-5wd", "05wd", "5WD", "5w", "1.5d", "５wd", "5wd ", "10000d", "1m..6h", "80%"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match="such as 5wd"):
        Duration.parse(text)


@pytest.mark.parametrize(
    ("limit", "start", "end"),
    [
        ("5y", date(2026, 11, 23), date(2031, 11, 23)),
        ("1mo", date(2026, 1, 31), date(2026, 2, 28)),
        ("1mo", date(2028, 1, 31), date(2028, 2, 29)),
        ("1y", date(2028, 2, 29), date(2029, 2, 28)),
        ("18mo", date(2026, 8, 10), date(2028, 2, 10)),
        ("30d", date(2026, 12, 15), date(2027, 1, 14)),
    ],
)
def test_calendar_units_end_on_the_same_day_or_the_last_of_the_month(limit: str, start: date, end: date) -> None:
    assert Duration.parse(limit).after(start) == end


@pytest.mark.parametrize("limit", ["5wd", "4wh", "80%limit"])
def test_working_units_need_a_calendar(limit: str) -> None:
    with pytest.raises(ValueError, match="without a calendar"):
        Duration.parse(limit).after(date(2026, 1, 1))


def test_rough_lengths_compare_units_by_the_week() -> None:
    assert Duration(5, "wd").calendar_days == Duration(7, "d").calendar_days == 7
    assert Duration(8, "wh").calendar_days == Duration(1, "wd").calendar_days
    with pytest.raises(ValueError, match="no length"):
        _ = Duration(80, "%limit").calendar_days
