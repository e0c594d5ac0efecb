"""A person takes a consent back: from then on the register is not asked under it, whoever wants to.

Of a draft the values go as well, and the person brings the data themselves. A case that runs keeps what it was sent
with and goes on: what the decision relies on is then proved by the person's own paper, not by the register.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from govservice.engine import Actor
from govservice.errors import NotFound
from govservice.exchange import consents
from govservice.models.base import to_iso
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.operations.filing import fetch_facts
from govservice.operations.runtime import Runtime


def revoke(rt: Runtime, actor: Actor, consent_id: str, *, now: datetime) -> None:
    """Withdraws a consent of one's own. A second time changes nothing. Raises NotFound for somebody else's."""
    with rt.write() as session:
        row = session.scalars(select(Consent).where(Consent.id == consent_id).with_for_update()).one_or_none()
        if row is None or actor.person_id is None or row.person_id != actor.person_id:
            raise NotFound()
        if row.revoked_at is not None:
            return
        case = session.get_one(Case, row.case_id, with_for_update=True)
        consents.end(session, case.id, [row.fact], now)
        draft = case.status == "draft"
        if draft:
            form = read_form(session, case.applicant_id, case.id)
            declined = tuple(dict.fromkeys((*form.declined, row.fact)))
            changed = replace(form, declined=declined, agreed_at=form.agreed_at or to_iso(now))
            write_form(session, case.applicant_id, case.id, changed, actor.id, now)
        case_id = case.id
    if draft:
        fetch_facts(rt, actor, case_id, now=now)
