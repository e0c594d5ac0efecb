"""How long people wait for a registry's owner: open disputes by age, and how soon the others were answered."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from govservice.models.cases import Case
from govservice.models.reliance import Dispute
from govservice.worktime.calendar import Calendar

MOST = 200


@dataclass(frozen=True, slots=True)
class Aged:
    """An open dispute as supervision sees it: what, whose, since when; nobody's name and no value."""

    number: str
    service: str
    registry: str
    owner_id: str
    fact_type: str
    hold: str
    sent_at: datetime
    due_on: date
    age: int  # calendar days since it was sent
    overdue: int  # calendar days past the day of answering; 0 where it has not passed


@dataclass(frozen=True, slots=True)
class Ageing:
    """`open` the oldest first, at most MOST of them; `median_days` and `in_time` of those that were answered."""

    open: tuple[Aged, ...]
    waiting: int
    overdue: int
    answered: int
    median_days: float | None
    in_time: float | None


def ageing(session: Session, areas: Collection[str], calendar: Calendar, now: datetime, since: datetime) -> Ageing:
    """Disputes in cases of these areas: all that are open, and those that were answered since."""
    today = calendar.local_date(now)
    waits = and_(Dispute.state == "sent", Case.area.in_(areas))
    waiting, overdue = _counts(session, waits, today)
    rows = session.execute(
        select(Dispute, Case.number, Case.service)
        .join(Case, Case.id == Dispute.case_id)
        .where(waits)
        .order_by(Dispute.due_on, Dispute.sent_at, Dispute.id)
        .limit(MOST)
    )
    found = tuple(
        Aged(
            number, service, row.registry_code, row.owner_id, row.fact_type, row.hold, row.sent_at, row.due_on,
            (today - calendar.local_date(row.sent_at)).days, max((today - row.due_on).days, 0),
        )
        for row, number, service in rows
    )  # fmt: skip
    took, kept = _answered(session, areas, calendar, since)
    return Ageing(
        found, waiting, overdue, len(took), float(median(took)) if took else None, kept / len(took) if took else None
    )


def overdue(session: Session, areas: Collection[str], today: date) -> tuple[int, int]:
    """(open, past their day) of the disputes in cases of these areas."""
    return _counts(session, and_(Dispute.state == "sent", Case.area.in_(areas)), today)


def owed(session: Session, owners: Collection[str], today: date) -> tuple[int, int]:
    """(open, past their day) of the disputes that these departments answer."""
    return _counts(session, and_(Dispute.state == "sent", Dispute.owner_id.in_(owners)), today)


def _counts(session: Session, which: ColumnElement[bool], today: date) -> tuple[int, int]:
    row = session.execute(
        select(func.count(), func.count().filter(Dispute.due_on < today))
        .select_from(Dispute)
        .join(Case, Case.id == Dispute.case_id)
        .where(which)
    ).one()
    return int(row[0]), int(row[1])


def _answered(
    session: Session, areas: Collection[str], calendar: Calendar, since: datetime
) -> tuple[list[int], int]:  # fmt: skip
    """Calendar days that each answer took, and how many came by their day."""
    rows = session.execute(
        select(Dispute.sent_at, Dispute.answered_at, Dispute.due_on)
        .join(Case, Case.id == Dispute.case_id)
        .where(Dispute.state.in_(("accepted", "rejected")), Dispute.answered_at >= since, Case.area.in_(areas))
    )
    took, kept = [], 0
    for sent, answered, due in rows:
        if answered is not None:
            took.append((calendar.local_date(answered) - calendar.local_date(sent)).days)
            kept += calendar.local_date(answered) <= due
    return took, kept
