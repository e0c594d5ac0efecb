"""What stands instead of a document in a case: pledges in their own words, documents that come later with their day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from govservice.engine import CaseState
from govservice.models.base import from_iso
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.queries.sight import Sight

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Promise:
    """One document. A pledge has `words` and `given`; what comes later has `by` until it has come on `came`."""

    title: Text
    words: Text | None = None
    given: datetime | None = None
    by: date | None = None
    came: datetime | None = None
    late: bool = False
    provisional: bool = False


def promises_of(session: Session, case: Case, state: CaseState, sight: Sight, now: datetime) -> tuple[Promise, ...]:
    """In the order of the form, as far as the clerk sees. The words are those that the applicant agreed to."""
    materials = {name: m for name, m in sight.compiled.service.materials.items() if sight.sees(name)}
    mine = [name for name in state.pledges if name in materials]
    form = read_form(session, case.applicant_id, case.id, case.data_rev) if mine else None
    found = []
    for name, material in materials.items():
        pledged, gap = state.pledges.get(name), state.gaps.get(name)
        if pledged is not None:
            said = form.pledges.get(name, {}).get("text") if form is not None else None
            found.append(Promise(material.label, said, from_iso(pledged.made_at)))
        if gap is not None:
            came = from_iso(gap.closed_at) if gap.closed_at else None
            late = came is None and from_iso(gap.due_at) <= now
            by = date.fromisoformat(gap.due_on)
            found.append(Promise(material.label, by=by, came=came, late=late, provisional=gap.provisional))
    return tuple(found)
