"""Databases on which a portal has been set up already: the shipped services in force, the cast signed up.

Made once in a run and copied for each test that starts from there; setting one up takes ten times as long as a copy.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket

from config import Settings
from govservice.app import create_app
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations.demo_cast import load_cast
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from tests.support.clock import MovableClock


def set_up(settings: Settings, keyring: Keyring, definitions: Any, calendars: Mapping[str, Any]) -> None:
    """Publishes the services and loads the cast into the migrated database of these settings."""
    engine = make_engine(settings.database_url, synchronous="OFF")
    clock = MovableClock()
    parts = {"database": Database(engine, keyring), "definitions": definitions, "calendars": calendars, "wall": clock}
    runtime: Runtime = create_app(settings, **parts).extensions["runtime"]
    publish_all(runtime, by="test", now=clock.now())
    load_cast(runtime, now=clock.now())
    engine.dispose()  # nobody may be connected to a database that is copied


class Compiled(BytecodeCache):
    """Templates compiled once in a test process, for every application that it makes."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if (known := self._known.get(bucket.key)) is not None:
            bucket.bytecode_from_string(known)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()


TEMPLATES = Compiled()
