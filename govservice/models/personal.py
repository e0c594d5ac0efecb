"""A person's own data, sealed and opened in one place: what is sealed where, and under which context.

Contexts: `people:<id>:name`, `people:<id>:id`, `people:<id>:phone`. The blind index of the number is
`keyring.blind(id_type, number)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.identifiers import IdKind
from govservice.models.base import new_id
from govservice.models.keyring import Keyring
from govservice.models.people import Person
from govservice.models.session import box_of


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What a person gave. `number` is normalised (`identifiers.parse`)."""

    name: str = field(repr=False)
    id_type: IdKind
    number: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)


def seal_person(keyring: Keyring, data: PersonalData, *, area: str | None, now: datetime) -> Person:
    """A new person with a key of their own, not yet in a session."""
    wrapped, key_id = keyring.new_key()
    box = keyring.box(wrapped, key_id)
    if box is None:
        raise ValueError("a new key opens a box")
    id = new_id()
    return Person(
        id=id,
        key_wrapped=wrapped,
        key_id=key_id,
        name_enc=box.seal_text(data.name, f"people:{id}:name"),
        id_type=data.id_type,
        id_enc=box.seal_text(data.number, f"people:{id}:id"),
        id_index=keyring.blind(data.id_type, data.number),
        phone_enc=None if data.phone is None else box.seal_text(data.phone, f"people:{id}:phone"),
        area=area,
        created_at=now,
        erased_at=None,
    )


def find_person(session: Session, id_type: IdKind, number: str) -> Person | None:
    """The person with this number, found through the blind index."""
    keyring: Keyring = session.info["keyring"]
    index = keyring.blind(id_type, number)
    return session.scalars(select(Person).where(Person.id_type == id_type, Person.id_index == index)).one_or_none()


def read_person(session: Session, person_id: str) -> PersonalData | None:
    """What the person gave; None where the person is unknown or was erased. The caller records the read."""
    person = session.get(Person, person_id)
    box = box_of(session, person_id) if person is not None else None
    if person is None or box is None or person.name_enc is None or person.id_enc is None:
        return None
    phone = box.open_text(person.phone_enc, f"people:{person_id}:phone") if person.phone_enc is not None else None
    return PersonalData(
        box.open_text(person.name_enc, f"people:{person_id}:name"),
        person.id_type,  # type: ignore[arg-type]  # a CHECK of the table holds it to the four kinds
        box.open_text(person.id_enc, f"people:{person_id}:id"),
        phone,
    )
