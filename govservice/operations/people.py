"""People: added with a key of their own, found through the blind index, named through their box."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.errors import N_, Invalid
from govservice.identifiers import IdKind, WrongIdentifier, parse
from govservice.models.base import new_id
from govservice.models.keyring import Keyring
from govservice.models.people import ID_TYPES, Person
from govservice.models.session import box_of
from govservice.operations.runtime import Runtime

MAX_NAME = 100  # characters
ROTATED_AT_ONCE = 500  # people whose keys are wrapped anew in one transaction


@dataclass(frozen=True, slots=True)
class Identity:
    """Who somebody is: a name as on the document, the kind of document and its normalised number."""

    name: str
    id_type: IdKind
    number: str


def read_identity(name: str, id_type: str, number: str) -> Identity:
    """What was typed, normalised and checked. Raises Invalid naming each wrong field."""
    wrong: dict[str, str] = {}
    plain = person_name(name)
    if not plain:
        wrong["name"] = N_("Enter the name as it stands in the document.")
    elif len(plain) > MAX_NAME:
        wrong["name"] = N_("The name is too long.")
    if id_type not in ID_TYPES:
        raise Invalid({**wrong, "id_type": N_("Choose the kind of document.")})
    kind: IdKind = id_type  # type: ignore[assignment]
    try:
        found = parse(kind, number)
    except WrongIdentifier as error:
        wrong["id_number"] = str(error)
    if wrong:
        raise Invalid(wrong)
    return Identity(plain, kind, found)


def person_name(text: str) -> str:
    """A name as typed without what cannot be seen: control and direction signs dropped, blanks joined, NFC."""
    kept = (c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Cn"))
    return " ".join("".join(kept).split())


def add_person(
    session: Session, keyring: Keyring, identity: Identity, *, now: datetime, area: str | None = None, phone: str = ""
) -> Person:
    """A new person whose data only the new person's own key opens; the caller commits. The database refuses a second
    person with the same number."""
    wrapped, key_id = keyring.new_key()
    box = keyring.box(wrapped, key_id)
    assert box is not None
    person = Person(
        id=new_id(), key_wrapped=wrapped, key_id=key_id, id_type=identity.id_type, area=area, created_at=now
    )
    person.name_enc = box.seal_text(identity.name, f"people:{person.id}:name")
    person.id_enc = box.seal_text(identity.number, f"people:{person.id}:id")
    person.phone_enc = box.seal_text(phone, f"people:{person.id}:phone") if phone else None
    person.id_index = keyring.blind(identity.id_type, identity.number)
    session.add(person)
    return person


def find_person(session: Session, keyring: Keyring, id_type: IdKind, number: str) -> Person | None:
    """The person with this normalised number, through the keyed index; None where there is none."""
    index = keyring.blind(id_type, number)
    return session.scalar(select(Person).where(Person.id_type == id_type, Person.id_index == index))


def identity_of(session: Session, person_id: str) -> Identity | None:
    """Name and number in clear; None where the person was erased. The caller records the read."""
    person, box = session.get_one(Person, person_id), box_of(session, person_id)
    if box is None or person.name_enc is None or person.id_enc is None:
        return None
    name = box.open_text(person.name_enc, f"people:{person_id}:name")
    kind: IdKind = person.id_type  # type: ignore[assignment]
    return Identity(name, kind, box.open_text(person.id_enc, f"people:{person_id}:id"))


def name_person(session: Session, person: Person, name: str) -> None:
    """Puts a name to somebody whom another person named by the number only; the caller commits."""
    session.flush()
    box = box_of(session, person.id)
    if box is not None:
        person.name_enc = box.seal_text(name, f"people:{person.id}:name")


def rotate_keys(rt: Runtime) -> int:
    """Wraps every person's data key with the current key-encryption key. Data is not touched; may be run again at any
    time and beside a running portal. Returns how many keys were wrapped anew."""
    done = 0
    while batch := _rotate_some(rt):
        done += batch
    return done


def _rotate_some(rt: Runtime) -> int:
    with rt.write() as session:
        old = select(Person).where(Person.key_id != rt.keyring.current, Person.key_wrapped.is_not(None))
        people = session.scalars(old.limit(ROTATED_AT_ONCE).with_for_update()).all()
        for person in people:
            assert person.key_wrapped is not None
            person.key_wrapped, person.key_id = rt.keyring.rewrap(person.key_wrapped, person.key_id)
        return len(people)
