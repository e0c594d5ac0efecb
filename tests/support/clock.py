"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # Monday 2 March 2026, 10:00 in China: no holiday for weeks


class MovableClock:
    """Satisfies `govservice.clock.Clock`; `advance` and `set` are the only things that make time pass."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self._at = at

    def now(self) -> datetime:
        return self._at

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock forward; returns the new instant."""
        self._at += by
        return self._at

    def set(self, at: datetime) -> None:
        """Moves the clock to an aware instant."""
        if at.tzinfo is None:
            raise ValueError("a clock needs an aware instant")
        self._at = at
