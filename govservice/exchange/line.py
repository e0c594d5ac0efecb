"""What stands in this process between the portal and one registry: places, pace, second tries."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from govservice.definitions.schema_registry import Limits
from govservice.exchange.connectors.base import Answer
from govservice.exchange.outcomes import Outcome
from govservice.exchange.pace import Pace, RetryBudget


class Line:
    """The bounds of one registry. Thread-safe. `paced=False`: for registries in memory, which cannot be overrun."""

    def __init__(self, limits: Limits, *, paced: bool = True) -> None:
        self.limits = limits
        self.retries = RetryBudget()
        self._pace = Pace(limits.rate_rps) if paced else None
        self._places = threading.BoundedSemaphore(limits.max_inflight)

    @contextlib.contextmanager
    def place(self) -> Iterator[bool]:
        """A place among the calls that one registry may hold up at once; False where all are taken or the registry
        would be asked too fast."""
        free = self._places.acquire(blocking=False)
        try:
            yield free and (self._pace is None or self._pace.take())
        finally:
            if free:
                self._places.release()

    def send(self, call: Callable[[], Answer]) -> Answer:
        """Makes a call within the bounds; RATE_LIMITED, without a call, where they allow none."""
        with self.place() as free:
            if not free:
                return Answer(Outcome.RATE_LIMITED, detail="no_place")
            answer = call()
        if answer.outcome is Outcome.RATE_LIMITED and self._pace is not None:
            self._pace.told(answer.retry_after)
        return answer
