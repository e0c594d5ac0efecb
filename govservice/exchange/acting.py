"""Having a registry do something: `register.lock`, `register.enter`. Granted, bounded and logged like every call.

Nothing is known where no answer comes: the act may have been done or not. The caller asks again with the same key,
which does it once, until the registry says how it ended.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import insert
from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import Grant
from govservice.errors import Unavailable
from govservice.exchange import breaker
from govservice.exchange import log as exchange_log
from govservice.exchange.connectors.base import Answer, Deed, SubjectKey
from govservice.exchange.gateway import Gateway
from govservice.exchange.grants import revoked_grants
from govservice.exchange.outcomes import IS_A_READ, Outcome
from govservice.models.base import new_id
from govservice.models.exchange import DataAccess
from govservice.models.keyring import Keyring
from govservice.models.session import Database

SECONDS = 5.0  # of a whole call
STATES = ("done", "pending", "refused")
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Order:
    """An act of a case's auto step. `order` is the number of the event that asked for it, `key` its effect's."""

    act: str
    case_id: str
    service: str
    department: str  # kind of the department that answers for the service
    order: int
    key: str
    subject: SubjectKey
    subject_id: str
    person_id: str  # who sees that the registry was told
    values: Mapping[str, Any] = field(repr=False)
    names: tuple[str, ...]  # of the fields that were told
    at: datetime
    today: date


@dataclass(frozen=True, slots=True)
class Said:
    """The registry's word: done; refused, for a reason (a code); or still on somebody's desk there."""

    state: Literal["done", "pending", "refused"]
    brings: Mapping[str, Any]
    reason: str | None = None


def perform(gateway: Gateway, database: Database, order: Order) -> Said:
    """Makes the call and logs it in a transaction of its own. Raises Unavailable where the registry did not say."""
    with database.read() as session:
        found = _granting(session, gateway.catalogue, order)
    called = _call(gateway, database, order, found)
    with database.write() as session:
        _record(gateway, session, called)
    return called.heard()


def perform_in(gateway: Gateway, session: Session, order: Order) -> Said:
    """The same within the caller's transaction: for registries in memory."""
    called = _call(gateway, None, order, _granting(session, gateway.catalogue, order))
    _record(gateway, session, called)
    return called.heard()


@dataclass(frozen=True, slots=True)
class _Called:
    order: Order
    registry: str
    grant: tuple[str, Grant] | None
    answer: Answer
    said: Said | None
    ms: int

    def heard(self) -> Said:
        if self.said is None:
            raise Unavailable(why=self.answer.outcome.value)
        return self.said


def _call(
    gateway: Gateway, database: Database | None, order: Order, grant: tuple[str, Grant] | None
) -> _Called:  # fmt: skip
    registry = gateway.catalogue.doer_of(order.act)
    assert registry is not None, order.act  # the definition was checked against this catalogue
    began = time.monotonic()
    answer = Answer(Outcome.DENIED) if grant is None else _called(gateway, database, registry, order, grant[1])
    said = _read(gateway.catalogue, order.act, answer)
    if answer.outcome is Outcome.OK and said is None:
        answer = Answer(Outcome.SCHEMA_VIOLATION, None, answer.status, answer.request_sha, answer.response_sha)
    return _Called(order, registry, grant, answer, said, round((time.monotonic() - began) * 1000))


def _granting(session: Session, catalogue: Catalogue, order: Order) -> tuple[str, Grant] | None:
    for number, grant in catalogue.grants.items():
        covers = order.act in grant.acts and order.service in grant.services and order.department == grant.department
        if covers and grant.holds_on(order.today) and not revoked_grants(session, [number], order.at):
            return number, grant
    return None


def _called(gateway: Gateway, database: Database | None, code: str, order: Order, grant: Grant) -> Answer:
    connector = gateway.connector(gateway.catalogue.registries[code])
    if connector is None:
        return Answer(Outcome.UNAVAILABLE, detail="no_address")
    deed = Deed(
        act=order.act, subject=order.subject, transfer=order.case_id, order=order.order, values=order.values,
        purpose=grant.purpose, legal_basis=grant.basis["en"], case_ref=order.case_id,
        deadline=time.monotonic() + SECONDS, key=order.key,
    )  # fmt: skip
    return gateway.line(code).send(database, lambda: connector.do(deed))


def _read(catalogue: Catalogue, act: str, answer: Answer) -> Said | None:
    """The answer's own words, nothing that the act does not bring; None where it is not of the agreed shape."""
    body = answer.body
    if answer.outcome is not Outcome.OK or not isinstance(body, dict) or body.get("state") not in STATES:
        return None
    reason = body.get("reason")
    brings = {name: body[name] for name in catalogue.acts[act].brings if name in body}
    return Said(body["state"], brings, reason[:64] if isinstance(reason, str) else None)


def _record(gateway: Gateway, session: Session, called: _Called) -> None:
    """One row of the log, the breaker's count, and a line for the person. Digests are keyed, as of every call."""
    order, answer, found = called.order, called.answer, called.grant
    keyring: Keyring = session.info["keyring"]
    row = {
        "id": new_id(), "registry_code": called.registry, "dataset": order.act, "case_id": order.case_id, "fact": None,
        "subject_id": order.subject_id, "actor": "portal", "trigger": "act",
        "grant_id": found[0] if found else None, "purpose": found[1].purpose if found else "",
        "legal_basis": found[1].basis["en"] if found else None, "attempt": 1, "outcome": answer.outcome.value,
        "http_status": answer.status, "latency_ms": called.ms, "fields": list(order.names),
        "request_sha": keyring.blind("exchange", answer.request_sha),
        "response_sha": keyring.blind("exchange", answer.response_sha) if answer.response_sha else None,
        "at": order.at,
    }  # fmt: skip
    breakers = {called.registry: gateway.catalogue.registries[called.registry].breaker}
    if answer.outcome in IS_A_READ:
        session.execute(insert(DataAccess), [_told(order, called.registry, str(row["id"]))])
    exchange_log.append(session, [row])
    breaker.count(session, breakers, [(called.registry, answer.outcome)], order.at)
    log.info(
        "registry_act", registry=called.registry, action=order.act, outcome=answer.outcome.value, ms=called.ms,
        case_id=order.case_id,
    )  # fmt: skip


def _told(order: Order, code: str, exchange_id: str) -> dict[str, Any]:
    """The line that the person sees: the portal had a registry do something, as the application asks for."""
    return {
        "id": new_id(), "subject_id": order.person_id, "actor": "portal", "role": None, "department_id": None,
        "case_id": order.case_id, "what": list(order.names), "purpose": "registry_act", "registry_code": code,
        "exchange_id": exchange_id, "at": order.at,
    }  # fmt: skip
