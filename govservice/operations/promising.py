"""What an applicant may do instead of bringing a document now: give a pledge (告知承诺), bring it later (容缺受理).

In a draft both are part of the form; sending it makes them binding. A document that was put off is brought from the
case's page while its gap is open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.engine import Actor, Command, apply, load_state
from govservice.errors import N_, Invalid, KeyReused, NotAllowed
from govservice.exchange import evidence, toll
from govservice.exchange.snapshot import latest_snapshot, seal_snapshot
from govservice.models.casedata import Form, read_form, write_form
from govservice.models.cases import Case, CommandKey
from govservice.models.papers import File
from govservice.operations.completeness import agreed, may_put_off, open_slots, pledge_of
from govservice.operations.deciding import in_transaction
from govservice.operations.files import check_upload, keep
from govservice.operations.filing import Receipt
from govservice.operations.own_cases import own_case
from govservice.operations.runtime import Runtime

STALE = N_("The words of this pledge have changed. Please read it again.")


def give_pledge(rt: Runtime, actor: Actor, case_id: str, slot: str, *, version: int, now: datetime) -> None:
    """Agrees to the pledge in the words that were shown; files given before are taken out.

    Raises NotAllowed where the material is not asked or knows no pledge that is open to them, Invalid where the words
    have changed.
    """
    with rt.write() as session:
        case, compiled, facts, form = _open(rt, session, actor, case_id, slot, now)
        words = pledge_of(rt.definitions.catalogue, compiled, facts, form, slot)
        if words is None:
            raise NotAllowed("There is no pledge for this document.")
        if words.version != version:
            raise Invalid({slot: STALE})
        given = agreed(compiled, slot, words, now)
        form = _without_files(session, form.without_promise(slot), slot, now)
        _write(session, case, replace(form, pledges={**form.pledges, slot: given}), actor, now)


def put_off(rt: Runtime, actor: Actor, case_id: str, slot: str, *, now: datetime) -> None:
    """The material comes later. Raises NotAllowed where it is not asked or cannot be put off."""
    with rt.write() as session:
        case, compiled, facts, form = _open(rt, session, actor, case_id, slot, now)
        if not may_put_off(compiled, facts, form, slot):
            raise NotAllowed("This document cannot be put off.")
        form = _without_files(session, form.without_promise(slot), slot, now)
        _write(session, case, replace(form, deferred=(*form.deferred, slot)), actor, now)


def usual_way(rt: Runtime, actor: Actor, case_id: str, slot: str, *, now: datetime) -> None:
    """Takes a pledge or a deferral back: the document is asked for again."""
    with rt.write() as session:
        case, _compiled, _facts, form = _open(rt, session, actor, case_id, slot, now)
        _write(session, case, form.without_promise(slot), actor, now)


def _open(
    rt: Runtime, session: Session, actor: Actor, case_id: str, slot: str, now: datetime
) -> tuple[Case, Compiled, evidence.Facts, Form]:
    """A draft with this material asked for. Raises NotFound, NotAllowed."""
    case = own_case(session, actor, case_id, rt.today(now), lock=True)
    if case.status != "draft":
        raise NotAllowed("This application was sent already. It can be changed only when a department asks.")
    compiled = rt.definitions.by_sha(case.def_sha)
    facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
    if slot not in open_slots(session, case, compiled, facts).materials:
        raise NotAllowed("This document is not asked for.")
    return case, compiled, facts, read_form(session, case.applicant_id, case_id)


def _without_files(session: Session, form: Form, slot: str, now: datetime) -> Form:
    for id in form.materials.get(slot, ()):
        file = session.get(File, id)
        if file is not None:
            file.removed_at = now
    return replace(form, materials={name: ids for name, ids in form.materials.items() if name != slot})


def _write(session: Session, case: Case, form: Form, actor: Actor, now: datetime) -> Form:
    return write_form(session, case.applicant_id, case.id, form, actor.id, now)


# -- bringing what was put off


def supply(
    rt: Runtime, actor: Actor, case_id: str, slot: str, given: Sequence[tuple[str, bytes]], *, idem: str, now: datetime
) -> Receipt:
    """Brings a material that was put off: `given` are files by name. The same key again returns the same receipt.

    What was prepared for a correction meanwhile stays as it is. Raises Invalid, TooLarge, NotAllowed, KeyReused.
    """

    def work(session: Session) -> Receipt:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        known = session.get(CommandKey, (actor.id, idem))
        if known is not None:
            if known.case_id != case_id:
                raise KeyReused()
            return Receipt(case.number, case_id, latest_snapshot(session, case_id).sha256, True)
        if slot not in {gap.material for gap in load_state(session, case_id).open_gaps} or not given:
            raise NotAllowed("No document was put off, or it has come already.")
        compiled = rt.definitions.by_sha(case.def_sha)
        sent = read_form(session, case.applicant_id, case_id, case.data_rev)
        prepared = read_form(session, case.applicant_id, case_id)
        ids = _keep(rt, session, case, compiled, slot, given, actor, now)
        form = _write(session, case, _brought(sent, slot, ids), actor, now)
        command = Command(
            case_id=case_id, trigger="@supply", idem=idem, now=now, actor=actor,
            data={"data_rev": form.rev, "supplied": [slot]},
        )  # fmt: skip
        applied = apply(session, command, rt.definitions, rt.calendars)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        sealed = seal_snapshot(session, case, compiled, form.as_json(), facts, reason="supplement", now=now)
        if not applied.replayed:
            toll.note(session, case, compiled, rt.definitions.catalogue, form, facts, sealed, sent)
        if prepared.rev != sent.rev:
            _write(session, case, _brought(prepared, slot, ids), actor, now)
        return Receipt(case.number, case_id, sealed.sha256, applied.replayed)

    return in_transaction(rt, work)


def _keep(
    rt: Runtime, session: Session, case: Case, compiled: Compiled, slot: str, given: Sequence[tuple[str, bytes]],
    actor: Actor, now: datetime,
) -> tuple[str, ...]:  # fmt: skip
    material = compiled.service.materials[slot]
    limit = min(material.max_mb, rt.settings.max_upload_mb)
    uploads = [check_upload(slot, name, content, material.accept, limit) for name, content in given]
    return tuple(
        keep(
            session, rt.storage, case.id, case.applicant_id, slot=slot, kind="material", upload=upload, by=actor.id,
            now=now, present=number,
        ).id
        for number, upload in enumerate(uploads)
    )  # fmt: skip


def _brought(form: Form, slot: str, ids: tuple[str, ...]) -> Form:
    return replace(form.without_promise(slot), materials={**form.materials, slot: ids})
