"""Checking the records: every case's chain against its state and tables, and the daily roots over all chains.

A changed event breaks its own chain. A cut tail or a deleted case leaves every remaining chain intact; only a root
that was kept before it happened finds it, so operators copy the roots out (`flask audit anchor` prints them).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.engine import recount
from govservice.engine.chain import merkle_root
from govservice.errors import NotAllowed, NotFound, Tampered
from govservice.models.cases import Anchor, Case, CaseEvent
from govservice.operations.publishing import adopt_pinned
from govservice.operations.runtime import Runtime


@dataclass(frozen=True, slots=True)
class AuditFault:
    """What does not agree: of a case (`number`, and the event `seq` where one is at fault) or of a day's root."""

    number: str
    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    cases: int
    events: int
    anchors: int
    faults: tuple[AuditFault, ...]


def verify_records(rt: Runtime) -> AuditReport:
    """Checks all cases and all roots, reading only. Faults are listed, not raised."""
    adopt_pinned(rt)
    with rt.read() as session:
        cases = session.execute(select(Case.id, Case.number).order_by(Case.id)).all()
        anchors = session.scalars(select(Anchor).order_by(Anchor.day)).all()
        events = session.execute(select(func.count()).select_from(CaseEvent)).scalar_one()
        faults = [fault for row in cases for fault in _faults_of(rt, session, row.id, row.number)]
        faults += [fault for anchor in anchors for fault in _faults_of_anchor(session, anchor)]
        faults += _events_without_case(session)
    return AuditReport(len(cases), events, len(anchors), tuple(faults))


def keep_anchor(rt: Runtime, day: date, now: datetime) -> Anchor:
    """Keeps the root over all chains as they stood at the end of `day` (UTC); the same root again is no fault.

    Raises NotAllowed for a day that is not over, Tampered where another root was kept for it.
    """
    if _end(day) > now:
        raise NotAllowed("The day %(day)s is not over.", day=day.isoformat())
    with rt.write() as session:
        root, count = _root(session, day)
        kept = session.get(Anchor, day)
        if kept is None:
            kept = Anchor(day=day, merkle_root=root, n_cases=count, at=now)
            session.add(kept)
        elif kept.merkle_root != root:
            raise Tampered(day=day.isoformat(), kept=kept.merkle_root, found=root)
        return kept


def _faults_of(rt: Runtime, session: Session, case_id: str, number: str) -> Iterator[AuditFault]:
    try:
        differences = recount(session, case_id, rt.definitions, rt.calendars)
    except (Tampered, NotFound) as fault:
        yield AuditFault(number, fault.facts.get("seq"), "the chain of its events is broken")
        return
    yield from (AuditFault(number, None, difference) for difference in differences)


def _events_without_case(session: Session) -> list[AuditFault]:
    lost = select(CaseEvent.case_id).distinct().where(~select(Case.id).where(Case.id == CaseEvent.case_id).exists())
    return [AuditFault(case_id, None, "it has events and no case") for case_id in session.scalars(lost)]


def _faults_of_anchor(session: Session, anchor: Anchor) -> Iterator[AuditFault]:
    root, count = _root(session, anchor.day)
    if root != anchor.merkle_root:
        what = f"the root of {anchor.day.isoformat()} differs: {anchor.n_cases} cases were kept, {count} are there"
        yield AuditFault(anchor.day.isoformat(), None, what)


def _root(session: Session, day: date) -> tuple[str, int]:
    """The root over (case, hash of its last event recorded by the end of `day`), and how many cases that were."""
    last = (
        select(CaseEvent.case_id, func.max(CaseEvent.seq).label("seq"))
        .where(CaseEvent.recorded_at < _end(day))
        .group_by(CaseEvent.case_id)
        .subquery()
    )
    heads = session.execute(
        select(CaseEvent.case_id, CaseEvent.hash).join(
            last, (CaseEvent.case_id == last.c.case_id) & (CaseEvent.seq == last.c.seq)
        )
    ).all()
    return merkle_root([(row.case_id, row.hash) for row in heads]), len(heads)


def _end(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=UTC)
