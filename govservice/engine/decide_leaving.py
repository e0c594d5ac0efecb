"""What ends with a token's stay: excluded time, and the opinions that its step waited for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govservice.engine import consults
from govservice.engine import decide_pauses as pauses
from govservice.engine.decide_work import Work

CANCELLED = "cancelled"


def drop(work: Work, token_id: int) -> None:
    """A token is about to leave its step. An opinion that is not waited for is still of use later: it stays asked."""
    pauses.drop(work, token_id)
    for token in consults.awaited(work.d, work.st, token_id):
        take_back(work, token.id)


def drop_all(work: Work) -> None:
    """The case ends: nobody is asked for anything any more."""
    for token in consults.open_consults(work.st):
        take_back(work, token.id)


def take_back(work: Work, token_id: int, facts: Mapping[str, Any] | None = None) -> None:
    """A department need not answer any more."""
    step = work.token(token_id).step
    work.emit("consult.ended", token_id, {"step": step, "outcome": CANCELLED, **(facts or {})})
