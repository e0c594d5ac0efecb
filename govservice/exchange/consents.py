"""Consent to a question (`consent: explicit`): the words agreed to, and whether it holds at the moment of a call.

A consent is for one fact of one case. It ends with its withdrawal, after a year, and with the case. What was told while
it held stays with what was sent; after its end the register is not asked any more, whoever wants to.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import rfc8785
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import service_from_json
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import Fact
from govservice.models.base import new_id
from govservice.models.cases import Case, Definition
from govservice.models.consents import Consent

VALID = timedelta(days=365)


def wants_consent(compiled: Compiled) -> list[str]:
    """Names of the facts that are asked for with the person's consent only."""
    return [name for name, node in compiled.service.facts.items() if node.consent == "explicit"]


def about_person(compiled: Compiled, catalogue: Catalogue, fact: str) -> bool:
    """Whether the register is asked about the applicant, not about the enterprise that they act for."""
    dataset = catalogue.datasets.get(compiled.service.facts[fact].dataset or "")
    return dataset is None or dataset.subject == "person"


def agreement(compiled: Compiled, catalogue: Catalogue, fact: str) -> dict[str, Any]:
    """What the person agrees to, word for word and in every language: who is asked what, why, by which law, and for
    which application."""
    node = compiled.service.facts[fact]
    registry = catalogue.registries.get(catalogue.registry_of(node.dataset or "") or "")
    purpose = catalogue.purposes.get(node.purpose)
    return {
        "service": dict(compiled.service.title), "registry": dict(registry.title) if registry else {},
        "what": [dict(catalogue.label(name) or {"en": name, "zh": name}) for name in node.taken], "as_of": node.as_of,
        "why": dict(purpose.text) if purpose else {}, "law": dict(purpose.basis) if purpose else {},
    }  # fmt: skip


def agreement_sha(compiled: Compiled, catalogue: Catalogue, fact: str) -> str:
    return hashlib.sha256(rfc8785.dumps(agreement(compiled, catalogue, fact))).hexdigest()


def newest(session: Session, case_id: str) -> dict[str, Consent]:
    """The last consent to each fact of a case, or of the bundle that it is a part of, given or withdrawn."""
    case = session.get_one(Case, case_id)
    asked = Consent.case_id == case_id
    where = or_(asked, Consent.case_id == case.parent_case_id) if case.parent_case_id is not None else asked
    rows = session.scalars(select(Consent).where(where).order_by(Consent.given_at, Consent.id))
    return {row.fact: row for row in rows}


def holds(consent: Consent | None, now: datetime) -> bool:
    return consent is not None and consent.revoked_at is None and now < consent.expires_at


def covers(session: Session, consent: Consent, compiled: Compiled, fact: str) -> bool:
    """Whether what was agreed to covers the question as this version of the service puts it. A case may have been moved
    to a version that asks another register, for more, or for another purpose: to that nobody has agreed."""
    if consent.def_sha == compiled.sha:
        return True
    read = session.scalar(select(Definition.canonical_json).where(Definition.sha == consent.def_sha))
    old = service_from_json(read).facts.get(consent.fact) if read is not None else None
    return old is not None and _asked(compiled.service.facts[fact], old)


def _asked(new: Fact, old: Fact) -> bool:
    """Whether the new question is a part of the old one."""

    def what(node: Fact) -> set[tuple[str, str]]:
        return {(str(source.dataset), name) for source in node.sources if source.dataset for name in node.taken}

    return what(new) <= what(old) and (new.as_of, new.purpose) == (old.as_of, old.purpose)


def note_given(
    session: Session, case: Case, compiled: Compiled, catalogue: Catalogue, facts: Collection[str], by: str,
    now: datetime,
) -> None:  # fmt: skip
    """Notes the consents that were just given. One that holds already, in the same words, is not given twice."""
    known = newest(session, case.id)
    for fact in wants_consent(compiled):
        sha = agreement_sha(compiled, catalogue, fact)
        old = known.get(fact)
        if fact not in facts or (old is not None and holds(old, now) and old.text_sha == sha):
            continue
        session.add(Consent(
            id=new_id(), person_id=case.applicant_id, given_by=by, case_id=case.id, service=case.service,
            def_sha=compiled.sha, fact=fact, purpose=compiled.service.facts[fact].purpose, text_sha=sha, given_at=now,
            expires_at=now + VALID, revoked_at=None,
        ))  # fmt: skip


def end(session: Session, case_id: str, facts: Collection[str], now: datetime) -> list[Consent]:
    """Withdraws what still holds for these facts of a case; returns the rows."""
    rows = select(Consent).where(
        Consent.case_id == case_id, Consent.fact.in_(facts), Consent.revoked_at.is_(None), Consent.expires_at > now
    )
    found = list(session.scalars(rows.with_for_update()))
    for row in found:
        row.revoked_at = now
    return found


def sealed(session: Session, case_id: str, now: datetime) -> dict[str, Mapping[str, str]]:
    """What holds when something is sent, for the seal."""
    return {
        fact: {"id": row.id, "text_sha256": row.text_sha, "definition": row.def_sha}
        for fact, row in newest(session, case_id).items()
        if holds(row, now)
    }
