"""How fast one process asks one registry, and how often it may ask a second time.

The rate is the registry's own (`rate_rps`). A registry that says "too many" is left alone for as long as it names and
asked more slowly for a minute. Second tries (hedges and retries) are at most a tenth of the calls: a registry in
trouble must not be asked more than one in health.
"""

from __future__ import annotations

import threading
import time

SHARE = 0.1  # second tries per call
MOST_SAVED = 20.0  # second tries that calls may save up for a bad moment
RECOVERY = 60.0  # seconds until the full rate is back
LOWEST = 0.1  # share of the rate that is left however often we were told
PAUSE = 1.0  # seconds, where a registry does not say how long


class Pace:
    """The rate of one registry: a bucket that holds a second's worth of calls. Thread-safe."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._lock = threading.Lock()
        self._tokens, self._filled = max(rate, 1.0), time.monotonic()
        self._closed_until = 0.0
        self._share = 1.0  # of the rate, at the moment we were last told

    def take(self) -> bool:
        """Whether one call may go out now."""
        with self._lock:
            now = time.monotonic()
            if now < self._closed_until:
                return False
            rate = self._rate * self._share_at(now)
            self._tokens = min(self._tokens + (now - self._filled) * rate, max(rate, 1.0))
            self._filled = now
            if self._tokens < 1.0:
                return False
            self._tokens -= 1.0
            return True

    def told(self, seconds: float | None) -> None:
        """The registry asked us to come later: in `seconds` where it said so."""
        with self._lock:
            now = time.monotonic()
            self._share = max(self._share_at(now) / 2, LOWEST)
            self._closed_until = max(self._closed_until, now + (PAUSE if seconds is None else seconds))
            self._tokens, self._filled = 1.0, self._closed_until

    def _share_at(self, now: float) -> float:
        """Half at first, all of it a minute after the pause has ended."""
        since = max(now - self._closed_until, 0.0) if self._closed_until else RECOVERY
        return min(self._share + since / RECOVERY, 1.0)


class RetryBudget:
    """How many second tries the calls so far allow. Thread-safe."""

    def __init__(self, share: float = SHARE) -> None:
        self._share = share
        self._lock = threading.Lock()
        self._saved = 0.0

    def called(self) -> None:
        with self._lock:
            self._saved = min(self._saved + self._share, MOST_SAVED)

    def take(self) -> bool:
        """Whether one second try may be made; it is counted at once."""
        with self._lock:
            if self._saved < 1.0 - 1e-9:  # ten tenths are one
                return False
            self._saved -= 1.0
            return True
