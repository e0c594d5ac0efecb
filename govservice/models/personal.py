"""A person's own data opened in one place; `operations.people` seals it.

Contexts: `people:<id>:name`, `people:<id>:id`, `people:<id>:phone`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from govservice.identifiers import IdKind
from govservice.models.people import Person
from govservice.models.session import box_of


@dataclass(frozen=True, slots=True)
class PersonalData:
    """What a person gave. `number` is normalised (`identifiers.parse`)."""

    name: str = field(repr=False)
    id_type: IdKind
    number: str = field(repr=False)
    phone: str | None = field(default=None, repr=False)


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
