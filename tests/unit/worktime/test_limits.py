"""The legal clock: worked cases from the law, and every rule against a naive day-by-day recount."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config import ROOT
from govservice.worktime.calendar import load_calendars
from govservice.worktime.duration import Duration
from govservice.worktime.limits import Pause, consumed, due_at, due_on, fraction, remaining, resolved

CN = load_calendars(ROOT / "workflows" / "calendars")["cn"]
D = Duration.parse


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CN.zone)


def pause(begin: str, end: str | None) -> Pause:
    return Pause(local(begin), local(end) if end else None, "correction")


@pytest.mark.parametrize(
    ("start", "limit", "due"),
    [
        ("2026-02-10T10:00", "5wd", "2026-02-24"),  # Spring Festival, worked on Saturday 14 February
        ("2026-02-10T00:00", "5wd", "2026-02-24"),  # the hour of the act does not matter ...
        ("2026-02-10T23:59", "5wd", "2026-02-24"),
        ("2026-02-14T10:00", "1wd", "2026-02-24"),  # an act on a make-up Saturday
        ("2026-02-18T10:00", "1wd", "2026-02-24"),  # an act on a holiday
        ("2025-09-26T10:00", "5wd", "2025-10-10"),  # make-up Sunday 28 September; 1-8 October off
        ("2026-09-30T10:00", "3wd", "2026-10-10"),  # make-up Saturday 10 October
        ("2026-11-23T10:00", "5wd", "2026-11-30"),
        ("2026-09-24T10:00", "7d", "2026-10-08"),  # 1 October is off until the 7th: moves
        ("2026-09-23T10:00", "7d", "2026-09-30"),
        ("2026-11-20T10:00", "1d", "2026-11-23"),  # Saturday moves to Monday
        ("2026-10-03T10:00", "7d", "2026-10-10"),  # a make-up Saturday is no day off
        ("2026-01-31T10:00", "1mo", "2026-02-28"),  # no 31 February; 28 February 2026 is worked
        ("2026-04-01T10:00", "1mo", "2026-05-06"),  # Labour Day week
        ("2025-10-01T10:00", "1y", "2026-10-08"),
        ("2026-02-10T10:00", "0wd", "2026-02-10"),
    ],
)
def test_due_days(start: str, limit: str, due: str) -> None:
    assert due_on(CN, local(start), D(limit)) == date.fromisoformat(due)


def test_a_day_ends_at_twenty_four_hours_local() -> None:
    assert due_at(CN, local("2026-02-10T10:00"), D("5wd")) == datetime(2026, 2, 24, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("start", "limit", "at"),
    [
        ("2026-11-23T10:15:30", "4wh", "2026-11-23T14:15:30"),
        ("2026-11-23T16:00", "4wh", "2026-11-24T12:00"),
        ("2026-11-27T16:00", "1wh", "2026-11-27T17:00"),  # ends with the day, not on Monday morning
        ("2026-11-27T20:00", "1wh", "2026-11-30T10:00"),
        ("2026-02-14T16:00", "2wh", "2026-02-24T10:00"),
    ],
)
def test_office_hours_end_at_an_exact_instant(start: str, limit: str, at: str) -> None:
    assert due_at(CN, local(start), D(limit)) == local(at)
    assert due_on(CN, local(start), D(limit)) == local(at).date()


@pytest.mark.parametrize(
    ("pauses", "due"),
    [
        ([], "2026-11-30"),
        # the 24th (begin) is used, the 26th (end) is not: 25 and 26 are left out
        ([("2026-11-24T15:00", "2026-11-26T09:00")], "2026-12-02"),
        ([("2026-11-24T00:00", "2026-11-24T23:59")], "2026-11-30"),  # within a day: nothing is left out
        ([("2026-11-24T23:59", "2026-11-25T00:01")], "2026-12-01"),  # over midnight: the 25th is
        ([("2026-11-27T10:00", "2026-11-29T10:00")], "2026-11-30"),  # a weekend has no days to leave out
        # overlapping pauses leave a day out once
        ([("2026-11-24T09:00", "2026-11-26T09:00"), ("2026-11-25T09:00", "2026-11-27T09:00")], "2026-12-03"),
        ([("2026-11-24T09:00", "2026-11-27T09:00"), ("2026-11-25T09:00", "2026-11-26T09:00")], "2026-12-03"),
        # touching pauses
        ([("2026-11-24T09:00", "2026-11-25T09:00"), ("2026-11-25T10:00", "2026-11-26T09:00")], "2026-12-02"),
        # before the limit began, on its first day, and after it ended
        ([("2026-11-02T09:00", "2026-11-20T09:00")], "2026-11-30"),
        ([("2026-11-20T09:00", "2026-11-24T09:00")], "2026-12-01"),
        ([("2026-11-30T09:00", "2026-12-04T09:00")], "2026-11-30"),
        ([("2026-12-01T09:00", None)], "2026-11-30"),
    ],
)
def test_pauses(pauses: list[tuple[str, str | None]], due: str) -> None:
    assert due_on(CN, local("2026-11-23T10:00"), D("5wd"), [pause(*p) for p in pauses]) == date.fromisoformat(due)


def test_a_moved_end_does_not_land_inside_a_pause() -> None:
    """Due on Saturday; the pause begins on Sunday: Monday is not counted, so the limit ends after the pause."""
    stopped = [pause("2026-11-29T10:00", "2026-12-02T10:00")]
    assert due_on(CN, local("2026-11-23T10:00"), D("5d"), stopped) == date(2026, 12, 3)


@pytest.mark.parametrize(
    ("begin", "end", "due"),
    [
        ("2026-10-08T10:00", "2026-10-12T10:00", "2026-10-08"),  # the day on which a pause starts is used
        ("2026-10-07T10:00", "2026-10-08T10:00", "2026-10-09"),  # the day on which it ends is not
    ],
)
def test_a_moved_end_keeps_to_the_edges_of_a_pause(begin: str, end: str, due: str) -> None:
    """3 October is off until the 7th: the limit ends on the 8th, or on the first day that counts again."""
    found = due_on(CN, local("2026-09-30T10:00"), D("3d"), [pause(begin, end)])
    assert found == date.fromisoformat(due)


def test_office_hours_leave_out_the_office_time_of_a_pause() -> None:
    stopped = [pause("2026-11-23T11:00", "2026-11-23T12:30"), pause("2026-11-23T12:00", "2026-11-23T13:00")]
    assert due_at(CN, local("2026-11-23T10:00"), D("4wh"), stopped) == local("2026-11-23T16:00")


def test_a_running_pause_has_no_due_date() -> None:
    running = [pause("2026-11-24T10:00", None)]
    for limit in ("5wd", "5d", "12wh", "1mo"):
        with pytest.raises(ValueError, match="paused"):
            due_on(CN, local("2026-11-23T10:00"), D(limit), running)
    assert remaining(CN, local("2026-11-23T10:00"), local("2026-12-24T10:00"), D("5wd"), running) == 4


def test_a_share_has_no_length_of_its_own() -> None:
    for use in (due_on, due_at):
        with pytest.raises(ValueError, match="80%limit"):
            use(CN, local("2026-11-23T10:00"), D("80%limit"))
    with pytest.raises(ValueError, match="share"):
        consumed(CN, local("2026-11-23T10:00"), local("2026-11-24T10:00"), D("80%limit"))


@pytest.mark.parametrize(
    ("limit", "percent", "share"),
    [
        ("7wd", 80, "5wd"), ("10wd", 80, "8wd"), ("5wd", 80, "4wd"), ("1wd", 80, "1wd"), ("2wd", 80, "1wd"),
        ("7wd", 100, "7wd"), ("5wd", 150, "7wd"), ("30d", 80, "24d"), ("12wh", 80, "9wh"), ("1y", 50, "6mo"),
        ("1mo", 80, "24d"), ("10mo", 50, "5mo"), ("0wd", 80, "0wd"),
    ],
)  # fmt: skip
def test_shares_are_rounded_down_but_never_to_nothing(limit: str, percent: int, share: str) -> None:
    assert str(fraction(D(limit), percent)) == share
    assert resolved(Duration(percent, "%limit"), D(limit)) == D(share)


def test_a_timer_with_a_length_of_its_own_needs_no_limit() -> None:
    assert resolved(D("3wd"), None) == D("3wd")
    with pytest.raises(ValueError, match="needs a limit"):
        resolved(D("80%limit"), None)
    with pytest.raises(ValueError, match="not a limit"):
        fraction(D("80%limit"), 80)


def test_used_and_left_through_a_limit() -> None:
    start, limit = local("2026-02-10T10:00"), D("5wd")
    shown = {
        "2026-02-10T23:00": 5, "2026-02-11T09:00": 5, "2026-02-12T09:00": 4, "2026-02-15T09:00": 1,
        "2026-02-24T23:59": 1, "2026-02-25T00:00": 0, "2026-02-26T00:00": -1,
    }  # fmt: skip
    assert {at: remaining(CN, start, local(at), limit) for at in shown} == shown


# --- against a recount -------------------------------------------------------------------------------------------

SPAN = (datetime(2025, 9, 15), datetime(2026, 3, 15))  # noqa: DTZ001 - hypothesis adds the zone
STARTS = st.datetimes(*SPAN, timezones=st.just(UTC))
PAUSES = st.lists(
    st.tuples(STARTS, st.timedeltas(timedelta(0), timedelta(days=25))).map(lambda p: Pause(p[0], p[0] + p[1], "test")),
    max_size=4,
)


def counted(day: date, start: datetime, pauses: Sequence[Pause], working: bool) -> bool:
    """The rule as the law's reading puts it, for one day."""
    left_out = any(CN.local_date(p.start) < day <= CN.local_date(p.end) for p in pauses if p.end)
    return day > CN.local_date(start) and not left_out and (CN.is_working_day(day) or not working)


def naive_due(start: datetime, n: int, pauses: Sequence[Pause], working: bool) -> date:
    day = CN.local_date(start)
    while n:
        day += timedelta(days=1)
        n -= counted(day, start, pauses, working)
    while not working and not CN.is_working_day(day):
        day += timedelta(days=1)
        while not counted(day, start, pauses, working=False):
            day += timedelta(days=1)
    return day


@given(STARTS, st.integers(1, 45), PAUSES)
def test_working_days_are_the_recount(start: datetime, n: int, pauses: list[Pause]) -> None:
    assert due_on(CN, start, Duration(n, "wd"), pauses) == naive_due(start, n, pauses, working=True)


@given(STARTS, st.integers(1, 90), PAUSES)
def test_calendar_days_are_the_recount(start: datetime, n: int, pauses: list[Pause]) -> None:
    assert due_on(CN, start, Duration(n, "d"), pauses) == naive_due(start, n, pauses, working=False)


@given(STARTS, st.integers(1, 12), PAUSES)
def test_months_are_their_days(start: datetime, n: int, pauses: list[Pause]) -> None:
    first = CN.local_date(start)
    days = (Duration(n, "mo").after(first) - first).days
    assert due_on(CN, start, Duration(n, "mo"), pauses) == naive_due(start, days, pauses, working=False)


@given(STARTS, st.integers(1, 40), PAUSES)
@settings(max_examples=60)
def test_office_hours_are_a_walk_by_the_minute(start: datetime, hours: int, pauses: list[Pause]) -> None:
    """Whole minutes, walked one by one, office time outside pauses counted."""
    start = start.replace(second=0, microsecond=0)
    cut = [
        Pause(p.start.replace(second=0, microsecond=0), p.end.replace(second=0, microsecond=0), "test")
        for p in pauses
        if p.end
    ]
    at, left = start, hours * 60
    while left:
        here = at.astimezone(CN.zone)
        open_ = CN.is_working_day(here.date()) and CN.opens <= here.time() < CN.closes
        left -= open_ and not any(p.start <= at < p.end for p in cut if p.end)
        at += timedelta(minutes=1)
    assert due_at(CN, start, Duration(hours, "wh"), cut) == at


@given(STARTS, st.integers(1, 45), PAUSES, st.timedeltas(timedelta(0), timedelta(days=120)))
def test_used_up_means_due(start: datetime, n: int, pauses: list[Pause], later: timedelta) -> None:
    """Units left never rise, and reach nothing at the very instant at which the limit is missed."""
    limit, now = Duration(n, "wd"), start + later
    due = due_at(CN, start, limit, pauses)
    assert remaining(CN, start, due, limit, pauses) == 0
    assert remaining(CN, start, due - timedelta(seconds=1), limit, pauses) == 1
    assert (remaining(CN, start, now, limit, pauses) <= 0) == (now >= due)
    used = sum(
        counted(CN.local_date(start) + timedelta(days=k), start, pauses, working=True)
        for k in range(1, (CN.local_date(now) - CN.local_date(start)).days)
    )
    assert consumed(CN, start, now, limit, pauses) == used


@given(
    STARTS,
    st.sampled_from(["wd", "wh", "d", "mo", "y"]),
    st.integers(1, 20),
    st.timedeltas(timedelta(0), timedelta(days=900)),
)
def test_without_pauses_nothing_is_overdue_before_it_is_used(
    start: datetime, unit: str, n: int, later: timedelta
) -> None:
    limit = D(f"{n}{unit}")
    if start + later >= due_at(CN, start, limit):
        assert remaining(CN, start, start + later, limit) <= 0


@given(STARTS, st.integers(1, 20), PAUSES, st.randoms())
def test_the_order_of_pauses_does_not_matter(start: datetime, n: int, pauses: list[Pause], random: object) -> None:
    shuffled = list(pauses)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert due_on(CN, start, Duration(n, "wd"), shuffled) == due_on(CN, start, Duration(n, "wd"), pauses)
