"""When a question that nobody answered is asked again: further and further apart, never all at once, not for ever."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

from govservice.exchange.outcomes import CONDUCT, Outcome, Retry

STEPS = (30, 120, 600, 3600)  # seconds after the first, second, third and every later try
FOR_HOURS = 72
_WAITS = (Retry.LATER, Retry.AT_ONCE, Retry.WHEN_TOLD, Retry.WHEN_CLOSED)


def next_try(
    outcome: Outcome, tries: int, first_asked: datetime, now: datetime, random: Random,
    not_before: datetime | None = None,
) -> datetime | None:  # fmt: skip
    """When to ask again after `tries` calls that ended so; None where asking again is of no use or after three days.

    A step is spread between half of it and all of it, so that a registry that comes back is not met by everybody at
    once. `not_before` is the time that the registry named, or at which its breaker may be tried.
    """
    if CONDUCT[outcome].retry not in _WAITS:
        return None
    step = STEPS[min(max(tries, 1), len(STEPS)) - 1]
    at = now + timedelta(seconds=step * (0.5 + random.random() / 2))
    at = max(at, not_before) if not_before is not None else at
    return at if at - first_asked <= timedelta(hours=FOR_HOURS) else None
