"""A second try beside or after the first: the slow tail of a registry is not the citizen's.

Only for questions, which may be asked twice without harm. A hedge goes out when the first call takes longer than the
registry usually does; a retry when the connection broke. There is at most one of both, and only where the retry
budget allows it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.schema_registry import Limits
from govservice.exchange.connectors.base import Answer
from govservice.exchange.outcomes import (
    BREAKER_FAILURES,
    BREAKER_SUCCESSES,
    CONDUCT,
    SAYS_NOTHING,
    Outcome,
    Retry,
)
from govservice.models.exchange import Exchange

SAMPLE = 200  # of the last calls of a registry
ENOUGH = 20  # calls that were made, from which a measure is one
FLOOR_MS = 150  # sooner than that no second call is made
MADE = frozenset(outcome.value for outcome in BREAKER_SUCCESSES | BREAKER_FAILURES)
Send = Callable[[str], Answer]  # the call's number -> what came back
Another = Callable[[], str | None]  # the number of a second call that may be made, if any
NOT_AGAIN = frozenset({"no_place", "no_time_left", "maintenance"})  # details of answers that asking again cannot mend


@dataclass(frozen=True, slots=True)
class Tried:
    """One call that was made, and how long we listened (seconds)."""

    number: str
    answer: Answer
    seconds: float


def usual(session: Session, code: str, limits: Limits) -> float:
    """Seconds within which nineteen of twenty of the registry's last calls had ended, by the log: a call that takes
    longer is worth a second one. What its file says until enough calls were made."""
    rows = session.execute(
        select(Exchange.outcome, Exchange.latency_ms)
        .where(Exchange.registry_code == code)
        .order_by(Exchange.seq.desc())
        .limit(SAMPLE)
    )
    took = sorted(ms for outcome, ms in rows if outcome in MADE)
    if len(took) < ENOUGH:
        return limits.hedge_after_ms / 1000
    return max(took[int(0.95 * len(took))], FLOOR_MS) / 1000


def ask(
    send: Send, first: str, another: Another, hedge_after: float, deadline: float, pool: Executor
) -> list[Tried]:  # fmt: skip
    """Every call made, the one that counts last. `hedge_after` in seconds; `deadline` as of `time.monotonic()`."""
    began = time.monotonic()
    numbers: dict[Future[Answer], tuple[str, float]] = {pool.submit(send, first): (first, began)}
    wait(numbers, timeout=max(min(hedge_after, deadline - began), 0.0))
    if _worth_another(numbers, deadline) and (number := another()) is not None:
        numbers[pool.submit(send, number)] = (number, time.monotonic())
    _listen(numbers, deadline)
    found = [_tried(future, *known) for future, known in numbers.items()]
    return sorted(found, key=lambda tried: _weight(tried.answer.outcome))


def _worth_another(numbers: dict[Future[Answer], tuple[str, float]], deadline: float) -> bool:
    (future,) = numbers
    if time.monotonic() >= deadline:
        return False
    if not future.done():
        return True
    answer = future.result()
    return CONDUCT[answer.outcome].retry is Retry.AT_ONCE and answer.detail not in NOT_AGAIN


def _listen(numbers: dict[Future[Answer], tuple[str, float]], deadline: float) -> None:
    """Until one of the calls said something, all are done, or time is up."""
    open_ = set(numbers)
    while open_:
        done, open_ = wait(open_, timeout=max(deadline - time.monotonic(), 0.0), return_when=FIRST_COMPLETED)
        if not done or any(future.result().outcome not in SAYS_NOTHING for future in done):
            return


def _tried(future: Future[Answer], number: str, began: float) -> Tried:
    """A call that is not done is not listened to any more."""
    answer = future.result() if future.done() else Answer(Outcome.TIMEOUT, detail="not_awaited")
    return Tried(number, answer, time.monotonic() - began)


def _weight(outcome: Outcome) -> int:
    """What says something counts more than silence; of two silences the one that is no mere lateness."""
    if outcome not in SAYS_NOTHING:
        return 2
    return 0 if outcome is Outcome.TIMEOUT else 1
