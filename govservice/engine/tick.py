"""Time passes: every timer that is due acts, each through the one door and at its own hour."""

from __future__ import annotations

from datetime import datetime

import structlog
from sqlalchemy import func, select

from govservice.engine.apply import TIMERS, DefinitionsLike, apply_retrying
from govservice.engine.decide_work import CalendarsLike
from govservice.engine.types import SYSTEM, Command
from govservice.errors import told
from govservice.models.base import to_iso
from govservice.models.cases import Timer
from govservice.models.session import Database

log = structlog.get_logger(__name__)


def tick(
    database: Database, now: datetime, definitions: DefinitionsLike, calendars: CalendarsLike, limit: int = 200
) -> int:
    """Fires what is due at `now` in up to `limit` cases, the longest due first. Returns how many timers fired.

    Each case is a transaction of its own; within a case timers act in the order of their hours, those armed on the way
    included, so that a jump of a month equals thirty days of ticking. A case whose timer cannot act is logged, not
    fatal.
    """
    with database.read() as session:
        first = func.min(Timer.due_at)
        due = select(Timer.case_id).where(Timer.status == "armed", Timer.due_at <= now)
        cases = session.scalars(due.group_by(Timer.case_id).order_by(first, Timer.case_id).limit(limit)).all()
    return sum(_fire(database, case_id, now, definitions, calendars) for case_id in cases)


def _fire(
    database: Database, case_id: str, now: datetime, definitions: DefinitionsLike, calendars: CalendarsLike
) -> int:
    command = Command(case_id=case_id, trigger=TIMERS, idem=f"tick:{to_iso(now)}", now=now, actor=SYSTEM)
    try:
        return apply_retrying(database, command, definitions, calendars).fired
    except Exception as error:  # one broken case must not stop the law's clock for all the others
        log.error("tick.failed", **told(error, case_id=case_id))
        return 0
