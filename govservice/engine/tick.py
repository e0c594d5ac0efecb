"""Time passes: every timer that is due acts, each through the one door and at its own hour."""

from __future__ import annotations

from datetime import datetime, timedelta

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
FIRST_PAUSE, LONGEST_PAUSE = timedelta(minutes=1), timedelta(hours=6)


class Backoff:
    """Cases whose timers could not act, and until when they are left alone: they must not hold up the others.

    Kept by a process, not by the database: a restart tries every case at once, which is what a repair wants.
    """

    def __init__(self) -> None:
        self._failed: dict[str, tuple[int, datetime]] = {}

    def __len__(self) -> int:
        return len(self._failed)

    def holds(self, case_id: str, now: datetime) -> bool:
        return case_id in self._failed and now < self._failed[case_id][1]

    def failed(self, case_id: str, now: datetime) -> None:
        """A pause of a minute, doubled with every failure in a row up to six hours."""
        tries = self._failed.get(case_id, (0, now))[0] + 1
        self._failed[case_id] = (tries, now + min(FIRST_PAUSE * 2 ** min(tries - 1, 20), LONGEST_PAUSE))

    def succeeded(self, case_id: str) -> None:
        self._failed.pop(case_id, None)


def tick(
    database: Database, now: datetime, definitions: DefinitionsLike, calendars: CalendarsLike, limit: int = 200,
    backoff: Backoff | None = None,
) -> int:  # fmt: skip
    """Fires what is due at `now` in up to `limit` cases, the longest due first. Returns how many timers fired; none
    means that nothing more can fire now.

    Each case is a transaction of its own; within a case timers act in the order of their hours, those armed on the way
    included, so that a jump of a month equals thirty days of ticking. A case whose timer cannot act is logged, not
    fatal, and left alone for a while (`backoff`), so that it holds up nobody.
    """
    held = backoff if backoff is not None else Backoff()
    while cases := _due(database, now, limit, held):
        fired = sum(_fire(database, case_id, now, definitions, calendars, held) for case_id in cases)
        if fired:
            return fired
        if not any(held.holds(case_id, now) for case_id in cases):
            return 0  # somebody else was there first
    return 0


def _due(database: Database, now: datetime, limit: int, held: Backoff) -> list[str]:
    with database.read() as session:
        first = func.min(Timer.due_at)
        due = select(Timer.case_id).where(Timer.status == "armed", Timer.due_at <= now)
        ordered = due.group_by(Timer.case_id).order_by(first, Timer.case_id).limit(limit + len(held))
        return [case_id for case_id in session.scalars(ordered) if not held.holds(case_id, now)][:limit]


def _fire(
    database: Database, case_id: str, now: datetime, definitions: DefinitionsLike, calendars: CalendarsLike,
    held: Backoff,
) -> int:  # fmt: skip
    command = Command(case_id=case_id, trigger=TIMERS, idem=f"tick:{to_iso(now)}", now=now, actor=SYSTEM)
    try:
        fired = apply_retrying(database, command, definitions, calendars).fired
    except Exception as error:  # one broken case must not stop the law's clock for all the others
        log.error("tick.failed", **told(error, case_id=case_id))
        held.failed(case_id, now)
        return 0
    held.succeeded(case_id)
    return fired
