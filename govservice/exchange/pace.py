"""How fast all processes together ask one registry, and how often they may ask a second time (`registry_paces`).

The rate is the registry's own (`rate_rps`). One row per registry holds what may still be asked this second; a process
takes a slice of it by one statement for everything that it is about to ask, and a slice that is not used within a
second is lost. A registry that says "too many" is left alone for as long as it names and asked more slowly for a
minute. Second tries (hedges and retries) are at most a tenth of the calls: a registry in trouble must not be asked more
than one in health. The clock is the database's, one for all.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from govservice.models.session import Database

SHARE = 0.1  # second tries per call
MOST_SAVED = 20.0  # second tries that calls may save up for a bad moment
RECOVERY = 60.0  # seconds until the full rate is back
LOWEST = 0.1  # share of the rate that is left however often we were told
PAUSE = 1.0  # seconds, where a registry does not say how long
SLICE = 0.1  # of a second's calls that a process takes at once, at least
KEPT = 1.0  # seconds for which a slice may be used


class _Slice:
    """What this process may still ask of one registry, and the calls that the row has not heard of. Under a lock."""

    def __init__(self, rate: float) -> None:
        self.rate, self.calls = rate, 0
        self._tokens, self._until = 0, 0.0

    @property
    def left(self) -> int:
        return self._tokens if time.monotonic() < self._until else 0

    def lease(self, tokens: int) -> None:
        self._tokens, self._until = self.left + tokens, time.monotonic() + KEPT

    def take(self) -> bool:
        if not self.left:
            return False
        self._tokens -= 1
        return True

    def ask_for(self, needed: int) -> int:
        """How many to take out of the row, so that `needed` calls can be made."""
        return max(1, min(max(needed - self.left, math.ceil(self.rate * SLICE)), int(max(self.rate, 1.0))))


class Paces:
    """One process's part. Thread-safe; leases come one after the other, so that they hold one connection."""

    def __init__(self, rates: Mapping[str, float]) -> None:
        self._slices = {code: _Slice(rate) for code, rate in rates.items()}
        self._lock, self._leasing = threading.Lock(), threading.Lock()

    def lease(self, where: Database | Session, needed: Mapping[str, int]) -> None:
        """Makes sure, as far as the registries allow it, that so many calls can be made: one statement at most, in the
        caller's transaction or one of its own."""
        with self._lock:
            lacking = {c: self._slices[c].ask_for(n) for c, n in sorted(needed.items()) if self._slices[c].left < n}
            calls = {code: self._slices[code].calls for code in lacking}
            for code in lacking:
                self._slices[code].calls = 0
        if not lacking:
            return
        rows = [(code, self._slices[code].rate, want, calls[code] * SHARE) for code, want in lacking.items()]
        with self._leasing:
            granted = _do(where, _LEASE, _values(rows), rows=len(rows))
        with self._lock:
            for code, tokens in granted:
                self._slices[code].lease(int(tokens))

    def take(self, database: Database, code: str) -> bool:
        """Whether one call may go out now."""
        if not self.taken(code):
            self.lease(database, {code: 1})
            return self.taken(code)
        return True

    def taken(self, code: str) -> bool:
        """The same out of what is leased already."""
        with self._lock:
            return self._slices[code].take()

    def called(self, code: str) -> None:
        """A first call goes out: what it adds to the budget of second tries is told with the next lease."""
        with self._lock:
            self._slices[code].calls += 1

    def second(self, database: Database, code: str) -> bool:
        """Whether one second try may be made; it is counted at once."""
        with self._lock:
            earned, self._slices[code].calls = self._slices[code].calls * SHARE, 0
        return _do(database, _SECOND, {"code": code, "earned": earned, "one": _ONE}) == [(1,)]

    def told(self, database: Database, code: str, seconds: float | None) -> None:
        """The registry asked us to come later: in `seconds` where it said so. Other processes hear of it with their
        next lease, a second later at most."""
        with self._lock:
            self._slices[code] = _Slice(self._slices[code].rate)
        wait = PAUSE if seconds is None else seconds
        _do(database, _TOLD, {"code": code, "seconds": wait, "lowest": LOWEST})


# -- the statements: one text for both databases, but for how each says "now", the lesser, the greater, the whole part.
# Nothing but what is written here stands in them; every value is bound.

_SHARE_NOW = "{least}(p.share + {greatest}({now} - p.closed_until, 0.0) / " + f"{RECOVERY}, 1.0)"
_FREE = (
    "{least}(p.tokens + {greatest}({now} - p.filled_at, 0.0) * excluded.rate * " + _SHARE_NOW + ", "
    "{greatest}(excluded.rate, 1.0))"
)
_GRANTED = "{whole}({least}(excluded.granted, " + _FREE + "){number})"
_SHUT = "{now} < p.closed_until"
_LEASE = (
    "INSERT INTO registry_paces AS p "  # noqa: S608 - see above
    "(registry_code, rate, tokens, filled_at, closed_until, share, second_tries, granted) VALUES {rows} "
    "ON CONFLICT (registry_code) DO UPDATE SET rate = excluded.rate, "
    f"granted = CASE WHEN {_SHUT} THEN 0 ELSE {_GRANTED} END, "
    f"tokens = CASE WHEN {_SHUT} THEN p.tokens ELSE {_FREE} - {_GRANTED} END, "
    f"filled_at = CASE WHEN {_SHUT} THEN p.filled_at ELSE {{now}} END, "
    "second_tries = {least}(p.second_tries + excluded.second_tries, :most) RETURNING registry_code, granted"
)
_ROW = "(:c{n}, :r{n}, :t{n}, {now}, 0.0, 1.0, :s{n}, :w{n})"
_SECOND = (
    "UPDATE registry_paces SET granted = CASE WHEN second_tries + :earned >= :one THEN 1 ELSE 0 END, "
    "second_tries = second_tries + :earned - CASE WHEN second_tries + :earned >= :one THEN 1.0 ELSE 0.0 END "
    "WHERE registry_code = :code RETURNING granted"
)
_TOLD = (
    "UPDATE registry_paces AS p SET tokens = 1.0, "  # noqa: S608 - see above
    "share = {greatest}(" + _SHARE_NOW + " / 2.0, :lowest), "
    "filled_at = {greatest}(p.closed_until, {now} + :seconds), "
    "closed_until = {greatest}(p.closed_until, {now} + :seconds) WHERE registry_code = :code RETURNING granted"
)
_POSTGRESQL = {
    "least": "least", "greatest": "greatest", "whole": "floor", "number": "",
    "now": "CAST(extract(epoch FROM clock_timestamp()) AS double precision)",
}  # fmt: skip
_SQLITE = {
    "least": "min", "greatest": "max", "whole": "CAST", "number": " AS INTEGER",  # of what is not negative
    "now": "((julianday('now') - 2440587.5) * 86400.0)",
}  # fmt: skip
_ONE = 1.0 - 1e-9  # ten tenths are one


def _do(where: Database | Session, statement: str, values: dict[str, object], rows: int = 0) -> list[tuple[Any, ...]]:
    bind = where.engine if isinstance(where, Database) else where.get_bind()
    words = _POSTGRESQL if bind.dialect.name == "postgresql" else _SQLITE
    each = ", ".join(_ROW.format(n=n, **words) for n in range(rows))
    said = statement.format(rows=each, **words)
    if isinstance(where, Database):
        return where.in_passing(said, values)
    return [tuple(row) for row in where.execute(text(said), values)]


def _values(rows: Sequence[tuple[str, float, int, float]]) -> dict[str, object]:
    """Of each row: code, rate, how many calls to take out of it, second tries earned."""
    values: dict[str, object] = {"most": MOST_SAVED}
    for n, (code, rate, want, earned) in enumerate(rows):
        first = {"c": code, "r": rate, "t": max(rate, 1.0) - want, "s": min(earned, MOST_SAVED), "w": want}
        values |= {f"{name}{n}": value for name, value in first.items()}
    return values
