"""The calendar of China against what the State Council announced, and counting against a day-by-day recount."""

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from timeit import timeit
from zoneinfo import ZoneInfo

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from config import ROOT
from govservice.worktime.calendar import Calendar, Calendars, load_calendars

CALENDARS = load_calendars(ROOT / "workflows" / "calendars")
CN = CALENDARS["cn"]
DAYS = st.dates(date(2023, 1, 1), date(2028, 12, 31))
SPAN = (datetime(2025, 9, 20), datetime(2026, 3, 10))  # noqa: DTZ001 - hypothesis adds the zone
INSTANTS = st.datetimes(*SPAN, timezones=st.just(UTC))


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


# Notices of the General Office of the State Council on holiday arrangements (国办发明电): days off and make-up days.
SPRING_2026 = days(date(2026, 2, 15), date(2026, 2, 23))
NATIONAL_2025 = days(date(2025, 10, 1), date(2025, 10, 8))
NATIONAL_2026 = days(date(2026, 10, 1), date(2026, 10, 7))
MAKE_UP = [
    date(2025, 1, 26), date(2025, 2, 8), date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11),
    date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28), date(2026, 5, 9), date(2026, 9, 20), date(2026, 10, 10),
]  # fmt: skip


@pytest.mark.parametrize("day", [*SPRING_2026, *NATIONAL_2025, *NATIONAL_2026])
def test_nobody_works_on_an_announced_day_off(day: date) -> None:
    assert not CN.is_working_day(day)


@pytest.mark.parametrize("day", MAKE_UP)
def test_make_up_weekend_days_are_worked(day: date) -> None:
    assert day.weekday() >= 5
    assert CN.is_working_day(day)


def test_the_weeks_around_the_spring_festival() -> None:
    assert CN.next_working_day(date(2026, 2, 13)) == date(2026, 2, 14)
    assert CN.next_working_day(date(2026, 2, 14)) == date(2026, 2, 24)
    assert CN.add_working_days(date(2026, 2, 10), 5) == date(2026, 2, 24)
    assert CN.working_days_between(date(2026, 2, 9), date(2026, 3, 1)) == 10


def test_the_library_announces_exactly_the_years_the_calendar_says() -> None:
    """When the next year is announced this fails: `announced_to` in cn.yaml moves, and running dates are re-counted."""
    announced = {d.year for d in holidays.country_holidays("CN", years=range(2024, 2035)).weekend_workdays}
    assert max(announced) == CN.announced_to == 2026
    assert CN.provisional(date(2027, 1, 4))
    assert not CN.provisional(date(2026, 12, 31))


def recount(d: date, n: int) -> date:
    """The n-th working day after d, day by day, from the two sets alone."""
    while n:
        d += timedelta(days=1)
        n -= d in CN.makeup or (d.weekday() < 5 and d not in CN.holidays)
    return d


@given(DAYS, st.integers(0, 120))
def test_adding_working_days_is_the_recount(d: date, n: int) -> None:
    assert CN.add_working_days(d, n) == recount(d, n)


@given(DAYS, DAYS)
def test_counting_is_the_inverse_of_adding(a: date, b: date) -> None:
    between = CN.working_days_between(a, b)
    assert between == sum(CN.is_working_day(d) for d in days(a + timedelta(days=1), b))
    if between:
        assert CN.add_working_days(a, between) <= b < CN.add_working_days(a, between + 1)


@given(INSTANTS, st.timedeltas(timedelta(0), timedelta(days=20)))
def test_working_seconds_are_the_sum_over_the_days(a: datetime, length: timedelta) -> None:
    b, total = a + length, timedelta(0)
    for day in days(CN.local_date(a), CN.local_date(b)):
        opens, closes = (datetime.combine(day, t, CN.zone) for t in (CN.opens, CN.closes))
        if CN.is_working_day(day):
            total += max(min(b, closes) - max(a, opens), timedelta(0))
    assert CN.working_seconds(a, b) == int(total.total_seconds())


@given(INSTANTS, st.integers(1, 400_000))
def test_office_time_is_used_up_exactly_when_it_has_passed(at: datetime, seconds: int) -> None:
    end = CN.add_office_time(at, timedelta(seconds=seconds))
    assert CN.office_time(at, end) == timedelta(seconds=seconds)
    assert CN.office_time(at, end - timedelta(seconds=1)) < timedelta(seconds=seconds)


def test_a_legal_day_ends_at_midnight_of_its_own_zone() -> None:
    assert CN.end_of(date(2026, 2, 24)) == datetime(2026, 2, 24, 16, tzinfo=UTC)
    assert CN.local_date(datetime(2026, 2, 24, 15, 59, 59, tzinfo=UTC)) == date(2026, 2, 24)
    assert CN.local_date(datetime(2026, 2, 24, 16, tzinfo=UTC)) == date(2026, 2, 25)
    with pytest.raises(ValueError, match="time zone"):
        CN.local_date(datetime(2026, 2, 24))  # noqa: DTZ001 - the point of the test


def test_counting_takes_less_than_five_microseconds() -> None:
    """The hot path counts several limits per step. Best of five, so that a busy machine does not matter."""
    d, rounds = date(2026, 2, 10), 2000
    best = min(timeit(lambda: CN.add_working_days(d, 20), number=rounds) for _ in range(5)) / rounds
    assert best < 5e-6


def test_outside_the_table_is_refused() -> None:
    with pytest.raises(ValueError, match="2000 to 2080"):
        CN.is_working_day(date(1999, 12, 31))
    with pytest.raises(ValueError, match="ends with 2080"):
        CN.add_working_days(date(2080, 12, 1), 40)
    with pytest.raises(ValueError, match="forward"):
        CN.add_working_days(date(2026, 1, 1), -1)


# --- files -------------------------------------------------------------------------------------------------------


def written(folder: Path, name: str, more: str) -> Path:
    text = f'code: {name}\ncountry: CN\nzone: Asia/Shanghai\nopens: "09:00"\ncloses: "17:00"\nannounced_to: 2026\n'
    (folder / f"{name}.yaml").write_text(text + more, "utf-8")
    return folder


def test_a_file_adds_and_takes_away_days(tmp_path: Path) -> None:
    off = "holidays: [2026-11-25]\nnot_holidays: [2026-10-07]\n"
    more = f"areas: all\n{off}makeup: [2026-11-28]\nnot_makeup: [2026-10-10]\n"
    mended = load_calendars(written(tmp_path, "cn", more))["cn"]
    changed = {date(2026, 11, 25), date(2026, 10, 7), date(2026, 11, 28), date(2026, 10, 10)}
    assert {
        d for d in days(date(2026, 9, 1), date(2026, 12, 31)) if mended.is_working_day(d) != CN.is_working_day(d)
    } == changed
    assert mended.version != CN.version


def test_an_area_counts_by_its_own_calendar_or_by_the_one_for_all(tmp_path: Path) -> None:
    written(tmp_path, "cn", "areas: all\n")
    found = load_calendars(written(tmp_path, "local", "areas: [huaxi]\nholidays: [2026-11-25]\n"))
    assert found.for_area("huaxi").code == "local"
    assert found.for_area("nanming").code == found.for_area(None).code == "cn"
    assert sorted(found) == ["cn", "local"]
    assert len(found) == 2


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ("areas: [huaxi]\n", "exactly one calendar"),
        ("areas: all\nhalidays: []\n", "halidays"),
        ("areas: all\nholidays: [2026-02-30]\n", "cn.yaml"),
        ("areas: all\nholidays: [\n", "cn.yaml"),
    ],
)
def test_a_broken_file_is_named(tmp_path: Path, more: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        load_calendars(written(tmp_path, "cn", more))


def test_an_office_that_closes_before_it_opens_is_refused() -> None:
    with pytest.raises(ValueError, match="close after"):
        Calendar("x", "1", ZoneInfo("UTC"), time(17), time(9), frozenset(), frozenset(), 2026)
    with pytest.raises(ValueError, match="for all areas"):
        Calendars({}, {}, "cn")
