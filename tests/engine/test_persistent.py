"""Clause 5, "persistent triggers (a payment callback that comes early is kept)": an answer to an auto step that comes
before its step is kept, and used when a token arrives there."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from govservice.engine import MAIN, Applied
from govservice.errors import Forbidden, NotAllowed
from govservice.models.session import Database
from tests.engine.texts import branch, definition, label, review
from tests.engine.world import HE, LI, MONDAY, SYSTEM, ZHANG, ZHOU, World, compiled_from, data_of

PAID = f"""
decision:
  kind: human
  owner: head
  actions:
    approve: {{to: fee, {label("Yes")}}}
    refuse:  {{to: refused, reason: true, {label("No")}}}
fee:
  kind: auto
  do: {{call: document.issue}}
  answers:
    ok:
      result: {{paid: decimal, who: text}}
      to: [{{guard: "result.paid >= 200.0", to: done}}, {{to: decision}}]
      marks: decided
    fail: {{to: decision, flag: unpaid}}
"""
INSIDE = """
food:
  owner: food
  start: lab
  steps:
    lab:
      kind: auto
      do: {call: document.issue}
      answers:
        ok:   {to: desk}
        fail: {end: rejected}
    desk:
      actions:
        pass: {end: approved, label: {en: Pass, zh: 过}}
"""


def paid(database: Database) -> World:
    w = World(database, compiled_from(definition(PAID, first="decision")))
    w.submit({"menu.seats": 1})
    return w


def callback(w: World, trigger: str, step: str = "fee", *, result: Any = None, **more: Any) -> Applied:
    return w.do(SYSTEM, trigger, data={"step": step, "result": result or {}}, **more)


def test_persistent_trigger_a_payment_callback_that_comes_early_is_kept_and_used(database: Database) -> None:
    w = paid(database)
    early = callback(w, "@ok", result={"paid": "200.00", "who": "Wang Fang", "other": 1}, idem="payment-1")
    assert w.types(early) == ["answer.kept"]
    assert data_of(early, "answer.kept")["result"] == {"paid": "200.00"}, "declared, and no words of people"
    assert w.steps() == ["decision"]
    w.check()
    again = callback(w, "@ok", result={"paid": "200.00", "who": "Wang Fang", "other": 1}, idem="payment-1")
    assert again.replayed, "a callback that comes twice is one callback"
    done = w.do(HE, "approve", MAIN)
    assert w.types(done)[:3] == ["step.left", "step.entered", "step.left"]
    assert [e.data["kept"] for e in done.events if "kept" in e.data] == [early.events[0].seq]
    assert (w.state.status, w.state.outcome, w.state.kept) == ("closed", "granted", {})
    assert "document.issue" not in w.topics(), "nothing is asked whose answer is here"
    w.check()
    with pytest.raises(NotAllowed):
        callback(w, "@ok", idem="payment-2")
    assert w.rows("outbox"), "the notice of the end"


def test_persistent_trigger_is_used_once_and_the_last_answer_counts(database: Database) -> None:
    w = paid(database)
    callback(w, "@ok", result={"paid": "200.00"})
    callback(w, "@fail")
    w.do(HE, "approve", MAIN)
    assert w.steps() == ["decision"]
    assert w.state.flags == ("unpaid",)
    w.do(HE, "approve", MAIN)
    assert w.steps() == ["fee"], "the kept answer was used up: this time the step waits"
    assert w.topics()[-1] == "document.issue"
    at_once = callback(w, "@ok", result={"paid": "10.00"})
    assert w.types(at_once)[0] == "step.left", "the step is there: the answer acts at once"
    assert w.steps() == ["decision"], "what the answer brought is weighed as ever"
    w.check()


def test_persistent_trigger_of_a_branch_waits_for_the_parallel_step(database: Database) -> None:
    text = definition(
        f"wait:\n  kind: human\n  owner: window\n  actions:\n    on: {{to: review, {label('On')}}}\n"
        + review(
            INSIDE + branch("fire", "fire", when="place.area >= 300.0"), '- {if: "all(approved, not_needed)", to: done}'
        ),
        first="wait",
    )
    w = World(database, compiled_from(text))
    w.submit({"place.area": "400"})
    callback(w, "@ok", "review.food.lab")
    w.do(LI, "on", MAIN)
    assert sorted(w.steps()) == ["review", "review.fire.desk", "review.food.desk"]
    w.do(ZHOU, "pass", "review.fire")
    w.do(ZHANG, "pass", "review.food")
    assert w.state.outcome == "granted"
    w.check()


def test_persistent_trigger_only_for_the_system_and_for_a_step_that_is_still_ahead(database: Database) -> None:
    w = paid(database)
    with pytest.raises(Forbidden):
        w.do(HE, "@ok", data={"step": "fee"})
    for step, trigger in (("decision", "@ok"), ("nowhere", "@ok"), ("done", "@ok")):
        with pytest.raises(NotAllowed):
            callback(w, trigger, step)
    assert w.state.kept == {}
    w.at(MONDAY + timedelta(days=1)).do(w.wang, "withdraw", MAIN)
    with pytest.raises(NotAllowed):
        callback(w, "@ok")
