"""Looking up an issued licence: by the code under its QR, for anybody; by its case, for the holder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.codes import LICENCE_CODE
from govservice.models.papers import IssuedDocument, seal_of
from govservice.queries.conditions import Condition, from_json

Text = Mapping[str, str]
State = Literal["valid", "expired", "revoked", "broken"]


@dataclass(frozen=True, slots=True)
class Licence:
    """A licence as anybody may see it. `holder` is an organisation's public name; a person's name is not shown.

    `state` "broken" means that the stored content no longer matches its seal: somebody changed it.
    """

    case_id: str
    number: str
    code: str
    title: Text
    holder: str
    uscc: str
    rows: tuple[Mapping[str, Any], ...]
    department_id: str
    issued_on: date
    valid_until: date | None
    revoked_at: datetime | None
    revoked_reason: str | None
    sha256: str
    state: State
    renew_on: date | None = None  # from this day on it may be renewed
    renewed_at: datetime | None = None  # by law, because nobody decided before it expired
    renewal_case_id: str | None = None
    conditions: tuple[Condition, ...] = ()


def by_code(session: Session, typed: str, today: date) -> Licence | None:
    """The licence of a verification code, or None."""
    if (code := LICENCE_CODE.meant(typed)) is None:
        return None
    row = session.scalar(select(IssuedDocument).where(IssuedDocument.verify_code == code))
    return shown(row, today) if row is not None else None


def of_case(session: Session, case_id: str, today: date) -> Licence | None:
    """The newest licence that a case produced, or None."""
    found = select(IssuedDocument).where(IssuedDocument.case_id == case_id).order_by(IssuedDocument.created_at.desc())
    row = session.scalars(found).first()
    return shown(row, today) if row is not None else None


def shown(row: IssuedDocument, today: date) -> Licence:
    """A document as anybody may see it on a day."""
    content = row.content
    return Licence(
        row.case_id, row.number, row.verify_code, content.get("title", {}), row.holder, content.get("uscc", ""),
        tuple(content.get("rows", ())), row.department_id, row.issued_on, row.valid_until, row.revoked_at,
        row.revoked_reason, row.sha256, _state(row, today), row.renew_on, row.renewed_at, row.renewal_case_id,
        tuple(map(from_json, content.get("conditions", ()))),
    )  # fmt: skip


def _state(row: IssuedDocument, today: date) -> State:
    if seal_of(row.content) != row.sha256:
        return "broken"
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.valid_until is not None and row.valid_until < today else "valid"
