"""One figure as the bench prints it, and the few statistics it needs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter
from typing import Literal

Sense = Literal["at_least", "at_most"]


@dataclass(frozen=True, slots=True)
class Figure:
    """`ok` says whether the target is met; true where there is none."""

    name: str
    value: float
    unit: str
    target: float | None = None
    ok: bool = True


def figure(name: str, value: float, unit: str, target: float | None = None, sense: Sense = "at_most") -> Figure:
    """A figure held against its target. `at_most`: smaller is better."""
    met = target is None or (value >= target if sense == "at_least" else value <= target)
    return Figure(name, rounded(value), unit, target, met)


def rounded(value: float) -> float:
    """Three significant digits, as many as a shared machine gives."""
    return (
        value
        if value == 0 or not math.isfinite(value)
        else round(value, max(0, 2 - math.floor(math.log10(abs(value)))))
    )


def say(found: Figure) -> None:
    """One JSON object a line."""
    print(json.dumps(asdict(found)), flush=True)


def timed(
    work: Callable[[], object], repeats: int, warm: int = 1, clock: Callable[[], float] = perf_counter
) -> list[float]:
    """Seconds of each repeat, after `warm` unmeasured ones. With `thread_time` as clock: seconds of processor time."""
    for _ in range(warm):
        work()
    seconds = []
    for _ in range(repeats):
        began = clock()
        work()
        seconds.append(clock() - began)
    return seconds


def quantile(values: Sequence[float], share: float) -> float:
    """The nearest-rank quantile."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


__all__ = ["Figure", "figure", "median", "quantile", "say", "timed"]
