"""How long a service really takes: what the public pages say beside the promise.

Turnaround is the office time between acceptance and decision without the time in which the clock stood still; it is
computed in one place (`turnaround.py`), for citizens and supervisors alike, and given in working days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.definitions.library import Definitions
from govservice.models.cases import Case
from govservice.queries.turnaround import Scope, decided_cases, quantile
from govservice.worktime.calendar import Calendars

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


def turnaround(
    session: Session, definitions: Definitions, calendars: Calendars, now: datetime, service: str | None = None
) -> Turnaround:
    """The figures of one service (or of all) over the last 90 days, everywhere: the supervisor's own measure."""
    decided = decided_cases(session, Scope(None, now - WINDOW, service), definitions, calendars)
    if not decided:
        return Turnaround(0)
    seconds = sorted(d.seconds for d in decided)
    day = int(calendars.for_area(None).office_day.total_seconds())
    share = percent(sum(d.in_promise for d in decided), len(decided))
    late = sum(not d.in_law for d in decided)
    return Turnaround(len(decided), _days(quantile(seconds, 0.5), day), _days(quantile(seconds, 0.9), day), share, late)


def percent(part: int, whole: int) -> int:
    """Whole per cent; 100 only where it is all of them and 0 only where it is none."""
    if part in (0, whole):
        return 100 if part else 0
    return min(99, max(1, round(100 * part / whole)))


def _days(seconds: int, day: int) -> Decimal:
    return (Decimal(seconds) / day).quantize(Decimal("0.1"), ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class HomeFigures:
    """The portal's own measure on the home page, of the last 90 days."""

    sent: int
    decided: Turnaround


def home_figures(session: Session, definitions: Definitions, calendars: Calendars, now: datetime) -> HomeFigures:
    sent = session.scalar(select(func.count()).select_from(Case).where(Case.received_at >= now - WINDOW))
    return HomeFigures(int(sent or 0), turnaround(session, definitions, calendars, now))
