"""A registry that is a view in a database: one named question of the registry's file, read only, about one subject.

The role that the deployment gives should be able to read the view and nothing else; the transaction is read only
whatever the role may do. Nothing is built from text: the subject is the only thing filled in.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError, TimeoutError

from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange.connectors.base import Answer, Deed, Probe, Query
from govservice.exchange.connectors.identity import Keys
from govservice.exchange.outcomes import Outcome

ENOUGH = 2  # rows: one is the answer, a second one says that there is no single one
MAX_TEXT = 4000


class Sql:
    """The connector of one database. `endpoint` is its SQLAlchemy URL; SQLite is opened read only."""

    kind = "sql"

    def __init__(self, registry: RegistryFile, endpoint: str, keys: Keys) -> None:
        self.registry = registry
        self._engine = _engine(endpoint, registry.limits.max_inflight)

    def close(self) -> None:
        self._engine.dispose()

    def fetch(self, query: Query) -> Answer:
        """Asks once. Every fault of the database becomes an outcome."""
        dataset = self.registry.datasets[query.dataset]
        statement = self.registry.statements[dataset.request.statement]
        sha = hashlib.sha256(json.dumps([statement, query.subject.value, query.as_of]).encode()).hexdigest()
        deadline = min(query.deadline, time.monotonic() + self.registry.limits.timeout_ms / 1000)
        if deadline <= time.monotonic():
            return Answer(Outcome.TIMEOUT, request_sha=sha, detail="no_time_left")
        try:
            columns, rows = self._rows(statement, query.subject.value, deadline, query.as_of)
        except SQLAlchemyError as error:
            return _fault(error, sha, late=time.monotonic() >= deadline)
        if missing := set(query.fields) - set(columns):
            return Answer(Outcome.SCHEMA_VIOLATION, request_sha=sha, detail=f"no_column:{min(missing)}")
        records = [{name: _plain(value) for name, value in zip(columns, row, strict=True)} for row in rows]
        said = json.dumps(records, ensure_ascii=False, sort_keys=True, default=str).encode()
        if len(said) > self.registry.limits.max_bytes:
            return Answer(Outcome.SCHEMA_VIOLATION, request_sha=sha, detail="too_large")
        return Answer(Outcome.OK, {"records": records}, request_sha=sha, response_sha=hashlib.sha256(said).hexdigest())

    def do(self, deed: Deed) -> Answer:
        """A view does nothing: its file can name no act."""
        return Answer(Outcome.DENIED, detail="read_only")

    def probe(self, deadline: float) -> Probe:
        """Whether every statement can be asked and has the columns that the datasets map."""
        for ref, dataset in self.registry.datasets.items():
            try:
                columns, _rows = self._rows(self.registry.statements[dataset.request.statement], "", deadline)
            except SQLAlchemyError as error:
                return Probe(False, f"{ref}: {type(error).__name__}")
            wanted = {field.path.partition(".")[0] for field in dataset.fields.values()}
            if missing := sorted(wanted - set(columns)):
                return Probe(False, f"{ref}: no column {', '.join(missing)}")
        return Probe(True, "every statement can be asked")

    def _rows(
        self, statement: str, subject: str, deadline: float, as_of: str | None = None
    ) -> tuple[list[str], list[Any]]:  # fmt: skip
        with self._engine.connect() as connection, _bounded(connection, deadline):
            # a statement of the registry's file, read-only as its schema checks it; the subject is bound, never pasted
            asked = text(f"SELECT * FROM ({statement}) AS asked LIMIT {ENOUGH}")  # noqa: S608
            # a date or period that the file's statement does not ask for is not filled in
            when = {"as_of": as_of} if ":as_of" in statement else {}
            found = connection.execute(asked, {"subject": subject, **when})
            return list(found.keys()), list(found.fetchall())


def _engine(endpoint: str, places: int) -> Engine:
    """An engine of its own, without anything that a portal's database has."""
    url = make_url(endpoint)
    if url.get_backend_name() == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
        return create_engine(
            url, pool_size=places, max_overflow=0, pool_timeout=1, pool_pre_ping=True,
            connect_args={"connect_timeout": 2},
        )  # fmt: skip
    path = url.database or ""
    engine = create_engine(
        f"sqlite:///file:{path}?mode=ro&uri=true", pool_size=places, max_overflow=0, pool_timeout=1,
        connect_args={"check_same_thread": False},
    )  # fmt: skip

    @event.listens_for(engine, "connect")
    def _read_only(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA query_only = ON")

    return engine


@contextmanager
def _bounded(connection: Connection, deadline: float) -> Iterator[None]:
    """A transaction that reads only and ends at the deadline."""
    left = max(deadline - time.monotonic(), 0.001)
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET TRANSACTION READ ONLY"))
        connection.execute(text(f"SET LOCAL statement_timeout = {max(int(left * 1000), 1)}"))
        yield
        connection.rollback()
        return
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.set_progress_handler(lambda: time.monotonic() >= deadline, 10_000)  # SQLite knows no limit of time
    try:
        yield
    finally:
        driver.set_progress_handler(None, 0)
        connection.rollback()


def _fault(error: SQLAlchemyError, sha: str, *, late: bool) -> Answer:
    """What a database's error means: no answer, no right, or a view that is not as our file says."""
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    name = type(error).__name__
    if late or state == "57014" or isinstance(error, TimeoutError) or "interrupted" in str(getattr(error, "orig", "")):
        return Answer(Outcome.TIMEOUT, request_sha=sha)
    if state == "42501" or state.startswith("28"):
        return Answer(Outcome.DENIED, request_sha=sha, detail=name)
    if state.startswith(("42", "22")) or "no such" in str(getattr(error, "orig", "")):
        return Answer(Outcome.SCHEMA_VIOLATION, request_sha=sha, detail=name)
    broken = isinstance(error, (OperationalError, DBAPIError))
    return Answer(Outcome.UNAVAILABLE if broken else Outcome.SCHEMA_VIOLATION, request_sha=sha, detail=name)


def _plain(value: Any) -> Any:
    """What JSON would hold: days and instants as text, numbers exact; a text of any length is cut off as no answer."""
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is not None else f"{value.isoformat()}Z"
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int, bool, Decimal)):
        return value
    return str(value)[:MAX_TEXT]
