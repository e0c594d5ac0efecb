"""Mandates: by which right a person acts for an organisation, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.errors import Invalid, NotFound
from govservice.identifiers import WrongIdentifier, parse
from govservice.models.base import new_id
from govservice.models.people import EVERY_SERVICE, Mandate, Organisation, within


@dataclass(frozen=True, slots=True)
class Held:
    """A mandate as its holder sees it. `kind`: legal_representative | agent; `services`: "*" or codes."""

    id: str
    organisation_id: str
    organisation: str
    uscc: str
    kind: str
    services: str
    valid_from: date
    valid_to: date | None
    revoked_at: datetime | None
    valid: bool

    def covers(self, service: str) -> bool:
        """Whether the mandate's scope holds a service."""
        return within(self.services, service)


def mandates_of(session: Session, person_id: str, today: date) -> list[Held]:
    """Every mandate the person ever had, valid ones first."""
    rows = session.execute(
        select(Mandate, Organisation)
        .join(Organisation, Organisation.id == Mandate.organisation_id)
        .where(Mandate.person_id == person_id)
        .order_by(Mandate.created_at)
    )
    held = [_held(mandate, organisation, today) for mandate, organisation in rows]
    return sorted(held, key=lambda h: not h.valid)


def _held(mandate: Mandate, organisation: Organisation, today: date) -> Held:
    return Held(
        mandate.id, organisation.id, organisation.name, organisation.uscc, mandate.kind, mandate.services,
        mandate.valid_from, mandate.valid_to, mandate.revoked_at, mandate.holds(today),
    )  # fmt: skip


def usable_mandate(session: Session, person_id: str, mandate_id: str, today: date) -> Held:
    """The person's own mandate, valid today. Raises NotFound: somebody else's looks like none."""
    found = next((h for h in mandates_of(session, person_id, today) if h.id == mandate_id and h.valid), None)
    if found is None:
        raise NotFound()
    return found


def add_organisation(session: Session, uscc: str, name: str, *, area: str | None, now: datetime) -> Organisation:
    """The organisation with this code, added where it is new; the caller commits. Raises Invalid for a wrong code."""
    try:
        code = parse("uscc", uscc)
    except WrongIdentifier as error:
        raise Invalid({"uscc": str(error)}) from error
    found = session.scalar(select(Organisation).where(Organisation.uscc == code))
    if found is None:
        found = Organisation(id=new_id(), uscc=code, name=name, area=area, created_at=now)
        session.add(found)
        session.flush()
    return found


def grant_mandate(
    session: Session, person_id: str, organisation_id: str, *, kind: str, source: str, valid_from: date,
    valid_to: date | None = None, services: str = EVERY_SERVICE, now: datetime,
) -> Mandate:  # fmt: skip
    """Records a mandate; the caller commits and has checked the right to grant it."""
    mandate = Mandate(
        id=new_id(), person_id=person_id, organisation_id=organisation_id, kind=kind, services=services, source=source,
        valid_from=valid_from, valid_to=valid_to, created_at=now,
    )  # fmt: skip
    session.add(mandate)
    return mandate
