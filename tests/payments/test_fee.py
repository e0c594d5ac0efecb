"""Clause 8 "Money": "fee, payment, refund against a payment sandbox (a process of its own, signed callbacks that come
late, twice, out of order or never); issued only after a valid callback". Over real HTTP, on both databases."""

from __future__ import annotations

from itertools import permutations

from tests.payments.conftest import Till, until


def test_issued_only_after_a_valid_callback(till: Till) -> None:
    order = till.to_fee()
    till.pass_time(days=3)
    till.work()
    assert (till.step, till.payment.status, till.documents()) == ("fee", "open", 0)
    till.check()
    till.sandbox.act(order, "pay")
    until(lambda: till.step != "fee", "the callback")
    till.work()
    assert (till.state.status, till.state.outcome, till.payment.status, till.documents()) == (
        "closed",
        "granted",
        "paid",
        1,
    )
    assert (till.payment.amount, till.payment.currency) == (20000, "CNY")
    till.check()


def test_all_permutations_of_the_callbacks_end_alike(till: Till) -> None:
    """A refused try (1 pending, 2 failed), then a payment (3 pending, 4 paid): 24 orders, each with copies."""
    for way in permutations((1, 2, 3, 4)):
        till.sandbox.fault("hold")
        order = till.to_fee("exam_seat")
        till.sandbox.act(order, "refuse")
        till.sandbox.act(order, "pay")
        answers = till.sandbox.release(order, *(seq for seq in way for _copy in (1, 2)))
        assert till.payment.status == "paid", way
        assert till.step == "acceptance", way
        assert 200 in answers
        newest = 0
        for seq, answer in zip((seq for seq in way for _copy in (1, 2)), answers, strict=True):
            assert answer == (409 if seq < newest else 200), (way, answers)
            newest = max(newest, seq)
        till.check()
