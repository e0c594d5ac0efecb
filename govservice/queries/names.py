"""Names for lists: an organisation's is public, a person's is opened with the person's key and counts as a read."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.models.accounts import User
from govservice.models.people import Organisation, Person
from govservice.models.session import box_of

ERASED = {"en": "Erased person", "zh": "已注销的申请人"}


def person_name(session: Session, person_id: str) -> str:
    """The person's name; a fixed sentence where the person was erased."""
    person = session.get(Person, person_id)
    box = box_of(session, person_id) if person else None
    if person is None or box is None or person.name_enc is None:
        return f"{ERASED['zh']} · {ERASED['en']}"
    return box.open_text(person.name_enc, f"people:{person_id}:name")


def person_names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    """Names by person; the rows are loaded in one statement."""
    wanted = set(ids)
    if wanted:
        session.scalars(select(Person).where(Person.id.in_(wanted))).all()  # into the identity map
    return {i: person_name(session, i) for i in wanted}


def organisation_names(session: Session, ids: Iterable[str]) -> dict[str, str]:
    wanted = set(ids)
    if not wanted:
        return {}
    rows = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(wanted)))
    return {row.id: row.name for row in rows}


def staff_names(session: Session, ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """{en, zh} names of staff by user id; citizens have no public name here."""
    wanted = {i for i in ids if i}
    if not wanted:
        return {}
    rows = session.execute(select(User.id, User.name).where(User.id.in_(wanted), User.kind == "staff"))
    return {row.id: row.name for row in rows}
