"""What the applicant does about a fee: goes to pay, comes back. Neither proves anything (`fees.hear` does)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.errors import NotAllowed, NotFound
from govservice.operations.deciding import in_transaction
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime
from govservice.payments import ledger


def begin(rt: Runtime, actor: Actor, case_id: str, *, now: datetime) -> str:
    """The applicant goes to pay. Returns the provider's address. Raises NotFound, NotAllowed (nothing is to pay)."""

    def work(session: Session) -> str:
        own_case(session, actor, case_id, rt.today(now))
        found = ledger.live(session, case_id)
        payment = ledger.held(session, found.id) if found is not None else None
        if payment is None or payment.pay_url is None or payment.status not in ledger.PAYABLE:
            raise NotAllowed("There is nothing to pay at the moment.", case_id=case_id)
        payment.started_at, payment.returned_at, payment.checks = now, None, 0
        ledger.expect(payment, now)
        return payment.pay_url

    return in_transaction(rt, work)


def came_back(rt: Runtime, actor: Actor, payment_id: str, *, now: datetime) -> str:
    """The applicant came back from the provider: its word is asked for soon. Returns the case's number. Raises NotFound
    for an order that is not theirs."""

    def work(session: Session) -> str:
        payment = ledger.held(session, payment_id)
        if payment is None:
            raise NotFound()
        case = own_case(session, actor, payment.case_id, rt.today(now))
        if payment.status in ledger.PAYABLE and payment.started_at is not None and payment.returned_at is None:
            payment.returned_at = payment.check_at = now
        return case.number

    return in_transaction(rt, work)
