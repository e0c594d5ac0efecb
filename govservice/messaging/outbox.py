"""Claiming and settling outbox rows.

A worker leases a few due rows, delivers each, and settles it. A worker that dies leaves rows whose lease runs out;
another then takes them, so a receiver sees an effect at least once and must be idempotent by the row's id.
Within one case rows are delivered in order: a row waits for the earlier ones of its case.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session, aliased

from govservice.models.cases import Outbox

LEASE = timedelta(seconds=60)
BACKOFF = (60, 120, 300, 900, 3600, 4 * 3600, 6 * 3600)  # seconds between tries; then every six hours
MAX_ATTEMPTS = 8


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
        return self.attempts >= MAX_ATTEMPTS


def claim(session: Session, worker: str, now: datetime, limit: int = 20) -> list[Effect]:
    """Leases up to `limit` due rows to `worker`, the first open one of each case. The caller commits at once."""
    earlier = aliased(Outbox)
    blocked = (
        select(earlier.id)
        .where(earlier.case_id == Outbox.case_id, earlier.done_at.is_(None), earlier.seq < Outbox.seq)
        .exists()
    )
    rows: Sequence[Outbox] = session.scalars(
        select(Outbox)
        .where(
            Outbox.done_at.is_(None),
            Outbox.due_at <= now,
            (Outbox.claimed_until.is_(None)) | (Outbox.claimed_until < now),
            ~blocked,
        )
        .order_by(Outbox.due_at, Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for row in rows:
        row.claimed_by, row.claimed_until, row.attempts = worker, now + LEASE, row.attempts + 1
    session.flush()
    return [Effect(r.id, r.case_id, r.seq, r.topic, json.loads(r.payload), r.attempts) for r in rows]


def settle(session: Session, key: str, now: datetime) -> None:
    """The effect was delivered."""
    session.execute(
        update(Outbox).where(Outbox.id == key).values(done_at=now, claimed_by=None, claimed_until=None, last_error=None)
    )


def put_back(session: Session, effect: Effect, now: datetime, error: str) -> None:
    """The try failed: the row comes due again after a pause that grows. `error` is a type name, never a value."""
    pause = BACKOFF[min(effect.attempts, len(BACKOFF)) - 1]
    session.execute(
        update(Outbox)
        .where(Outbox.id == effect.key)
        .values(due_at=now + timedelta(seconds=pause), claimed_by=None, claimed_until=None, last_error=error[:200])
    )


def backlog(session: Session) -> int:
    """How many effects wait, leased ones included."""
    return int(session.execute(text("SELECT count(*) FROM outbox WHERE done_at IS NULL")).scalar_one())
