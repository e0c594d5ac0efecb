"""Issuing a licence: a numbered document with a code that anyone can verify."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from govservice.codes import LICENCE_CODE
from govservice.definitions.compiled import Compiled
from govservice.definitions.questions import Named
from govservice.errors import LostRace, NotAllowed
from govservice.messaging.outbox import Effect
from govservice.models.base import new_id, to_iso
from govservice.models.casedata import read_form
from govservice.models.cases import Case, CaseEvent, Token
from govservice.models.papers import IssuedDocument, seal_of
from govservice.models.people import Organisation
from govservice.operations.runtime import Runtime
from govservice.queries import conditions
from govservice.worktime.duration import Duration

TRIES = 5  # to find a number that nobody else has taken meanwhile
PLEDGE_BROKEN, BY_DECISION = "pledge_broken", "by_decision"  # why a document was revoked


def issue_document(rt: Runtime, session: Session, effect: Effect, now: datetime) -> IssuedDocument:
    """Writes the issued document of a case; the same effect again returns the one that exists.

    The document holds public content only: the fields that `workflows/documents.yaml` says stand on it.
    Raises NotAllowed where the definition names no document.
    """
    existing = session.scalar(select(IssuedDocument).where(IssuedDocument.effect_key == effect.key))
    if existing is not None:
        return existing
    case = session.get_one(Case, effect.case_id)
    compiled = rt.definitions.by_sha(case.def_sha)
    if compiled.service.output is None:
        raise NotAllowed("The definition issues no document.", case_id=case.id)
    for _ in range(TRIES):
        document = _document(rt, session, case, compiled, effect, now)
        try:
            with session.begin_nested():
                session.add(document)
            return document
        except IntegrityError:  # another office took the number at this moment
            continue
    raise LostRace(case_id=case.id)


def revoke_document(session: Session, effect: Effect) -> bool:
    """Revokes what the case issued, from the instant of the act (which may be before this delivery). The reason is a
    code that anybody may read; the clerk's words stand in the holder's notice. False where nothing is left to revoke.
    """
    act = session.get_one(CaseEvent, (effect.case_id, effect.seq))
    token = session.get(Token, (effect.case_id, act.token_id)) if act.token_id is not None else None
    held = select(IssuedDocument).where(IssuedDocument.case_id == effect.case_id, IssuedDocument.revoked_at.is_(None))
    found = session.scalars(held.order_by(IssuedDocument.created_at.desc())).first()
    if found is None:
        return False
    found.revoked_at = act.at
    found.revoked_reason = PLEDGE_BROKEN if token is not None and token.kind == "after" else BY_DECISION
    return True


def next_number(session: Session, prefix: str) -> str:
    """The number after the highest with this prefix: each kind of document counts by area and year."""
    last = session.scalar(select(func.max(IssuedDocument.number)).where(IssuedDocument.number.like(f"{prefix}______")))
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:06d}"


def _document(
    rt: Runtime, session: Session, case: Case, compiled: Compiled, effect: Effect, now: datetime
) -> IssuedDocument:
    output = compiled.service.output
    assert output is not None
    kind = rt.definitions.catalogue.documents[output.document]
    issued_on = rt.calendars.for_area(case.area).local_date(now)
    holder = session.get(Organisation, case.organisation_id) if case.organisation_id else None
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    content: dict[str, Any] = {
        "title": dict(kind.title),
        "rows": public_rows(compiled, form.answers, kind.shows, rt.definitions.catalogue.areas),
        "holder": holder.name if holder else "",
        "uscc": holder.uscc if holder else "",
        "issued_on": issued_on.isoformat(),
    }
    if set_for := conditions.set_for(session, rt.definitions, compiled, case):
        found = conditions.dated(compiled, rt.calendars.for_area(case.area), set_for, now)
        content["conditions"] = [each.as_json() for each in found]
    area = rt.definitions.catalogue.areas[case.area or ""]
    return IssuedDocument(
        id=new_id(), case_id=case.id, kind=output.document,
        number=next_number(session, f"{kind.prefix}{area.prefix}{issued_on:%Y}"),
        verify_code=LICENCE_CODE.random(), holder=content["holder"],
        holder_person_id=None if holder else case.applicant_id, content=content,
        department_id=rt.definitions.catalogue.department_for(compiled.service.department, case.area) or "",
        issued_on=issued_on, valid_until=valid_until(issued_on, output.valid) if output.valid else None,
        sha256=seal_of(content), effect_key=effect.key,
        created_at=now, revoked_at=None, revoked_reason=None,
        renew_on=renew_on(valid_until(issued_on, output.valid), output.renew_from) if output.valid else None,
        reminders=0,
    )  # fmt: skip


def public_rows(
    compiled: Compiled, answers: Mapping[str, Any], names: Iterable[str], areas: Mapping[str, Named]
) -> list[dict[str, Any]]:
    """What stands on it: [{name, label: {en, zh}, value: {en, zh}}] of the named fields that were answered."""
    fields = compiled.service.fields
    answered = [n for n in names if n in fields and answers.get(n) not in (None, "", [])]
    return [{"name": n, "label": dict(fields[n].label), "value": fields[n].shown(answers[n], areas)} for n in answered]


def valid_until(issued_on: date, length: Duration) -> date:
    """The last day of validity: a licence for five years issued on 20 November holds until 19 November."""
    return length.after(issued_on) - timedelta(days=1)


def renew_on(last: date, window: Duration | None) -> date | None:
    """The first day on which a licence that holds until `last` may be renewed; None where it cannot be."""
    return last - timedelta(days=round(window.calendar_days)) if window is not None else None


def renewal_of(rt: Runtime, session: Session, case: Case) -> dict[str, Any]:
    """What a submission says of the licence that it renews; nothing where it renews none."""
    document = session.scalar(select(IssuedDocument).where(IssuedDocument.renewal_case_id == case.id))
    if document is None or document.valid_until is None:
        return {}
    ends = rt.calendars.for_area(case.area).end_of(document.valid_until)
    said = {"document": document.id, "expires_on": document.valid_until.isoformat(), "expires_at": to_iso(ends)}
    return {"renews": said}
