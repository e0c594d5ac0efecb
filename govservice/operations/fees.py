"""Fees: asking for one, hearing that it was paid, giving it back. The provider is never called inside a transaction.

A payment counts when the provider's signed word says so, in a callback or in its answer to our question; that the
payer came back proves nothing. What comes before the case stands at its fee step is kept, and the step goes on by it as
soon as it is reached.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import SYSTEM, Command, apply, load_state
from govservice.errors import NotAllowed, Unavailable
from govservice.messaging.outbox import Effect
from govservice.models.cases import Case, Visit
from govservice.models.payments import Payment
from govservice.money import Money
from govservice.operations.deciding import in_transaction
from govservice.operations.runtime import Runtime
from govservice.payments import ledger, messages, signing
from govservice.payments.messages import OrderState
from govservice.payments.provider import Provider
from govservice.payments.signing import HeadersLike, Refused

log = structlog.get_logger(__name__)
CALL = "fee.collect"
CALLBACK = "/payments/callback"
CHECKS_AT_ONCE = 20


def provider_of(rt: Runtime) -> Provider:
    """Raises Unavailable where the deployment names no provider."""
    if rt.provider is None:
        raise Unavailable(why="no payment provider")
    return rt.provider


def fee_of(compiled: Compiled) -> Money | None:
    """What the definition asks for."""
    fee = compiled.service.fee
    return None if fee is None else Money.of(fee.amount.value, fee.amount.currency)


# -- the outbox's calls: first the provider, then one transaction


def ask_for_fee(rt: Runtime, effect: Effect, now: datetime) -> OrderState | None:
    """Before the transaction of `fee.collect`: the case's order, made at the provider. None where nothing is owed any
    more, or the order stands already. Raises Unavailable."""

    def owed(session: Session) -> Payment | None:
        case = session.get_one(Case, effect.case_id)
        sum = fee_of(rt.definitions.by_sha(case.def_sha))
        if case.status == "closed" or sum is None:
            return None
        return ledger.live(session, case.id) or ledger.owe(session, case.id, sum, now)

    payment = in_transaction(rt, owed)
    if payment is None or payment.status != "requested":
        return None
    return _opened(rt, payment)


def _opened(rt: Runtime, payment: Payment) -> OrderState:
    base = rt.settings.base_url
    return provider_of(rt).open_order(
        payment.id, Money(payment.amount, payment.currency),
        return_url=f"{base}/my/payments/{payment.id}/back", callback_url=f"{base}{CALLBACK}",
    )  # fmt: skip


def collect(rt: Runtime, session: Session, effect: Effect, now: datetime, said: OrderState | None) -> None:
    """`fee.collect`: the order is written down; the step goes on when it is paid, at once where it was paid before."""
    payment = ledger.live(session, effect.case_id)
    if payment is None:
        return
    held = ledger.held(session, payment.id)
    assert held is not None
    if said is not None:
        _believe(rt, session, held, said, now)
    go_on(rt, session, held, effect.key, now)


def settle_up(rt: Runtime, effect: Effect, now: datetime) -> OrderState | None:
    """Before the transaction of `payment.refund` and `payment.close`: nobody can pay the order any more, and what was
    paid goes back; `payment.close` keeps a fee by which the case had gone on. Raises Unavailable."""
    with rt.read() as session:
        payment = ledger.live(session, effect.case_id)
    if payment is None:
        return None
    if payment.status == "requested":  # the provider may know it or not: opening is the same again
        _opened(rt, payment)
    said = provider_of(rt).close_order(payment.id)
    if said.status == "paid" and (effect.topic == "payment.refund" or not _went_on(rt, effect)):
        said = provider_of(rt).refund(payment.id)
    return said


def settled_up(rt: Runtime, session: Session, effect: Effect, now: datetime, said: OrderState | None) -> None:
    payment = ledger.held(session, said.order) if said is not None else None
    if payment is not None and said is not None:
        _believe(rt, session, payment, said, now)


def _believe(rt: Runtime, session: Session, payment: Payment, said: OrderState, now: datetime) -> bool:
    """The provider's answer to our own question. An answer about another sum is nothing to go on by."""
    try:
        wall = rt.wall.now()
        return ledger.record(
            session, payment, said, nonce=f"{payment.id}:{said.seq}", source="query", now=now, wall=wall
        )
    except Refused as refused:
        if refused.why not in ("superseded", "replayed"):  # else a callback was quicker than the answer
            log.error("payment.contradiction", case_id=payment.case_id, code=refused.why)
            raise Unavailable(why=refused.why) from None
        return False


def go_on(rt: Runtime, session: Session, payment: Payment, key: str, now: datetime) -> None:
    """Answers the case's fee step by a payment, or by an order that the provider closed. A payment that comes before
    its step is kept by the engine and used on arrival. `key` is what makes this answer one and the same."""
    trigger = {"paid": "@ok", "closed": "@fail"}.get(payment.status)
    step = _fee_step(rt, session, payment.case_id, waiting=trigger == "@fail") if trigger is not None else None
    if trigger is None or step is None:
        return
    command = Command(
        case_id=payment.case_id, trigger=trigger, idem=f"{key}:{trigger}", now=now, actor=SYSTEM, data={"step": step}
    )
    try:
        with session.begin_nested():
            apply(session, command, rt.definitions, rt.calendars)
    except NotAllowed:  # the case has ended, or can come to its fee no more: what was paid goes back at its end
        log.info("payment.not_taken", case_id=payment.case_id, status=payment.status)


def _fee_step(rt: Runtime, session: Session, case_id: str, *, waiting: bool) -> str | None:
    """The fee step at which the case stands; else the definition's first one, unless it must be `waiting` there."""
    state = load_state(session, case_id)
    steps = [step.path for step in rt.definitions.by_sha(state.def_sha).steps.values() if step.call == CALL]
    here = next((t.step for t in state.tokens.values() if t.open and t.step in steps), None)
    return here or (None if waiting else next(iter(steps), None))


def is_paid(session: Session, case_id: str) -> bool:
    """Whether the provider has the case's fee, and it is not on its way back."""
    paid = select(Payment.id).where(Payment.case_id == case_id, Payment.status == "paid")
    return session.scalar(paid) is not None


def _went_on(rt: Runtime, effect: Effect) -> bool:
    """Whether the case went on by its payment; one that it never used is owed to nobody."""
    with rt.read() as session:
        steps = rt.definitions.by_sha(session.get_one(Case, effect.case_id).def_sha).steps.values()
        fee = [step.path for step in steps if step.call == CALL]
        used = select(Visit.seq).where(Visit.case_id == effect.case_id, Visit.step.in_(fee), Visit.action == "@ok")
        return session.scalar(used.limit(1)) is not None


# -- what the provider says by itself


def hear(rt: Runtime, headers: HeadersLike, raw: bytes, now: datetime) -> str:
    """A callback. Returns "applied" or "known". Raises Refused with why it counts for nothing; then nothing changed.

    Who it is from is proved before the database is asked anything. A copy, however often it comes, finds its row held
    by the first and then written.
    """
    if rt.provider is None:
        raise Refused("merchant")  # nobody may speak here
    account = rt.provider.account
    wall = rt.wall.now()
    if len(raw) > messages.MAX_BODY:
        raise Refused("malformed")
    seal = signing.verify(account.key, "callback", account.merchant, headers, "", raw, wall.timestamp())
    said = messages.read(raw)
    if said.merchant != account.merchant:
        raise Refused("merchant")

    def work(session: Session) -> str:
        payment = ledger.held(session, said.order)
        if payment is None:
            raise Refused("order")
        new = ledger.record(session, payment, said, nonce=seal.nonce, source="callback", now=now, wall=wall)
        if new:
            go_on(rt, session, payment, f"payment:{payment.id}:{payment.seq}", now)
        return "applied" if new else "known"

    return in_transaction(rt, work)


def reconcile_due(rt: Runtime, now: datetime, limit: int = CHECKS_AT_ONCE) -> int:
    """Asks the provider about orders whose callback may have been lost. Returns how many had changed."""
    if rt.provider is None:
        return 0
    with rt.read() as session:
        waiting = ledger.due(session, now, limit)
    changed = 0
    for id in waiting:
        try:
            said: OrderState | None = rt.provider.look(id)
        except Unavailable as error:
            log.warning("payment.not_answered", code=str(error.facts.get("why", "")))
            said = None
        changed += in_transaction(rt, partial(_reconciled, rt, id=id, said=said, now=now))
        if said is None:
            break  # it will not answer for the next one either
    return changed


def _reconciled(rt: Runtime, session: Session, *, id: str, said: OrderState | None, now: datetime) -> bool:
    payment = ledger.held(session, id)
    if payment is None:
        return False
    try:
        changed = said is not None and _believe(rt, session, payment, said, now)
    except Unavailable:
        changed = False
    if changed:
        log.info("payment.reconciled", case_id=payment.case_id, status=payment.status)
        go_on(rt, session, payment, f"payment:{payment.id}:{payment.seq}", now)
    else:
        ledger.asked_in_vain(payment, now, answered=said is not None)
    return changed
