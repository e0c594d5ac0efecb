"""Opening the portal without its web: the one place where the parts below are put together."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol, cast

from sqlalchemy import inspect, select

from govservice.clock import Clock, WallClock
from govservice.definitions.findings import DefinitionError
from govservice.definitions.library import Definitions, load_library
from govservice.definitions.schema_registry import Grant
from govservice.exchange.connectors import connector_of, unfit
from govservice.exchange.gateway import Gateway
from govservice.exchange.grants import asked_grants
from govservice.models.cases import Definition
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations.runtime import Runtime, SettingsLike
from govservice.payments.provider import AccountLike, Provider
from govservice.worktime.calendar import Calendars, load_calendars


class OpeningSettings(SettingsLike, Protocol):
    """What opening needs of the settings beside what operations need."""

    @property
    def database_url(self) -> str: ...
    @property
    def keks(self) -> tuple[tuple[str, bytes], ...]: ...
    @property
    def index_key(self) -> bytes: ...
    @property
    def signing_key(self) -> bytes | None: ...
    @property
    def registry_keys(self) -> Mapping[str, Path]: ...
    @property
    def clock(self) -> str: ...
    @property
    def payment(self) -> AccountLike | None: ...


def open_runtime(settings: OpeningSettings, overrides: Mapping[str, object] | None = None) -> Runtime:
    """Reads definitions and calendars, opens the database. Raises DefinitionError with every problem of every file.

    `overrides` replaces parts by name (`definitions`, `database`, ...): tests share what is costly to build.
    """
    given = dict(overrides or {})
    database = cast("Database", given.pop("database", None) or _database(settings))
    definitions = cast("Definitions", given.pop("definitions", None) or load_library(
        settings.workflows_dir, grants_in(database)
    ))  # fmt: skip
    parts: dict[str, object] = {
        "database": database,
        "definitions": definitions.for_one_portal(),
        "calendars": given.pop("calendars", None) or _calendars(settings, definitions),
        "gateway": given.pop("gateway", None) or _gateway(settings, definitions),
        "settings": settings,
        "simulated": settings.clock == "simulated",
        **given,
    }
    if settings.payment is not None and "provider" not in parts:
        wall = cast("Clock", given.get("wall") or WallClock())
        parts["provider"] = Provider(settings.payment, lambda: wall.now().timestamp())
    runtime = Runtime(**parts)  # type: ignore[arg-type]
    runtime.definitions.find_published_with(lambda sha: published_json(runtime.database, sha))
    return runtime


def _database(settings: OpeningSettings) -> Database:
    keyring = Keyring(dict(settings.keks), settings.index_key, settings.signing_key)
    return Database(make_engine(settings.database_url), keyring)


def grants_in(database: Database) -> dict[str, Grant]:
    """Grants that departments asked for; none where the database has not the newest schema yet."""
    known = inspect(database.engine)
    if not known.has_table("grants") or "case_id" not in {column["name"] for column in known.get_columns("grants")}:
        return {}
    with database.read() as session:
        return asked_grants(session)


def _gateway(settings: OpeningSettings, definitions: Definitions) -> Gateway:
    """The door to the registries. Raises DefinitionError where an address does not fit its registry's kind, or a key
    that a registry's file names is not there."""
    catalogue, endpoints = definitions.catalogue, settings.registry_endpoints
    if faults := unfit(catalogue, endpoints, settings.registry_keys):
        raise DefinitionError(faults)
    return Gateway(catalogue, endpoints, connect=partial(connector_of, keys=settings.registry_keys))


def _calendars(settings: OpeningSettings, definitions: Definitions) -> Calendars:
    """The calendars, with the areas' own order: an area without a calendar counts by the nearest above it."""
    parents = {code: area.parent for code, area in definitions.catalogue.areas.items()}
    return load_calendars(settings.workflows_dir / "calendars").with_parents(parents)


def published_json(database: Database, sha: str) -> str | None:
    """The canonical JSON of a published version: what a case is pinned to outlives the file it came from."""
    with database.read() as session:
        return session.scalar(select(Definition.canonical_json).where(Definition.sha == sha))
