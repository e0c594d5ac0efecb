"""What the portal holds of somebody already: facts of their earlier cases, what stands on documents issued to them, and
what they gave with a paper that an authority has decided on.

The last of a fact's sources (`{vault: facts, max_age: 90d}`, the kind of a document, or the name of a material): looked
into only where every registry is silent, and never before a decision. A registry's word that there is no record is a
word. Only what belongs to the same person, or to the same organisation under a mandate, is found.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.exchange.mapping import Reading
from govservice.exchange.outcomes import Outcome
from govservice.exchange.queries import Wanted
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.exchange import VAULT, Exchange, Fact
from govservice.models.papers import File, IssuedDocument
from govservice.models.session import box_of
from govservice.worktime.duration import Duration

FACTS = "facts"  # the name that stands for facts of earlier cases
TITLE: Mapping[str, str] = {"en": "record of your earlier applications", "zh": "您以往办件的档案"}
NOTHING = Reading(Outcome.NO_RECORD)


def look(session: Session, catalogue: Catalogue, wanted: Wanted, name: str, max_age: Duration | None) -> Reading:
    """The values found, at most `max_age` old; NO_RECORD where there are none. Reads only."""
    since = wanted.at - max_age.span if max_age is not None else None
    if name == FACTS:
        return _earlier_facts(session, catalogue, wanted, since)
    if name in catalogue.documents:
        return _documents(session, wanted, name, catalogue.documents[name].shows, since)
    return _papers(session, wanted, name, since)


def _own(statement: Any, wanted: Wanted) -> Any:
    """Cases of the same party: of the person for themselves, or for the same organisation."""
    statement = statement.where(Case.id != wanted.case_id, Case.applicant_id == wanted.person_id)
    if wanted.subject.kind == "organisation":
        return statement.where(Case.organisation_id == wanted.subject_id)
    return statement


def _party(statement: Any, wanted: Wanted) -> Any:
    """The same, without what a person got or gave for an enterprise where the question is about the person."""
    statement = _own(statement, wanted)
    return statement if wanted.subject.kind == "organisation" else statement.where(Case.organisation_id.is_(None))


def _earlier_facts(session: Session, catalogue: Catalogue, wanted: Wanted, since: datetime | None) -> Reading:
    """The newest value of each fact type that a registry gave for an earlier case, sealed for the same person. Of a
    case for an enterprise, what was asked about the enterprise says nothing about the person."""
    about = [ref for ref, dataset in catalogue.datasets.items() if dataset.subject == wanted.subject.kind]
    statement = _own(select(Fact).join(Case, Case.id == Fact.case_id), wanted).where(
        Fact.fact_type.in_(wanted.take), Fact.subject_id == wanted.person_id, Fact.superseded_by.is_(None),
        Fact.assurance == "registry", Fact.registry_code != VAULT, Fact.dataset.in_(about),
        Fact.as_of.is_not_distinct_from(wanted.as_of),
    )  # fmt: skip
    statement = statement.where(~_consent_withdrawn())
    if since is not None:
        statement = statement.where(Fact.fetched_at >= since)
    found = {fact.fact_type: fact for fact in session.scalars(statement.order_by(Fact.fetched_at))}
    values = {name: _opened(session, fact) for name, fact in found.items()}
    return _reading(values, found.values())


def _consent_withdrawn() -> ColumnElement[bool]:
    """Told under a consent that was taken back since: it stays with the application it was told for, and goes to no
    other."""
    told = select(Exchange.id).join(Consent, Consent.id == Exchange.consent_id)
    return told.where(Exchange.id == Fact.exchange_id, Consent.revoked_at.is_not(None)).exists()


def _opened(session: Session, fact: Fact) -> Any:
    box = box_of(session, fact.subject_id)
    return None if box is None or fact.value_enc is None else box.open_json(fact.value_enc, f"facts:{fact.id}")


def _reading(values: Mapping[str, Any], facts: Iterable[Fact]) -> Reading:
    kept = {name: value for name, value in values.items() if value is not None}
    if not kept:
        return NOTHING
    oldest = min(facts, key=lambda fact: fact.fetched_at)
    return Reading(Outcome.OK, kept, oldest.case_id, oldest.fetched_at)


def _documents(
    session: Session, wanted: Wanted, kind: str, shows: tuple[str, ...], since: datetime | None
) -> Reading:  # fmt: skip
    """What the newest valid document of this kind was issued on."""
    statement = _party(select(IssuedDocument, Case).join(Case, Case.id == IssuedDocument.case_id), wanted).where(
        IssuedDocument.kind == kind, IssuedDocument.revoked_at.is_(None),
        or_(IssuedDocument.valid_until.is_(None), IssuedDocument.valid_until >= wanted.today),
    )  # fmt: skip
    if since is not None:
        statement = statement.where(IssuedDocument.created_at >= since)
    row = session.execute(statement.order_by(IssuedDocument.created_at.desc()).limit(1)).first()
    if row is None:
        return NOTHING
    document, case = row
    answers = read_form(session, case.applicant_id, case.id, case.data_rev).answers
    kept = {name: answers[name] for name in wanted.take if name in shows and answers.get(name) is not None}
    return Reading(Outcome.OK, kept, document.number, document.created_at) if kept else NOTHING


def _papers(session: Session, wanted: Wanted, slot: str, since: datetime | None) -> Reading:
    """What was given with the newest paper of this name that an application was granted on, and that is young enough.

    The paper is the proof, and its answers are what a clerk compared with it: a case that was not granted proves
    nothing. Of a period (`as_of`) it says nothing either.
    """
    if wanted.as_of is not None:
        return NOTHING
    statement = _party(select(File, Case).join(Case, Case.id == File.case_id), wanted).where(
        File.slot == slot, File.kind == "material", File.removed_at.is_(None), Case.outcome == "granted",
    )  # fmt: skip
    if since is not None:
        statement = statement.where(File.uploaded_at >= since)
    for file, case in session.execute(statement.order_by(File.uploaded_at.desc(), File.id)):
        form = read_form(session, case.applicant_id, case.id, case.data_rev)
        kept = {name: form.answers[name] for name in wanted.take if form.answers.get(name) is not None}
        if kept and file.id in form.materials.get(slot, ()):
            return Reading(Outcome.OK, kept, file.id, file.uploaded_at, "document")
    return NOTHING
