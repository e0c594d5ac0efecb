"""The consents that somebody gave, newest first, and those of a case that were taken back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.models.cases import Case
from govservice.models.consents import Consent

MOST = 200


@dataclass(frozen=True, slots=True)
class Given:
    """One consent with the case that it was given for. Times are aware UTC; `closed_at`: the case is over."""

    id: str
    fact: str
    purpose: str
    def_sha: str
    number: str
    given_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    closed_at: datetime | None


def given_by(session: Session, person_id: str) -> list[Given]:
    rows = session.execute(
        select(Consent, Case.number, Case.closed_at)
        .join(Case, Case.id == Consent.case_id)
        .where(Consent.person_id == person_id)
        .order_by(Consent.given_at.desc(), Consent.id.desc())
        .limit(MOST)
    )
    return [
        Given(
            row.id, row.fact, row.purpose, row.def_sha, number, row.given_at, row.expires_at, row.revoked_at, closed_at
        )
        for row, number, closed_at in rows
    ]


def withdrawn_of(session: Session, case_id: str) -> Mapping[str, datetime]:
    """Facts of a case whose last consent was taken back, with when."""
    rows = session.scalars(select(Consent).where(Consent.case_id == case_id).order_by(Consent.given_at, Consent.id))
    last = {row.fact: row.revoked_at for row in rows}
    return {fact: at for fact, at in last.items() if at is not None}
