"""What members of staff do with a case: claim it, act on it, send the correction notice, keep a note.

Every function opens and commits one transaction; a lost race is tried again a few times, because the second try
sees the winner's work and then says clearly what happened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import SYSTEM, Actor, Applied, Command, Expected, apply
from govservice.errors import NotFound
from govservice.models.base import new_id
from govservice.models.cases import Case, Task
from govservice.models.session import box_of
from govservice.models.work import CaseNote
from govservice.operations.files import Upload, keep
from govservice.operations.recusal import weigh
from govservice.operations.revalidating import after_decision, relying
from govservice.operations.runtime import Runtime

MAX_TEXT = 4000  # characters of a reason, an opinion or a note
NOTES = UUID("6f1d9f0e-6c1b-5a55-9a6e-0d5f2d1b7c11")  # names the ids of notes that a form key gave
T = TypeVar("T")


def in_transaction(rt: Runtime, work: Callable[[Session], T]) -> T:
    """Runs `work` in a writing transaction; the whole of it again, a few times, when a race was lost."""
    return rt.database.retrying(work)


def act(
    rt: Runtime,
    actor: Actor,
    case_id: str,
    token_id: int,
    action: str,
    *,
    expected: Expected | None,
    idem: str,
    now: datetime,
    reason: str | None = None,
    items: Mapping[str, str] | None = None,
    opinion: str | None = None,
    attachments: Mapping[str, Sequence[Upload]] | None = None,
    length: str | None = None,
) -> Applied:
    """A person takes an action at a step. `items` are the fields and materials of a correction with what is wrong;
    `attachments` are files by the name that the action requires, `length` is that of a pause (20wd).

    Where it decides, the registries are asked first for what the decision relies on (`revalidating`).

    Raises Forbidden, NotAllowed, Stale, Missing, Unverified."""
    actor = weigh(rt, actor, case_id, now)
    files = {name: list(uploads) for name, uploads in (attachments or {}).items() if uploads}
    data: dict[str, object] = {"items": dict(items or {}), "opinion": (opinion or "").strip()[:MAX_TEXT]}
    data["length"] = length
    data["files"] = {name: [u.sha256 for u in uploads] for name, uploads in files.items()}
    command = Command(
        case_id=case_id, trigger=action, idem=idem, now=now, actor=actor, token_id=token_id, expected=expected,
        data={k: v for k, v in data.items() if v}, attachments=tuple(files),
        reason=(reason or "").strip()[:MAX_TEXT] or None,
    )  # fmt: skip

    def work(session: Session) -> Applied:
        applied = apply(session, command, rt.definitions, rt.calendars)
        if not applied.replayed:
            _keep_attachments(rt, session, case_id, files, actor, now)
        after_decision(rt, session, applied, now)
        return applied

    return relying(rt, actor, case_id, now, lambda: in_transaction(rt, work))


def _keep_attachments(
    rt: Runtime,
    session: Session,
    case_id: str,
    files: Mapping[str, list[Upload]],
    actor: Actor,
    now: datetime,
) -> None:
    subject = session.get_one(Case, case_id).applicant_id
    for name, uploads in files.items():
        for upload in uploads:
            keep(
                session, rt.storage, case_id, subject,
                slot=name, kind="attachment", upload=upload, by=actor.id, now=now,
            )  # fmt: skip


def claim(rt: Runtime, actor: Actor, case_id: str, token_id: int, *, idem: str, now: datetime) -> Applied:
    """Takes a task for oneself. Raises NotAllowed when somebody else has it, saying who."""
    return _simple(rt, weigh(rt, actor, case_id, now), case_id, token_id, "@claim", idem, now)


def release(rt: Runtime, actor: Actor, case_id: str, token_id: int, *, idem: str, now: datetime) -> Applied:
    """Puts a claimed task back into the department's list."""
    return _simple(rt, actor, case_id, token_id, "@release", idem, now)


def give_back(rt: Runtime, user_id: str, *, now: datetime) -> int:
    """Puts back everything that somebody who is not there any more had taken, as the system. Returns how many."""
    with rt.read() as session:
        held = session.execute(
            select(Task.case_id, Task.token_id, Task.opened_seq).where(
                Task.assignee_id == user_id, Task.status.in_(("open", "waiting"))
            )
        ).all()
    for case_id, token_id, seq in held:
        _simple(rt, SYSTEM, case_id, token_id, "@release", f"gone:{case_id}:{user_id}:{seq}", now)
    return len(held)


def _simple(rt: Runtime, actor: Actor, case_id: str, token_id: int, trigger: str, idem: str, now: datetime) -> Applied:
    command = Command(case_id=case_id, trigger=trigger, idem=idem, now=now, actor=actor, token_id=token_id)
    return in_transaction(rt, lambda session: apply(session, command, rt.definitions, rt.calendars))


def add_note(
    rt: Runtime, actor: Actor, case_id: str, department_id: str, text: str, *, now: datetime, idem: str | None = None
) -> str:  # fmt: skip
    """An internal note; the applicant does not see it. Returns its id; the same key again keeps the first one.
    Raises NotFound for an erased applicant."""
    with rt.write() as session:
        case = session.get(Case, case_id)
        box = box_of(session, case.applicant_id) if case else None
        if case is None or box is None:
            raise NotFound()
        id = str(uuid5(NOTES, f"{actor.id}:{case_id}:{idem}")) if idem else new_id()
        if session.get(CaseNote, id) is not None:
            return id
        note = CaseNote(id=id, case_id=case_id, by=actor.id, department_id=department_id, at=now)
        note.text_enc = box.seal_text(text.strip()[:MAX_TEXT], f"case_notes:{note.id}")
        session.add(note)
        return note.id
