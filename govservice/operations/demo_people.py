"""The applicants of the demonstration's history: legal representatives of the synthetic province's enterprises.

Each gets what a real applicant has: a person with a key of their own, an account, the enterprise, the mandate. The
accounts have no password that opens them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.exchange.sandbox.province import Province
from govservice.models.accounts import User
from govservice.models.base import new_id
from govservice.models.people import Mandate, Organisation
from govservice.operations.demo_plan import Fate
from govservice.operations.people import Identity, add_person

LOGIN = "applicant-"  # logins of generated applicants begin so
NO_PASSWORD = "!"  # noqa: S105 - no hash: nothing that anybody types opens the account
MANDATES_FROM = date(2025, 1, 1)


Applicants = dict[str, Actor]  # who files, by the enterprise's code: the actor as a session would make it


def is_loaded(session: Session) -> bool:
    """Whether the history was made before: its first applicant is there."""
    return session.scalar(select(User.id).where(User.login == f"{LOGIN}00001")) is not None


def add_applicants(session: Session, province: Province, fates: Iterable[Fate]) -> Applicants:
    """Adds everybody whom the plan needs; the cast's own citizens and enterprises are found. The caller commits."""
    found: Applicants = {}
    generated: dict[str, Fate] = {}
    for fate in fates:
        if fate.login is not None:
            _of_cast(session, found, fate)
        elif fate.enterprise.uscc not in generated:
            generated[fate.enterprise.uscc] = fate
    made = [
        _add(session, province, found, fate, f"{LOGIN}{number:05d}")
        for number, fate in enumerate(generated.values(), start=1)
    ]
    session.flush()  # people and enterprises before what points at them
    session.add_all(row for rows in made for row in rows)
    session.flush()
    session.expunge_all()
    return found


def _add(session: Session, province: Province, found: Applicants, fate: Fate, login: str) -> tuple[User, Mandate]:
    enterprise, since = fate.enterprise, _since(fate)
    who = province.people[enterprise.legal_person]
    person = add_person(session, session.info["keyring"], Identity(who.name, "cn_id", who.id), area=who.area, now=since)
    organisation = Organisation(
        id=new_id(), uscc=enterprise.uscc, name=enterprise.name, area=enterprise.area, created_at=since
    )
    user = User(
        id=new_id(), login=login, password_hash=NO_PASSWORD, kind="citizen", name={}, person_id=person.id,
        locale="zh", demo=True, created_at=since, password_changed_at=since,
    )  # fmt: skip
    mandate = Mandate(
        id=new_id(), person_id=person.id, organisation_id=organisation.id, kind="legal_representative", services="*",
        valid_from=MANDATES_FROM, valid_to=None, source="demo", created_at=since, revoked_at=None,
    )  # fmt: skip
    session.add(organisation)
    found[enterprise.uscc] = Actor(
        user.id, "applicant", (), person.id, organisation.id, who.name, mandate.id
    )  # fmt: skip

    return user, mandate


def _since(fate: Fate) -> datetime:
    """Registered some time before filing."""
    return fate.at - timedelta(days=3, minutes=int(fate.key[-2:], 36) % 600)


def _of_cast(session: Session, found: Applicants, fate: Fate) -> None:
    user = session.scalars(select(User).where(User.login == fate.login)).one()
    organisation = session.scalars(select(Organisation).where(Organisation.uscc == fate.enterprise.uscc)).one()
    mandate = session.scalars(
        select(Mandate).where(Mandate.person_id == user.person_id, Mandate.organisation_id == organisation.id)
    ).first()
    assert mandate is not None
    found[fate.enterprise.uscc] = Actor(
        user.id, "applicant", (), user.person_id, organisation.id, "", mandate.id
    )  # fmt: skip
