"""Writes what a round of calls brought, in one transaction: facts, requirements, the log, the person's own record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.exchange import breaker
from govservice.exchange.outcomes import GIVES_VALUES, IS_A_READ, REQUIREMENT_STATE, SAYS_NOTHING, Outcome
from govservice.exchange.queries import Call, FactResult, Wanted
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.exchange import DataAccess, EvidenceRequirement, Exchange, Fact
from govservice.models.keyring import Keyring
from govservice.models.session import box_of


def record(session: Session, catalogue: Catalogue, results: Sequence[FactResult]) -> None:
    """Records the results of one `Gateway.ask`. Values of an erased person are not kept: there is no key for them."""
    keyring: Keyring = session.info["keyring"]
    lock_cases(session, (result.wanted.case_id for result in results))
    for result in results:
        for number, call in enumerate(result.calls, start=1):
            session.add(_exchange(result.wanted, call, number, keyring))
            if call.outcome in IS_A_READ:
                session.add(_access(result.wanted, call))
        keep_facts(session, result)
    breakers = {code: registry.breaker for code, registry in catalogue.registries.items()}
    ends = [(call.registry, call.outcome) for r in results for call in r.calls if call.registry in breakers]
    breaker.count(session, breakers, ends, max(result.wanted.at for result in results))


def lock_cases(session: Session, case_ids: Iterable[str]) -> None:
    """Holds the cases until the transaction ends, so that two rounds of one case come one after the other."""
    session.execute(select(Case.id).where(Case.id.in_(set(case_ids))).order_by(Case.id).with_for_update()).all()


def _exchange(wanted: Wanted, call: Call, attempt: int, keyring: Keyring) -> Exchange:
    """A row of the log. Digests are keyed: a plain hash of a short request would give the number away to guessing."""
    return Exchange(
        id=call.id, registry_code=call.registry, dataset=call.dataset, case_id=wanted.case_id, fact=wanted.name,
        subject_id=wanted.subject_id, actor=wanted.actor, trigger=wanted.trigger, grant_id=call.grant,
        purpose=wanted.purpose, legal_basis=call.legal_basis, attempt=attempt, outcome=call.outcome.value,
        http_status=call.status, latency_ms=call.latency_ms, fields=list(call.fields),
        request_sha=keyring.blind("exchange", call.request_sha),
        response_sha=keyring.blind("exchange", call.response_sha) if call.response_sha else None,
        at=wanted.at,
    )  # fmt: skip


def _access(wanted: Wanted, call: Call) -> DataAccess:
    """The line that the person sees: the portal asked a registry, for them."""
    return DataAccess(
        subject_id=wanted.person_id, actor="portal", role=None, department_id=None, case_id=wanted.case_id,
        what=list(wanted.take), purpose="registry_fetch", registry_code=call.registry, exchange_id=call.id,
        at=wanted.at,
    )  # fmt: skip


def keep_facts(session: Session, result: FactResult) -> None:
    """New facts supersede the older ones. An answer without a record ends them; silence leaves them as they are."""
    wanted, last = result.wanted, result.last
    older = _current(session, wanted.case_id, wanted.name)
    box = box_of(session, wanted.person_id)
    state = REQUIREMENT_STATE[result.outcome]
    if result.outcome in SAYS_NOTHING and older:
        state = "available"
    elif last is not None and result.outcome in GIVES_VALUES and box is not None:
        for fact_type, value in result.values.items():
            fact = _fact(result, last, fact_type)
            fact.value_enc = box.seal_json(value, f"facts:{fact.id}")
            session.add(fact)
    if result.outcome not in SAYS_NOTHING:
        _supersede(session, older, last.id if last else wanted.case_id)
    require(session, wanted.case_id, wanted.name, state, result.outcome, last.id if last else None, wanted.at)


def _current(session: Session, case_id: str, name: str) -> list[str]:
    return list(
        session.scalars(select(Fact.id).where(Fact.case_id == case_id, Fact.name == name, Fact.superseded_by.is_(None)))
    )


def _fact(result: FactResult, call: Call, fact_type: str) -> Fact:
    wanted = result.wanted
    return Fact(
        id=new_id(), case_id=wanted.case_id, subject_id=wanted.person_id, name=wanted.name, fact_type=fact_type,
        registry_code=call.registry, dataset=call.dataset, record_id=result.record_id,
        registry_updated_at=result.registry_updated_at, fetched_at=wanted.at, assurance="registry",
        exchange_id=call.id, superseded_by=None,
    )  # fmt: skip


def _supersede(session: Session, facts: Sequence[str], by: str) -> None:
    """`by` is the exchange whose answer took the place of these facts."""
    if facts:
        session.execute(update(Fact).where(Fact.id.in_(facts)).values(superseded_by=by))


def require(
    session: Session, case_id: str, name: str, state: str, outcome: Outcome, exchange_id: str | None, at: Any
) -> None:
    """Sets how a need of the case stands. The caller holds the case (`lock_cases`)."""
    row = session.scalars(
        select(EvidenceRequirement).where(EvidenceRequirement.case_id == case_id, EvidenceRequirement.name == name)
    ).one_or_none()
    if row is None:
        row = EvidenceRequirement(case_id=case_id, name=name)
        session.add(row)
    row.state, row.outcome, row.exchange_id, row.updated_at = state, outcome.value, exchange_id, at
