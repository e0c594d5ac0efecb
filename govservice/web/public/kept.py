"""Public figures change slowly: each process computes them at most once in five minutes of the portal's time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import current_app

T = TypeVar("T")
FRESH = timedelta(minutes=5)


def kept_for(key: str, now: datetime, make: Callable[[], T]) -> T:
    """The value made for `key` within the last FRESH, else a new one. A clock set back makes a new one as well."""
    store: dict[str, tuple[datetime, Any]] = current_app.extensions.setdefault("public_figures", {})
    entry = store.get(key)
    if entry is None or not timedelta(0) <= now - entry[0] < FRESH:
        entry = store[key] = (now, make())
    value: T = entry[1]
    return value
