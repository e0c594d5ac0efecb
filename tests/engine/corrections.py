"""A service whose branches ask for corrections, for the tests of that."""

from __future__ import annotations

from datetime import timedelta

from govservice.engine import MAIN, CaseState
from govservice.models.session import Database
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import LI, World, compiled_from

POLICY = """
notice: once
collect_within: 3wd
clock: %s
recheck: reads_changed
within: 10wd
lapse_to: withdrawn
"""
BRANCHES = (
    branch("food", "food", reads="menu, plan", limit="5wd")
    + branch("fire", "fire", reads="place, plan", when="place.area >= 300.0", limit="5wd")
    + branch("sign", "urban", reads="sign", when="menu.seats > 0")
)
JOINS = '- {if: "any(rejected)", to: refused, siblings: cancel}\n- {if: "all(approved, not_needed)", to: decision}\n'
INTAKE = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept:  {{to: review, marks: accepted, {label("Accept")}}}
    correct: {{correction: true, reason: true, {label("Ask")}}}
  timers:
    - {{at: 100%limit, of: intake, do: accept, as: received}}
"""
ANSWERS = {"menu.seats": 20, "sign.text": "a", "place.area": "400"}
DAY = timedelta(days=1)


def world(database: Database, clock: str = "pause_any", limit: str = "10wd", *, accept: bool = True) -> World:
    text = definition(
        INTAKE + review(BRANCHES, JOINS, correction=POLICY % clock, limit=limit),
        first="acceptance",
        head=LIMITS + TOP_CORRECTION,
    )
    w = World(database, compiled_from(text))
    w.submit(ANSWERS)
    if accept:
        w.do(LI, "accept", MAIN)
    return w


def paused(state: CaseState) -> set[str]:
    return {key for key, c in state.clocks.items() if c.paused_since is not None}
