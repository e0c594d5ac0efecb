"""Daily anchors: the Merkle root over the heads of all chains. A cut tail or a deleted case leaves its chain intact,
but not the root; the operator keeps the roots outside the database."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.engine.chain import merkle_root
from govservice.engine.store import WALL
from govservice.models.cases import Anchor, CaseEvent


def heads(session: Session, until: datetime) -> list[tuple[str, str]]:
    """(case id, hash of its last event) as written by `until`, a time of the machine."""
    last = (
        select(CaseEvent.case_id, func.max(CaseEvent.seq).label("seq"))
        .where(CaseEvent.recorded_at <= until)
        .group_by(CaseEvent.case_id)
        .subquery()
    )
    query = select(CaseEvent.case_id, CaseEvent.hash).join(
        last, (CaseEvent.case_id == last.c.case_id) & (CaseEvent.seq == last.c.seq)
    )
    return [(row.case_id, row.hash) for row in session.execute(query)]


def anchor(session: Session, day: date) -> Anchor:
    """Writes the anchor of a day, once; the caller commits. The same day again returns what is there."""
    existing = session.get(Anchor, day)
    if existing is not None:
        return existing
    at = WALL.now()
    found = heads(session, at)
    made = Anchor(day=day, merkle_root=merkle_root(found), n_cases=len(found), at=at)
    session.add(made)
    session.flush()
    return made


def verify_anchor(session: Session, day: date) -> bool:
    """Whether the events still give the root that was written for a day. Raises LookupError where there is none."""
    kept = session.get(Anchor, day)
    if kept is None:
        raise LookupError(day.isoformat())
    return merkle_root(heads(session, kept.at)) == kept.merkle_root
