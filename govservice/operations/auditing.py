"""Checking the records: every case's chain against its state and tables, and the daily roots over all chains.

A changed event breaks its own chain. A cut tail or a deleted case leaves every remaining chain intact; only a root
that was kept before it happened finds it, so operators copy the roots out (`flask audit anchor` prints them).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from govservice.engine import recount
from govservice.engine.anchors import anchor, differing, faults_of_anchors, verify_anchor
from govservice.errors import NotFound, Tampered
from govservice.models.cases import Anchor, Case, CaseEvent
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


def verify_records(rt: Runtime, exported: Mapping[date, str] | None = None) -> AuditReport:
    """Checks all cases and all roots, reading only. Faults are listed, not raised.

    `exported` are the roots that were copied out, by day: whoever changes records and rewrites heads, leaves and roots
    after them is found by these alone.
    """
    with rt.read() as session:
        cases = session.execute(select(Case.id, Case.number).order_by(Case.id)).all()
        events = session.execute(select(func.count()).select_from(CaseEvent)).scalar_one()
        anchors = session.execute(select(func.count()).select_from(Anchor)).scalar_one()
        faults = [fault for row in cases for fault in faults_of_case(rt, session, row.id, row.number)]
        faults += faults_across(session, exported or {})
    return AuditReport(len(cases), events, anchors, tuple(faults))


def faults_across(session: Session, exported: Mapping[date, str]) -> list[AuditFault]:
    """What no single case shows: events without a case, and the roots over all of them."""
    faults = _events_without_case(session)
    for found in (*faults_of_anchors(session), *differing(session, exported)):
        number = found.day.isoformat()
        if found.case_id is not None:
            number = session.scalar(select(Case.number).where(Case.id == found.case_id)) or found.case_id
        faults.append(AuditFault(number, found.seq, found.what))
    return faults


def keep_anchor(rt: Runtime, day: date) -> Anchor:
    """Keeps the root over all chains as they stand now, under `day`; the day's own root again where one was kept.

    Raises Tampered where the events no longer give the root that was kept.
    """
    with rt.write() as session:
        kept = anchor(session, day)
        if not verify_anchor(session, day):
            raise Tampered(day=day.isoformat())
        return kept


def keep_daily_anchor(rt: Runtime) -> bool:
    """The worker's part: the day's root (UTC, the machine's time), where nobody has kept it yet. Whether it did.

    Cheap where the root is there: one row is read. Two workers at once: one writes, the other finds it there.
    """
    day = rt.wall.now().date()
    with rt.read() as session:
        if session.get(Anchor, day) is not None:
            return False
    try:
        with rt.write() as session:
            anchor(session, day)
    except IntegrityError:
        return False
    return True


def faults_of_case(rt: Runtime, session: Session, case_id: str, number: str) -> Iterator[AuditFault]:
    """The first event that breaks the chain, or else every row that does not follow from the events."""
    try:
        differences = recount(session, case_id, rt.definitions, rt.calendars)
    except (Tampered, NotFound) as fault:
        yield AuditFault(number, fault.facts.get("seq"), "the chain of its events is broken")
        return
    yield from (AuditFault(number, None, difference) for difference in differences)


def _events_without_case(session: Session) -> list[AuditFault]:
    lost = select(CaseEvent.case_id).distinct().where(~select(Case.id).where(Case.id == CaseEvent.case_id).exists())
    return [AuditFault(case_id, None, "it has events and no case") for case_id in session.scalars(lost)]
