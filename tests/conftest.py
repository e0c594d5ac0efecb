"""What every test may ask for: databases, settings, a clock that stands still, the shipped definitions.

Tests that touch the database take `database` (or `database_url`): they then run on SQLite and on PostgreSQL.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from hypothesis import settings as settings_of_hypothesis

from config import ROOT, Settings
from govservice.definitions import reader
from govservice.models import migrate
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.support import browser, network, postgres, staged
from tests.support.clock import MovableClock
from tests.support.portal import Portal, running
from tests.support.yaml_once import remembering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Engine

SHARED = "PORTAL_TEST_SHARED"  # folder of this run, known to the xdist workers through the environment
KEKS = (("test1", bytes(range(32))),)
INDEX_KEY = bytes(range(32, 64))


# No deadline: two cores are shared by all workers. The same examples each time: a change is judged by what it changed,
# not by luck; `make fuzz` looks for new ones.
settings_of_hypothesis.register_profile("portal", deadline=None, derandomize=True, print_blob=True)
settings_of_hypothesis.register_profile("fuzz", deadline=None, print_blob=True)
settings_of_hypothesis.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "portal"))


# -- the run

MEMORY, ROOM = Path("/dev/shm"), 2 * 1024**3  # bytes: PostgreSQL's files of a whole run take less


def _in_memory() -> Path | None:
    """Where the machine keeps files in memory and has room: a test's database is made and dropped in half the time."""
    roomy = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if roomy else None


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[SHARED] = tempfile.mkdtemp(prefix="portal-tests-", dir=_in_memory())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput") and SHARED in os.environ:
        shared = Path(os.environ.pop(SHARED))
        postgres.stop(shared)
        shutil.rmtree(shared, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _plain_log_lines() -> None:
    """Without a configuration structlog draws tracebacks with all local values, which takes seconds."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.KeyValueRenderer()],
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )


@pytest.fixture(scope="session", autouse=True)
def _files_taken_apart_once() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(reader, "_events", remembering(reader._events))
    yield
    patch.undo()


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """A folder shared by the workers of this run."""
    return Path(os.environ[SHARED])


@pytest.fixture(scope="session", autouse=True)
def _stay_on_this_machine() -> Iterator[None]:
    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", network.guarded(socket.socket.connect))
    patch.setattr(socket.socket, "connect_ex", network.guarded(socket.socket.connect_ex))
    yield
    patch.undo()


# -- databases


@pytest.fixture(scope="session")
def postgres_server(shared_folder: Path) -> str:
    """URL of a real PostgreSQL server; starts one on first use. Fails, never skips, where none can be had."""
    return postgres.server_url(shared_folder)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    engine = make_engine(f"sqlite:///{path}", synchronous="OFF")
    migrate.upgrade(engine)
    engine.dispose()  # the last connection closes: the WAL is folded into the one file that is copied
    return path


@pytest.fixture
def empty_sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh migrated SQLite database."""
    return f"sqlite:///{shutil.copy(_sqlite_template, tmp_path / 'portal.db')}"


@pytest.fixture
def empty_postgresql_url(postgres_server: str) -> Iterator[str]:
    """A fresh migrated PostgreSQL database, dropped afterwards."""
    with postgres.fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def sqlite_url(empty_sqlite_url: str) -> str:
    """The SQLite database of a test: migrated and empty, unless its folder says otherwise."""
    return empty_sqlite_url


@pytest.fixture
def postgresql_url(empty_postgresql_url: str) -> str:
    """The PostgreSQL database of a test: migrated and empty, unless its folder says otherwise."""
    return empty_postgresql_url


@pytest.fixture(scope="session")
def _staged_sqlite(
    _sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory, keyring: Keyring, _shipped: Any, calendars: Any
) -> Path:
    folder = tmp_path_factory.mktemp("staged")
    path = Path(shutil.copy(_sqlite_template, folder / "staged.db"))
    staged.set_up(make_settings(f"sqlite:///{path}", folder), keyring, _shipped, calendars)
    return path


@pytest.fixture
def staged_sqlite_url(_staged_sqlite: Path, tmp_path: Path) -> str:
    """A fresh SQLite database with the shipped services in force and the cast."""
    return f"sqlite:///{shutil.copy(_staged_sqlite, tmp_path / 'portal.db')}"


@pytest.fixture
def staged_postgresql_url(
    postgres_server: str, shared_folder: Path, tmp_path: Path, keyring: Keyring, _shipped: Any, calendars: Any
) -> Iterator[str]:
    """A fresh PostgreSQL database with the shipped services in force and the cast, dropped afterwards."""

    def set_up(url: str) -> None:
        staged.set_up(make_settings(url, tmp_path), keyring, _shipped, calendars)

    template = postgres.staged(shared_folder, postgres_server, set_up)
    with postgres.fresh_database(postgres_server, template) as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh migrated database; the test runs once on each of the two kinds."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """An SQLAlchemy engine on `database_url`."""
    made = make_engine(database_url, synchronous="OFF")
    yield made
    made.dispose()


@pytest.fixture
def database(engine: Engine, keyring: Keyring) -> Database:
    """`read()` and `write()` sessions on `database_url`."""
    return Database(engine, keyring)


@pytest.fixture(scope="session")
def keyring() -> Keyring:
    return Keyring(dict(KEKS), INDEX_KEY)


# -- the portal's parts


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Demo settings on a fresh database, with fixed keys and a folder of their own."""
    return make_settings(database_url, tmp_path)


def make_settings(database_url: str, folder: Path, **changes: Any) -> Settings:
    values: dict[str, Any] = {
        "mode": "demo",
        "database_url": database_url,
        "secret_key": "a secret that only the tests know, long enough",
        "keks": KEKS,
        "index_key": INDEX_KEY,
        "storage_dir": folder / "files",
        "base_url": "http://localhost",
        "clock": "simulated",
        "secure_cookies": False,
        "worker": "external",
        "var_dir": folder,
        "workflows_dir": ROOT / "workflows",
    }
    (folder / "files").mkdir(exist_ok=True)
    return Settings(**(values | changes))


@pytest.fixture
def clock() -> MovableClock:
    """Stands at Monday 2 March 2026, 10:00 in China, until the test moves it."""
    return MovableClock()


@pytest.fixture(scope="session")
def _shipped() -> Any:
    from govservice.definitions.library import load_library

    return load_library(ROOT / "workflows")


@pytest.fixture(scope="session")
def definitions(_shipped: Any) -> Any:
    """The shipped definitions, loaded and checked once."""
    return _shipped


@pytest.fixture(scope="session")
def calendars() -> Mapping[str, Any]:
    """The shipped working-day calendars by code."""
    from govservice.worktime.calendar import load_calendars

    return load_calendars(ROOT / "workflows" / "calendars")


# -- the browser


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A running portal with enough history for a bottleneck, as `make run` starts it; one per test process."""
    with running(tmp_path_factory.mktemp("portal"), cases=120) as started:
        yield started


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Chromium as the machine has it, quiet: it must not look for the world outside."""
    return {**browser_type_launch_args, **browser.launch_args()}
