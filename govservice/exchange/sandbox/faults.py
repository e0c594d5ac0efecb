"""Faults that can be switched on per registry while the sandbox runs, and the delay of a healthy answer."""

from __future__ import annotations

import copy
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, get_args

Mode = Literal[
    "delay", "hang", "reset", "drip", "status_500", "html_502", "status_429", "status_403", "malformed", "wrong_schema",
    "wrong_person", "empty", "several", "withheld", "under_investigation", "redirect", "huge", "html_200", "deep",
]  # fmt: skip
MODES: tuple[str, ...] = get_args(Mode)


@dataclass(frozen=True, slots=True)
class Fault:
    """`share` of the calls (0-1) behave so; `seconds` is the length of a delay, or how long a hang holds on."""

    mode: str
    share: float = 1.0
    seconds: float = 30.0


def fault_of(data: Any) -> Fault:
    """A fault from the admin door's JSON. Raises ValueError with the reason."""
    if not isinstance(data, dict) or data.get("mode") not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}")
    share, seconds = data.get("share", 1.0), data.get("seconds", 30.0)
    if not isinstance(share, (int, float)) or not 0 <= share <= 1:
        raise ValueError("share is a number from 0 to 1")
    if not isinstance(seconds, (int, float)) or not 0 <= seconds <= 120:
        raise ValueError("seconds is a number from 0 to 120")
    return Fault(data["mode"], float(share), float(seconds))


@dataclass(slots=True)
class Delay:
    """How long a healthy answer takes: log-normal with this median (milliseconds) and sigma; 0 = at once."""

    median_ms: float = 3.0
    sigma: float = 0.3

    def seconds(self, random: Random) -> float:
        if self.median_ms <= 0:
            return 0.0
        return self.median_ms / 1000 * random.lognormvariate(0, self.sigma)


@dataclass(slots=True)
class Switchboard:
    """The faults in force and the calls counted, shared by the server's threads."""

    registries: tuple[str, ...]
    random: Random
    delay: Delay = field(default_factory=Delay)
    faults: dict[str, Fault] = field(default_factory=dict)
    calls: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, registry: str) -> tuple[Fault | None, float]:
        """Counts a call; the fault that meets it, if any, and the seconds a healthy answer waits."""
        with self.lock:
            self.calls[registry] = self.calls.get(registry, 0) + 1
            fault = self.faults.get(registry)
            if fault is not None and self.random.random() >= fault.share:
                fault = None
            return fault, self.delay.seconds(self.random)

    def set(self, registry: str, fault: Fault | None) -> None:
        """Switches a registry's fault on or off. Raises LookupError for an unknown registry."""
        if registry not in self.registries:
            raise LookupError(registry)
        with self.lock:
            if fault is None:
                self.faults.pop(registry, None)
            else:
                self.faults[registry] = fault

    def clear(self) -> None:
        with self.lock:
            self.faults.clear()
            self.calls.clear()

    def state(self) -> dict[str, Any]:
        with self.lock:
            faults = {k: {"mode": f.mode, "share": f.share, "seconds": f.seconds} for k, f in self.faults.items()}
            return {"registries": list(self.registries), "faults": faults, "calls": dict(self.calls)}


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
