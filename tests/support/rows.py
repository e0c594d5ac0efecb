"""Rows of the engine's tables as a test needs them, past the engine: for pages whose cases need no history.

The ORM refuses to write them (`models.session.refuse_case_state`); these go in by plain INSERT.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session


def put(session: Session, row: Any) -> None:
    """Inserts what an object of an engine's table says; columns without a value keep their default."""
    session.flush()  # what it points at comes first
    given = {c.key: getattr(row, c.key) for c in inspect(type(row)).columns if c.key in row.__dict__}
    session.execute(insert(type(row).__table__), given)
