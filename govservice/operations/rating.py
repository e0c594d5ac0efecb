"""好差评 (GB/T 39735-2020): the applicant's one judgement of a closed case, and messages marked as read."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from govservice.engine.types import Actor
from govservice.errors import Invalid, NotAllowed, NotFound
from govservice.models.cases import Case
from govservice.models.papers import Message, Rating
from govservice.models.session import box_of
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime
from govservice.queries.access import addressed_to

MAX_COMMENT = 1000  # characters


def rate(rt: Runtime, actor: Actor, case_id: str, *, stars: int, comment: str, now: datetime) -> None:
    """Keeps the judgement of a closed case, once. Raises Invalid for other than 1 to 5 stars, NotAllowed while the
    case runs and where it was rated already."""
    if not 1 <= stars <= 5:
        raise Invalid({"stars": "Choose from 1 to 5."})
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        if case.status != "closed":
            raise NotAllowed("A case can be rated once it is closed.")
        if session.get(Rating, case_id) is not None:
            raise NotAllowed("This case was rated already. Thank you.")
        box = box_of(session, case.applicant_id)
        if box is None:
            raise NotFound()
        words = comment.strip()[:MAX_COMMENT]
        sealed = box.seal_text(words, f"ratings:{case_id}") if words else None
        session.add(
            Rating(case_id=case_id, stars=stars, comment_enc=sealed, at=now, service=case.service, area=case.area)
        )


def mark_read(rt: Runtime, actor: Actor, *, now: datetime) -> None:
    """Every message in the person's inbox counts as read; an organisation's inbox is one, whoever reads it."""
    mine = addressed_to(actor.person_id or "", actor.organisation_id, rt.today(now))
    shown = select(Message.id).join(Case, Case.id == Message.case_id).where(mine, Message.read_at.is_(None))
    with rt.write() as session:
        session.execute(update(Message).where(Message.id.in_(shown)).values(read_at=now))
