"""Renewing a licence: a new application that begins with what the last one said, reminders before it expires, and what
the law does where the authority has not decided by then (Administrative Licensing Law art. 50)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.errors import N_, NotAllowed, NotFound
from govservice.messaging.notices import tell
from govservice.messaging.outbox import Effect
from govservice.models.casedata import AGAIN, Form, read_form, write_form
from govservice.models.cases import Case
from govservice.models.papers import IssuedDocument
from govservice.models.people import Mandate
from govservice.operations.filing import start
from govservice.operations.issuing import renew_on, valid_until
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime

LAST_REMINDER = timedelta(days=30)  # before expiry; the first one goes out when the window opens
KEEP_AT_ONCE = 200  # licences looked at in one round
NOT_NOW = N_("This licence cannot be renewed at the moment.")


def newest(session: Session, case_id: str) -> IssuedDocument | None:
    found = select(IssuedDocument).where(IssuedDocument.case_id == case_id).order_by(IssuedDocument.created_at.desc())
    return session.scalars(found).first()


def may_renew(session: Session, document: IssuedDocument | None, today: date) -> bool:
    """Within its window, not revoked, and no other application for it runs."""
    if document is None or document.revoked_at is not None or document.renew_on is None or document.valid_until is None:
        return False
    if not document.renew_on <= today <= document.valid_until:
        return False
    running = session.get(Case, document.renewal_case_id) if document.renewal_case_id else None
    return running is None or running.status == "closed" and running.outcome != "granted"


def begin(rt: Runtime, actor: Actor, case_id: str, *, idem: str, now: datetime) -> str:
    """Opens the application that renews what a case issued, with the answers given then; returns its number, also of
    one that runs already. Raises NotAllowed outside the window, NotFound for somebody else's."""
    with rt.read() as session:
        old = own_case(session, actor, case_id, rt.today(now))
        document = newest(session, old.id)
        running = session.get(Case, document.renewal_case_id) if document and document.renewal_case_id else None
        if running is not None and running.status != "closed":
            return running.number
        if not may_renew(session, document, rt.today(now)):
            raise NotAllowed(NOT_NOW)
        actor = _acting(session, actor, old, rt.today(now))
        service, old_number, form = old.service, old.number, read_form(session, old.applicant_id, old.id, old.data_rev)
    number = start(rt, actor, service, idem=idem, now=now)
    with rt.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        document = newest(session, case_id)
        assert document is not None
        document.renewal_case_id = case.id
        if read_form(session, case.applicant_id, case.id).rev == 0:
            write_form(session, case.applicant_id, case.id, _carried(rt, case, form, old_number), actor.id, now)
    return number


def _acting(session: Session, actor: Actor, old: Case, today: date) -> Actor:
    """Whoever may see the licence of an organisation renews it in its name, by the mandate that holds today."""
    if old.organisation_id is None or actor.organisation_id == old.organisation_id:
        return actor
    held = session.scalars(
        select(Mandate).where(
            Mandate.person_id == actor.person_id, Mandate.organisation_id == old.organisation_id, Mandate.holding(today)
        )
    ).all()
    found = next((mandate for mandate in held if mandate.covers(old.service)), None)
    if found is None:
        raise NotFound()
    return replace(actor, organisation_id=found.organisation_id, mandate_id=found.id)


def _carried(rt: Runtime, case: Case, form: Form, number: str) -> Form:
    """What the applicant said themselves and is still asked; what registries hold is fetched anew."""
    fields = rt.definitions.by_sha(case.def_sha).service.fields
    kept = {n: v for n, v in form.answers.items() if form.own(n) and n in fields}
    return replace(Form(), answers=kept, sources=dict.fromkeys(kept, AGAIN + number), pages_done=form.pages_done)


def renew_by_law(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """Nobody decided before the licence expired: it holds for another term. The same effect again changes nothing."""
    case = session.get_one(Case, effect.case_id)
    document = session.scalar(
        select(IssuedDocument).where(IssuedDocument.renewal_case_id == case.id).with_for_update()
    )  # fmt: skip
    output = rt.definitions.by_sha(case.def_sha).service.output
    if document is None or document.renewed_at is not None or document.valid_until is None or output is None:
        return
    if output.valid is not None:
        document.valid_until = valid_until(document.valid_until + timedelta(days=1), output.valid)
        document.renew_on = renew_on(document.valid_until, output.renew_from)
    document.renewed_at, document.reminders = now, 0


def remind_due(rt: Runtime, now: datetime) -> int:
    """Tells holders that the time to renew has come, and once more before it is over. Returns how many were told."""
    today = rt.today(now)
    with rt.write() as session:
        last = today + LAST_REMINDER
        due = session.scalars(
            select(IssuedDocument)
            .where(
                IssuedDocument.renew_on <= today, IssuedDocument.valid_until >= today,
                IssuedDocument.revoked_at.is_(None), IssuedDocument.renewal_case_id.is_(None),
                (IssuedDocument.reminders == 0)
                | ((IssuedDocument.reminders == 1) & (IssuedDocument.valid_until <= last)),
            )
            .limit(KEEP_AT_ONCE)
            .with_for_update(skip_locked=True)
        ).all()  # fmt: skip
        for document in due:
            document.reminders = 2 if document.valid_until is not None and document.valid_until <= last else 1
            tell(session, session.get_one(Case, document.case_id), "renewal", document.id, now)
        return len(due)
