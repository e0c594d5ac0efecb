"""A case whose timers fail is left alone for a while and holds up nobody."""

from __future__ import annotations

from datetime import timedelta

from govservice.engine import tick
from govservice.engine.tick import Backoff
from govservice.models.session import Database
from tests.engine.clocked import DAY
from tests.engine.world import CALENDARS, MONDAY, World

# -- a case that fails holds up nobody


def test_cases_whose_timers_fail_are_left_alone_for_a_while_and_hold_up_nobody(database: Database) -> None:
    broken = World(database, "food_business_licence")
    failing = []
    for _ in range(5):
        broken.submit()
        failing.append(broken.case_id)
    w = World(database, "open_restaurant")
    w.at(MONDAY + DAY).submit()
    backoff, late = Backoff(), MONDAY + 20 * DAY
    fired = tick(database, late, w.definitions, CALENDARS, limit=2, backoff=backoff)  # knows one service only
    assert fired > 0, "the last of six, although two at a time are tried"
    assert w.steps() != ["acceptance"]
    assert [backoff.holds(id, late) for id in failing] == [True] * 5
    assert tick(database, late, w.definitions, CALENDARS, limit=2, backoff=backoff) == 0
    assert not backoff.holds(failing[0], late + timedelta(minutes=1)), "tried again later"
    assert tick(database, late + timedelta(minutes=1), broken.definitions, CALENDARS, backoff=backoff) > 0
    assert len(backoff) == 0


def test_the_pause_after_failures_grows_to_six_hours() -> None:
    backoff, now = Backoff(), MONDAY
    for _ in range(40):
        backoff.failed("a", now)
    assert backoff.holds("a", now + timedelta(hours=6) - timedelta(seconds=1))
    assert not backoff.holds("a", now + timedelta(hours=6))
