"""Whom the portal itself knows the party of a case to be: from the account and the mandate, never from a form.

What identifies the party is not typed: else a genuine licence could bear another's name. Where no registry gave it,
the portal's own verified record does; where that says nothing, the need stays until the registry answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.models.cases import Case
from govservice.models.people import Mandate, Organisation
from govservice.models.personal import read_person

ACCOUNT = "account"  # the source of an answer that the portal's own record gave


def identifying(catalogue: Catalogue, case: Case) -> dict[str, str]:
    """Fact types that say who the party of this case is, with what each says (`party` in workflows/facts.yaml). Facts
    about an organisation are none in a case that a person files for themselves."""
    found = {name: kind.party for name, kind in catalogue.facts.items() if kind.party is not None}
    return {n: p for n, p in found.items() if p.startswith("person_") or case.organisation_id is not None}


def party_record(session: Session, catalogue: Catalogue, case: Case) -> dict[str, Any]:
    """The party by fact type; None where the portal's record does not say (or the person was erased)."""
    person = read_person(session, case.applicant_id)
    known: Mapping[str, Any] = {"person_name": person.name, "person_number": person.number} if person else {}
    if case.organisation_id is not None:
        organisation = session.get_one(Organisation, case.organisation_id)
        known = {**known, "org_name": organisation.name, "org_code": organisation.uscc}
        mandate = session.get(Mandate, case.mandate_id) if case.mandate_id is not None else None
        own = mandate is not None and mandate.person_id == case.applicant_id
        if person and own and mandate is not None and mandate.kind == "legal_representative":
            known = {**known, "legal_person": person.name}
    return {name: known.get(part) for name, part in identifying(catalogue, case).items()}
