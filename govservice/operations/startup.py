"""Opening the portal without its web: the one place where the parts below are put together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from govservice.definitions.library import load_library
from govservice.exchange.gateway import Gateway
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations.runtime import Runtime, SettingsLike
from govservice.worktime.calendar import load_calendars


class OpeningSettings(SettingsLike, Protocol):
    """What opening needs of the settings beside what operations need."""

    @property
    def database_url(self) -> str: ...
    @property
    def keks(self) -> tuple[tuple[str, bytes], ...]: ...
    @property
    def index_key(self) -> bytes: ...
    @property
    def clock(self) -> str: ...


def open_runtime(settings: OpeningSettings, overrides: Mapping[str, object] | None = None) -> Runtime:
    """Reads definitions and calendars, opens the database. Raises DefinitionError with every problem of every file.

    `overrides` replaces parts by name (`definitions`, `database`, ...): tests share what is costly to build.
    """
    given = dict(overrides or {})
    definitions = given.pop("definitions", None) or load_library(settings.workflows_dir)
    parts: dict[str, object] = {
        "database": given.pop("database", None)
        or Database(make_engine(settings.database_url), Keyring(dict(settings.keks), settings.index_key)),
        "definitions": definitions,
        "calendars": given.pop("calendars", None) or load_calendars(settings.workflows_dir / "calendars"),
        "gateway": given.pop("gateway", None) or Gateway(definitions.catalogue, settings.registry_endpoints),
        "settings": settings,
        "simulated": settings.clock == "simulated",
        **given,
    }
    return Runtime(**parts)  # type: ignore[arg-type]
