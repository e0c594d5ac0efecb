"""The book of orders: how a row of `payments` follows what the provider says, whichever word comes first.

Of two messages about an order the one with the higher number counts; an older one, a second copy, another sum or a
change that no order can make is refused and moves nothing. So every order in which callbacks arrive, and every question
asked in between, ends in the same row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from govservice.errors import LostRace
from govservice.models.base import new_id
from govservice.models.payments import Payment, PaymentNotice
from govservice.money import Money
from govservice.payments.messages import OrderState
from govservice.payments.signing import Refused

Source = Literal["callback", "query"]
PAYABLE = ("open", "pending", "failed")
OVER = ("closed", "refunded")
# What may follow on a status; words in between may have been lost on the way.
NEXT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("requested", *PAYABLE), (*PAYABLE, "paid", "closed", "refunding", "refunded")),
    "paid": ("refunding", "refunded"),
    "refunding": ("refunded",),
    "closed": (),
    "refunded": (),
}
PAUSES = (60, 60, 120, 300, 900, 3600, 6 * 3600)  # seconds before the provider is asked, growing; then every six hours


def live(session: Session, case_id: str) -> Payment | None:
    """The order of a case that is not over; there is one at most."""
    return session.scalar(select(Payment).where(Payment.case_id == case_id, Payment.status.not_in(OVER)))


def latest(session: Session, case_id: str) -> Payment | None:
    """The order made last, whatever became of it."""
    return session.scalar(
        select(Payment)
        .where(Payment.case_id == case_id)
        .order_by(Payment.created_at.desc(), Payment.id.desc())
        .limit(1)
    )


def held(session: Session, payment_id: str) -> Payment | None:
    """The row, locked until the transaction ends."""
    return session.scalar(
        select(Payment).where(Payment.id == payment_id).with_for_update().execution_options(populate_existing=True)
    )


def owe(session: Session, case_id: str, sum: Money, now: datetime) -> Payment:
    """A new order, not yet known to the provider. Raises LostRace where the case has one already."""
    row = Payment(
        id=new_id(), case_id=case_id, amount=sum.minor, currency=sum.currency, status="requested", seq=-1,
        created_at=now, checks=0,
    )  # fmt: skip
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another worker made it at this moment
        raise LostRace(case_id=case_id) from None
    return row


def weigh(payment: Payment, said: OrderState) -> bool:
    """Whether the message changes the order; False for what is known. Raises Refused with why it counts for nothing."""
    if said.sum.currency != payment.currency:
        raise Refused("currency")
    if said.sum.minor != payment.amount:
        raise Refused("amount")
    if said.seq < payment.seq:
        raise Refused("superseded")
    if said.seq == payment.seq:
        if said.status != payment.status:
            raise Refused("contradiction")
        return False
    if said.status not in NEXT[payment.status]:
        raise Refused("impossible")
    return True


def record(
    session: Session, payment: Payment, said: OrderState, *, nonce: str, source: Source, now: datetime, wall: datetime
) -> bool:
    """Writes what the provider said into a row that is held. False where it was known. Raises Refused."""
    if session.get(PaymentNotice, nonce) is not None:
        raise Refused("replayed")
    if not weigh(payment, said):
        if said.pay_url is not None:
            payment.pay_url = said.pay_url
        return False
    session.add(
        PaymentNotice(nonce=nonce, payment_id=payment.id, seq=said.seq, status=said.status, source=source, at=wall)
    )
    payment.seq, payment.status, payment.checks = said.seq, said.status, 0
    if said.pay_url is not None:
        payment.pay_url = said.pay_url
    if said.status in ("failed", "paid"):
        payment.returned_at = None
    if said.status in ("paid", "refunding", "refunded"):
        payment.paid_at = payment.paid_at or now
    if said.status == "refunded":
        payment.refunded_at = now
    if said.status == "closed":
        payment.closed_at = now
    expect(payment, now)
    session.flush()
    return True


def expect(payment: Payment, now: datetime) -> None:
    """Sets when the provider is asked next: while the payer may be paying, or money is on its way back."""
    waits = payment.status == "refunding" or (payment.status in PAYABLE and payment.started_at is not None)
    pause = PAUSES[min(payment.checks, len(PAUSES) - 1)]
    payment.check_at = now + timedelta(seconds=pause) if waits else None


def asked_in_vain(payment: Payment, now: datetime, *, answered: bool) -> None:
    """The provider had nothing new, or did not answer. Who came back from an order that is still open has not paid."""
    if answered and payment.status in ("open", "failed"):
        payment.returned_at = None
    payment.checks += 1
    expect(payment, now)


def due(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """Numbers of the orders that the provider is to be asked about, longest waiting first."""
    return session.scalars(
        select(Payment.id).where(Payment.check_at <= now).order_by(Payment.check_at, Payment.id).limit(limit)
    ).all()
