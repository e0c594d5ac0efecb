"""Clause 8 "Money": "fee, payment, refund against a payment sandbox (a process of its own, signed callbacks that come
late, twice, out of order or never); issued only after a valid callback". Over real HTTP, on both databases."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

from sqlalchemy import select

from govservice.models.papers import Message
from tests.payments.conftest import MONDAY, Till, until


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


def test_the_days_until_somebody_pays_are_not_the_offices(till: Till) -> None:
    """Decided on a Monday with thirty working days to deliver: eleven days until the payment move the last day, and
    the department is not late by them; the letter says so beforehand."""
    order = till.to_fee()
    clock = till.state.clocks["limit:delivery"]
    assert clock.pauses[-1][1:] == (None, "payment")
    assert till.state.timers["1/limit:delivery:statutory"].due_at is None
    with till.rt.read() as session:
        kinds = session.scalars(select(Message.kind).where(Message.case_id == till.case_id)).all()
    assert "fee" in kinds
    till.check()
    till.pass_time(days=11)
    till.sandbox.act(order, "pay")
    until(lambda: till.step != "fee", "the callback")
    clock = till.state.clocks["limit:delivery"]
    assert clock.pauses[-1][1] is not None
    calendar, start, paid = till.rt.calendars["cn"], MONDAY.date(), (MONDAY + timedelta(days=11)).date()
    waited = calendar.working_days_between(start, paid)
    assert waited == 9
    assert clock.statutory_on == calendar.add_working_days(start, 30 + waited).isoformat()
    till.check()


def test_a_fee_that_was_paid_before_its_step_stops_nothing(till: Till) -> None:
    order = till.to_fee("exam_seat")
    assert till.state.clocks["limit:intake"].pauses[-1][1:] == (None, "payment")
    till.sandbox.act(order, "pay")
    until(lambda: till.step == "acceptance", "the callback")
    assert till.state.clocks["limit:intake"].running
