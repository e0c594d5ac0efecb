"""The only module that reads the wall clock. Everything else takes `now` as an argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Says what time it is for the portal: an aware datetime in UTC."""

    def now(self) -> datetime: ...


class WallClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class SimClock:
    """A simulated clock: at wall time `wall_at` it showed `sim_at` and has run on at the same speed since.

    `frozen` stops it at `sim_at`. The values are handed in; this module does not know where they are kept.
    Raises ValueError where an instant has no time zone.
    """

    sim_at: datetime
    wall_at: datetime
    frozen: bool = False
    wall: Clock = field(default_factory=WallClock)

    def __post_init__(self) -> None:
        for instant in (self.sim_at, self.wall_at):
            if instant.tzinfo is None:
                raise ValueError("a clock needs instants with a time zone")

    def now(self) -> datetime:
        if self.frozen:
            return self.sim_at.astimezone(UTC)
        return (self.sim_at + (self.wall.now() - self.wall_at)).astimezone(UTC)
