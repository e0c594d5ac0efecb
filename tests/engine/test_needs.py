"""Answers are opened only where an expression on the way may read them: each time costs a query and a decryption."""

from __future__ import annotations

import pytest

from govservice.engine import Command
from govservice.engine.needs import reads_answers
from tests.engine.texts import branch, definition, label, review
from tests.engine.walk import Walk
from tests.engine.world import LI, MONDAY, SYSTEM, compiled_from

JOINS = '- {if: "any(rejected)", to: refused, siblings: cancel}\n- {if: "all(approved, not_needed)", to: %s}\n'
FIRST = branch("food", "food", ask=False) + branch("fire", "fire", ask=False)
SECOND = f"""
again:
  kind: parallel
  owner: lead
  branches:
    one:
      owner: food
      when: "menu.seats > 0"
      start: desk
      steps: {{desk: {{actions: {{pass: {{end: approved, {label("Pass")}}}}}}}}}
    two:
      owner: fire
      start: desk
      steps: {{desk: {{actions: {{pass: {{end: approved, {label("Pass")}}}}}}}}}
  join:
    - {{to: decision}}
"""


def asks(text: str, step: str, trigger: str) -> bool:
    walk = Walk(compiled_from(text), {})
    state = walk.state
    state.status = "open"
    state.tokens[1] = state.tokens[1]._replace(step=step)
    return reads_answers(walk.d, state, Command("c", trigger, "i", MONDAY, LI, token_id=1))


@pytest.mark.parametrize(
    ("after", "step", "trigger", "expected"),
    [
        ("decision", "review.food.desk", "pass", False),  # a join to a plain step
        ("again", "review.food.desk", "pass", True),  # a join to a parallel step that weighs a `when`
        ("again", "again.one.desk", "pass", False),
        ("decision", "decision", "approve", False),
        ("decision", "decision", "reopen", False),  # back to branches without `when`
    ],
)
def test_only_what_may_be_read_is_opened(after: str, step: str, trigger: str, expected: bool) -> None:
    text = definition(review(FIRST, JOINS % after, extra=SECOND), first="review")
    assert asks(text, step, trigger) is expected


def test_timers_and_guards_open_them() -> None:
    steps = f"""
exam:
  kind: human
  owner: food
  actions:
    pass: {{to: done, guard: "menu.seats > 5", {label("Pass")}}}
    drop: {{to: refused, reason: true, {label("Drop")}}}
"""
    text = definition(steps, first="exam")
    assert asks(text, "exam", "pass")
    assert not asks(text, "exam", "drop")
    walk = Walk(compiled_from(text), {})
    walk.state.status = "open"
    assert reads_answers(walk.d, walk.state, Command("c", "@timer", "i", MONDAY, SYSTEM, token_id=1))
