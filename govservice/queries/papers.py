"""What somebody has with the portal: licences issued to them, and the documents they gave, over all departments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.library import Definitions
from govservice.models.cases import Case
from govservice.models.papers import File, IssuedDocument, name_of
from govservice.queries import licences
from govservice.queries.access import filed_by

Text = Mapping[str, str]
LIMIT = 200  # of each kind, the newest first


class PartyLike(Protocol):
    """Whose papers: a person, acting for themselves or for an organisation."""

    @property
    def person_id(self) -> str | None: ...
    @property
    def organisation_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Given:
    """A document that the person gave. `label`: what it was asked for; `number`: of the application."""

    id: str
    name: str
    label: Text
    size: int
    given_at: datetime
    number: str


@dataclass(frozen=True, slots=True)
class Issued:
    """A licence, and the application that it came from."""

    licence: licences.Licence
    number: str


def issued_to(session: Session, actor: PartyLike, today: date) -> list[Issued]:
    """The newest licence of each of their cases, the newest first."""
    own = filed_by(actor.person_id or "", actor.organisation_id, today)
    rows = session.execute(
        select(IssuedDocument, Case.number)
        .join(Case, Case.id == IssuedDocument.case_id)
        .where(own)
        .order_by(IssuedDocument.created_at.desc())
        .limit(LIMIT)
    )
    found: dict[str, Issued] = {}
    for document, number in rows:
        found.setdefault(number, Issued(licences.shown(document, today), number))
    return list(found.values())


def given_by(session: Session, definitions: Definitions, actor: PartyLike, today: date) -> list[Given]:
    """The documents of their applications that were sent. Each once, though it was used again in a later one."""
    own = filed_by(actor.person_id or "", actor.organisation_id, today)
    rows = session.execute(
        select(File, Case)
        .join(Case, Case.id == File.case_id)
        .where(own, Case.received_at.is_not(None), Case.parent_case_id.is_(None))
        .where(File.kind == "material", File.removed_at.is_(None), File.subject_id == actor.person_id)
        .order_by(File.uploaded_at.desc(), File.id)
        .limit(LIMIT)
    ).all()
    found: dict[tuple[str, str], Given] = {}
    for file, case in rows:
        material = definitions.by_sha(case.def_sha).service.materials.get(file.slot)
        name = name_of(session, file)
        if material is None or name is None:
            continue
        found[file.slot, file.sha256] = Given(file.id, name, material.label, file.size, file.uploaded_at, case.number)
    return sorted(found.values(), key=lambda given: given.given_at, reverse=True)
