"""Pledges, deferred materials and steps after the end: what the verifier refuses, and what it lets pass."""

from __future__ import annotations

from tests.unit.verify.conftest import Check, Refused

GAP = (
    "  plan: {label: {en: Plan, zh: 平面图}}\n",
    "  plan: {deferrable: {until: issue, within: 8wd, to: ended}, label: {en: Plan, zh: 平面图}}\n",
    "  done: {kind: end, outcome: granted}\n",
    "  done: {kind: end, outcome: granted}\n  ended: {kind: end, outcome: terminated}\n",
)
WAIT = ("    do: {call: document.issue}\n", "    requires: {gaps: closed}\n    do: {call: document.issue}\n")
PLEDGE = "{replaced_by: {pledge: food_safety_pledge, post_check: {step: look, within: 10wd}}, label: {en: P, zh: 图}}"
PLEDGED = ("plan: {label: {en: Plan, zh: 平面图}}", f"plan: {PLEDGE}")
LOOK = """\
  look:
    title: {en: Look, zh: 核查}
    kind: human
    owner: food
    after_close: true
    actions:
      kept: {end: confirmed, label: {en: Kept, zh: 属实}}
      broken: {end: revoked, reason: true, effects: [document.revoke], not_same_as: [review.food.site], label: {en: B, zh: 撤}}
"""  # noqa: E501
CHECKED = (*PLEDGED, "  issue:\n", f"{LOOK}  issue:\n")


def test_a_sound_deferral_and_a_sound_pledge_have_no_finding(check: Check) -> None:
    assert check(*GAP, *WAIT) == []
    assert check(*CHECKED) == []


def test_a_grant_with_an_open_gap(refused: Refused) -> None:
    found = refused("E-GAP-OPEN", *GAP, at="done:", also=("E-DEFERRAL",))
    assert found.trace[0] == "draft"
    assert found.trace[-2:] == ("issue", "done")


def test_a_way_round_the_wait(refused: Refused) -> None:
    """The step waits, but another way leads to the grant."""
    short = "approve: {to: issue, marks: decided,"
    way = "quick: {to: done, marks: delivered, label: {en: Q, zh: 快}}\n      approve: {to: issue, marks: decided,"
    found = refused("E-GAP-OPEN", *GAP, *WAIT, short, way, at="done:", also=("E-LIMIT-OPEN",))
    assert found.trace[-2:] == ("decision", "done")


def test_an_action_may_wait_instead_of_the_step(check: Check) -> None:
    gap = (GAP[0], GAP[1].replace("until: issue", "until: decision"), *GAP[2:])
    act = "approve: {to: issue, marks: decided,"
    assert check(*gap, act, "approve: {to: issue, requires: {gaps: closed}, marks: decided,") == []


def test_a_deferral_ends_neither_granted_nor_refused(refused: Refused) -> None:
    wrong = GAP[1].replace("to: ended", "to: refused")
    found = refused("E-DEFERRAL", GAP[0], wrong, *WAIT, at="plan:")
    assert "not granted and not refused" in found.message


def test_a_deferral_longer_than_the_promise(refused: Refused) -> None:
    refused("W-DEFERRAL-LONG", GAP[0], GAP[1].replace("8wd", "15wd"), *GAP[2:], *WAIT, at="plan:")


def test_a_pledge_that_nobody_checks(refused: Refused) -> None:
    refused("W-UNCHECKED-PLEDGE", PLEDGED[0], PLEDGED[1].replace(", post_check: {step: look, within: 10wd}", ""),
            at="plan:")  # fmt: skip


def test_no_way_crosses_the_end_of_the_case(refused: Refused) -> None:
    refused("E-AFTER-CLOSE", *CHECKED, "{end: confirmed,", "{to: done,", at="kept:")
    decline = "decline: {to: refused, reason: true"
    refused("E-AFTER-CLOSE", *CHECKED, decline, decline.replace("refused", "look"), at="decline:")
    refused("E-AFTER-CLOSE", *CHECKED, "{end: confirmed,", "{end: confirmed, marks: delivered,", at="kept:")
