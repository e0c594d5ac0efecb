"""Clause 4, "absence with delegation (log shows "A for B")", and "four eyes (also across roles, delegation ...)"."""

from __future__ import annotations

from dataclasses import replace

import pytest

from govservice.engine import MAIN, Actor
from govservice.errors import Forbidden
from govservice.models.session import Database
from tests.engine.texts import branch, definition, label, review
from tests.engine.world import HE, LI, ZHANG, ZHOU, World, compiled_from, staff

WU = staff("wu.gang", "food@market_reg")
SUN_LI = staff("sun.li", "window@market_reg")
DECIDE = f"""
decision:
  kind: human
  owner: head
  actions:
    approve: {{to: done, not_same_as: [review.food.desk], {label("Yes")}}}
    refuse:  {{to: refused, reason: true, two_people: true, {label("No")}}}
"""


def world(database: Database) -> World:
    text = review(branch("food", "food") + branch("fire", "fire"), "- {to: decision}", after="", extra=DECIDE)
    w = World(database, compiled_from(definition(text, first="review")))
    w.submit({"menu.seats": 1})
    return w


def standing_in(deputy: Actor, *absent: Actor) -> Actor:
    return replace(deputy, deputy_for=absent)


def test_delegation_the_log_says_for_whom_and_tasks_reach_the_deputy(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "@claim", "review.food")
    with pytest.raises(Forbidden):
        w.do(WU, "pass", "review.food")
    done = w.do(standing_in(WU, ZHANG), "pass", "review.food")
    assert {(e.actor, e.on_behalf_of) for e in done.events} == {(WU.id, ZHANG.id)}
    assert set(w.state.acts["review.food.desk"]) == {WU.id, ZHANG.id}
    own = w.do(standing_in(ZHOU, ZHANG), "pass", "review.fire", on_behalf_of=ZHANG.id)
    assert {e.on_behalf_of for e in own.events} == {None}, "nobody says for whom: it follows from task and role"
    w.check()


def test_delegation_four_eyes_hold_both_ways(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    boss = staff("boss", "food@market_reg", "head@market_reg")
    examiner = replace(ZHANG, roles=HE.roles)
    for deputy in (standing_in(ZHANG, HE), standing_in(SUN_LI, examiner)):
        with pytest.raises(Forbidden) as refused:
            w.do(deputy, "approve", MAIN)
        assert refused.value.code == "four_eyes", "B does not approve through A what B examined, nor for A what A did"
    w.do(standing_in(boss, HE), "refuse", MAIN, reason="x")
    assert w.state.main.confirmed is not None
    assert w.state.main.confirmed[3] is None, "who has the role acts for themselves"
    deputy = standing_in(LI, HE)
    w.do(deputy, "refuse", MAIN, reason="x")
    assert w.state.outcome == "refused"
    w.check()


def test_delegation_nobody_confirms_twice_through_another(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    w.do(standing_in(LI, HE), "refuse", MAIN, reason="x")
    assert w.state.main.confirmed is not None
    assert (w.state.main.confirmed[1], w.state.main.confirmed[3]) == (LI.id, HE.id)
    other = staff("other", "head@market_reg")
    with pytest.raises(Forbidden) as refused:
        w.do(staff("boss", "supervisor@government"), "@assign", MAIN, assignee=HE, reason="x")
    assert (refused.value.code, refused.value.facts["because"]) == ("assignee", "same_person"), (
        "it was confirmed for HE"
    )
    for again in (HE, standing_in(LI, other), standing_in(SUN_LI, HE)):
        with pytest.raises(Forbidden) as refused:
            w.do(again, "refuse", MAIN, reason="x")
        assert refused.value.code == "same_person"
    w.do(other, "refuse", MAIN, reason="x")
    assert w.state.outcome == "refused"


def test_delegation_ends_where_a_conflict_of_interest_begins(database: Database) -> None:
    w = world(database)
    own = replace(ZHANG, person_id=w.person)
    with pytest.raises(Forbidden) as refused:
        w.do(standing_in(LI, own), "pass", "review.food")
    assert refused.value.code == "own_case", "what the absent one may not decide nobody decides for them"
    with pytest.raises(Forbidden):
        w.do(standing_in(replace(LI, person_id=w.person), ZHANG), "pass", "review.food")


def test_delegation_what_changes_nothing_is_answered_a_second_time_as_the_first(database: Database) -> None:
    """Found by the long simulation: a deputy takes what the absent colleague has; sent again, it is the same."""
    w = world(database)
    w.do(ZHANG, "@claim", "review.food")
    deputy = standing_in(WU, ZHANG)
    first = w.do(deputy, "@claim", "review.food", idem="the-same")
    again = w.do(deputy, "@claim", "review.food", idem="the-same")
    assert (first.events, first.replayed) == ((), False)
    assert (again.events, again.replayed, again.version) == ((), True, first.version)
