"""How long a service really takes: what the public pages say beside the promise.

Turnaround is the office time that a case spent with the departments between acceptance and decision, counted from the
stays of its main token (`visits`), the applicant's own time taken off; it is given in working days of the calendar.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.models.cases import Case, CaseClock, Visit
from govservice.worktime.calendar import Calendar

WINDOW = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Turnaround:
    """Of the cases decided in the window. `median` and `p90` are working days with one decimal; None without cases."""

    cases: int
    median: Decimal | None = None
    p90: Decimal | None = None
    on_time: int | None = None  # percent decided by the promised day
    beyond_law: int = 0  # decided after the statutory day

    @property
    def known(self) -> bool:
        return self.cases > 0


def turnaround(session: Session, calendar: Calendar, now: datetime, service: str | None = None) -> Turnaround:
    """The figures of one service (or of all) over the last 90 days."""
    spent = (
        select(Visit.case_id, func.sum(Visit.working_s).label("seconds"))
        .join(Case, Case.id == Visit.case_id)
        .where(Visit.token_id == 1, Case.decided_at.is_not(None), Case.decided_at >= now - WINDOW)
        .where(Visit.entered_at >= Case.accepted_at, Visit.entered_at < Case.decided_at)
        .group_by(Visit.case_id)
    )
    if service is not None:
        spent = spent.where(Case.service == service)
    by_case = spent.subquery()
    rows = session.execute(
        select(by_case.c.seconds, CaseClock.stopped_at, CaseClock.promised_on, CaseClock.statutory_on)
        .select_from(by_case)
        .outerjoin(CaseClock, (CaseClock.case_id == by_case.c.case_id) & (CaseClock.key == "limit:decision"))
    ).all()
    if not rows:
        return Turnaround(0)
    seconds = sorted(int(row.seconds or 0) for row in rows)
    kept = [_kept(calendar, row.stopped_at, row.promised_on) for row in rows]
    late = sum(_kept(calendar, row.stopped_at, row.statutory_on) is False for row in rows)
    judged = [k for k in kept if k is not None]
    share = round(100 * sum(judged) / len(judged)) if judged else None
    day = day_seconds(calendar)
    return Turnaround(len(rows), _days(rank(seconds, 50), day), _days(rank(seconds, 90), day), share, late)


def _kept(calendar: Calendar, stopped: datetime | None, due: date | None) -> bool | None:
    return None if stopped is None or due is None else calendar.local_date(stopped) <= due


def rank(ordered: list[int], percent: int) -> int:
    """The nearest-rank percentile of a sorted, non-empty list."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def day_seconds(calendar: Calendar) -> int:
    """Office seconds of one working day."""
    opens, closes = calendar.opens, calendar.closes
    return (closes.hour - opens.hour) * 3600 + (closes.minute - opens.minute) * 60


def _days(seconds: int, day: int) -> Decimal:
    return (Decimal(seconds) / day).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class HomeFigures:
    """The portal's own measure on the home page, of the last 90 days."""

    sent: int
    decided: Turnaround


def home_figures(session: Session, calendar: Calendar, now: datetime) -> HomeFigures:
    sent = session.scalar(select(func.count()).select_from(Case).where(Case.received_at >= now - WINDOW))
    return HomeFigures(int(sent or 0), turnaround(session, calendar, now))
