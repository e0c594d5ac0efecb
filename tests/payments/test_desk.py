"""Clause 8 at the desks: what it costs before one begins and before one sends, paying and coming back, being confirmed,
receipt and refund; the clerk sees paid or not, the supervisor who waits for a payment. In English and in Chinese."""

from __future__ import annotations

import httpx
from sqlalchemy import select

from govservice.models.cases import Case
from govservice.models.papers import Message
from tests.payments.conftest import Till, until
from tests.web.conftest import Browser


def browser(till: Till, login: str, language: str = "en") -> Browser:
    till.app.test_client_class = Browser
    made = till.app.test_client()
    assert isinstance(made, Browser)
    host = till.url.removeprefix("http://")
    made.environ_base = {**made.environ_base, "HTTP_ACCEPT_LANGUAGE": language, "HTTP_HOST": host}
    assert made.sign_in(login).status_code == 303
    return made


def page(who: Browser, address: str, status: int = 200) -> str:
    answer = who.get(address)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


def number_of(till: Till) -> str:
    with till.rt.read() as session:
        return session.get_one(Case, till.case_id).number


def test_an_applicant_pays_and_is_told_at_each_turn(till: Till) -> None:
    liu, liu_zh = browser(till, "liu.yang"), browser(till, "liu.yang", "zh")
    assert "200.00" in page(liu, "/services/stall_permit")
    assert "准予许可后、发证前缴纳" in page(liu_zh, "/services/stall_permit")
    number = till.draft()
    assert "200.00 yuan" in page(liu, f"/my/cases/{number}/check"), "before it is sent"
    till.send()
    assert "Not to be paid yet" in page(liu, f"/my/cases/{number}")
    till.act("li.na", "accept")
    till.act("he.tao", "approve")
    assert "Your payment is being prepared" in page(liu, f"/my/cases/{number}")
    page(liu, f"/my/cases/{number}/pay", 303)  # nothing can be paid yet
    till.work()
    assert "Pay the fee of 200.00 yuan" in page(liu, f"/my/cases/{number}")
    assert "缴纳费用 200.00 元" in page(liu_zh, f"/my/cases/{number}")
    assert "Your turn" in page(liu, "/my/cases")
    with till.rt.read() as session:
        seq = session.scalars(select(Message.seq).where(Message.kind == "fee")).one()
    assert "tariff" in page(liu, f"/my/cases/{number}/notices/fee/{seq}")
    assert "缴费通知书" in page(liu_zh, f"/my/cases/{number}/notices/fee/{seq}")

    answer = liu.get(f"/my/cases/{number}/pay")
    assert f"form-action 'self' {till.sandbox.url}" in answer.headers["Content-Security-Policy"]
    assert "Last day" in answer.get_data(as_text=True)
    assert "收费依据" in page(liu_zh, f"/my/cases/{number}/pay")
    away = liu.send(f"/my/cases/{number}/pay")
    assert away.status_code == 303
    address = str(away.location)
    assert address.startswith(f"{till.sandbox.url}/pay/")

    till.sandbox.fault("never")
    shown = httpx.get(address)
    assert "200.00 CNY" in shown.text
    assert number not in shown.text + address, "the provider learns nothing of the case"
    back = httpx.post(address, data={"act": "pay"})
    assert back.status_code == 303
    came = liu.get(back.headers["Location"].removeprefix(till.url))
    assert (came.status_code, came.location) == (303, f"/my/cases/{number}")
    assert "Your payment is being confirmed" in page(liu, f"/my/cases/{number}"), "coming back proves nothing"
    assert "正在确认您的缴费" in page(liu_zh, f"/my/cases/{number}")
    assert "Pay only if you broke off" in page(liu, f"/my/cases/{number}/pay")
    assert till.step == "fee"

    assert till.reconcile() == 1
    till.work()
    told = page(liu, f"/my/cases/{number}")
    assert "Your payment was confirmed" in told
    assert "Receipt for your payment" in told
    receipt = f"/my/cases/{number}/payments/{till.payment.id}"
    assert "200.00 yuan" in page(liu, receipt)
    assert "缴费凭证" in page(liu_zh, receipt)
    page(liu, f"/my/cases/{number}/pay", 303)
    assert str(liu.send(f"/my/cases/{number}/pay", page="/account").location).endswith("said=not_now")


def test_a_try_that_failed_and_a_refund_are_told(till: Till) -> None:
    liu, liu_zh = browser(till, "liu.yang"), browser(till, "liu.yang", "zh")
    order = till.to_fee("exam_seat")
    number = number_of(till)
    assert "given back as well if the application is refused" in page(liu, f"/my/cases/{number}/pay")
    till.sandbox.act(order, "refuse")
    until(lambda: till.payment.status == "failed", "the refusal")
    assert "did not go through" in page(liu, f"/my/cases/{number}")
    till.sandbox.act(order, "pay")
    until(lambda: till.step == "acceptance", "the payment")
    assert "The fee that you paid is given back." in page(liu, f"/my/cases/{number}/withdraw")
    till.withdraw()
    till.work()
    told = page(liu, f"/my/cases/{number}")
    assert "The fee was given back" in told
    assert "Given back on" in told
    assert "全额原路退回" in page(liu_zh, f"/my/cases/{number}/payments/{order}")


def test_what_others_see_of_a_payment(till: Till) -> None:
    """Another citizen: nothing. The clerk: paid or not. The supervisor: who waits for a payment."""
    order = till.to_fee()
    number = number_of(till)
    chen, liu = browser(till, "chen.wei"), browser(till, "liu.yang")
    page(chen, f"/my/payments/{order}/back", 404)
    page(chen, f"/my/cases/{number}/pay", 404)
    page(chen, f"/my/cases/{number}/payments/{order}", 404)
    assert chen.send(f"/my/cases/{number}/pay", page="/account").status_code == 404
    assert till.payment.returned_at is None
    page(liu, f"/my/cases/{number}/payments/{order}", 404)  # theirs, and not paid
    for language, unpaid, waiting in (("en", "Not paid yet", "Waiting for payment"), ("zh", "尚未缴纳", "等待缴费")):
        li, zhao = browser(till, "li.na", language), browser(till, "zhao.lei", language)
        assert unpaid in page(li, f"/clerk/cases/{number}")
        assert waiting in page(zhao, "/supervisor/?service=stall_permit")
        assert number in page(zhao, "/supervisor/cases?show=unpaid&service=stall_permit")
        assert unpaid in page(zhao, f"/supervisor/cases/{number}")
    till.sandbox.act(order, "pay")
    until(lambda: till.step != "fee", "the callback")
    assert "已于" in page(li, f"/clerk/cases/{number}")
    assert number not in page(zhao, "/supervisor/cases?show=unpaid&service=stall_permit")
