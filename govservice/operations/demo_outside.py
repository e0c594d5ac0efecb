"""The world outside, for the demonstration's history: registries and a payment provider in memory.

What the outbox asks somebody else for is done at once and written in the history's own transaction, with the same
rows as a real call leaves.
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from govservice.errors import Unavailable
from govservice.exchange.acting import perform_in
from govservice.messaging.outbox import Effect
from govservice.models.cases import Case
from govservice.models.payments import Payment
from govservice.money import Money
from govservice.operations import fees, register_acts
from govservice.operations.effects import handler_of
from govservice.operations.runtime import Runtime
from govservice.payments import ledger
from govservice.payments.messages import OrderState, Said

MERCHANT = "demo-portal"
SETTLES = ("payment.refund", "payment.close")


class Later(Protocol):
    """Plans that the applicant pays an order."""

    def __call__(self, payment_id: str) -> None: ...


def deliver(rt: Runtime, session: Session, effect: Effect, now: datetime, pays: Later) -> None:
    """One effect, as the worker delivers it."""
    if effect.topic in rt.definitions.catalogue.acts:
        order = register_acts.order_of(rt, session, effect, now)
        said = perform_in(rt.gateway, session, order) if order is not None else None
        register_acts.write(rt, session, effect, now, said)
    elif effect.topic == "fee.collect":
        _owe(rt, session, effect, now, pays)
    elif effect.topic in SETTLES:
        _settle(rt, session, effect, now)
    else:
        handler_of(effect.topic)(rt, session, effect, now)


def _owe(rt: Runtime, session: Session, effect: Effect, now: datetime, pays: Later) -> None:
    sum = fees.fee_of(rt.definitions.by_sha(session.get_one(Case, effect.case_id).def_sha))
    if sum is None:
        raise Unavailable(why="no fee")
    payment = ledger.live(session, effect.case_id)
    if payment is None:
        payment = ledger.owe(session, effect.case_id, sum, now)
        _says(session, payment, "open", now)
        pays(payment.id)
    fees.go_on(rt, session, payment, effect.key, now)


def pay(rt: Runtime, session: Session, payment_id: str, now: datetime) -> None:
    """The applicant pays, and the provider says so; nothing where the order is over."""
    payment = ledger.held(session, payment_id)
    if payment is not None and payment.status == "open":
        payment.started_at = now
        _says(session, payment, "paid", now)
        fees.go_on(rt, session, payment, f"payment:{payment.id}:{payment.seq}", now)


def _settle(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """What was paid goes back; an order that nobody paid is closed."""
    payment = ledger.live(session, effect.case_id)
    if payment is None:
        return
    if payment.status != "paid":
        _says(session, payment, "closed", now)
    elif effect.topic == "payment.refund":
        _says(session, payment, "refunding", now)
        _says(session, payment, "refunded", now)


def _says(session: Session, payment: Payment, status: Said, now: datetime) -> None:
    seq = payment.seq + 1
    said = OrderState(MERCHANT, payment.id, seq, status, Money(payment.amount, payment.currency))
    ledger.record(session, payment, said, nonce=f"{payment.id}:{seq}", source="query", now=now, wall=now)
