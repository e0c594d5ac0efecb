"""Faults of the payment sandbox: of its callbacks, and of its own doors."""

from __future__ import annotations

from typing import Literal, get_args

Mode = Literal[
    "late", "twice", "out_of_order", "never", "hold", "forged", "replayed", "stale", "wrong_amount", "wrong_currency",
    "other_merchant", "float_amount", "down", "slow",
]  # fmt: skip
MODES: tuple[str, ...] = get_args(Mode)
CALLBACKS, REQUESTS = "callbacks", "requests"
SECONDS = 5.0  # how late, or how slow, where nothing is said


def door_of(mode: str) -> str:
    """Where a fault is: the merchant's requests, or the callbacks."""
    return REQUESTS if mode in ("down", "slow") else CALLBACKS
