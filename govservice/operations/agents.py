"""Whom an enterprise lets act for it: appointed by its legal representative, for named services, until a day.

The portal asks nobody else: a legal representative is one by the register, and what they declare here is a mandate of
theirs (Civil Code of the People's Republic of China, articles 161 to 173). Both sides may end it at any time.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.errors import N_, Invalid, NotFound
from govservice.exchange.accesses import Read, record_reads
from govservice.identifiers import WrongIdentifier, parse
from govservice.models.people import EVERY_SERVICE, Mandate, Organisation
from govservice.models.personal import read_person
from govservice.operations.mandates import Held, grant_mandate, usable_mandate
from govservice.operations.people import find_person, identity_of
from govservice.operations.runtime import Runtime

AGENT, HEAD = "agent", "legal_representative"
MOST_YEARS = 5  # a mandate that nobody looks at again for longer is forgotten, not meant
UNKNOWN = N_(
    "Nobody with this name and number has an account here. They must sign in once before they can act for you."
)


@dataclass(frozen=True, slots=True)
class Agent:
    """One agent as the legal representative sees them. `services`: "*" or codes; `name` None: erased since."""

    id: str
    name: str | None
    services: str
    valid_from: date
    valid_to: date | None
    revoked_at: datetime | None
    valid: bool


def represented(session: Session, person_id: str, mandate_id: str, today: date) -> Held:
    """The mandate of a legal representative, which lets them appoint. Raises NotFound for every other one."""
    held = usable_mandate(session, person_id, mandate_id, today)
    if held.kind != HEAD:
        raise NotFound()
    return held


def agents_of(session: Session, organisation_id: str, today: date) -> list[Agent]:
    """Every agent the organisation ever had, those who may act first."""
    rows = session.scalars(
        select(Mandate).where(Mandate.organisation_id == organisation_id, Mandate.kind == AGENT)
        .order_by(Mandate.created_at.desc(), Mandate.id)
    )  # fmt: skip
    found = [
        Agent(
            row.id, person.name if (person := read_person(session, row.person_id)) else None, row.services,
            row.valid_from, row.valid_to, row.revoked_at, row.holds(today),
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda agent: not agent.valid)


def appoint(
    rt: Runtime, actor: Actor, mandate_id: str, *, name: str, number: str, services: Collection[str],
    valid_to: date | None, now: datetime,
) -> None:  # fmt: skip
    """Lets somebody act for the enterprise. The agent sees it among their mandates, and in My data that they were
    looked up. The same form twice appoints once.

    Raises NotFound where the actor does not represent the enterprise, Invalid by field."""
    assert actor.person_id is not None
    today = rt.today(now)
    with rt.write() as session:
        held = represented(session, actor.person_id, mandate_id, today)
        codes = _scope(rt, services)
        if valid_to is None or not today <= valid_to <= date(today.year + MOST_YEARS, today.month, 1):
            raise Invalid({"valid_to": N_("Enter a day from today on, at most five years ahead.")})
        person_id = _person(rt, session, name, number)
        if person_id == actor.person_id:
            raise Invalid({"number": N_("You represent this enterprise already.")})
        session.get_one(Organisation, held.organisation_id, with_for_update=True)  # two forms at once appoint one
        for row in session.scalars(
            select(Mandate).where(
                Mandate.organisation_id == held.organisation_id, Mandate.person_id == person_id, Mandate.holding(today)
            )
        ):
            if (row.kind, row.services, row.valid_to) == (AGENT, codes, valid_to):
                return
            raise Invalid({"number": N_("This person acts for the enterprise already. End that first, then appoint.")})
        grant_mandate(
            session, person_id, held.organisation_id, kind=AGENT, source="declared", valid_from=today,
            valid_to=valid_to, services=codes, now=now,
        )  # fmt: skip
        record_reads(session, actor.id, None, None, [Read(person_id, None, ["person.name"], "mandate")], now)


def end(rt: Runtime, actor: Actor, agent_id: str, *, now: datetime) -> None:
    """Ends an agent's mandate: by the legal representative, or given back by the agent. A second time changes nothing.
    Raises NotFound for anybody else's."""
    today = rt.today(now)
    with rt.write() as session:
        row = session.scalars(select(Mandate).where(Mandate.id == agent_id).with_for_update()).one_or_none()
        if row is None or row.kind != AGENT or actor.person_id is None:
            raise NotFound()
        heads = select(Mandate.id).where(
            Mandate.organisation_id == row.organisation_id,
            Mandate.person_id == actor.person_id,
            Mandate.kind == HEAD,
            Mandate.holding(today),
        )
        if row.person_id != actor.person_id and session.scalar(heads.limit(1)) is None:
            raise NotFound()
        row.revoked_at = row.revoked_at or now


def offered(rt: Runtime) -> list[str]:
    """Codes of the services that an enterprise may apply for."""
    return [code for code in rt.definitions.codes() if "organisation" in rt.definitions.current(code).service.audience]


def _scope(rt: Runtime, services: Collection[str]) -> str:
    """As a mandate keeps it. Raises Invalid for nothing, or for what no enterprise applies for."""
    if EVERY_SERVICE in services:
        return EVERY_SERVICE
    known = offered(rt)
    if not services or not set(services) <= set(known):
        raise Invalid({"services": N_("Choose for which services they may act.")})
    return " ".join(code for code in known if code in services)


def _person(rt: Runtime, session: Session, name: str, number: str) -> str:
    """Whose number it is, if the name is theirs too: neither alone tells whether somebody is known here."""
    try:
        parsed = parse("cn_id", number)
    except WrongIdentifier as fault:
        raise Invalid({"number": str(fault)}) from fault
    person = find_person(session, rt.keyring, "cn_id", parsed)
    known = identity_of(session, person.id) if person is not None else None
    if person is None or known is None or known.name != name.strip():
        raise Invalid({"number": UNKNOWN})
    return person.id
