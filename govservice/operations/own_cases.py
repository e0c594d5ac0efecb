"""Which case is whose: the question that every act of an applicant begins with."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.errors import NotFound
from govservice.models.cases import Case
from govservice.queries.access import filed_by


def own_case(session: Session, actor: Actor, case_id: str, today: date, *, lock: bool = False) -> Case:
    """The case, if the actor filed it or acts for its organisation by a mandate that holds on the legal day `today`
    (`Runtime.today`). Raises NotFound: not yours looks like not there.

    `lock` holds the row until the transaction ends, so that two requests of one applicant come one after the other.
    """
    own = filed_by(actor.person_id or "", actor.organisation_id, today)
    query = select(Case).where(Case.id == case_id, own).execution_options(populate_existing=lock)
    case = session.scalar(query.with_for_update() if lock else query)
    if case is None:
        raise NotFound()
    return case
