"""Faults at the boundary to the database: the driver's own connections, which can die or fail at any write.

A boundary is the instant before and after every statement that writes, and before and after every commit. `Faults`
counts them while something is armed; when the count is reached it raises what was armed:

- `Crash` (no Exception, so that nothing catches it): the process is gone. What was not committed is rolled back, as the
  database does for a dead connection; after a commit it means that the answer was lost.
- the driver's own errors: a disk that is full, a serialization failure.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import Engine, event

Hook = Callable[[str], None]
WRITES = ("INSERT", "UPDATE", "DELETE", "WITH")


class Crash(BaseException):
    """The virtual process died here."""


class Faults:
    """What is armed: `raises` at the `after`-th boundary from now. `watch` sees every boundary (probes, interleaving).

    `passed` counts boundaries since the last `arm`, `hit` says whether the fault came.
    """

    def __init__(self) -> None:
        self.raises: Callable[[], BaseException] | None = None
        self.after = 0
        self.hit = ""
        self.watch: Hook | None = None
        self.open: list[Any] = []  # connections of the product

    def arm(self, raises: Callable[[], BaseException], after: int) -> None:
        self.raises, self.after, self.hit = raises, after, ""

    def disarm(self) -> str:
        """Nothing more will happen. Returns where it happened, or nothing."""
        hit, self.raises, self.hit = self.hit, None, ""
        return hit

    def bury(self, engine: Engine) -> None:
        """After a crash: the database rolls back what the dead process had begun, and its connections are gone."""
        begun = [c for c in self.open if in_transaction(c)]
        for connection in begun:
            connection.rollback()
            connection.close()
        self.open = [c for c in self.open if c not in begun]
        if begun:
            engine.dispose()

    def boundary(self, where: str) -> None:
        if self.watch is not None:
            self.watch(where)
        if self.raises is None:
            return
        if self.after > 0:
            self.after -= 1
            return
        made, self.raises, self.hit = self.raises(), None, where
        raise made


def in_transaction(connection: Any) -> bool:
    """Whether a driver's connection has a transaction open."""
    if isinstance(connection, sqlite3.Connection):
        return connection.in_transaction
    return not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE


def lite_full() -> BaseException:
    return sqlite3.OperationalError("database or disk is full")


def pg_full() -> BaseException:
    return psycopg.errors.DiskFull("could not extend file: no space left")


def pg_race() -> BaseException:
    return psycopg.errors.SerializationFailure("could not serialize access")


def writes(text: Any) -> bool:
    return isinstance(text, str) and text.lstrip()[:6].upper().startswith(WRITES)


def install(engine: Engine, faults: Faults) -> None:
    """Every connection that the engine opens from now on tells `faults` of its boundaries."""

    class LiteCursor(sqlite3.Cursor):
        def execute(self, sql: str, *args: Any) -> Any:
            if not writes(sql):
                return super().execute(sql, *args)
            faults.boundary("before write")
            done = super().execute(sql, *args)
            faults.boundary("after write")
            return done

        def executemany(self, sql: str, *args: Any) -> Any:
            faults.boundary("before write")
            return super().executemany(sql, *args)

    class LiteConnection(sqlite3.Connection):
        def cursor(self, factory: Any = LiteCursor) -> Any:
            return super().cursor(factory)

        def commit(self) -> None:
            if not self.in_transaction:
                return super().commit()
            faults.boundary("before commit")
            super().commit()
            return faults.boundary("after commit")

    class PgCursor(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **more: Any) -> Any:
            if not writes(query):
                return super().execute(query, *args, **more)
            faults.boundary("before write")
            done = super().execute(query, *args, **more)
            faults.boundary("after write")
            return done

    class PgConnection(psycopg.Connection[Any]):
        def commit(self) -> None:
            faults.boundary("before commit")
            super().commit()
            faults.boundary("after commit")

    @event.listens_for(engine, "connect")
    def _known(connection: Any, _record: Any) -> None:
        faults.open.append(connection)

    @event.listens_for(engine, "close")
    def _gone(connection: Any, _record: Any) -> None:
        faults.open = [c for c in faults.open if c is not connection]
        if in_transaction(connection):
            connection.rollback()  # a closed SQLite connection keeps its lock while a cursor lives

    @event.listens_for(engine, "do_connect")
    def _connect(_dialect: Any, _record: Any, args: Any, params: Any) -> Any:
        if engine.dialect.name == "sqlite":
            params |= {"factory": LiteConnection, "timeout": 0.0}
            return None
        return PgConnection.connect(*args, cursor_factory=PgCursor, **params)
