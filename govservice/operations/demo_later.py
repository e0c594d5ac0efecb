"""Rows of the demonstration's history that nothing on the time line reads: written many at once."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, update
from sqlalchemy.orm import Session

from govservice.models.base import Base
from govservice.models.cases import Outbox

OUTBOX = cast("Table", Outbox.__table__)
SETTLE = (
    update(OUTBOX).where(OUTBOX.c.id == bindparam("key")).values(done_at=bindparam("at"), attempts=1, last_error=None)
)


class Later:
    """Collects rows by table, and effects that were delivered."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: dict[type[Base], list[dict[str, Any]]] = {}
        self.settled: list[dict[str, Any]] = []

    def add(self, model: type[Base], row: dict[str, Any]) -> None:
        self.rows.setdefault(model, []).append(row)

    def settle(self, key: str, at: datetime) -> None:
        """The effect was delivered, at the first try."""
        self.settled.append({"key": key, "at": at})

    def write(self) -> None:
        """One statement per table."""
        connection = self.session.connection()
        for model, rows in self.rows.items():
            connection.execute(insert(cast("Table", model.__table__)), rows)
        if self.settled:
            connection.execute(SETTLE, self.settled)
        self.rows, self.settled = {}, []
