"""Whether a registry is asked at all: one row per registry, shared by all processes (`registry_health`).

closed: asked. open: not asked until `next_probe_at`. half_open: one caller after the other is elected to try, by the
row's lock, and nobody else asks; PROBES good answers in a row close it, a bad one opens it again. Whoever was elected
and died holds the others up for `open_s`. Rows are written only when something fails or has failed, so that healthy
registries cost no write.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from govservice.definitions.schema_registry import Breaker
from govservice.exchange.outcomes import BREAKER_FAILURES, BREAKER_SUCCESSES, Outcome
from govservice.models.exchange import RegistryHealth
from govservice.models.session import Database

PROBES = 5  # good answers in a row after which a registry is asked by everybody again


def shut_out(
    database: Database, breakers: Mapping[str, Breaker], now: datetime
) -> tuple[frozenset[str], frozenset[str]]:  # fmt: skip
    """The registries that are not to be asked now, and those that this caller was elected to try by one call."""
    with database.read() as session:
        rows = session.execute(
            select(RegistryHealth.registry_code, RegistryHealth.next_probe_at).where(
                RegistryHealth.registry_code.in_(breakers), RegistryHealth.state != "closed"
            )
        ).all()
    if not rows:
        return frozenset(), frozenset()
    due = sorted(code for code, probe in rows if probe is None or probe <= now)
    with database.write() as session:
        elected = frozenset(code for code in due if _elect(session, code, breakers[code], now))
    return frozenset(code for code, _probe in rows) - elected, elected


def _elect(session: Session, code: str, breaker: Breaker, now: datetime) -> bool:
    """Takes the next try for this caller; False where another one took it. The count of good answers begins with the
    first try after a bad one."""
    statement = (
        update(RegistryHealth)
        .where(RegistryHealth.registry_code == code, RegistryHealth.state != "closed")
        .where(or_(RegistryHealth.next_probe_at.is_(None), RegistryHealth.next_probe_at <= now))
        .values(state="half_open", next_probe_at=now + timedelta(seconds=breaker.open_s))
        .returning(RegistryHealth.registry_code)
    )
    return session.execute(statement).first() is not None


def count(
    session: Session, breakers: Mapping[str, Breaker], ends: Iterable[tuple[str, Outcome]], now: datetime
) -> None:
    """Counts how calls ended, in the caller's transaction; opens and closes what that calls for."""
    failed, worked = Counter[str](), Counter[str]()
    for code, outcome in ends:
        failed[code] += outcome in BREAKER_FAILURES
        worked[code] += outcome in BREAKER_SUCCESSES
    touched = sorted((+failed + worked).keys())
    known = {
        row.registry_code: row
        for row in session.scalars(
            select(RegistryHealth)
            .where(RegistryHealth.registry_code.in_(touched))
            .order_by(RegistryHealth.registry_code)  # always in this order: no two callers wait for each other
            .with_for_update()
        )
    } if touched else {}  # fmt: skip
    for code in touched:
        row = known.get(code)
        if row is not None:
            _weigh(row, breakers[code], failed[code], worked[code], now)
        elif failed[code]:
            _first_failure(session, code, breakers[code], failed[code], worked[code], now)


def _first_failure(session: Session, code: str, breaker: Breaker, failed: int, worked: int, now: datetime) -> None:
    """Makes the row; a caller who made it at the same moment is waited for and counts too."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"registry_code": code, "state": "closed", "since": now, "failures": 0, "successes": 0}
    session.execute(insert(RegistryHealth).values(values).on_conflict_do_nothing())
    row = session.get_one(RegistryHealth, code, with_for_update=True)
    _weigh(row, breaker, failed, worked, now)


def _weigh(row: RegistryHealth, breaker: Breaker, failed: int, worked: int, now: datetime) -> None:
    if row.state != "closed":
        return _weigh_try(row, breaker, failed, worked, now)
    if not timedelta(0) <= now - row.since <= timedelta(seconds=breaker.window_s):
        row.since, row.failures, row.successes = now, 0, 0
    if not failed and not row.failures:
        return  # nothing has gone wrong in this window: successes need no counting
    row.failures += failed
    row.successes += worked
    calls = row.failures + row.successes
    if calls >= breaker.min_calls and row.failures >= breaker.fail_ratio * calls:
        row.state, row.since, row.next_probe_at = "open", now, now + timedelta(seconds=breaker.open_s)
        row.failures = row.successes = 0


def _weigh_try(row: RegistryHealth, breaker: Breaker, failed: int, worked: int, now: datetime) -> None:
    """A try that ended, or a call that began before it opened: of those only the bad ones count."""
    if failed:
        row.state, row.next_probe_at, row.successes = "open", now + timedelta(seconds=breaker.open_s), 0
    elif worked and row.state == "half_open":
        row.successes += 1  # by one try, however many calls it took
        row.next_probe_at = now
    if row.successes >= PROBES:
        row.state, row.since, row.next_probe_at, row.failures, row.successes = "closed", now, None, 0, 0
