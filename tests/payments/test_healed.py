"""Clause 8: callbacks "late, twice, out of order or never": what was paid is found, what must go back goes, once."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import httpx
from sqlalchemy import func, select

from govservice.models.cases import Outbox
from govservice.operations import effects
from govservice.operations.paying import begin, came_back
from tests.payments.conftest import Till, until


def wait_for(till: Till, order: str, callbacks: int) -> None:
    until(lambda: len(till.sandbox.sent(order)) >= callbacks, f"{callbacks} callbacks")


def until_it_fails(till: Till) -> None:
    """Lets the worker try an auto step's call until the step gives up."""
    for _ in range(15):
        if till.step == "decision":
            return
        till.work()
        till.pass_time(hours=7)
    raise AssertionError(f"it still stands at {till.step}")


def test_a_callback_that_never_comes_is_healed_by_our_own_question(till: Till) -> None:
    till.sandbox.fault("never")
    order = till.to_fee()
    till.sandbox.act(order, "pay")
    assert till.reconcile() == 0, "it is not time to ask yet"
    till.pass_time(minutes=2)
    assert till.reconcile() == 1
    till.work()
    assert (till.state.outcome, till.payment.status, till.documents()) == ("granted", "paid", 1)
    assert till.payment.check_at is None, "nothing is asked any more"
    till.check()


def test_who_comes_back_has_proved_nothing_but_is_asked_about_at_once(till: Till) -> None:
    till.sandbox.fault("never")
    order = till.to_fee()
    came_back(till.rt, till.citizen(), order, now=till.now)
    assert (till.payment.status, till.payment.returned_at, till.step) == ("open", till.now, "fee")
    assert till.reconcile() == 0
    assert (till.payment.returned_at, till.step) == (None, "fee"), "the provider says: not paid"
    begin(till.rt, till.citizen(), till.case_id, now=till.now)
    till.sandbox.act(order, "pay")
    came_back(till.rt, till.citizen(), order, now=till.now)
    assert till.step == "fee"
    assert till.reconcile() == 1
    assert till.step == "issue"


def test_late_twice_and_out_of_order(till: Till) -> None:
    for mode, how in (("late", {"seconds": 0.6}), ("twice", {"copies": 3}), ("out_of_order", {"seconds": 0.8})):
        till.sandbox.fault(mode, **how)
        order = till.to_fee()
        till.sandbox.act(order, "pay")
        if mode == "late":
            assert till.step == "fee"
        wait_for(till, order, 6 if mode == "twice" else 2)
        assert (till.step, till.payment.status) == ("issue", "paid"), mode
        if mode == "out_of_order":
            assert till.sandbox.sent(order) == [(2, 200), (1, 409)]
        till.work()
        assert till.documents() == 1


def test_a_late_callback_after_our_question_changes_nothing(till: Till) -> None:
    till.sandbox.fault("hold")
    order = till.to_fee()
    till.sandbox.act(order, "pay")
    till.pass_time(minutes=2)
    assert till.reconcile() == 1
    till.work()
    before = till.everything()
    assert till.sandbox.release(order, 1, 2, 2) == [409, 200, 200]
    assert till.everything() == before


def test_a_callback_that_comes_before_its_step_is_kept(till: Till) -> None:
    """The provider made the order and its answers were lost, so the step failed; then it is paid while the case is
    decided anew. The fee is not asked for again."""
    till.file()
    till.act("li.na", "accept")
    till.act("he.tao", "approve")
    till.sandbox.fault("slow", seconds=0.4)
    assert till.rt.provider is not None
    till.rt.provider.seconds = 0.2
    until_it_fails(till)
    assert (till.step, till.payment.status) == ("decision", "requested")
    till.sandbox.reset()
    till.sandbox.act(till.payment.id, "pay")
    until(lambda: till.payment.status == "paid", "the callback")
    assert (till.step, list(till.state.kept)) == ("decision", ["fee"])
    till.check()
    till.act("he.tao", "approve")
    assert till.step == "issue"
    till.work()
    assert (till.state.outcome, till.documents(), len(till.payments)) == ("granted", 1, 1)
    till.check()


def test_an_order_that_the_provider_closes_fails_the_step_and_a_new_one_is_made(till: Till) -> None:
    till.sandbox.fault("hold")
    order = till.to_fee()
    till.sandbox.act(order, "close")
    till.sandbox.release(order, 1)
    assert (till.step, till.state.flags) == ("decision", ("fee_failed",))
    till.act("he.tao", "approve")
    till.work()
    begin(till.rt, till.citizen(), till.case_id, now=till.now)
    second = till.payment.id
    assert second != order
    assert [p.status for p in till.payments] == ["closed", "open"]
    till.sandbox.act(second, "pay")
    till.sandbox.release(second, 2)
    till.work()
    assert (till.state.outcome, till.documents()) == ("granted", 1)
    till.check()


def test_the_provider_is_down_until_the_step_fails_and_up_again(till: Till) -> None:
    till.file()
    till.act("li.na", "accept")
    till.act("he.tao", "approve")
    till.sandbox.fault("down")
    until_it_fails(till)
    assert (till.step, till.state.flags) == ("decision", ("fee_failed",))
    till.sandbox.reset()
    assert till.payment.status == "requested"
    till.act("he.tao", "approve")
    till.work()
    assert (till.step, till.payment.status, len(till.payments)) == ("fee", "open", 1)
    till.check()


# -- money back


def refunds(till: Till, topic: str = "payment.refund") -> int:
    with till.rt.read() as session:
        query = select(func.count()).select_from(Outbox)
        return int(session.scalar(query.where(Outbox.case_id == till.case_id, Outbox.topic == topic)) or 0)


def test_withdrawing_after_paying_gives_the_money_back_once(till: Till) -> None:
    order = till.to_fee("exam_seat")
    assert till.payment.amount == 8550
    till.sandbox.act(order, "pay")
    until(lambda: till.step == "acceptance", "the callback")
    till.work()
    till.sandbox.fault("hold")
    till.withdraw()
    till.work()
    assert (till.payment.status, till.payment.refunded_at, refunds(till)) == ("refunded", till.now, 1)
    before = till.everything()
    assert till.sandbox.release(order, 4, 3, 4) == [200, 409, 200]
    till.pass_time(days=1)
    till.work()
    assert till.everything()[1:] == before[1:]
    till.check()


def test_all_permutations_of_payment_and_refund_end_alike(till: Till) -> None:
    """paid, refunding, refunded: whichever is heard first, the money is back, and the case has ended."""
    for way in permutations((2, 3, 4)):
        till.sandbox.fault("hold")
        order = till.to_fee("exam_seat")
        till.sandbox.act(order, "pay")
        till.withdraw()
        till.sandbox.act(order, "refund")
        till.sandbox.release(order, *way)
        till.work()
        assert (till.payment.status, till.state.outcome) == ("refunded", "withdrawn"), way


def test_money_that_arrives_while_the_case_ends_goes_back(till: Till) -> None:
    """Paid, and never told; the applicant withdraws, or thirty days pass: the order is closed, and found paid."""
    for end in ("withdraw", "lapse"):
        till.sandbox.fault("never")
        order = till.to_fee()
        till.sandbox.act(order, "pay")
        if end == "withdraw":
            till.withdraw()
        else:
            till.pass_time(days=31)
        till.work()
        assert (till.state.outcome, till.payment.status, till.documents()) == ("withdrawn", "refunded", 0), end
        assert refunds(till) == 1


def test_an_unpaid_order_is_closed_with_its_case(till: Till) -> None:
    order = till.to_fee()
    till.pass_time(days=31)
    till.work()
    assert (till.state.outcome, till.payment.status) == ("withdrawn", "closed")
    assert httpx.post(f"{till.sandbox.url}/_admin/act", json={"order": order, "act": "pay"}).status_code == 409


def test_a_refusal_gives_back_where_the_definition_says_so(till: Till) -> None:
    order = till.to_fee("exam_seat")
    till.sandbox.act(order, "pay")
    until(lambda: till.step == "acceptance", "the callback")
    till.act("li.na", "accept")
    till.act("he.tao", "refuse", "No seat is left.")
    till.work()
    assert (till.payment.status, refunds(till), refunds(till, "payment.close")) == ("refunded", 1, 0)


def test_a_refusal_keeps_what_the_case_went_on_by_and_gives_back_what_it_did_not(till: Till, monkeypatch: Any) -> None:
    till.sandbox.fault("hold")
    order = till.to_fee()
    till.sandbox.act(order, "close")
    till.sandbox.release(order, 1)
    till.act("he.tao", "approve")
    till.work()
    begin(till.rt, till.citizen(), till.case_id, now=till.now)
    till.sandbox.act(till.payment.id, "pay")
    till.sandbox.release(till.payment.id, 2)
    assert till.step == "issue"
    monkeypatch.setitem(effects.HANDLERS, "document.issue", _broken)
    until_it_fails(till)
    till.act("he.tao", "refuse", "The stall has burnt down.")
    till.work()
    assert (till.payment.status, refunds(till), refunds(till, "payment.close")) == ("paid", 0, 1)
    till.check()


def _broken(*_: Any) -> None:
    raise RuntimeError("the press is out of order")


def test_a_refund_waits_until_the_provider_answers(till: Till) -> None:
    order = till.to_fee("exam_seat")
    till.sandbox.act(order, "pay")
    until(lambda: till.step == "acceptance", "the callback")
    till.sandbox.fault("down")
    till.withdraw()
    for _ in range(12):
        till.work()
        till.pass_time(hours=7)
    assert till.payment.status == "paid", "nothing is lost, it is tried on"
    till.sandbox.reset()
    till.pass_time(hours=7)
    till.work()
    assert till.payment.status == "refunded"
    assert till.payment.refunded_at is not None
    assert till.now - till.payment.refunded_at <= timedelta(minutes=1)
