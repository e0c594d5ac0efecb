"""Reading a citizen's data leaves a row that the citizen sees: who, in which role, what, why, for which case."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal, NamedTuple

from sqlalchemy import insert
from sqlalchemy.orm import Session

from govservice.models.base import new_id
from govservice.models.exchange import DataAccess

Purpose = Literal[
    "registry_fetch", "registry_recheck", "registry_act", "recusal", "task", "list", "search", "supervision",
    "download", "mandate",
]  # fmt: skip


class Read(NamedTuple):
    """One person's data seen once. `what` names fields, fact types or materials, never values."""

    person_id: str
    case_id: str | None
    what: Sequence[str]
    purpose: Purpose


def record_reads(
    session: Session, actor: str, role: str | None, department_id: str | None, rows: Iterable[Read], now: datetime
) -> int:
    """Records the reads of one page in one statement, in the caller's transaction; returns how many.

    A page that shows one person's data of one case twice reads it once: equal person, case and purpose are joined.
    """
    joined: dict[tuple[str, str | None, str], dict[str, None]] = {}
    for read in rows:
        joined.setdefault((read.person_id, read.case_id, read.purpose), {}).update(dict.fromkeys(read.what))
    values = [
        {
            "id": new_id(), "subject_id": person, "actor": actor, "role": role, "department_id": department_id,
            "case_id": case, "what": list(what), "purpose": purpose, "registry_code": None, "exchange_id": None,
            "at": now,
        }
        for (person, case, purpose), what in joined.items()
    ]  # fmt: skip
    if values:
        session.execute(insert(DataAccess), values)
    return len(values)
