"""Notices in people's inboxes: the one place that puts them there.

A notice holds no text: its page is composed from what it tells about, an event or a row of another table.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import NOTICES
from govservice.messaging.outbox import Effect
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.papers import Message

PREFIXES = ("notice.", "message.")  # the law's own notices; messages that a definition asks for
TO_OTHERS = ("invite", "remind")  # to another person than the applicant: `person.invite`, `person.remind`
KINDS = (
    *NOTICES,
    "extension",
    "pause",
    "fee",
    "appointment",
    "renewal",
    "data_changed",
    "disputed",
    "owed",
    *TO_OTHERS,
)


def deliver_notice(session: Session, effect: Effect, now: datetime, person_id: str | None = None) -> bool:
    """Puts the notice of an effect into somebody's inbox (default: whoever filed). Returns False when it is there.

    Raises ValueError for a kind of notice that does not exist.
    """
    if session.scalar(select(Message.id).where(Message.effect_key == effect.key)) is not None:
        return False
    person = person_id or session.get_one(Case, effect.case_id).applicant_id
    session.add(Message(**notice_row(effect, person, now)))
    return True


def tell(session: Session, case: Case, kind: str, about: str, now: datetime) -> None:
    """Puts a notice that no event sends into the inbox of whoever filed: the case's next of its kind. `about` is the id
    of the row that its page tells about, and stands last in the key."""
    of_kind = select(func.max(Message.seq)).where(Message.case_id == case.id, Message.kind == kind)
    seq = 1 + (session.scalar(of_kind) or 0)
    session.add(Message(**_row(case.id, case.applicant_id, kind, f"{case.id}:{kind}:{seq}:{about}", seq, now)))


def kind_of(effect: Effect) -> str:
    """Raises ValueError for a kind of notice that does not exist."""
    kind = effect.topic.partition(".")[2]
    if kind not in KINDS:
        raise ValueError(f"there is no notice of kind {kind!r}")
    return kind


def notice_row(effect: Effect, person_id: str, now: datetime) -> dict[str, Any]:
    """The columns of the message that an effect becomes."""
    return _row(effect.case_id, person_id, kind_of(effect), effect.key, effect.seq, now)


def _row(case_id: str, person_id: str, kind: str, key: str, seq: int, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(), "case_id": case_id, "person_id": person_id, "kind": kind, "effect_key": key, "seq": seq,
        "params_enc": None, "created_at": now, "read_at": None,
    }  # fmt: skip
