"""Notices in the applicant's inbox. A notice holds no text: its page is composed from the event it tells about."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import NOTICES
from govservice.messaging.outbox import Effect
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.papers import Message

PREFIXES = ("notice.", "message.")  # the law's own notices; messages that a definition asks for
TO_OTHERS = ("invite", "remind")  # to another person than the applicant: `person.invite`, `person.remind`
KINDS = (*NOTICES, "extension", "pause", "fee", "renewal", "data_changed", *TO_OTHERS)


def deliver_notice(session: Session, effect: Effect, now: datetime) -> bool:
    """Puts the notice of an effect into the inbox of the person who filed. Returns False when it is there already.

    Raises ValueError for a kind of notice that does not exist.
    """
    if session.scalar(select(Message.id).where(Message.effect_key == effect.key)) is not None:
        return False
    case = session.get_one(Case, effect.case_id)
    session.add(Message(**notice_row(effect, case.applicant_id, now)))
    return True


def kind_of(effect: Effect) -> str:
    """Raises ValueError for a kind of notice that does not exist."""
    kind = effect.topic.partition(".")[2]
    if kind not in KINDS:
        raise ValueError(f"there is no notice of kind {kind!r}")
    return kind


def notice_row(effect: Effect, person_id: str, now: datetime) -> dict[str, Any]:
    """The columns of the message that an effect becomes."""
    return {
        "id": new_id(), "case_id": effect.case_id, "person_id": person_id, "kind": kind_of(effect),
        "effect_key": effect.key, "seq": effect.seq, "params_enc": None, "created_at": now, "read_at": None,
    }  # fmt: skip
