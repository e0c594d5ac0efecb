"""Throwing a draft away: what was typed, fetched and attached for it is erased, and nobody is shown it any more.

What was sent is withdrawn instead: it stays in the record. That registries were asked for the draft stays in the
person's own list of reads.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.errors import N_, NotAllowed
from govservice.models.cases import Case, CaseData
from govservice.models.exchange import Fact
from govservice.models.papers import File
from govservice.models.reliance import Dispute
from govservice.models.work import DiscardedDraft
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime

SENT = N_("This application was sent already. You can withdraw it.")


def discard(rt: Runtime, actor: Actor, case_id: str, *, now: datetime) -> None:
    """Erases a draft of the actor's; the same again does nothing more. Raises NotFound, NotAllowed for one that was
    sent."""
    with rt.write() as session:
        done = session.get(DiscardedDraft, case_id)
        if done is not None and done.by == actor.id:
            return
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        if case.status != "draft":
            raise NotAllowed(SENT)
        session.add(DiscardedDraft(case_id=case_id, by=actor.id, at=now))
        session.execute(update(CaseData).where(CaseData.case_id == case_id).values(form_enc=None))
        session.execute(update(Fact).where(Fact.case_id == case_id).values(value_enc=None))
        session.execute(
            update(Dispute)
            .where(Dispute.case_id == case_id, Dispute.state == "sent")
            .values(state="withdrawn", answered_at=now, said_enc=None)
        )
        paths = _files(rt, session, case_id, now)
    for path in paths:  # after the commit: a draft that stays keeps its files
        path.unlink(missing_ok=True)


def is_discarded(rt: Runtime, actor: Actor, number: str) -> bool:
    """Whether the actor threw this draft away before."""
    with rt.read() as session:
        done = select(DiscardedDraft.case_id).join(Case, Case.id == DiscardedDraft.case_id)
        return session.scalar(done.where(Case.number == number, DiscardedDraft.by == actor.id)) is not None


def _files(rt: Runtime, session: Session, case_id: str, now: datetime) -> list[Path]:
    """Takes the files out of the draft, names and all. Returns where their contents lie."""
    files = session.scalars(select(File).where(File.case_id == case_id)).all()
    for file in files:
        file.removed_at, file.display_name_enc = file.removed_at or now, None
    return [rt.storage / file.stored_name[:2] / file.stored_name for file in files]
