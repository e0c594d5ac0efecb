"""Delivering effects: what a transition asked for outside the case. Each handler is idempotent by the effect's key.

An auto step's call answers the case by `@ok` or `@fail` in the same transaction that did the work, so a document
exists exactly when its case knows it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from govservice.engine import SYSTEM
from govservice.errors import NotAllowed, Unverified, told
from govservice.messaging.notices import PREFIXES, deliver_notice
from govservice.messaging.outbox import Effect, claim, hold, put_back, settle
from govservice.models.cases import Case
from govservice.operations import bundles, fees, register_acts, sharing
from govservice.operations.answering import NOTHING, answer
from govservice.operations.appointing import set_one
from govservice.operations.asked import invite, remind
from govservice.operations.deciding import in_transaction
from govservice.operations.issued import issue_facts
from govservice.operations.issuing import issue_document, revoke_document
from govservice.operations.renewing import renew_by_law
from govservice.operations.revalidating import ask_again
from govservice.operations.runtime import Runtime

log = structlog.get_logger(__name__)
Handler = Callable[[Runtime, Session, Effect, datetime], None]


def _issue(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """A document exists exactly when its case knows it, and its fee was paid; so do the numbers that it brings forth.
    Raises NotAllowed where the fee is owed."""
    case = session.get_one(Case, effect.case_id)
    compiled = rt.definitions.by_sha(case.def_sha)
    if fees.fee_of(compiled) is not None and not fees.is_paid(session, case.id):
        raise NotAllowed("The fee has not been paid.", case_id=case.id)
    with session.begin_nested() as numbers:
        rev = issue_facts(rt, session, case, compiled, effect.key, now)
        if answer(rt, session, effect, "@ok", now, NOTHING if rev is None else {"data_rev": rev}):
            issue_document(rt, session, effect, now)
        else:
            numbers.rollback()


def _notice(_rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    if effect.topic == "notice.fee" and fees.is_paid(session, effect.case_id):
        return  # the step is entered anew, and what was paid counts: nobody is asked twice
    deliver_notice(session, effect, now)


def _revoke(_rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    revoke_document(session, effect)


def _draw(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """A number from 0 to 99 that nobody can choose and anybody can draw again: from the effect's own key, which the
    event holds. What share is taken is the definition's to say."""
    drawn = int.from_bytes(hashlib.sha256(effect.key.encode()).digest()[:8], "big") % 100
    answer(rt, session, effect, "@ok", now, {"result": {"hundred": drawn}})


HANDLERS: dict[str, Handler] = {
    "sample.draw": _draw,
    "sharing.grant": sharing.give,
    "document.issue": _issue,
    "document.revoke": _revoke,
    "document.renew": renew_by_law,
    "person.invite": invite,
    "person.remind": remind,
    "appointment.set": set_one,
    "bundle.spawn": bundles.spawn,
    "bundle.report": bundles.report,
    "bundle.cancel": bundles.cancel,
}
# Effects that ask somebody first: the call is made outside any transaction, its answer written in one.
Ask = Callable[[Runtime, Effect, datetime], Any]
Write = Callable[[Runtime, Session, Effect, datetime, Any], None]
ASKING: dict[str, tuple[Ask, Write]] = {
    "fee.collect": (fees.ask_for_fee, fees.collect),
    "payment.refund": (fees.settle_up, fees.settled_up),
    "payment.close": (fees.settle_up, fees.settled_up),
}
REGISTER: tuple[Ask, Write] = (register_acts.ask, register_acts.write)  # every act of the registries' files


def handler_of(topic: str) -> Handler:
    """Raises LookupError for a topic that nobody handles: publishing refuses such definitions."""
    if topic.startswith(PREFIXES):
        return _notice
    return HANDLERS[topic]


def asked(rt: Runtime, effect: Effect, now: datetime) -> Handler:
    """The handler of an effect, its question to the outside already answered. Raises Unavailable, LookupError."""
    ask, write = ASKING.get(effect.topic, REGISTER if effect.topic in rt.definitions.catalogue.acts else (None, None))
    if ask is None or write is None:
        return handler_of(effect.topic)
    said = ask(rt, effect, now)
    return lambda rt, session, effect, now: write(rt, session, effect, now, said)


def deliver_due(rt: Runtime, worker: str, now: datetime) -> int:
    """Delivers what is due, each effect in its own transaction. Returns how many were settled."""
    with rt.write() as session:
        effects = claim(session, worker, now, wall=rt.wall.now())
    return sum(_delivered(rt, effect, now, worker) for effect in effects)


def _delivered(rt: Runtime, effect: Effect, now: datetime, worker: str) -> bool:
    """One row that cannot even be put back (the database went away) must not keep the others of its batch waiting."""
    try:
        return deliver(rt, effect, now, worker)
    except Exception as error:  # whatever it is, the next row's turn comes
        log.error("effect.stuck", **told(error, case_id=effect.case_id, topic=effect.topic))
        return False


def deliver(rt: Runtime, effect: Effect, now: datetime, worker: str) -> bool:
    """One effect: done and settled together, or put back with a growing pause; after the last try the step fails.
    False where it was not settled, also because another worker took it over."""

    def work(session: Session) -> bool:
        if not hold(session, effect, worker):
            return False
        handler(rt, session, effect, now)
        settle(session, effect.key, now)
        return True

    try:
        handler = asked(rt, effect, now)
        return in_transaction(rt, work)
    except Exception as error:  # whatever a handler hits, the row must not be lost or block its worker
        if isinstance(error, Unverified) and error.ask:
            ask_again(rt, SYSTEM, effect.case_id, error.ask, now=now, trigger="decision")
        log.warning("effect.failed", **told(error, case_id=effect.case_id, topic=effect.topic))
        give_up(rt, effect, type(error).__name__, now, worker)
        return False


def give_up(rt: Runtime, effect: Effect, error: str, now: datetime, worker: str) -> None:
    """Puts the row back, or after the last try settles it with the step's own `fail` answer."""

    def work(session: Session) -> None:
        if not hold(session, effect, worker):
            return
        if effect.last_try and effect.topic == "bundle.spawn":
            bundles.failed(rt, session, effect, now)
            settle(session, effect.key, now)
        elif effect.last_try and "token_id" in effect.payload:
            answer(rt, session, effect, "@fail", now)
            settle(session, effect.key, now)
        else:
            put_back(session, effect, now, error)

    in_transaction(rt, work)
