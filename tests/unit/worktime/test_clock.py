"""The clocks of the portal, and `flask clock due`."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from govservice.cli import command_app
from govservice.clock import SimClock, WallClock

SIM, WALL = datetime(2026, 3, 2, 1, tzinfo=UTC), datetime(2026, 11, 23, 8, tzinfo=UTC)


class Stopped:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


def test_the_wall_clock_is_aware_utc() -> None:
    assert WallClock().now().utcoffset() == timedelta(0)


def test_a_simulated_clock_runs_on_at_the_same_speed_until_it_is_frozen() -> None:
    later = Stopped(WALL + timedelta(hours=3))
    assert SimClock(SIM, WALL, wall=later).now() == SIM + timedelta(hours=3)
    assert SimClock(SIM, WALL, frozen=True, wall=later).now() == SIM


def test_a_simulated_clock_answers_in_utc_and_refuses_instants_without_a_zone() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert SimClock(SIM.astimezone(shanghai), WALL, frozen=True).now().utcoffset() == timedelta(0)
    with pytest.raises(ValueError, match="time zone"):
        SimClock(SIM.replace(tzinfo=None), WALL)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["2026-02-10", "5wd"], "2026-02-24\n"),
        (["2026-02-10T23:59", "5wd", "--pause", "2026-02-11..2026-02-25"], "2026-03-02\n"),
        (["2026-02-10T16:30:00+00:00", "5wd"], "2026-02-25\n"),  # past midnight in Shanghai
    ],
)
def test_clock_due_prints_one_date(arguments: list[str], printed: str) -> None:
    done = command_app().test_cli_runner().invoke(args=["clock", "due", *arguments])
    assert (done.exit_code, done.stdout) == (0, printed)


@pytest.mark.parametrize(
    "arguments",
    [
        ["2026-02-30", "5wd"],
        ["2026-02-10", "5"],
        ["2026-02-10", "80%limit"],
        ["2026-02-10", "0wd"],
        ["2026-02-10", "9999y"],
        ["2026-02-10", "5wd", "--pause", "2026-02-11"],
        ["2026-02-10", "5wd", "--pause", "2026-02-12..2026-02-11"],
        ["2026-02-10", "5wd", "--calendar", "xx"],
        ["2026-02-10"],
    ],
)
def test_clock_due_refuses_bad_input_with_two(arguments: list[str]) -> None:
    done = command_app().test_cli_runner().invoke(args=["clock", "due", *arguments])
    assert done.exit_code == 2
    assert done.stdout == ""
