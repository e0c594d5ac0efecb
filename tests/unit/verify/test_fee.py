"""Clause 8, "fee": a definition says it once, collects it at a step, and leaves no way round it."""

from __future__ import annotations

from decimal import Decimal

import pytest

from govservice.money import Money
from tests.unit.verify.conftest import SOUND, Check, Refused

FEE = 'fee: {amount: {value: "200.00", currency: CNY}, basis: "tariff 3", due: before_issue}\n'
STEP = (
    "  fee:\n    title: {en: Fee, zh: 缴费}\n    kind: auto\n    do: {call: fee.collect}\n    answers:\n"
    "      ok: {to: issue}\n      fail: {to: decision}\n    timers: [{at: 30d, do: lapse, to: withdrawn}]\n"
)
APPROVE = "approve: {to: issue, marks: decided"
PAID = ("facts:\n", FEE + "facts:\n", "  issue:\n", STEP + "  issue:\n", APPROVE, "approve: {to: fee, marks: decided")


def test_a_fee_on_the_only_way_is_sound(check: Check) -> None:
    assert check(*PAID) == []


def test_a_fee_that_no_step_collects(refused: Refused) -> None:
    refused("E-FEE-NEVER", "facts:\n", FEE + "facts:\n", at="fee:")


def test_a_step_that_collects_a_fee_nobody_said(refused: Refused) -> None:
    assert refused("E-FEE-UNKNOWN", *PAID[2:], at="  fee:").step == "fee"


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ('"200.001", currency: CNY', "decimal places"),
        ('"200.00", currency: XXX', "currency"),
        ('"0", currency: CNY', "sum"),
    ],
)
def test_a_sum_that_cannot_be_paid(refused: Refused, written: str, words: str) -> None:
    fee = FEE.replace('"200.00", currency: CNY', written)
    assert words in refused("E-FEE-AMOUNT", "facts:\n", fee + "facts:\n", *PAID[2:], at="fee:").message


def test_a_wait_that_may_never_end(refused: Refused) -> None:
    endless = STEP.replace("    timers: [{at: 30d, do: lapse, to: withdrawn}]\n", "")
    refused("W-FEE-WAIT", *PAID[:3], endless + "  issue:\n", *PAID[4:], at="  fee:")


def test_a_way_round_the_fee_is_told_with_its_run(refused: Refused) -> None:
    """`fail` leads on as `ok` does: the document would be issued unpaid."""
    leaky = STEP.replace("fail: {to: decision}", "fail: {to: issue}")
    found = refused("E-FEE-BYPASSED", *PAID[:3], leaky + "  issue:\n", *PAID[4:], at="  issue:")
    assert found.step == "issue"
    assert found.trace[-2:] == ("fee", "issue")


def test_a_fee_due_before_the_decision_or_the_review_is_not_late(check: Check) -> None:
    for due, step in (("before_decision", "decision"), ("before_review", "review")):
        fee = FEE.replace("before_issue", due)
        found = check("facts:\n", fee + "facts:\n", *PAID[2:])
        assert [f.code for f in found] == ["E-FEE-BYPASSED"], due
        assert found[0].step == step


def test_a_fee_before_the_review(check: Check) -> None:
    fee = FEE.replace("before_issue", "before_review")
    step = STEP.replace("ok: {to: issue}", "ok: {to: review}").replace("fail: {to: decision}", "fail: {to: desk}")
    accept = "accept: {to: review, marks: accepted"
    found = check(
        "facts:\n", fee + "facts:\n", "  issue:\n", step + "  issue:\n", accept, accept.replace("review", "fee")
    )
    assert [f for f in found if "FEE" in f.code] == []


def test_sums_are_whole_minor_units() -> None:
    assert Money.of(Decimal("200.00"), "CNY") == (20000, "CNY")
    assert str(Money(8550, "CNY")) == "85.50 CNY"
    assert Money(8550, "CNY").value == Decimal("85.50")
    assert str(Money.of(Decimal(500), "JPY")) == "500 JPY"
    for value, currency in (("0.001", "CNY"), ("-1", "CNY"), ("NaN", "CNY"), ("1e20", "CNY"), ("1.5", "JPY")):
        with pytest.raises(ValueError, match=r"decimal|sum"):
            Money.of(Decimal(value), currency)
    assert SOUND.count("facts:") == 1
