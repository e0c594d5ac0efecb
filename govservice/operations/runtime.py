"""What every operation is given: the database, the definitions, the calendars, the door to registries, the time."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Protocol

from sqlalchemy.orm import Session

from govservice.clock import Clock, SimClock, WallClock
from govservice.definitions.library import Definitions
from govservice.engine import Backoff
from govservice.exchange.gateway import Gateway
from govservice.models.keyring import Keyring
from govservice.models.session import Database
from govservice.models.system import SimulatedClock
from govservice.payments.provider import Provider
from govservice.worktime.calendar import Calendars


class SettingsLike(Protocol):
    """What operations need of the settings (`config.Settings`); values are read, never set."""

    @property
    def demo(self) -> bool: ...
    @property
    def base_url(self) -> str: ...
    @property
    def max_upload_mb(self) -> int: ...
    @property
    def session_hours(self) -> int: ...
    @property
    def registry_endpoints(self) -> Mapping[str, str]: ...
    @property
    def registry_keys(self) -> Mapping[str, Path]: ...
    @property
    def workflows_dir(self) -> Path: ...
    @property
    def storage_dir(self) -> Path: ...
    @property
    def secret_key(self) -> str: ...


@dataclass(frozen=True)
class Runtime:
    """Built once per process by the composition root, handed to every operation."""

    database: Database
    definitions: Definitions
    calendars: Calendars
    gateway: Gateway
    settings: SettingsLike
    simulated: bool = False
    provider: Provider | None = None  # where fees are paid
    wall: Clock = field(default_factory=WallClock)
    random: Random = field(default_factory=Random)  # spreads what is tried again
    backoff: Backoff = field(default_factory=Backoff)  # cases whose timers could not act

    def read(self) -> AbstractContextManager[Session]:
        return self.database.read()

    def write(self) -> AbstractContextManager[Session]:
        return self.database.write()

    @property
    def keyring(self) -> Keyring:
        return self.database.keyring

    @property
    def storage(self) -> Path:
        return self.settings.storage_dir

    def now(self) -> datetime:
        """The portal's time, aware UTC: the wall's, or the simulated clock's one row."""
        if not self.simulated:
            return self.wall.now()
        with self.read() as session:
            return clock_in(session, self.wall).now()

    def today(self, now: datetime) -> date:
        """The legal day of an instant, on the offices' calendar: on it mandates hold."""
        return self.calendars.for_area(None).local_date(now)


def clock_in(session: Session, wall: Clock) -> Clock:
    """The clock that the database holds; the wall clock where none was ever set."""
    row = session.get(SimulatedClock, 1)
    return wall if row is None else SimClock(row.sim_at, row.wall_at, row.frozen, wall)
