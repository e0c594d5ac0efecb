"""Clause "Bundles": children in order of their data dependencies, partial outcome, restart; through the outbox only."""

from __future__ import annotations

import json
from typing import Any

import pytest

from govservice.definitions.check import check_bytes
from govservice.definitions.loader import Rules
from govservice.engine import MAIN, SYSTEM, Applied
from govservice.engine.explore import explore
from govservice.errors import Forbidden, NotAllowed
from govservice.models.session import Database
from tests.engine.texts import LIMITS, definition, label
from tests.engine.world import CATALOGUE, HE, World, compiled_from

STEPS = f"""
together:
  title: {{en: Together, zh: 联办}}
  kind: cases
  owner: lead
  limit: 5wd
  spawn:
    - {{service: police}}
    - {{service: insurance, with: {{child.id: police.child.id}}}}
    - {{service: benefit}}
    - {{service: card, when: "menu.seats > 0", with: {{child.id: police.child.id, place.area: place.area}}}}
  join:
    - {{if: "all(granted, not_needed)", to: done, marks: decided}}
    - {{if: "any(granted)", to: partly}}
    - {{to: refused, marks: decided}}
partly:
  title: {{en: Some succeeded, zh: 部分办成}}
  kind: applicant
  actions:
    again:  {{to: together, {label("Again")}}}
    finish: {{to: done, marks: decided, {label("Finish")}}}
"""
TEXT = definition(
    STEPS, first="together", head=LIMITS.replace("from: accepted, to: decided", "from: received, to: decided")
)
NEED = {"menu.seats": 1, "place.area": "12.5"}


class Bundle(World):
    """A bundle without its children: what they say comes from the test."""

    def says(self, service: str, outcome: str | None = None, **more: Any) -> Applied:
        data = {"service": service, "case": f"case-of-{service}", "outcome": outcome, **more}
        return self.do(SYSTEM, "@child", MAIN, data=data)

    def children(self) -> dict[str, str]:
        return {c.service: c.outcome or c.status for c in self.state.children.values()}

    def asked(self) -> list[str]:
        rows = sorted(self.rows("outbox"), key=lambda r: r["seq"])
        return [json.loads(r["payload"])["service"] for r in rows if r["topic"] == "bundle.spawn"]


def bundle(database: Database, answers: dict[str, Any] | None = None) -> Bundle:
    b = Bundle(database, compiled_from(TEXT))
    b.submit(answers if answers is not None else NEED)
    return b


def test_children_start_in_order_of_their_data_dependencies(database: Database) -> None:
    """Insurance waits for the number that police issues; what needs nothing of it runs beside."""
    b = bundle(database)
    assert b.children() == {"police": "asked", "insurance": "waiting", "benefit": "asked", "card": "waiting"}
    assert b.asked() == ["police", "benefit"]
    b.says("benefit")
    assert b.state.children["benefit"].case == "case-of-benefit"
    b.says("police")
    assert b.asked() == ["police", "benefit"]  # that police began is not enough
    b.says("police", "granted")
    assert b.asked() == ["police", "benefit", "insurance", "card"]
    for service in ("benefit", "insurance", "card"):
        b.says(service, "granted")
    assert (b.state.status, b.state.outcome) == ("closed", "granted")
    joined = [json.loads(r["data"]) for r in b.rows("case_events") if r["type"] == "step.left"][-1]
    assert joined["outcomes"] == dict.fromkeys(("police", "insurance", "benefit", "card"), "granted")
    b.check()


def test_a_child_whose_when_is_false_is_not_needed(database: Database) -> None:
    b = bundle(database, {"menu.seats": 0})
    assert b.children()["card"] == "not_needed"


def test_one_refused_does_not_undo_the_others(database: Database) -> None:
    """Clause "partial outcome": the others go on; only what needed the refused one can never begin."""
    b = bundle(database)
    b.says("benefit", "granted")
    b.says("police", "refused")
    assert b.children() == {
        "police": "refused", "insurance": "prevented", "benefit": "granted", "card": "prevented",
    }  # fmt: skip
    assert b.steps() == ["partly"]
    b.do(b.wang, "finish", MAIN)
    assert b.state.outcome == "granted"
    b.check()


def test_entering_again_keeps_what_was_granted_and_tries_the_rest_anew(database: Database) -> None:
    """Clause "children restartable"."""
    b = bundle(database)
    b.says("benefit", "granted")
    b.says("police", "refused")
    b.do(b.wang, "again", MAIN)
    assert b.children() == {"police": "asked", "insurance": "waiting", "benefit": "granted", "card": "waiting"}
    assert b.state.children["police"].attempt == 2
    b.says("police", "granted", attempt=1)  # the first try cannot speak for the second
    assert b.children()["police"] == "asked"
    b.says("police", "granted", attempt=2, case="another")
    b.says("insurance", "granted")
    b.says("card", "granted")
    assert b.state.outcome == "granted"
    b.check()


def test_a_child_that_did_not_succeed_is_tried_again_while_others_run(database: Database) -> None:
    b = bundle(database)
    b.says("police", "failed", case=None)
    assert b.children()["insurance"] == "prevented"
    with pytest.raises(NotAllowed):
        b.do(b.wang, "@restart", MAIN, data={"service": "benefit"})  # it runs
    with pytest.raises(Forbidden):
        b.do(HE, "@restart", MAIN, data={"service": "police"})
    b.do(b.wang, "@restart", MAIN, data={"service": "police"})
    assert b.children() == {"police": "asked", "insurance": "waiting", "benefit": "asked", "card": "waiting"}
    b.check()


def test_what_was_heard_already_is_nothing_new(database: Database) -> None:
    b = bundle(database)
    b.says("police", "granted")
    assert b.says("police", "refused").events == ()
    assert b.says("police").events == ()
    assert b.children()["police"] == "granted"


def test_only_the_system_speaks_for_a_child(database: Database) -> None:
    b = bundle(database)
    data = {"service": "police", "case": "x", "outcome": "granted"}
    for actor in (b.wang, HE):
        with pytest.raises(Forbidden):
            b.do(actor, "@child", MAIN, data=data)


def test_withdrawing_the_bundle_tells_its_children(database: Database) -> None:
    b = bundle(database)
    b.says("police")
    b.do(b.wang, "withdraw", MAIN)
    assert b.children() == dict.fromkeys(("police", "insurance", "benefit", "card"), "cancelled")
    cancelled = [r for r in b.rows("outbox") if r["topic"] == "bundle.cancel"]
    assert {json.loads(r["payload"])["service"] for r in cancelled} == {"police", "benefit"}  # the others never began
    b.check()


def test_the_bundle_has_a_clock_of_its_own(database: Database) -> None:
    b = bundle(database)
    assert {"limit:intake", "limit:decision"} <= set(b.state.clocks)
    clock = b.state.step_clock(b.state.main)
    assert clock is not None
    assert clock.statutory == "5wd"


# -- what the verifier says


def test_the_verifier_weighs_every_combination_of_outcomes() -> None:
    def codes(text: str) -> set[str]:
        checked = check_bytes(text.encode(), Rules(CATALOGUE, open_names=True), "x.yaml")
        return {f.code for f in checked.findings}

    assert codes(TEXT) & {"E-JOIN-DEADLOCK", "E-YAML", "E-DUPLICATE-KEY"} == set()
    assert "E-JOIN-DEADLOCK" in codes(TEXT.replace("      - {to: refused, marks: decided}\n", "", 1))


def test_the_exploration_plays_a_bundle_to_its_end() -> None:
    found = explore(compiled_from(TEXT))
    assert found.complete
    assert not found.broken
    assert ("together", "@join0") in found.used
    assert ("together", "@join2") in found.used
