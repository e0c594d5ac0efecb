"""Clause 3.3 "Building permit": "conditions list with later inspection tasks"; the notice of seven days where
neighbours are concerned, the hearing on request."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from govservice.engine import MAIN, SYSTEM
from govservice.errors import Missing
from govservice.models.session import Database
from tests.engine.world import AREA, World, staff

WINDOW = staff("li.na", "window@service_hall")
LEAD = staff("lead", "building_lead@housing_construction")
HEAD = staff("head", "building_head@housing_construction")
DESKS = {
    "plans.planning": staff("plan", "planner@natural_resources"),
    "works.fire": staff("fire", "fire_design@housing_construction"),
}
SMALL: dict[str, Any] = {
    "premises.district": AREA, "project.area": "900", "project.height": "12", "project.water": False,
    "site.heritage": False, "project.neighbours": False,
}  # fmt: skip
REPORT = {"attachments": ("site_report",)}


@pytest.fixture
def world(database: Database) -> World:
    return World(database, "building_permit")


def examined(w: World, **other: Any) -> None:
    """Through both stages; planning agrees with conditions."""
    w.submit({**SMALL, **other})
    w.do(WINDOW, "accept", MAIN)
    w.do(DESKS["plans.planning"], "terms", "plans.planning", reason="keep two metres from the kerb")
    w.do(DESKS["works.fire"], "pass", "works.fire")
    w.do(LEAD, "propose", MAIN)


def granted(w: World) -> None:
    examined(w)
    w.do(HEAD, "approve", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.outcome == "granted"


def test_conditions_are_looked_at_on_site_after_the_permit(world: World) -> None:
    w = world
    granted(w)
    (task,) = w.state.tasks.values()
    assert (task.step, task.role) == ("conditions_check", "building_lead")
    with pytest.raises(Missing):
        w.do(LEAD, "kept", "conditions_check")
    w.do(LEAD, "kept", "conditions_check", **REPORT)
    assert not w.state.tasks
    w.check()


def test_conditions_that_are_broken_cost_the_permit(world: World) -> None:
    w = world
    granted(w)
    w.do(LEAD, "broken", "conditions_check", reason="built to the kerb", **REPORT)
    assert "document.revoke" in w.topics()
    w.check()


def test_where_neighbours_are_concerned_it_is_published_for_seven_days(world: World) -> None:
    w = world
    examined(w, **{"project.neighbours": True})
    assert w.state.main.step == "publication"
    w.tick(w.now + timedelta(days=6))
    assert w.state.main.step == "publication"
    w.tick(w.now + timedelta(days=2))
    assert w.state.main.step == "decision"
    w.check()


def test_a_hearing_on_request_stops_the_clock(world: World) -> None:
    w = world
    examined(w)
    w.do(HEAD, "hear", MAIN)
    assert w.state.clocks["limit:decision"].paused_since is not None
    w.do(HEAD, "heard", MAIN)
    assert w.state.clocks["limit:decision"].paused_since is None
    w.check()
