"""Clause 5, "supervisor's cancel task, reassign, reopen with reason", and clause 4, "assign" and "return to the same
clerk"."""

from __future__ import annotations

import pytest

from govservice.engine import MAIN, Expected
from govservice.errors import Forbidden, Missing, NotAllowed, Stale
from govservice.models.session import Database
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import (
    HE,
    LEAD,
    LI,
    SUN,
    ZHANG,
    ZHOU,
    World,
    compiled_from,
    data_of,
    staff,
)

ZHAO = staff("zhao.lei", "supervisor@government")
FAR = staff("far.away", "supervisor@government", area="nanming")
ABOVE = staff("above", "supervisor@government", area="guizhou")
WU = staff("wu.gang", "food@market_reg")
ACCEPT = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept:  {{to: review, marks: accepted, {label("Accept")}}}
    correct: {{correction: true, reason: true, {label("Ask")}}}
"""
POLICY = "notice: once\ncollect_within: 3wd\nrecheck: reads_changed\nwithin: 30wd\nlapse_to: withdrawn"
BRANCHES = branch("food", "food", reads="menu") + branch("fire", "fire") + branch("sign", "urban")


def world(database: Database, last: str = "to: decision") -> World:
    joins = f'- {{if: "any(rejected)", to: refused}}\n- {{if: "all(approved, cancelled)", {last}}}\n'
    text = definition(
        ACCEPT + review(BRANCHES, joins, correction=POLICY), first="acceptance", head=LIMITS + TOP_CORRECTION
    )
    w = World(database, compiled_from(text))
    w.submit({"menu.seats": 1})
    w.do(LI, "accept", MAIN)
    return w


def holder(w: World, scope: str) -> str | None:
    token = w.state.token_of(scope)
    assert token is not None
    task = w.state.task_of(token.id)
    assert task is not None
    return task.assignee


def test_two_who_give_the_same_task_out_at_once_are_told_apart(database: Database) -> None:
    """One winner, a clear message for the loser: whoever saw another holder than there is learns who was first."""
    w = world(database)
    seen = Expected(None, None, "")
    w.do(ZHAO, "@assign", "review.food", assignee=ZHANG, expected=seen)
    with pytest.raises(Stale) as late:
        w.do(ABOVE, "@assign", "review.food", assignee=WU, expected=seen)
    assert [event.actor for event in late.value.events if event.type == "task.assigned"] == [ZHAO.id]
    now = Expected(None, None, ZHANG.id)
    w.do(ABOVE, "@assign", "review.food", assignee=WU, expected=now, reason="x")
    with pytest.raises(Stale):
        w.do(ZHAO, "@assign", "review.food", assignee=ZHANG, expected=now, reason="x")
    assert holder(w, "review.food") == WU.id
    w.check()


def test_supervisor_reassigns_with_reason_and_only_to_who_may_have_it(database: Database) -> None:
    w = world(database)
    w.do(ZHAO, "@assign", "review.food", assignee=ZHANG)
    assert holder(w, "review.food") == ZHANG.id, "a task that nobody has is given out without a reason"
    with pytest.raises(Missing):
        w.do(ZHAO, "@assign", "review.food", assignee=WU)
    moved = w.do(ZHAO, "@assign", "review.food", assignee=WU, reason="Zhang is ill")
    said = data_of(moved, "task.assigned")
    assert (said["was"], said["to"], "text" in said, "role" in said) == (ZHANG.id, WU.id, True, False)
    assert "ill" not in str(moved.events)
    with pytest.raises(Forbidden):
        w.do(ZHANG, "pass", "review.food")
    for somebody in (ZHOU, LI, staff("new", "food@market_reg", person_id=w.person)):
        with pytest.raises(Forbidden) as refused:
            w.do(ZHAO, "@assign", "review.food", assignee=somebody, reason="x")
        assert refused.value.code == "assignee"
    for nobody in (FAR, HE, ZHANG, w.wang):
        with pytest.raises(Forbidden):
            w.do(nobody, "@assign", "review.food", assignee=ZHANG, reason="x")
    w.do(ABOVE, "@assign", "review.food", assignee=ZHANG, reason="the province watches here too")
    w.do(LEAD, "@assign", "review.fire", assignee=ZHOU)
    assert holder(w, "review.fire") == ZHOU.id, "the lead gives out the tasks of the branches"
    with pytest.raises(Missing):
        w.do(LEAD, "@assign", "review.fire")
    w.check()
    w.do(ZHANG, "pass", "review.food")


def test_supervisor_cancels_a_task_only_where_the_case_can_go_on_and_with_reason(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "pass", "review.food")
    with pytest.raises(Missing):
        w.do(ZHAO, "@cancel", "review.sign")
    for nobody in (LEAD, FAR, SUN):
        with pytest.raises(Forbidden):
            w.do(nobody, "@cancel", "review.sign", reason="x")
    done = w.do(ZHAO, "@cancel", "review.sign", reason="no sign is planned any more")
    assert data_of(done, "branch.cancelled")["by_supervision"] is True
    token = w.state.token_of("review.sign")
    assert (token.open, token.outcome) == (False, "cancelled")  # type: ignore[union-attr]
    w.check()
    w.do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]
    with pytest.raises(NotAllowed):
        w.do(ZHAO, "@cancel", "review.fire", reason="x")
    w.check()


def test_supervisor_may_not_cancel_what_no_rule_can_do_without(database: Database) -> None:
    text = definition(
        ACCEPT + review(BRANCHES, '- {if: "all(approved)", to: decision}\n- {if: "any(rejected)", to: refused}'),
        first="acceptance",
    )
    w = World(database, compiled_from(text))
    w.submit({"menu.seats": 1})
    w.do(LI, "accept", MAIN)
    with pytest.raises(NotAllowed) as refused:
        w.do(ZHAO, "@cancel", "review.sign", reason="x")
    assert refused.value.facts["why"] == "no_join"
    with pytest.raises(NotAllowed):
        w.do(ZHAO, "@cancel", MAIN, reason="x")


def test_supervisor_reopens_a_finished_part_with_reason(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "pass", "review.food")
    with pytest.raises(NotAllowed):
        w.do(ZHAO, "@reopen", "review.sign", reason="it is open")
    with pytest.raises(Missing):
        w.do(ZHAO, "@reopen", "review.food")
    again = w.do(ZHAO, "@reopen", "review.food", reason="the photographs are of another shop")
    assert data_of(again, "branch.opened")["by_supervision"] is True
    assert holder(w, "review.food") == ZHANG.id, "it comes back to the same clerk"
    w.check()
    for who, scope in ((ZHANG, "review.food"), (ZHOU, "review.fire"), (SUN, "review.sign")):
        w.do(who, "pass", scope)
    assert w.steps() == ["decision"]
    with pytest.raises(NotAllowed):
        w.do(ZHAO, "@reopen", "review.food", reason="too late: the definition's own way back is there")
    w.check()


@pytest.mark.parametrize("then", ["", "@reopen", "ask"])
def test_a_part_that_asked_and_was_ended_since_does_not_come_back_with_the_answer(
    database: Database, then: str
) -> None:
    """Found by the simulation: the answer to a notice let a cancelled part go on, without an owner."""
    w = world(database)
    w.ask(ZHOU, "review.fire", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.do(ZHAO, "@cancel", "review.fire", reason="not for them")
    if then:
        w.do(ZHAO, "@reopen", "review.fire", reason="for them after all")
    if then == "ask":
        w.ask(ZHOU, "review.fire", "menu.seats")
    w.resubmit(2, ["menu.seats"], {"menu.seats": 2})
    token = w.state.token_of("review.fire")
    assert token is not None
    waits = {"": ("active", None), "@reopen": ("active", None), "ask": ("waiting", "correction_notice")}
    assert (token.status, token.waits_for) == waits[then], "it reads what changed, or began anew, or still asks"
    assert then != "ask" or f"{MAIN}/correction:collect" in w.state.timers
    w.check()


def test_a_late_answer_never_brings_an_older_revision_back(database: Database) -> None:
    """Found by the simulation: an answer that was on its way when another one had come pinned what was older."""
    w = world(database)
    w.answer(2, {"menu.seats": 2})
    for rev in (3, 4):
        w.ask(ZHOU, "review.fire", "menu.seats")
        w.do(LEAD, "@send_notice", MAIN)
        if rev == 3:
            w.resubmit(3, ["menu.seats"], {"menu.seats": 3})
    with pytest.raises(Stale):
        w.do(w.wang, "@resubmit", data={"data_rev": 2, "changed": ["menu.seats"]})
    assert w.state.data_rev == 3
    w.do(w.wang, "@resubmit", data={"data_rev": 3, "changed": []})


def test_supervisor_does_nothing_to_their_own_case(database: Database) -> None:
    w = world(database)
    own = staff("own", "supervisor@government", person_id=w.person)
    for trigger, more in (("@assign", {"assignee": ZHANG}), ("@cancel", {}), ("@reopen", {})):
        with pytest.raises(Forbidden):
            w.do(own, trigger, "review.food", reason="x", **more)


def test_return_to_the_same_clerk_after_a_correction_and_after_a_send_back(database: Database) -> None:
    w = world(database)
    w.do(WU, "@claim", "review.food")
    w.ask(WU, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.resubmit(2, ["menu.seats"], {"menu.seats": 2})
    assert holder(w, "review.food") == WU.id, "after a correction"
    for who, scope in ((WU, "review.food"), (ZHOU, "review.fire"), (SUN, "review.sign")):
        w.do(who, "pass", scope)
    w.do(HE, "reopen", MAIN, reason="look again")
    assert [holder(w, f"review.{b}") for b in ("food", "fire", "sign")] == [WU.id, ZHOU.id, SUN.id], "after a send-back"
    with pytest.raises(Forbidden):
        w.do(ZHANG, "pass", "review.food")
    w.do(WU, "@release", "review.food")
    w.do(ZHANG, "pass", "review.food")
    w.check()


def test_nothing_returns_to_a_clerk_whose_account_was_closed(database: Database) -> None:
    from tests.engine.world import SYSTEM

    w = world(database)
    for who, scope in ((WU, "review.food"), (ZHOU, "review.fire"), (SUN, "review.sign")):
        w.do(who, "pass", scope)
    w.do(HE, "reopen", MAIN, reason="look again")
    w.do(SYSTEM, "@release", "review.food")
    for who, scope in ((ZHANG, "review.food"), (ZHOU, "review.fire"), (SUN, "review.sign")):
        w.do(who, "pass", scope)
    w.do(HE, "reopen", MAIN, reason="look again")
    assert holder(w, "review.food") == ZHANG.id
    w.check()
