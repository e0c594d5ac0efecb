"""Who the relatives of a member of staff are, by the registries: asked so that nobody decides about their own.

Civil Servant Law art. 74 and 76 (公务回避). The questions are those of the grants for the service `recusal`; the person
asked about sees them like every other read. What comes is kept as blind indexes only, for as long as the dataset says
that an answer stays fresh; nobody reads it, it is compared with the people of a case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.values import elements
from govservice.exchange import recording
from govservice.exchange.connectors.base import SubjectKey
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import GIVES_VALUES, Outcome
from govservice.exchange.queries import FactResult, Wanted
from govservice.models.keyring import Keyring
from govservice.models.personal import read_person
from govservice.models.recusals import Kinship
from govservice.models.session import Database

SERVICE = "recusal"  # of the grants
NUMBER = "cn_id"  # relatives are known by their identity numbers
AGAIN = timedelta(minutes=5)  # before a registry that was silent is asked again


@dataclass(frozen=True, slots=True)
class Known:
    """Relatives of a person, as blind indexes; `silent`: a registry has never answered, or not for too long."""

    kin: frozenset[str]
    silent: bool


def known(session: Session, catalogue: Catalogue, person_id: str, now: datetime) -> Known:
    """What the registries have said so far. A person without an identity number of the mainland is in none of them."""
    person = read_person(session, person_id)
    rows = {row.dataset: row for row in session.scalars(select(Kinship).where(Kinship.person_id == person_id))}
    kin = frozenset(index for row in rows.values() for index in row.kin)
    if person is None or person.id_type != NUMBER:
        return Known(kin, False)
    return Known(kin, any(not _is_fresh(rows.get(d), catalogue, now) for d in _datasets(catalogue)))


def ask(
    gateway: Gateway, database: Database, person_ids: Iterable[str], now: datetime, today: date
) -> None:  # fmt: skip
    """Asks what is not known freshly, all at once, within the gateway's budget. Never raises for a registry's fault;
    one that was silent a moment ago is left alone."""
    with database.read() as session:
        wanted = [w for person in person_ids for w in _wanted(session, gateway.catalogue, person, now, today)]
    results = gateway.ask(database, wanted)
    if not results:
        return
    with database.write() as session:
        for result in results:
            _keep(session, result)
        recording.note(session, gateway.catalogue, results)


def _datasets(catalogue: Catalogue) -> dict[str, str]:
    """The datasets that may be asked, each with its grant."""
    return {grant.dataset: number for number, grant in catalogue.grants.items() if SERVICE in grant.services}


def _is_fresh(row: Kinship | None, catalogue: Catalogue, now: datetime) -> bool:
    if row is None or row.said_at is None:
        return False
    return now - row.said_at <= catalogue.datasets[row.dataset].freshness.span


def _wanted(session: Session, catalogue: Catalogue, person_id: str, now: datetime, today: date) -> list[Wanted]:
    person = read_person(session, person_id)
    if person is None or person.id_type != NUMBER:
        return []
    rows = {row.dataset: row for row in session.scalars(select(Kinship).where(Kinship.person_id == person_id))}
    found = []
    for dataset, number in _datasets(catalogue).items():
        row, grant = rows.get(dataset), catalogue.grants[number]
        if _is_fresh(row, catalogue, now) or (row is not None and now - row.asked_at < AGAIN):
            continue
        found.append(
            Wanted(
                case_id="", service=SERVICE, department=grant.department, name=SERVICE, sources=((dataset, number),),
                take=tuple(grant.take), purpose=grant.purpose, subject=SubjectKey("person", person.number),
                subject_id=person_id, person_id=person_id, actor="portal", trigger="recusal", at=now, today=today,
            )
        )  # fmt: skip
    return found


def _keep(session: Session, result: FactResult) -> None:
    """An answer takes the place of the one before; silence leaves it, and the time it was tried."""
    keyring: Keyring = session.info["keyring"]
    wanted, dataset = result.wanted, result.wanted.sources[0][0]
    row = session.get(Kinship, (wanted.person_id, dataset))
    if row is None:
        row = Kinship(person_id=wanted.person_id, dataset=dataset, kin=[], said_at=None, asked_at=wanted.at)
        session.add(row)
    row.asked_at = wanted.at
    if result.outcome in GIVES_VALUES or result.outcome is Outcome.NO_RECORD:
        numbers = [number for value in result.values.values() for number in elements(value)]
        row.kin, row.said_at = sorted({keyring.blind(NUMBER, number) for number in numbers}), wanted.at
