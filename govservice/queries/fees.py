"""What people see of a case's fee: the sum, whether it is paid, when, and what went back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled, Text
from govservice.models.cases import Case, Timer, Token
from govservice.models.payments import Payment
from govservice.money import Money

CALL = "fee.collect"
Standing = Literal["later", "preparing", "due", "failed", "confirming", "paid", "refunding", "refunded", "closed"]
PAID: Mapping[str, Standing] = {"paid": "paid", "refunding": "refunding", "refunded": "refunded"}  # by payments.status


@dataclass(frozen=True, slots=True)
class Paid:
    """One order that was paid: what a receipt says. `reference` is its number at the payment provider."""

    reference: str
    sum: Money
    paid_at: datetime
    refunding: bool
    refunded_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeeView:
    """`due_by` is the first instant that is too late; None where the step has no such timer or is not reached.

    later: its step is not reached; preparing: the order is being made; confirming: the payer came back, or the provider
    says that the payment is under way.
    """

    sum: Money
    basis: Text
    standing: Standing
    due_by: datetime | None
    paid: tuple[Paid, ...]
    due: str  # before_review | before_decision | before_issue
    back_if_refused: bool

    @property
    def open(self) -> bool:
        """Whether the applicant is to pay now."""
        return self.standing in ("preparing", "due", "failed", "confirming")


def fee_steps(compiled: Compiled) -> set[str]:
    return {step.path for step in compiled.steps.values() if step.call == CALL}


def fee_of(
    session: Session, compiled: Compiled, case: Case, tokens: Sequence[Token], timers: Sequence[Timer]
) -> FeeView | None:
    """None where the service costs nothing."""
    fee = compiled.service.fee
    if fee is None:
        return None
    rows = session.scalars(
        select(Payment).where(Payment.case_id == case.id).order_by(Payment.created_at, Payment.id)
    ).all()
    paid = tuple(
        Paid(row.id, Money(row.amount, row.currency), row.paid_at, row.status == "refunding", row.refunded_at)
        for row in rows
        if row.paid_at is not None
    )
    steps = fee_steps(compiled)
    here = any(token.status != "ended" and token.step in steps for token in tokens) and case.status == "open"
    lapse = [t.due_at for t in timers if t.due_at is not None and t.key.rpartition(":")[0] in steps]
    sum = Money(rows[-1].amount, rows[-1].currency) if rows else Money.of(fee.amount.value, fee.amount.currency)
    refusals = [step for step in compiled.steps.values() if step.outcome == "refused"]
    back = all("payment.refund" in step.effects for step in refusals)
    standing = _standing(rows[-1] if rows else None, here=here)
    return FeeView(sum, fee.basis, standing, min(lapse, default=None) if here else None, paid, fee.due, back)


def _standing(row: Payment | None, *, here: bool) -> Standing:
    if row is None or row.status == "closed":
        return "preparing" if here else "later" if row is None else "closed"
    if row.status in PAID:
        return PAID[row.status]
    if row.status == "requested":
        return "preparing" if here else "later"
    if not here:
        return "later"
    if row.status == "pending" or row.returned_at is not None:
        return "confirming"
    return "failed" if row.status == "failed" else "due"


def waits_for_payment() -> ColumnElement[bool]:
    """Of `cases`: the fee was asked for and is not paid."""
    return exists().where(Payment.case_id == Case.id, Payment.status.in_(("requested", "open", "pending", "failed")))
