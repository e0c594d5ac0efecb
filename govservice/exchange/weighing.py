"""What several sources say about one fact: which one stands, and whether they agree."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from govservice.exchange.mapping import Reading
from govservice.exchange.outcomes import GIVES_VALUES, Outcome

SETTLES = frozenset({Outcome.OK, Outcome.CONFLICT})  # no further source is asked
Differs = Callable[[str, Any, Any], bool]  # (fact type, one value, the other)


def better(best: Reading, reading: Reading, differ: Differs) -> Reading:
    """What stands after one more source has been asked. The earlier source comes first where both say something.

    A fresh answer takes the place of a stale one. An entry under examination that another source contradicts is a
    conflict: no value of the two may be used until somebody has looked.
    """
    if best.outcome not in GIVES_VALUES:
        return reading
    if reading.outcome not in GIVES_VALUES:
        return best
    if best.outcome is Outcome.STALE:
        return best if reading.outcome is Outcome.STALE else reading
    shared = best.values.keys() & reading.values.keys()
    if any(differ(name, best.values[name], reading.values[name]) for name in shared):
        return Reading(Outcome.CONFLICT)
    return best
