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
    "partial", "stale", "changed", "pending", "refused", "lost",
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
    """A well-formed answer that differs in one way: another person's, of another shape, empty, several, withheld, old,
    or with other values than before."""
    wrong = copy.deepcopy(dict(answer))
    records = wrong["records"]
    if mode == "empty":
        wrong["records"] = []
    elif mode == "several":
        wrong["records"] = [record for record in records for _ in (1, 2)]
    elif mode in ("withheld", "under_investigation", "partial"):
        wrong["records"] = [{**record, "flags": [mode]} for record in records]
    elif mode == "stale":
        wrong["as_of"] = "2020-01-01T00:00:00Z"
    elif mode == "changed":
        wrong["records"] = [_changed(record) for record in records]
    elif mode == "wrong_schema":
        wrong["records"] = [{k: {"v": v} for k, v in record.items()} for record in records]
    elif mode == "wrong_person":
        wrong["records"] = [_of_somebody_else(record) for record in records]
    return wrong


NUMBERS = ("national_id", "uscc", "employer_uscc")
SUBJECTS = ("person", "holder", "mother")  # what holds the number of the one whom a record is about
KEPT = ("region", "flags", "status", "sex")  # words of a closed list, and what says when and about whom


def _changed(record: dict[str, Any]) -> dict[str, Any]:
    """The same person's record with every value moved on: another place, another sum, another day."""
    return {name: value if _is_key(name) else _moved(value) for name, value in record.items()}


def _is_key(name: str) -> bool:
    return name in KEPT or name.endswith(("_id", "_at", "_no", "uscc")) or name in SUBJECTS


def _moved(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: inner if _is_key(name) else _moved(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_moved(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return value
    if isinstance(value, int):
        return value + 1
    if value[:1].isdigit():  # a sum or a day: its last digit goes on by one, within what a day can be
        return value[:-1] + ("2" if value[-1:] == "1" else "1")
    return f"{value}（变更）"


def _of_somebody_else(record: dict[str, Any]) -> dict[str, Any]:
    """The same record under another number: the last four characters of each key are exchanged."""
    changed = dict(record)
    for name, value in record.items():
        if name in NUMBERS:
            changed[name] = value[:-4] + "0000"
        elif name in SUBJECTS:
            changed[name] = _of_somebody_else(value)
    return changed
