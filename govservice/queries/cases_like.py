"""Finding cases by what people type: a number, however its groups were written, or part of an enterprise's name."""

from __future__ import annotations

import unicodedata

from sqlalchemy import Select, or_, select

from govservice.codes import CASE_NUMBER
from govservice.models.cases import Case
from govservice.models.people import Organisation


def cases_like(typed: str) -> Select[str]:
    """Ids of the cases with this number, or of an organisation whose name holds the text."""
    text = typed.strip()
    plain = unicodedata.normalize("NFKC", text)
    named = [Organisation.name.ilike(_pattern(part), escape="\\") for part in dict.fromkeys((text, plain))]
    organisations = select(Organisation.id).where(or_(*named))
    number = CASE_NUMBER.meant(typed) or ""
    return select(Case.id).where(or_(Case.number == number, Case.organisation_id.in_(organisations)))


def _pattern(part: str) -> str:
    return "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
