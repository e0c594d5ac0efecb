"""Claiming and settling outbox rows.

A worker leases a few due rows, holds each while it delivers it, and settles it. A worker that dies leaves rows whose
lease runs out; another then takes them, so a receiver sees an effect at least once and must be idempotent by the row's
id. Within one case rows are delivered in order: a row waits for the earlier ones of its case, but not for one that was
tried in vain to the end (it is tried on, every few hours, and stands in the log).

When a row is due is the portal's time; a lease is the machine's time: moving the simulated clock ends no lease.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session, aliased

from govservice.models.cases import Outbox

LEASE = timedelta(seconds=60)
BACKOFF = (60, 120, 300, 900, 3600, 4 * 3600, 6 * 3600)  # seconds between tries; then every six hours
MAX_ATTEMPTS = 8
UNORDERED = ("bundle.spawn",)  # nobody waits for these: one child that cannot be opened holds up no other
_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Effect:
    """One row as its handler sees it. `key` is the idempotency key for whoever receives it."""

    key: str
    case_id: str
    seq: int
    topic: str
    payload: Any
    attempts: int

    @property
    def last_try(self) -> bool:
        """After it the step fails. An auto step's `retry.max` counts the tries after the first."""
        retry = self.payload.get("retry") or {}
        return self.attempts >= (retry["max"] + 1 if retry else MAX_ATTEMPTS)

    @property
    def pause(self) -> timedelta:
        """How long a failed try rests: an auto step's `backoff: 1m..6h` doubles from the one to the other."""
        retry = self.payload.get("retry") or {}
        if not retry:
            return timedelta(seconds=BACKOFF[min(self.attempts, len(BACKOFF)) - 1])
        least, most = (int(part[:-1]) * _UNITS[part[-1]] for part in retry["backoff"].split(".."))
        return timedelta(seconds=min(least * 2 ** min(self.attempts - 1, 30), max(least, most)))


def claim(
    session: Session, worker: str, now: datetime, limit: int = 20, *, wall: datetime | None = None
) -> list[Effect]:
    """Leases up to `limit` due rows to `worker`, the first open one of each case. The caller commits at once.

    `wall` is the machine's time, for the lease (default: `now`).
    """
    wall, earlier = wall or now, aliased(Outbox)
    in_work = or_(earlier.attempts < MAX_ATTEMPTS, earlier.claimed_until >= wall)
    blocked = (
        select(earlier.id)
        .where(earlier.case_id == Outbox.case_id, earlier.done_at.is_(None), earlier.seq < Outbox.seq, in_work)
        .where(earlier.topic.not_in(UNORDERED))
        .exists()
    )
    rows: Sequence[Outbox] = session.scalars(
        select(Outbox)
        .where(
            Outbox.done_at.is_(None),
            Outbox.due_at <= now,
            (Outbox.claimed_until.is_(None)) | (Outbox.claimed_until < wall),
            ~blocked,
        )
        .order_by(Outbox.due_at, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.claimed_by, row.claimed_until, row.attempts = worker, wall + LEASE, row.attempts + 1
    session.flush()
    return [Effect(r.id, r.case_id, r.seq, r.topic, json.loads(r.payload), r.attempts) for r in rows]


def hold(session: Session, effect: Effect, worker: str) -> bool:
    """Whether the row is still this worker's to deliver; holds it until the transaction ends. A worker that was so slow
    that its lease ran out, and another one took the row, must leave it alone."""
    row = session.scalar(select(Outbox).where(Outbox.id == effect.key).with_for_update())
    return row is not None and row.done_at is None and (row.claimed_by, row.attempts) == (worker, effect.attempts)


def settle(session: Session, key: str, now: datetime) -> None:
    """The effect was delivered."""
    session.execute(
        update(Outbox).where(Outbox.id == key).values(done_at=now, claimed_by=None, claimed_until=None, last_error=None)
    )


def put_back(session: Session, effect: Effect, now: datetime, error: str) -> None:
    """The try failed: the row comes due again after a pause that grows. `error` is a type name, never a value."""
    session.execute(
        update(Outbox)
        .where(Outbox.id == effect.key)
        .values(due_at=now + effect.pause, claimed_by=None, claimed_until=None, last_error=error[:200])
    )
