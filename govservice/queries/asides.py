"""What happened to a case outside its machine: consents given and taken back, entries of registers said to be wrong.

Names and times only; what was said stands sealed where it was said.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.reliance import Dispute


@dataclass(frozen=True, slots=True)
class Aside:
    """`kind`: consent.given | consent.withdrawn | dispute.sent | dispute.accepted | dispute.rejected |
    dispute.withdrawn. `person`: whose act it was, an id of `people`; "" where the register's owner answered."""

    at: datetime
    kind: str
    fact: str  # its name in the definition
    fact_type: str = ""  # of an entry said to be wrong
    registry: str = ""  # its code, likewise
    owner: str = ""  # id of the department that answered
    person: str = ""


def asides_of(session: Session, compiled: Compiled, case: Case) -> list[Aside]:
    """The oldest first. Facts that the present version of the service does not know any more are left out."""
    found: list[Aside] = []
    if any(node.consent == "explicit" for node in compiled.service.facts.values()):
        for given in session.scalars(select(Consent).where(Consent.case_id == case.id)):
            found.append(Aside(given.given_at, "consent.given", given.fact, person=given.person_id))
            if given.revoked_at is not None:
                found.append(Aside(given.revoked_at, "consent.withdrawn", given.fact, person=given.person_id))
    for row in session.scalars(select(Dispute).where(Dispute.case_id == case.id)):
        entry = (row.name, row.fact_type, row.registry_code)
        found.append(Aside(row.sent_at, "dispute.sent", *entry, person=row.person_id))
        if row.answered_at is not None:
            mine = row.state == "withdrawn"
            who = {"person": row.person_id} if mine else {"owner": row.owner_id}
            found.append(Aside(row.answered_at, f"dispute.{row.state}", *entry, **who))
    return sorted((a for a in found if a.fact in compiled.service.facts), key=lambda aside: aside.at)
