"""Writes what a round of calls brought, in one transaction: facts, requirements, the log, the person's own record.

Few statements for many rows: this stands between a citizen and the next page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.exchange import breaker, quarantine
from govservice.exchange import log as exchange_log
from govservice.exchange.outcomes import GIVES_VALUES, IS_A_READ, SAYS_NOTHING, Outcome
from govservice.exchange.queries import Call, FactResult, Wanted
from govservice.exchange.requirement import STANDS, answered
from govservice.models.base import Base, new_id
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.exchange import DataAccess, EvidenceRequirement, ExchangeProof, Fact
from govservice.models.keyring import Keyring
from govservice.models.session import box_of

Row = dict[str, Any]
Need = tuple[str, str]  # (case, name of the fact)
# Why the person reads that it was asked: else for their form.
PURPOSES = {**dict.fromkeys(("decision", "clerk", "event"), "registry_recheck"), "recusal": "recusal"}


def record(session: Session, catalogue: Catalogue, results: Sequence[FactResult]) -> list[FactResult]:
    """Records the results of one `Gateway.ask`; returns them as they were kept. Values of an erased person are not
    kept: there is no key for them. Neither are those that came after their consent was withdrawn; that the register was
    asked stays in the log."""
    lock_cases(session, (result.wanted.case_id for result in results))
    kept = _with_consent(session, results)
    _keep_facts(session, kept)
    note(session, catalogue, kept)
    return kept


def _with_consent(session: Session, results: Sequence[FactResult]) -> list[FactResult]:
    """The results, without the values of those whose consent was withdrawn while the register was being asked."""
    given = {result.wanted.consent for result in results if result.outcome is not Outcome.REFUSED} - {None}
    ended = select(Consent.id).where(Consent.id.in_(given), Consent.revoked_at.is_not(None))
    withdrawn = set(session.scalars(ended)) if given else set()
    return [
        each
        if each.wanted.consent not in withdrawn or each.outcome is Outcome.REFUSED
        else replace(each, outcome=Outcome.REFUSED, values={}, withdrawn=True)
        for each in results
    ]


def note(session: Session, catalogue: Catalogue, results: Sequence[FactResult]) -> None:
    """The log, what the person sees of it, and the breakers' counts; no values. Holds the ends of the log: call it
    last."""
    keyring: Keyring = session.info["keyring"]
    calls = [(result.wanted, call, n) for result in results for n, call in enumerate(result.calls, start=1)]
    _insert(session, DataAccess, [_access(wanted, call) for wanted, call, _n in calls if call.outcome in IS_A_READ])
    exchange_log.append(session, [_exchange(wanted, call, n, keyring) for wanted, call, n in calls])
    proofs = [{"exchange_id": call.id, "proofs": dict(call.proofs)} for _wanted, call, _n in calls if call.proofs]
    _insert(session, ExchangeProof, proofs)
    breakers = {code: registry.breaker for code, registry in catalogue.registries.items()}
    ends = [(call.registry, call.outcome) for _wanted, call, _n in calls if call.registry in breakers]
    now = max(result.wanted.at for result in results)
    breaker.count(session, breakers, ends, now)
    quarantine.count(session, ((call.dataset, call.outcome) for _wanted, call, _n in calls if call.request_sha), now)


def lock_cases(session: Session, case_ids: Iterable[str]) -> None:
    """Holds the cases until the transaction ends, so that two rounds of one case come one after the other."""
    session.execute(select(Case.id).where(Case.id.in_(set(case_ids))).order_by(Case.id).with_for_update()).all()


def _insert(session: Session, model: type[Base], rows: list[Row]) -> None:
    if rows:
        session.execute(insert(cast("Table", model.__table__)), rows)


def _update(session: Session, model: type[Base], rows: list[Row], columns: Iterable[str]) -> None:
    """Rows are {"key": id, "new_<column>": value, ...}: one statement for all of them."""
    if rows:
        table = cast("Table", model.__table__)
        values: Row = {column: bindparam(f"new_{column}") for column in columns}
        session.execute(update(table).where(table.c.id == bindparam("key")).values(values), rows)


def _exchange(wanted: Wanted, call: Call, attempt: int, keyring: Keyring) -> Row:
    """A row of the log. Digests are keyed: a plain hash of a short request would give the number away to guessing."""
    return {
        "id": call.id, "registry_code": call.registry, "dataset": call.dataset, "case_id": wanted.case_id or None,
        "fact": wanted.name, "subject_id": wanted.subject_id, "actor": wanted.actor, "trigger": wanted.trigger,
        "grant_id": call.grant, "purpose": wanted.purpose, "legal_basis": call.legal_basis, "attempt": attempt,
        "outcome": call.outcome.value, "http_status": call.status, "latency_ms": call.latency_ms,
        "fields": list(call.fields), "request_sha": keyring.blind("exchange", call.request_sha),
        "response_sha": keyring.blind("exchange", call.response_sha) if call.response_sha else None, "at": wanted.at,
        "consent_id": wanted.consent,
    }  # fmt: skip


def _access(wanted: Wanted, call: Call) -> Row:
    """The line that the person sees: the portal asked a registry, for them."""
    return {
        "id": new_id(), "subject_id": wanted.person_id, "actor": "portal", "role": None, "department_id": None,
        "case_id": wanted.case_id or None, "what": list(wanted.take),
        "purpose": PURPOSES.get(wanted.trigger, "registry_fetch"),
        "registry_code": call.registry, "exchange_id": call.id, "at": wanted.at,
    }  # fmt: skip


def _keep_facts(session: Session, results: Sequence[FactResult]) -> None:
    """New facts supersede the older ones. An answer without a record ends them; silence leaves them as they are."""
    cases = {result.wanted.case_id for result in results}
    older = _current_facts(session, cases)
    facts: list[Row] = []
    gone: list[Row] = []
    for result in results:
        held = older.get(_need(result), [])
        if result.outcome in SAYS_NOTHING or result.withdrawn:
            continue
        if result.outcome in GIVES_VALUES:
            facts += _facts(session, result)
        by = result.calls[-1].id if result.calls else result.wanted.case_id
        gone += [{"key": id, "new_superseded_by": by} for id in held]
    _update(session, Fact, gone, ("superseded_by",))
    _insert(session, Fact, facts)
    _require(session, results, cases, set(older))


def _need(result: FactResult) -> Need:
    return result.wanted.case_id, result.wanted.name


def _current_facts(session: Session, cases: Iterable[str]) -> dict[Need, list[str]]:
    """Ids of the facts that stand, by need."""
    found: dict[Need, list[str]] = {}
    rows = session.execute(
        select(Fact.id, Fact.case_id, Fact.name).where(Fact.case_id.in_(set(cases)), Fact.superseded_by.is_(None))
    )
    for id, case_id, name in rows:
        found.setdefault((case_id, name), []).append(id)
    return found


def _facts(session: Session, result: FactResult) -> list[Row]:
    """Rows of the values, each sealed with the person's key and bound to its row."""
    wanted, call = result.wanted, result.calls[-1]
    box = box_of(session, wanted.person_id)
    if box is None:
        return []
    shared = {
        "case_id": wanted.case_id, "subject_id": wanted.person_id, "name": wanted.name,
        "registry_code": call.registry, "dataset": call.dataset, "record_id": result.record_id,
        "registry_updated_at": result.registry_updated_at, "fetched_at": wanted.at, "assurance": result.assurance,
        "exchange_id": call.id, "superseded_by": None, "as_of": wanted.as_of,
    }  # fmt: skip
    return [
        {"id": id, "fact_type": name, "value_enc": box.seal_json(value, f"facts:{id}"), **shared}
        for id, (name, value) in ((new_id(), item) for item in result.values.items())
    ]


def _require(session: Session, results: Sequence[FactResult], cases: set[str], held: set[Need]) -> None:
    """Sets how each need stands now. A silent registry leaves a need that is met as it is."""
    known: Mapping[Need, tuple[str, str]] = {
        (case_id, name): (id, state)
        for id, case_id, name, state in session.execute(
            select(
                EvidenceRequirement.id, EvidenceRequirement.case_id, EvidenceRequirement.name, EvidenceRequirement.state
            ).where(EvidenceRequirement.case_id.in_(cases))
        )
    }
    new: list[Row] = []
    changed: list[Row] = []
    for result in results:
        id, state = known.get(_need(result), (None, "needed"))
        row = _requirement(result, state, met=_need(result) in held)
        if id is None:
            first = {"id": new_id(), "case_id": result.wanted.case_id, "name": result.wanted.name, "tries": 0}
            new.append({**first, **row})
        else:
            changed.append({"key": id, **{f"new_{column}": value for column, value in row.items()}})
    _insert(session, EvidenceRequirement, new)
    _update(session, EvidenceRequirement, changed, ("state", "outcome", "exchange_id", "updated_at"))


def _requirement(result: FactResult, state: str, *, met: bool) -> Row:
    """How a need that stood so stands after this result; `met`: an earlier answer already meets it."""
    stays = result.withdrawn and state in STANDS
    return {
        "state": state if stays else answered(state, result.outcome, met=met and result.outcome in SAYS_NOTHING),
        "outcome": result.outcome.value,
        "exchange_id": result.calls[-1].id if result.calls else None,
        "updated_at": result.wanted.at,
    }
