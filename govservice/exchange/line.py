"""What stands between the portal and one registry: places in this process; pace and second tries of all processes."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from sqlalchemy.orm import Session

from govservice.definitions.schema_registry import Limits, RegistryFile
from govservice.exchange.connectors.base import Answer
from govservice.exchange.hedging import usual
from govservice.exchange.outcomes import Outcome
from govservice.exchange.pace import Paces
from govservice.models.session import Database

MEASURED_S = 60.0  # seconds between looks at how long a registry's calls take


class Line:
    """The bounds of one registry. Thread-safe. Without `paces`: of a registry in memory, which cannot be overrun."""

    def __init__(self, code: str, limits: Limits, paces: Paces | None) -> None:
        self.code, self.limits = code, limits
        self._paces = paces
        self.hedge_after = limits.hedge_after_ms / 1000  # seconds; measured anew every minute
        self.measured = -math.inf
        self._places = threading.BoundedSemaphore(limits.max_inflight)

    @contextlib.contextmanager
    def _place(self, database: Database | None) -> Iterator[bool]:
        """A place among the calls that one registry may hold up at once; False where all are taken or the registry
        would be asked too fast."""
        free = self._places.acquire(blocking=False)
        try:
            yield free and (self._paces is None or database is None or self._paces.take(database, self.code))
        finally:
            if free:
                self._places.release()

    def send(self, database: Database | None, call: Callable[[], Answer]) -> Answer:
        """Makes a call within the bounds; RATE_LIMITED, without a call, where they allow none."""
        with self._place(database) as free:
            if not free:
                return Answer(Outcome.RATE_LIMITED, detail="no_place")
            answer = call()
        if answer.outcome is Outcome.RATE_LIMITED and self._paces is not None and database is not None:
            self._paces.told(database, self.code, answer.retry_after)
        return answer

    def called(self) -> None:
        """A first call goes out: a tenth of a second try is earned."""
        if self._paces is not None:
            self._paces.called(self.code)

    def second(self, database: Database | None) -> bool:
        """Whether the calls so far, of all processes, allow a second try; it is counted."""
        return self._paces is not None and database is not None and self._paces.second(database, self.code)


class Lines:
    """The lines of one process to every registry."""

    def __init__(self, registries: Mapping[str, RegistryFile], *, paced: bool) -> None:
        self._paces = Paces({code: float(r.limits.rate_rps) for code, r in registries.items()}) if paced else None
        self._lines = {code: Line(code, each.limits, self._paces) for code, each in registries.items()}

    def __getitem__(self, code: str) -> Line:
        return self._lines[code]

    def measure(self, session: Session, codes: Iterable[str]) -> None:
        """How long calls usually take, by the log: looked at once a minute for each registry that is asked."""
        now = time.monotonic()
        for line in (self._lines[code] for code in codes):
            if now - line.measured >= MEASURED_S:
                line.measured = now
                line.hedge_after = usual(session, line.code, line.limits)

    def lease(self, database: Database, needed: Mapping[str, int]) -> None:
        """Before a round: what it is about to ask, of every registry by one statement."""
        if self._paces is not None:
            self._paces.lease(database, needed)
