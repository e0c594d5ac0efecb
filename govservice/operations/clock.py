"""Moving the simulated clock. Law acts on the way: every timer due in between fires at its own instant."""

from __future__ import annotations

from datetime import datetime

from govservice.engine import tick
from govservice.errors import NotAllowed
from govservice.models.system import SimulatedClock
from govservice.operations.runtime import Runtime, clock_in
from govservice.worktime.duration import Duration
from govservice.worktime.limits import due_at


def set_clock(rt: Runtime, at: datetime, *, frozen: bool = False) -> None:
    """Puts the simulated clock to `at` (aware). Fires nothing: for setting up a demo or a test."""
    if not rt.simulated:
        raise NotAllowed("The clock can be moved in demo mode only.")
    with rt.write() as session:
        row = session.get(SimulatedClock, 1)
        if row is None:
            session.add(SimulatedClock(id=1, sim_at=at, wall_at=rt.wall.now(), frozen=frozen))
        else:
            row.sim_at, row.wall_at, row.frozen = at, rt.wall.now(), frozen


def advance(rt: Runtime, by: Duration, calendar_code: str) -> tuple[datetime, int]:
    """Moves the simulated clock on and fires what fell due. Returns the new time and how many timers fired.

    `5wd` lands at the end of the fifth working day counted as a legal limit is counted.
    """
    with rt.read() as session:
        now = clock_in(session, rt.wall).now()
    target = due_at(rt.calendars[calendar_code], now, by)
    set_clock(rt, target)
    return target, fire_due(rt, target)


def fire_due(rt: Runtime, now: datetime) -> int:
    """Fires every timer due at or before `now`, newly armed ones included. Returns how many."""
    fired = 0
    while batch := tick(rt.database, now, rt.definitions, rt.calendars, backoff=rt.backoff):
        fired += batch
    return fired
