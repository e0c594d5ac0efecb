"""Connections: one engine per database, sessions for reading and for writing.

SQLite needs WAL, a busy timeout, foreign keys and `BEGIN IMMEDIATE` for writers: its default defers the write
lock, and two transactions that read first and write later would fail with "database is locked".
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.orm import Session, sessionmaker

from govservice.errors import LostRace
from govservice.models.base import EngineOwned
from govservice.models.keyring import Box, Keyring
from govservice.models.people import Person

BUSY_TIMEOUT_MS = 15_000
TRIES = 3  # of a transaction that lost a race
T = TypeVar("T")
RESTED_S = 1.0  # seconds after which a pooled connection is asked whether it lives


def normalise_url(url: str) -> str:
    """`postgres://` and `postgresql://` mean psycopg 3 here."""
    for prefix in ("postgres://", "postgresql://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url


def make_engine(url: str, *, pool_size: int = 5, synchronous: str = "FULL") -> Engine:
    """An engine with what each dialect needs. `synchronous` is SQLite's: FULL survives a power cut."""
    url = normalise_url(url)
    if url.startswith("sqlite"):
        engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000, "check_same_thread": False})
        _prepare_sqlite(engine, synchronous)
        return engine
    engine = create_engine(url, pool_size=pool_size, max_overflow=pool_size)
    _ask_after_a_pause(engine)
    return engine


def _ask_after_a_pause(engine: Engine) -> None:
    """A connection that rested is asked whether it still lives before it is handed out; one that was used just now is
    not: the question is a round trip of its own, which every step would pay (docs/bench.md)."""

    @event.listens_for(engine, "checkin")
    def _rests(_connection: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def _ask(connection: Any, record: Any, _proxy: Any) -> None:
        since = record.info.get("since")
        if since is None or time.monotonic() - since < RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error  # the pool gives it up and takes another one


def _prepare_sqlite(engine: Engine, synchronous: str) -> None:
    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # pysqlite must not open transactions by itself
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            f"synchronous={synchronous}",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


class Database:
    """The two ways to a database: `read()` and `write()` sessions, each carrying the keyring."""

    def __init__(self, engine: Engine, keyring: Keyring) -> None:
        self.engine = engine
        self.keyring = keyring
        info = {"keyring": keyring}
        self._readers = sessionmaker(engine, info=info, expire_on_commit=False)
        self._writers = sessionmaker(engine.execution_options(writing=True), info=info, expire_on_commit=False)
        for made in (self._readers, self._writers):
            event.listen(made, "before_flush", refuse_case_state)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session whose work is never committed."""
        session = self._readers()
        try:
            yield session
        finally:
            session.close()

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that commits when the block ends well and rolls back when it does not."""
        session = self._writers()
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
        finally:
            session.close()

    def in_passing(self, statement: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        """One statement in a transaction of its own, for what may be lost in a power cut: nobody waits for the disk.
        Returns its rows."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.begin() as connection:
                connection.execute(text("SET LOCAL synchronous_commit = off"))
                return [tuple(row) for row in connection.execute(text(statement), values)]
        with self.engine.connect() as connection:
            raw: Any = connection.connection.driver_connection  # no transaction is open: each statement is one
            (kept,) = raw.execute("PRAGMA synchronous").fetchone()
            raw.execute("PRAGMA synchronous = NORMAL")
            try:
                return list(raw.execute(statement, values).fetchall())
            finally:
                raw.execute(f"PRAGMA synchronous = {kept}")

    def retrying(self, work: Callable[[Session], T], tries: int = TRIES) -> T:
        """Runs `work` in a writing transaction; the whole of it again where another one was first (LostRace), at most
        `tries` times: the second try sees the winner's work."""
        for attempt in range(1, tries + 1):
            try:
                with self.write() as session:
                    return work(session)
            except LostRace:
                if attempt == tries:
                    raise
        raise AssertionError("unreachable")


def refuse_case_state(session: Session, _context: Any, _instances: Any) -> None:
    """One place changes a case: an object of the engine's tables that was made, changed or deleted is never flushed.

    Raises TypeError naming the tables; the transaction is rolled back by whoever opened it.
    """
    touched = [*session.new, *session.deleted, *(row for row in session.dirty if session.is_modified(row))]
    owned = sorted({type(row).__name__ for row in touched if isinstance(row, EngineOwned)})
    if owned:
        raise TypeError(f"only the engine writes case state: {', '.join(owned)}")


def box_of(session: Session, person_id: str) -> Box | None:
    """The box of a person, or None when erased. Kept for the session's life (unwrapping costs ~10 us)."""
    boxes: dict[str, Box | None] = session.info.setdefault("boxes", {})
    if person_id not in boxes:
        row = session.get_one(Person, person_id)
        keyring: Keyring = session.info["keyring"]
        boxes[person_id] = keyring.box(row.key_wrapped, row.key_id)
    return boxes[person_id]
