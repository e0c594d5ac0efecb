"""Clause 10, replay on a draft: commands rebuilt from events and answers; same end, not possible at step X, another
outcome, erased."""

from __future__ import annotations

from datetime import timedelta

import pytest

from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.engine.events import BY_NAME
from govservice.engine.rebuild import verified_events
from govservice.engine.replay import Verdict, draft_of, replay
from govservice.engine.replay_acts import READ, TELLERS, WITH_IT, told
from govservice.models.session import Database
from tests.engine.test_migration import DESK, OLD, text
from tests.engine.texts import label
from tests.engine.world import CALENDARS, CATALOGUE, HE, LI, MAIN, ZHANG, ZHOU, World, compiled_from, staff

ZHAO = staff("zhao.lei", "supervisor@government")
# Types that no act of a person or another system begins: they follow from one, or a timer's hour came.
FOLLOWS = {
    "case.closed", "case.migrated", "step.entered", "branch.ended", "consult.opened", "appointment.made",
    "branch.suspended", "branch.resumed", "token.paused", "token.resumed", "task.claimed", "task.released",
    "task.escalated", "task.assigned", "clock.started", "clock.paused", "clock.resumed", "clock.moved", "clock.stopped",
    "clock.breached", "timer.fired", "timers.set", "after.ended", "step.called", "child.asked",
    *WITH_IT,
}  # fmt: skip


def judged(world: World, draft: Compiled, **steps: str) -> Verdict:
    """The case of a world, played on a draft."""
    with world.db.read() as session:
        case = told(event for event in verified_events(session, world.case_id) if event.type in READ)
    answers = {rev: typed(draft.service.fields, world.answers) for rev in case.revisions}
    return replay(draft_of(draft, CATALOGUE, CALENDARS, steps), case, answers)


@pytest.fixture
def granted(database: Database) -> World:
    """A case with a correction on its way, a branch each, and a grant."""
    world = World(database, OLD)
    world.submit({"menu.seats": 5})
    world.do(LI, "@claim", 1)
    world.do(LI, "correct", 1, reason="x", data={"items": {"menu.seats": "?"}})
    world.at(world.now + timedelta(days=2))
    world.resubmit(2, ["menu.seats"])
    world.do(LI, "accept", 1)
    world.ask(ZHANG, "review.food", "menu.seats")
    world.do(ZHOU, "pass", "review.fire")  # the notice goes out by itself: every branch has acted
    world.at(world.now + timedelta(days=3))
    world.resubmit(3, ["menu.seats"])
    world.do(ZHANG, "pass", "review.food")
    if "review.fire.desk" in world.steps():
        world.do(ZHOU, "pass", "review.fire")
    world.do(HE, "approve", 1)
    assert world.state.outcome == "granted"
    return world


def test_on_its_own_definition_every_case_ends_the_same(granted: World) -> None:
    assert judged(granted, OLD) == Verdict("same")


def test_not_possible_at_step_x(granted: World) -> None:
    """Clause 10: "not possible at step X": another action, another role, a need that was not met, four eyes."""
    gone = compiled_from(text(desk=DESK.replace("accept:", "admit:")))
    assert judged(granted, gone) == Verdict("impossible", "desk", "accept", "no_action")
    others = compiled_from(text(desk=DESK.replace("owner: window", "owner: head")))
    assert judged(granted, others) == Verdict("impossible", "desk", "correct", "role")
    paper = compiled_from(
        text(desk=DESK.replace("marks: accepted,", "requires: {attachments: [plan]}, marks: accepted,"))
    )
    assert judged(granted, paper) == Verdict("impossible", "desk", "accept", "missing")
    guard = compiled_from(text(desk=DESK.replace("marks: accepted,", 'guard: "menu.seats > 9", marks: accepted,')))
    assert judged(granted, guard) == Verdict("impossible", "desk", "accept", "guard")
    eyes = compiled_from(text(desk=DESK.replace("correction: true", "not_same_as: [desk], correction: true").replace(
        "marks: accepted,", "not_same_as: [desk], marks: accepted,")))  # fmt: skip
    assert judged(granted, eyes) == Verdict("impossible", "desk", "accept", "four_eyes")
    bare = compiled_from(text(food="kitchen"))
    assert judged(granted, bare) == Verdict("impossible", "review.food.desk", "ask", "no_branch")
    assert judged(granted, bare, **{"review.food.desk": "review.kitchen.desk"}) == Verdict("same")


def test_another_outcome(granted: World) -> None:
    """Clause 10: "other outcome", also where a timer of the draft would have ended the case."""
    refusing = compiled_from(
        text().replace("approve: {to: done, marks: decided", "approve: {to: refused, marks: decided")
    )
    assert judged(granted, refusing) == Verdict("other", was="granted", would="refused")
    hasty = DESK + "    - {at: 1d, do: lapse, to: withdrawn}\n"
    assert judged(granted, compiled_from(text(desk=hasty))).kind == "same", "it stood still during the correction"
    hasty = hasty.replace("at: 1d", "at: 1wh")
    world = World(granted.db, OLD)
    world.submit({"menu.seats": 5})
    world.at(world.now + timedelta(days=1))
    world.do(LI, "accept", 1)
    assert judged(world, compiled_from(text(desk=hasty))).would == "withdrawn"


def test_a_running_case_is_judged_by_where_it_stands(granted: World) -> None:
    world = World(granted.db, OLD)
    world.submit({"menu.seats": 5})
    assert judged(world, OLD) == Verdict("same")
    renamed = compiled_from(text(desk=DESK.replace("desk:", "counter:")).replace("to: desk", "to: counter"))
    assert judged(world, renamed) == Verdict("other", was="desk", would="counter")
    assert judged(world, renamed, desk="counter") == Verdict("same")
    unlimited = compiled_from(text(desk=DESK.replace("  limit: 5wd\n", "").replace("80%limit", "4wd")))
    assert judged(world, unlimited) == Verdict("same")


def test_a_withdrawal_and_a_lapse_are_told_as_what_they_were(database: Database) -> None:
    world = World(database, OLD)
    world.submit({"menu.seats": 5})
    world.do(LI, "accept", 1)
    world.do(world.wang, "withdraw", 1)
    assert judged(world, OLD) == Verdict("same")
    lapsed = World(database, OLD)
    lapsed.submit({"menu.seats": 5})
    lapsed.do(LI, "correct", 1, reason="x", data={"items": {"menu.seats": "?"}})
    lapsed.tick(lapsed.now + timedelta(days=60))
    assert lapsed.state.status == "closed"
    assert judged(lapsed, OLD) == Verdict("same")


def test_every_type_of_event_is_an_act_or_follows_from_one() -> None:
    """A new type must say which: else a replay would leave out what caused it."""
    assert set(TELLERS) | FOLLOWS == set(BY_NAME)
    assert not set(TELLERS) & FOLLOWS


def test_what_supervision_did_is_replayed_too(database: Database) -> None:
    """Clause 5 and 10: a part ended by a supervisor, a part looked at again, a question asked and taken back."""
    asks = f"ask: {{consult: {{departments: [fire_rescue, urban_mgmt], limit: 2wd}}, {label('Ask')}}}"
    asking = DESK.replace("  timers:", f"    {asks}\n  timers:")
    stands = compiled_from(text(desk=asking))
    goes = compiled_from(text(desk=asking).replace('"all(approved)"', '"all(approved, cancelled)"'))
    world = World(database, goes)
    world.submit({"menu.seats": 5})
    world.do(LI, "ask", MAIN, reason="?")
    world.do(ZHOU, "agree", "desk@ask@fire_rescue")
    world.do(LI, "@cancel", "desk@ask@urban_mgmt", reason="they called")
    world.do(LI, "accept", MAIN)
    world.do(ZHANG, "pass", "review.food")
    world.do(ZHAO, "@reopen", "review.food", reason="look again")
    world.do(ZHAO, "@cancel", "review.fire", reason="nobody there")
    assert world.steps() == ["review", "review.food.desk"]
    world.do(ZHANG, "pass", "review.food")
    assert judged(world, goes) == Verdict("same")
    assert judged(world, stands) == Verdict("impossible", "review.fire.desk", "@cancel", "no_join")
    unasked = compiled_from(text().replace('"all(approved)"', '"all(approved, cancelled)"'))
    assert judged(world, unasked) == Verdict("impossible", "desk", "ask", "no_action")
