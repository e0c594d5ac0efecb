"""Clause "Parallel": branches by condition, joins in order with siblings, branch outcomes, rounds."""

from __future__ import annotations

import pytest

from govservice.engine import MAIN
from govservice.errors import NotAllowed, Tampered
from govservice.models.session import Database
from tests.engine.texts import branch, definition, review
from tests.engine.world import HE, SUN, ZHANG, ZHOU, World, compiled_from

THREE = branch("food", "food") + branch("fire", "fire") + branch("sign", "urban", when="menu.seats > 0")
ALL = '- {if: "all(approved, not_needed)", to: decision}\n'
REJECT = '- {if: "any(rejected)", to: refused, siblings: %s, marks: decided}\n'
YES = {"menu.seats": 20}


def world(
    database: Database, branches: str, joins: str, answers: dict[str, object] | None = None, **more: str
) -> World:
    d = compiled_from(definition(review(branches, joins, **more), first="review"))
    w = World(database, d)
    w.submit(YES if answers is None else answers)
    return w


def test_each_branch_has_a_token_and_the_main_token_waits(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL)
    tokens = w.state.tokens
    assert [(t.id, t.kind, t.scope, t.status) for t in tokens.values()] == [
        (1, "main", "", "waiting"),
        (2, "branch", "review.food", "active"),
        (3, "branch", "review.fire", "active"),
        (4, "branch", "review.sign", "active"),
    ]
    assert {t.role for t in w.state.tasks.values()} == {"lead", "food", "fire", "urban"}
    w.check()


def test_a_branch_whose_when_is_false_is_not_needed(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL, {"menu.seats": 0})
    sign = w.state.token_of("review.sign")
    assert sign is not None
    assert (sign.status, sign.outcome, sign.step) == ("ended", "not_needed", "review.sign#not_needed")
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]
    w.check()


def test_a_missing_answer_counts_as_not_needed(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL, {})
    sign = w.state.token_of("review.sign")
    assert sign is not None
    assert sign.outcome == "not_needed"


def test_no_branch_needed_passes_straight_through(database: Database) -> None:
    branches = branch("food", "food", when="menu.seats > 0") + branch("fire", "fire", when="menu.seats > 5")
    w = world(database, branches, ALL + "- {to: refused, marks: decided}\n", {"menu.seats": 0})
    assert w.steps() == ["decision"]
    w.check()


def test_the_join_fires_in_the_transaction_of_the_last_act(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    applied = w.do(SUN, "pass", "review.sign")
    assert w.types(applied) == ["step.left", "branch.ended", "step.left", "step.entered"]
    assert applied.events[2].data["outcomes"] == {"food": "approved", "fire": "approved", "sign": "approved"}


def test_siblings_cancel_fires_at_once_and_cancels_the_open_ones(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL)
    applied = w.do(ZHOU, "fail", "review.fire", reason="no exit")
    assert w.state.outcome == "refused"
    cancelled = [e.data["branch"] for e in applied.events if e.type == "branch.cancelled"]
    assert cancelled == ["review.food", "review.sign"]
    assert {r["status"] for r in w.rows("tasks")} == {"done", "cancelled"}
    w.check()


def test_siblings_wait_is_weighed_when_all_have_ended(database: Database) -> None:
    w = world(database, THREE, REJECT % "wait" + ALL)
    w.do(ZHOU, "fail", "review.fire", reason="no exit")
    assert w.steps() == ["review", "review.food.desk", "review.sign.desk"]
    w.do(ZHANG, "pass", "review.food")
    w.do(SUN, "pass", "review.sign")
    assert w.state.outcome == "refused"


def test_rules_are_weighed_in_order_and_the_last_may_have_no_if(database: Database) -> None:
    joins = '- {if: "atleast(2, approved)", to: decision}\n- {to: refused, marks: decided}\n'
    w = world(database, THREE, joins)
    w.do(ZHANG, "pass", "review.food")
    w.do(SUN, "pass", "review.sign")
    assert len(w.steps()) == 2  # `wait` is the default: fire is still open
    w.do(ZHOU, "fail", "review.fire", reason="x")
    assert w.steps() == ["decision"]


def test_an_early_atleast_with_cancel(database: Database) -> None:
    joins = '- {if: "atleast(2, approved)", to: decision, siblings: cancel}\n- {to: refused, marks: decided}\n'
    w = world(database, THREE, joins)
    w.do(ZHANG, "pass", "review.food")
    w.do(SUN, "pass", "review.sign")
    fire = w.state.token_of("review.fire")
    assert w.steps() == ["decision"]
    assert fire is not None
    assert (fire.status, fire.outcome) == ("ended", "cancelled")
    with pytest.raises(NotAllowed):
        w.do(ZHOU, "pass", "review.fire")
    w.check()


def test_entering_again_starts_every_branch_anew_in_a_new_round(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL)
    before = {t.scope: t.version for t in w.state.tokens.values()}
    for who, scope in ((ZHANG, "food"), (ZHOU, "fire"), (SUN, "sign")):
        w.do(who, "pass", f"review.{scope}")
    w.do(HE, "reopen", MAIN, reason="look again")
    tokens = w.state.tokens
    assert [t.round for t in tokens.values() if t.kind == "branch"] == [2, 2, 2]
    assert all(t.status == "active" and t.outcome is None for t in tokens.values() if t.kind == "branch")
    assert all(tokens[t].version > before[tokens[t].scope] for t in tokens)  # an old page is stale
    assert w.state.rounds == {"review": 2}
    w.check()


def test_withdrawing_from_a_parallel_step_cancels_its_branches(database: Database) -> None:
    w = world(database, THREE, REJECT % "cancel" + ALL)
    w.do(w.wang, "withdraw", MAIN)
    assert w.state.outcome == "withdrawn"
    assert not w.steps()
    assert w.topics()[-1] == "notice.withdrawn"
    w.check()


def test_a_branch_act_never_makes_a_sibling_stale(database: Database) -> None:
    from tests.engine.world import shown

    w = world(database, THREE, REJECT % "cancel" + ALL)
    page = shown(w.state, 3)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", 3, expected=page)
    assert w.steps() == ["review", "review.sign.desk"]


def test_going_round_in_circles_ends(database: Database) -> None:
    """A join that leads back to its own parallel step while nothing is needed would never end."""
    branches = branch("food", "food", when="menu.seats > 0") + branch("fire", "fire", when="menu.seats > 5")
    d = compiled_from(definition(review(branches, "- {to: review}\n"), first="review"))
    w = World(database, d)
    with pytest.raises(Tampered):
        w.submit({"menu.seats": 0})
