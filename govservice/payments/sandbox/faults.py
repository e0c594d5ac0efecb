"""Faults of the payment sandbox that can be switched on while it runs: of its callbacks, and of its own doors."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

Mode = Literal[
    "late", "twice", "out_of_order", "never", "hold", "forged", "replayed", "stale", "wrong_amount", "wrong_currency",
    "other_merchant", "float_amount", "down", "slow",
]  # fmt: skip
MODES: tuple[str, ...] = get_args(Mode)
DOORS = ("down", "slow")  # these concern the merchant's requests, all others the callbacks
MAX_COPIES = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """`seconds`: how late, or how slow; `copies`: how many callbacks for one (`twice`, `replayed`)."""

    mode: str
    seconds: float = 5.0
    copies: int = 2


def fault_of(data: Any) -> Fault:
    """A fault from the admin door's JSON. Raises ValueError with the reason."""
    if not isinstance(data, dict) or data.get("mode") not in MODES:
        raise ValueError(f"mode is one of {', '.join(MODES)}")
    seconds, copies = data.get("seconds", 5.0), data.get("copies", 2)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 120:
        raise ValueError("seconds is a number from 0 to 120")
    if not isinstance(copies, int) or not 1 <= copies <= MAX_COPIES:
        raise ValueError(f"copies is a whole number from 1 to {MAX_COPIES}")
    return Fault(data["mode"], float(seconds), copies)


@dataclass(slots=True)
class Switchboard:
    """The one fault in force, and the door's; shared by the server's threads."""

    callbacks: Fault | None = None
    doors: Fault | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set(self, fault: Fault) -> None:
        with self.lock:
            if fault.mode in DOORS:
                self.doors = fault
            else:
                self.callbacks = fault

    def clear(self) -> None:
        with self.lock:
            self.callbacks = self.doors = None

    def state(self) -> dict[str, Any]:
        with self.lock:
            both = (self.callbacks, self.doors)
        return {"faults": [{"mode": f.mode, "seconds": f.seconds, "copies": f.copies} for f in both if f is not None]}
