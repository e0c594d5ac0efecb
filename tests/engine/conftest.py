"""Fixtures of the engine's tests: semantics run on SQLite, what touches the databases' own ways runs on both."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine


@pytest.fixture
def lite(sqlite_url: str, keyring: Keyring) -> Iterator[Database]:
    """A fresh database for tests of meaning, where one kind is enough."""
    engine = make_engine(sqlite_url, synchronous="OFF")
    yield Database(engine, keyring)
    engine.dispose()
