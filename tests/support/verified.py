"""Decisions where no registry is at hand: a clerk has compared what they rely on with the papers."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import Applied, Command, apply
from govservice.engine.apply import DefinitionsLike
from govservice.engine.decide_work import CalendarsLike
from govservice.errors import Unverified
from govservice.models.base import new_id
from govservice.models.reliance import Revalidation


def verify(session: Session, case_id: str, names: Collection[str], now: datetime) -> None:
    """Writes of these facts that a member of staff has looked at the papers themselves."""
    session.add_all(
        Revalidation(
            id=new_id(), case_id=case_id, name=name, trigger="clerk", actor="test", result="unverified",
            outcome="no_record", old_exchange_id=None, exchange_id=None, at=now, resolution="verified",
            resolved_by="test", resolved_at=now,
        )
        for name in names
    )  # fmt: skip
    session.flush()


def relied_on(d: Compiled) -> list[str]:
    """The facts that a decision of this service asks registries for again."""
    return [name for name, node in d.service.facts.items() if node.revalidate is not None]


def apply_verified(
    session: Session, command: Command, definitions: DefinitionsLike, calendars: CalendarsLike
) -> Applied:
    """One command through the door; where registries should be asked first, a clerk has verified it."""
    try:
        return apply(session, command, definitions, calendars)
    except Unverified as lack:
        if not lack.ask or command.case_id is None:
            raise
        verify(session, command.case_id, lack.ask, command.now)
        return apply(session, command, definitions, calendars)
