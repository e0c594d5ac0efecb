"""Throttles: tries are counted in the database, so that all workers know, and slowed with a growing delay.

A key says what is counted, for instance one account tried from one source. There is no lock of an account: whoever
floods it from elsewhere does not keep its owner out. Keys are keyed hashes: the table names nobody.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from govservice.errors import TooMany
from govservice.models.accounts import Throttle
from govservice.models.keyring import Keyring
from govservice.operations.runtime import Runtime


@dataclass(frozen=True, slots=True)
class Rule:
    """`free` tries without delay, then 2, 4, 8 ... seconds between tries, never more than `cap`.
    After `forget` seconds without a try the count starts again."""

    free: int
    cap: int
    forget: int


PER_ACCOUNT_AND_SOURCE = Rule(free=5, cap=300, forget=3600)
PER_SOURCE = Rule(free=50, cap=60, forget=3600)  # an office shares one address: many may mistype
REGISTRATIONS = Rule(free=10, cap=600, forget=3600)


def source_of(address: str | None) -> str:
    """The network an address belongs to: one IPv4 address, or the /64 that one IPv6 customer holds."""
    try:
        found = ipaddress.ip_address((address or "").partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def count_try(rt: Runtime, tries: dict[str, Rule], now: datetime) -> None:
    """Counts one try under every key, in one transaction and before the work it guards, so that a hundred tries at
    once are a hundred tries. Raises TooMany (seconds to wait) and counts nothing where one of them must wait."""
    with rt.write() as session:
        rows = {
            key: _row(session, key_of(rt.keyring, key), rule, now)
            for key, rule in sorted(tries.items(), key=lambda t: t[0])
        }
        wait = max((_wait(rows[key], rule, now) for key, rule in tries.items()), default=0)
        if wait > 0:
            raise TooMany(wait)
        for row in rows.values():
            row.count += 1
            row.window_start = now


def forgive(session: Session, keyring: Keyring, key: str) -> None:
    """Forgets the tries under a key: the right password was given."""
    session.execute(delete(Throttle).where(Throttle.key == key_of(keyring, key)))


def take_back(session: Session, keyring: Keyring, key: str) -> None:
    """One try less under a key: it was no failure."""
    row = session.get(Throttle, key_of(keyring, key), with_for_update=True)
    if row is not None and row.count > 0:
        row.count -= 1


def purge(session: Session, now: datetime) -> None:
    """Drops the counts that are forgotten by now."""
    session.execute(delete(Throttle).where(Throttle.window_start < now - timedelta(seconds=REGISTRATIONS.forget)))


def key_of(keyring: Keyring, key: str) -> str:
    return keyring.blind("throttle", key)


def _row(session: Session, key: str, rule: Rule, now: datetime) -> Throttle:
    """The locked row of a key, made where there is none; two requests making it at once is no fault."""
    make = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(make(Throttle).values(key=key, window_start=now, count=0).on_conflict_do_nothing())
    row = session.get_one(Throttle, key, with_for_update=True, populate_existing=True)
    if now - row.window_start > timedelta(seconds=rule.forget):
        row.count = 0
    return row


def _wait(row: Throttle, rule: Rule, now: datetime) -> int:
    """Whole seconds until the next try is allowed; 0 for now (also where the machine's clock was set back)."""
    passed = (now - row.window_start).total_seconds()
    if row.count < rule.free or passed < 0:
        return 0
    delay = min(1 << min(row.count - rule.free + 1, 20), rule.cap)
    return max(0, math.ceil(delay - passed))
