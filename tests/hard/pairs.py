"""A case on which everything is possible at once: a notice is out, two departments work, one more yes ends the join."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from govservice.engine import MAIN, SYSTEM, Command
from govservice.engine.apply import TIMERS
from govservice.engine.state import CaseState
from govservice.models.base import new_id
from govservice.models.session import Database
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import HE, LEAD, LI, SUN, ZHANG, ZHOU, World, compiled_from, shown, staff

ACTIONS = ("decide", "withdraw", "correct", "reassign", "timer", "join")
ZHAO = staff("zhao.lei", "supervisor@government")
FIRE_2 = staff("fire-2", "fire@fire_rescue")
HEAD_2, HEAD_3 = staff("head-2", "head@market_reg"), staff("head-3", "head@market_reg")
ACCEPT = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept: {{to: review, marks: accepted, {label("Accept")}}}
"""
POLICY = "notice: once\ncollect_within: 3wd\nrecheck: reads_changed\nwithin: 5wd\nlapse_to: withdrawn"
HYGIENE = f"""\
hygiene:
  owner: head
  start: look
  steps:
    look:
      actions:
        go: {{to: weigh, {label("Go")}}}
    weigh:
      actions:
        pass: {{end: approved, {label("Pass")}}}
"""
BRANCHES = branch("food", "food", reads="menu") + branch("fire", "fire") + branch("sign", "urban") + HYGIENE
JOINS = '- {if: "atleast(2, approved)", to: decision, siblings: cancel}\n- {to: refused, marks: decided}\n'
TEXT = definition(ACCEPT + review(BRANCHES, JOINS, correction=POLICY), first="acceptance", head=LIMITS + TOP_CORRECTION)
LATE = timedelta(days=60)  # the notice has lapsed by then


class Scene:
    """Sets the case and makes the commands of two people who both see it as it is now."""

    def __init__(self, database: Database) -> None:
        self.world = World(database, compiled_from(TEXT))
        self.state = CaseState()

    def set(self) -> None:
        w = self.world
        w.submit({"menu.seats": 1})
        w.do(LI, "accept", MAIN)
        w.ask(ZHANG, "review.food", "menu.seats")
        w.do(LEAD, "@send_notice", MAIN)
        w.do(SUN, "pass", "review.sign")
        w.answer(2, {"menu.seats": 2})
        self.state = w.state

    def command(self, action: str, number: int, *, late: bool) -> Command:
        """What the first (0) or second (1) of them sends."""
        made: dict[str, Callable[[int], dict[str, Any]]] = {
            "decide": lambda n: {"actor": (HE, HEAD_3)[n], "trigger": "go", **self._at("review.hygiene")},
            "withdraw": lambda n: {"actor": self.world.wang, "trigger": "withdraw", "token_id": MAIN},
            "correct": lambda n: {
                "actor": self.world.wang, "trigger": "@resubmit", "data": {"data_rev": 2, "changed": ["menu.seats"]},
            },
            "reassign": lambda n: {
                "actor": ZHAO, "trigger": "@assign", "assignee": (HE, HEAD_2)[n], **self._at("review.hygiene", ""),
            },
            "timer": lambda n: {"actor": SYSTEM, "trigger": TIMERS},
            "join": lambda n: {"actor": (ZHOU, FIRE_2)[n], "trigger": "pass", **self._at("review.fire")},
        }  # fmt: skip
        now = self.world.now + (LATE if late else timedelta())
        return Command(case_id=self.world.case_id, idem=new_id(), now=now, **made[action](number))

    def _at(self, scope: str, holder: str | None = None) -> dict[str, Any]:
        token = self.state.token_of(scope)
        assert token is not None
        return {"token_id": token.id, "expected": replace(shown(self.state, token.id), holder=holder)}
