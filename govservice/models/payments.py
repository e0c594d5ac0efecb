"""Fees: what a case owes, how its order stands at the payment provider, and what the provider said."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, OptMoment, OptText, Ref

LIVE = "status NOT IN ('closed', 'refunded')"


class Payment(Base):
    """One order for a case's fee. `id` is the order's number at the provider; no name, no case number goes there.

    A sum is `amount` minor units of `currency`. `status`: requested (not yet known to the provider) | open | pending |
    failed (the payer may try again) | paid | closed | refunding | refunded. `seq`: the provider's count of the change
    that this status comes from. A case has at most one order that is not over.
    """

    __tablename__ = "payments"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("seq >= -1", name="seq"),
        Index(
            "uq_payments_live", "case_id", unique=True, postgresql_where=text(LIVE), sqlite_where=text(LIVE),
        ),
        Index("ix_payments_case", "case_id", "created_at"),
        Index(
            "ix_payments_check", "check_at",
            postgresql_where=text("check_at IS NOT NULL"), sqlite_where=text("check_at IS NOT NULL"),
        ),
    )  # fmt: skip
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    status: Mapped[Code]
    seq: Mapped[int] = mapped_column(default=-1)
    pay_url: Mapped[OptText]
    created_at: Mapped[Moment]
    started_at: Mapped[OptMoment]  # the applicant went to pay
    returned_at: Mapped[OptMoment]  # and came back; proves nothing
    paid_at: Mapped[OptMoment]  # when the provider's word reached us
    refunded_at: Mapped[OptMoment]
    closed_at: Mapped[OptMoment]
    check_at: Mapped[OptMoment]  # when the provider is asked, unless it speaks first; None: nothing is expected
    checks: Mapped[int] = mapped_column(default=0)  # asked in vain since the last change


class PaymentNotice(Base):
    """What the provider said and we believed: one row per change. `nonce` keeps a callback from counting twice."""

    __tablename__ = "payment_notices"
    __table_args__ = (UniqueConstraint("payment_id", "seq"),)
    nonce: Mapped[str] = mapped_column(String(64), primary_key=True)
    payment_id: Mapped[Ref] = mapped_column(ForeignKey("payments.id"))
    seq: Mapped[int]
    status: Mapped[Code]
    source: Mapped[Code]  # callback | query
    at: Mapped[Moment]
