"""The simulation's own eye on the database: a connection beside the product's, which commits nothing and sees what is
committed; and a second one that tries to take a lock."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
from sqlalchemy.engine import make_url


class Eye:
    """Plain SQL with `?` marks. `changed()` says whether anything was committed since it was asked last."""

    def __init__(self, url: str) -> None:
        self.url, self.pg = url, not url.startswith("sqlite")
        self.raw = self._connect()
        self.probe = self._connect()
        self.seen = 0
        self.last_row = 0

    def _connect(self) -> Any:
        if self.pg:
            return psycopg.connect(self.url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True)
        path = make_url(self.url).database
        return sqlite3.connect(path, isolation_level=None, timeout=0.0)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        found: list[Any] = self.raw.execute(sql.replace("?", "%s") if self.pg else sql, values).fetchall()
        return found

    def row(self, sql: str, *values: Any) -> Any:
        found = self.raw.execute(sql.replace("?", "%s") if self.pg else sql, values).fetchone()
        return found

    def changed(self) -> bool | None:
        """SQLite counts commits of others; PostgreSQL cannot say so (None)."""
        if self.pg:
            return None
        before, self.seen = self.seen, self.row("PRAGMA data_version")[0]
        return before != self.seen

    def touched(self, known: dict[str, Any]) -> list[str]:
        """Ids of the cases that have events which were not read yet, in the order of their ids."""
        if self.pg:
            return [id for id, seq in self.rows("SELECT id, last_seq FROM cases ORDER BY id")
                    if id not in known or known[id].case.seq != seq]  # fmt: skip
        found = self.rows("SELECT rowid, case_id FROM case_events WHERE rowid > ?", self.last_row)
        self.last_row = max((row[0] for row in found), default=self.last_row)
        return sorted({row[1] for row in found})

    def can_hold(self, case_id: str) -> bool:
        """Whether somebody else could take hold of the case at this moment."""
        try:
            if self.pg:
                with self.probe.transaction():
                    self.probe.execute("SELECT 1 FROM cases WHERE id = %s FOR NO KEY UPDATE NOWAIT", (case_id,))
            else:
                self.probe.execute("BEGIN IMMEDIATE")
                self.probe.execute("ROLLBACK")
        except (sqlite3.OperationalError, psycopg.errors.LockNotAvailable):
            return False
        return True

    def close(self) -> None:
        self.raw.close()
        self.probe.close()
