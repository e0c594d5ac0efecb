"""Versions of the services: which is in force, which still have running cases, what waits for a second person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.models.cases import Case, Definition
from govservice.models.versions import Proposal


@dataclass(frozen=True, slots=True)
class VersionLine:
    """One published version. `published_by`: id of the second person, or of a part of the portal (`system`)."""

    service: str
    number: int
    sha: str
    status: str  # published | retired
    published_by: str
    published_at: datetime
    running: int  # cases that are not closed
    cases: int


@dataclass(frozen=True, slots=True)
class ProposalLine:
    id: str
    service: str
    sha: str
    number: int | None  # of the older version that it goes back to
    status: str  # open | approved | refused
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None


def version_lines(session: Session, service: str | None = None) -> list[VersionLine]:
    """By service, the newest version first."""
    of_service = (Definition.service == service,) if service is not None else ()
    counts = session.execute(
        select(Case.def_sha, func.count(), func.count(Case.closed_at)).group_by(Case.def_sha)
    ).all()
    n = {sha: (total, total - closed) for sha, total, closed in counts}
    rows = session.scalars(
        select(Definition).where(*of_service).order_by(Definition.service, Definition.version.desc())
    )
    return [
        VersionLine(
            row.service, row.version, row.sha, row.status, row.published_by, row.published_at,
            n.get(row.sha, (0, 0))[1], n.get(row.sha, (0, 0))[0],
        )
        for row in rows
    ]  # fmt: skip


def proposal_lines(session: Session, service: str | None = None) -> list[ProposalLine]:
    """Those that wait first, then by when they were made, the newest first."""
    of_service = (Proposal.service == service,) if service is not None else ()
    rows = session.execute(
        select(Proposal, Definition.version)
        .outerjoin(Definition, Definition.sha == Proposal.sha)
        .where(*of_service)
        .order_by((Proposal.status != "open"), Proposal.proposed_at.desc())
    )
    return [
        ProposalLine(
            p.id, p.service, p.sha, number, p.status, p.proposed_by, p.proposed_at, p.decided_by, p.decided_at, p.reason
        )
        for p, number in rows
    ]
