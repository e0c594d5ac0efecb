"""The answer of an auto step's call: how the world outside replied, told to the case as the system's act."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy.orm import Session

from govservice.engine import SYSTEM, Command, apply
from govservice.errors import NotAllowed, Unverified
from govservice.messaging.outbox import Effect
from govservice.operations.runtime import Runtime

log = structlog.get_logger(__name__)
NOTHING: Mapping[str, Any] = MappingProxyType({})


def answer(
    rt: Runtime, session: Session, effect: Effect, trigger: str, now: datetime, data: Mapping[str, Any] = NOTHING
) -> bool:
    """Tells the case how its auto step went. False where the case moved on in the meantime: it is left as it is.

    Raises Unverified where the answer decides and the registries must be asked first: then the effect comes again."""
    command = Command(
        case_id=effect.case_id, trigger=trigger, idem=f"{effect.key}:{trigger}", now=now, actor=SYSTEM,
        token_id=effect.payload["token_id"], data=data,
    )  # fmt: skip
    try:
        with session.begin_nested():
            apply(session, command, rt.definitions, rt.calendars)
    except Unverified:
        raise
    except NotAllowed:
        log.info("effect.answer_too_late", case_id=effect.case_id, topic=effect.topic, trigger=trigger)
        return False
    return True
