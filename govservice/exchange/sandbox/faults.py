"""Faults of a registry's answers, and the delay of a healthy one."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal, get_args

Mode = Literal[
    "delay", "hang", "reset", "drip", "status_500", "html_502", "status_429", "status_403", "malformed", "wrong_schema",
    "wrong_person", "empty", "several", "withheld", "under_investigation", "redirect", "huge", "html_200", "deep",
    "pending", "refused", "lost",
]  # fmt: skip
MODES: tuple[str, ...] = get_args(Mode)
# Of acts alone: somebody there has still to act; it will not be done; it was done, and the answer gets lost.
OF_ACTS = {"pending": {"state": "pending"}, "refused": {"state": "refused", "reason": "not_now"}, "lost": {}}


@dataclass(slots=True)
class Delay:
    """How long a healthy answer takes: log-normal with this median (milliseconds) and sigma; 0 = at once."""

    median_ms: float = 3.0
    sigma: float = 0.3

    def seconds(self, random: Random) -> float:
        if self.median_ms <= 0:
            return 0.0
        return self.median_ms / 1000 * random.lognormvariate(0, self.sigma)


def bent(answer: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """A well-formed answer that is wrong in one way: another person's, of another shape, empty, several, withheld."""
    wrong = copy.deepcopy(dict(answer))
    records = wrong["records"]
    if mode == "empty":
        wrong["records"] = []
    elif mode == "several":
        wrong["records"] = [record for record in records for _ in (1, 2)]
    elif mode in ("withheld", "under_investigation"):
        wrong["records"] = [{**record, "flags": [mode]} for record in records]
    elif mode == "wrong_schema":
        wrong["records"] = [{k: {"v": v} for k, v in record.items()} for record in records]
    elif mode == "wrong_person":
        wrong["records"] = [_of_somebody_else(record) for record in records]
    return wrong


def _of_somebody_else(record: dict[str, Any]) -> dict[str, Any]:
    """The same record under another number: the last four characters of each key are exchanged."""
    changed = dict(record)
    for key in ("national_id", "uscc", "employer_uscc"):
        if key in changed:
            changed[key] = changed[key][:-4] + "0000"
    if "holder" in changed:
        changed["holder"] = {"uscc": changed["holder"]["uscc"][:-4] + "0000"}
    return changed
