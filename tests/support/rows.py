"""Rows as a test needs them: of the engine's tables past the engine, for pages whose cases need no history, and what
no act of a person changes.

The ORM refuses to write the engine's (`models.session.refuse_case_state`); these go in by plain INSERT.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import insert, inspect
from sqlalchemy.orm import Session

from govservice.models.people import Mandate
from govservice.operations.runtime import Runtime


def put(session: Session, row: Any) -> None:
    """Inserts what an object of an engine's table says; columns without a value keep their default."""
    session.flush()  # what it points at comes first
    given = {c.key: getattr(row, c.key) for c in inspect(type(row)).columns if c.key in row.__dict__}
    session.execute(insert(type(row).__table__), given)


def end_mandate(rt: Runtime, mandate_id: str, now: datetime) -> None:
    """A mandate is over, as one of a legal representative is whom the register has struck out."""
    with rt.write() as session:
        session.get_one(Mandate, mandate_id).revoked_at = now
