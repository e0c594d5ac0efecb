"""Finding cases by what people type: a number, however its groups were written, or part of an enterprise's name."""

from __future__ import annotations

import unicodedata

from sqlalchemy import Select, or_, select

from govservice.models.cases import Case
from govservice.models.people import Organisation

GROUP, LENGTH = 5, 15  # a number is three groups of five
MISREAD = str.maketrans("OIL", "011")  # the signs that numbers leave out, as people read them


def cases_like(typed: str) -> Select[str]:
    """Ids of the cases with this number, or of an organisation whose name holds the text."""
    text = typed.strip()
    plain = unicodedata.normalize("NFKC", text)
    named = [Organisation.name.ilike(_pattern(part), escape="\\") for part in dict.fromkeys((text, plain))]
    organisations = select(Organisation.id).where(or_(*named))
    return select(Case.id).where(or_(Case.number == number_of(plain), Case.organisation_id.in_(organisations)))


def _pattern(part: str) -> str:
    return "%" + part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


def number_of(typed: str) -> str:
    """The number that was meant: blanks and dashes anywhere, small letters, O for 0. Text of another length stays."""
    signs = "".join(sign for sign in typed.upper() if sign.isalnum())
    if len(signs) != LENGTH:
        return typed.upper()
    code = signs.translate(MISREAD)
    return "-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP))
