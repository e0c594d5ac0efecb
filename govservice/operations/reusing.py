"""Nobody answers twice: what an applicant said and brought in an earlier application is offered in the next one.

Offered, never put in by itself: answers grow old and papers expire, so the applicant takes them over in one go, sees
each with the application it came from, and can change it before sending. Only what the same person filed for the same
party counts, and only where the question is still the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import Material
from govservice.engine import Actor
from govservice.errors import NotAllowed, NotFound
from govservice.exchange import evidence
from govservice.models.casedata import AGAIN, Form, read_form, write_form
from govservice.models.cases import Case
from govservice.models.papers import File, name_of
from govservice.operations.completeness import OpenSlots, open_slots, prune_hidden
from govservice.operations.files import KINDS, Upload, content_of, keep
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime
from govservice.queries.access import filed_by

OLDEST = timedelta(days=730)  # what was sent longer ago is asked anew
MOST = 3  # papers offered for one material, the newest first


@dataclass(frozen=True, slots=True)
class Earlier:
    """An application sent before, and what of it the open one can use: answers by field, files (ids) by material."""

    number: str
    service: str
    sent_at: datetime
    answers: Mapping[str, Any]
    files: Mapping[str, tuple[str, ...]]

    @property
    def count(self) -> int:
        return len(self.answers) + len(self.files)


@dataclass(frozen=True, slots=True)
class Paper:
    """A file given for the same kind of document before. `id` is the file's, `number` that of its application."""

    id: str
    name: str
    number: str
    given_at: datetime


def papers_for(
    rt: Runtime, session: Session, actor: Actor, case: Case, slot: str, form: Form, now: datetime
) -> list[Paper]:
    """What the applicant gave for a document of this name in any application for the same party, and not here yet."""
    if case.applicant_id != actor.person_id:
        return []
    material = rt.definitions.by_sha(case.def_sha).service.materials[slot]
    here = _here(session, form, slot)
    rows = session.execute(
        select(File, Case).join(Case, Case.id == File.case_id)
        .where(_party(rt, actor, case, now), Case.received_at >= now - OLDEST, Case.data_rev > 0)
        .where(File.kind == "material", File.removed_at.is_(None))
        .order_by(File.uploaded_at.desc())
    ).all()  # fmt: skip
    found: dict[str, Paper] = {}
    for file, old in rows:
        then = rt.definitions.by_sha(old.def_sha).service.materials.get(file.slot)
        if then is None or then.label != material.label or file.sha256 in here or file.sha256 in found:
            continue
        name = name_of(session, file)
        if name is not None and len(found) < MOST and _accepted(rt, material, file):
            found[file.sha256] = Paper(file.id, name, old.number, file.uploaded_at)
    return list(found.values())


def _accepted(rt: Runtime, material: Material, file: File) -> bool:
    """Whether the file would be taken today: of a kind and a size that the document may have."""
    limit = min(material.max_mb, rt.settings.max_upload_mb)
    return file.mime in {KINDS[kind] for kind in material.accept} and file.size <= limit * 1024 * 1024


def _here(session: Session, form: Form, slot: str) -> set[str]:
    """Digests of what has been given for this document."""
    return {file.sha256 for id in form.materials.get(slot, ()) if (file := session.get(File, id)) is not None}


def take_paper(rt: Runtime, actor: Actor, case_id: str, slot: str, file_id: str, *, now: datetime) -> None:
    """Puts a paper given before into this draft's document; the same again changes nothing.

    Raises NotFound for a paper that is not offered, NotAllowed where the document is not asked for."""
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        if case.status != "draft" or slot not in open_slots(session, case, compiled, facts).materials:
            raise NotAllowed("This document is not asked for.")
        form = read_form(session, case.applicant_id, case_id)
        papers = {paper.id: paper for paper in papers_for(rt, session, actor, case, slot, form, now)}
        if file_id not in papers:
            file = session.get(File, file_id)
            if file is not None and file.sha256 in _here(session, form, slot):
                return
            raise NotFound()
        held = form.materials.get(slot, ())
        copies = _copies(rt, session, case, compiled, slot, (file_id,), actor, now, len(held))
        if not copies:
            raise NotFound()
        materials = {**form.materials, slot: (*held, *copies)}
        again = {**form.again, slot: papers[file_id].number}
        form = replace(form.without_promise(slot), materials=materials, again=again)
        write_form(session, case.applicant_id, case_id, form, actor.id, now)


def _party(rt: Runtime, actor: Actor, case: Case, now: datetime) -> ColumnElement[bool]:
    """The condition of another case that the same person filed for the same party and may still open."""
    own = filed_by(actor.person_id or "", case.organisation_id, rt.today(now))
    return and_(
        own,
        Case.applicant_id == case.applicant_id,
        Case.organisation_id.is_not_distinct_from(case.organisation_id),
        Case.id != case.id,
    )


def offered(
    rt: Runtime, session: Session, actor: Actor, case: Case, form: Form, slots: OpenSlots, now: datetime
) -> Earlier | None:
    """The newest application of the same service from which something is still missing in this draft; None where there
    is none, for a part of a bundle, or for somebody who did not file it."""
    if case.status != "draft" or case.parent_case_id is not None or case.applicant_id != actor.person_id:
        return None
    before = select(Case).where(
        _party(rt, actor, case, now), Case.service == case.service, Case.received_at >= now - OLDEST, Case.data_rev > 0
    )
    old = session.scalars(before.order_by(Case.received_at.desc()).limit(1)).first()
    if old is None or old.received_at is None:
        return None
    found = _usable(rt, session, old, rt.definitions.by_sha(case.def_sha), form, slots)
    return found if found.count else None


def _usable(rt: Runtime, session: Session, old: Case, compiled: Compiled, form: Form, slots: OpenSlots) -> Earlier:
    """What is still asked, was said by the applicant then, and has not been given yet. A question that has changed is
    another question."""
    then, service = rt.definitions.by_sha(old.def_sha).service, compiled.service
    said = read_form(session, old.applicant_id, old.id, old.data_rev)
    answers = {
        name: value for name, value in said.answers.items()
        if name in slots.fields and said.own(name) and name not in form.answers
        and then.fields.get(name) == service.fields.get(name)
    }  # fmt: skip
    files = {
        slot: kept for slot, ids in said.materials.items()
        if slot in slots.materials and not form.materials.get(slot) and slot in service.materials
        and (kept := tuple(id for id in ids if session.get(File, id) is not None))
    }  # fmt: skip
    assert old.received_at is not None
    return Earlier(old.number, old.service, old.received_at, answers, files)


def take_over(rt: Runtime, actor: Actor, case_id: str, number: str, *, now: datetime) -> int:
    """Puts what is offered into the draft and returns how many answers and documents that were; the same request again
    finds nothing left to do. `number`: of the application that the person was shown.

    Raises NotFound where the draft is not theirs, NotAllowed where it was sent or that application is not offered.
    """
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        if case.status != "draft":
            raise NotAllowed("This application was sent already. It can be changed only when a department asks.")
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        form = read_form(session, case.applicant_id, case_id)
        slots = open_slots(session, case, compiled, facts)
        found = offered(rt, session, actor, case, form, slots, now)
        if found is None:
            return 0
        if found.number != number:
            raise NotAllowed("You have sent another application since. Please open the page again.")
        form = form.with_answers(found.answers, AGAIN + found.number)
        materials, again = dict(form.materials), dict(form.again)
        for slot, ids in found.files.items():
            if copies := _copies(rt, session, case, compiled, slot, ids, actor, now):
                materials[slot], again[slot] = copies, found.number
                form = form.without_promise(slot)  # the proof is there: a pledge falls, nothing is put off
        form = replace(form, materials=materials, again=again)
        kept = prune_hidden(compiled, evidence.merge_answers(compiled, facts, form))
        write_form(session, case.applicant_id, case_id, kept, actor.id, now)
        return sum(kept.sources.get(name) == AGAIN + found.number for name in found.answers) + len(again)


def _copies(
    rt: Runtime, session: Session, case: Case, compiled: Compiled, slot: str, ids: tuple[str, ...], actor: Actor,
    now: datetime, held: int = 0,
) -> tuple[str, ...]:  # fmt: skip
    """The files once more, for this case: each case keeps its own papers. The day on which it was given stays. What
    is not accepted any more, or is gone, is left out: then it is asked for. `held`: how many are there already; raises
    TooLarge where no more may be."""
    made: list[str] = []
    for id in ids:
        old = session.get_one(File, id)
        if not _accepted(rt, compiled.service.materials[slot], old):
            continue
        try:
            name, content = content_of(session, rt.storage, old)
        except NotFound:
            continue
        file = keep(
            session, rt.storage, case.id, case.applicant_id, slot=slot, kind="material",
            upload=Upload(name, old.mime, content), by=actor.id, now=now, present=held + len(made),
        )  # fmt: skip
        file.uploaded_at = old.uploaded_at
        made.append(file.id)
    return tuple(made)
