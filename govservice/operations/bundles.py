"""Bundles at work: a child case is opened, filled and sent from its parent's outbox; it tells its parent by its own.

Parent and child are never changed in one transaction. What a child needs stands in the parent's form, or in what
another child brought forth; registry values go along with their provenance, files are copied.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.codes import CASE_NUMBER
from govservice.definitions.compiled import Compiled, Spawn
from govservice.definitions.schema_form import brought
from govservice.engine import MAIN, SYSTEM, Actor, Applied, CaseState, Command, apply, load_state
from govservice.errors import Missing, NotAllowed
from govservice.exchange import evidence, toll
from govservice.exchange.snapshot import seal_snapshot
from govservice.messaging.outbox import Effect
from govservice.models.base import new_id
from govservice.models.casedata import SHARED, YOU, Form, read_form, write_form
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement, Fact
from govservice.models.papers import File
from govservice.models.session import box_of
from govservice.operations.completeness import OpenSlots, missing_items, promises, prune_hidden, submit_action
from govservice.operations.deciding import in_transaction
from govservice.operations.files import Upload, content_of, keep
from govservice.operations.runtime import Runtime


def spawn(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """Opens a child case, fills it and sends it; the same effect again finds it there. Raises Missing where the child
    lacks something: the outbox tries again, and in the end tells the parent that it failed."""
    parent = load_state(session, effect.case_id)
    bundle = rt.definitions.by_sha(parent.def_sha).bundles.get(parent.main.step)
    service = effect.payload["service"]
    child = parent.children.get(service)
    if bundle is None or child is None or child.status != "asked" or child.attempt != effect.payload["attempt"]:
        return  # the bundle went on without it
    node = next(s for s in bundle.spawns if s.service == service)
    compiled = rt.definitions.current(service)
    case = session.get_one(Case, _open(rt, session, parent, compiled, effect.key, now).case_id)
    _copy_facts(session, parent, case, compiled)
    form = _form(rt, session, parent, case, compiled, node, now)
    facts = evidence.current_facts(session, case.id, rt.definitions.catalogue)
    form = prune_hidden(compiled, evidence.merge_answers(compiled, facts, form))
    slots = OpenSlots(
        frozenset(evidence.asked_fields(compiled, facts)), frozenset(evidence.materials_asked(compiled, facts))
    )
    if missing := missing_items(compiled, facts, form, slots):
        raise Missing(missing, "Something is still missing.")
    form = write_form(session, case.applicant_id, case.id, form, "system", now)
    data = {"data_rev": form.rev, "changed": form.changed_from(Form()), **promises(compiled, form, draft=True)}
    command = Command(case.id, submit_action(compiled), f"{effect.key}:send", now, SYSTEM, token_id=MAIN, data=data)
    apply(session, command, rt.definitions, rt.calendars)
    sealed = seal_snapshot(session, case, compiled, form.as_json(), facts, reason="submit", now=now)
    toll.note(session, case, compiled, rt.definitions.catalogue, form, facts, sealed, form)  # asked once, by the bundle


def _open(rt: Runtime, session: Session, parent: CaseState, compiled: Compiled, key: str, now: datetime) -> Applied:
    number = CASE_NUMBER.keyed(rt.settings.secret_key, f"child\0{key}")
    data = {
        "number": number, "service": compiled.code, "def_sha": compiled.sha, "person_id": parent.applicant_id,
        "organisation_id": parent.organisation_id, "mandate_id": parent.mandate_id, "channel": parent.channel,
        "area": parent.area, "parent": parent.case_id,
    }  # fmt: skip
    return apply(session, Command(None, "@open", key, now, SYSTEM, data=data), rt.definitions, rt.calendars)


def _form(
    rt: Runtime, session: Session, parent: CaseState, case: Case, compiled: Compiled, node: Spawn, now: datetime
) -> Form:
    """The child's answers and promises: of the parent's form by the same name, or as `with` says."""
    mine = read_form(session, parent.applicant_id, parent.case_id, parent.data_rev)
    others = {service: _results(session, parent, service) for service in node.waits_for}
    answers: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for name, field in compiled.service.fields.items():
        source = node.given.get(name, name)
        service, _, result = source.partition(".")
        from_other = service in others
        value = others[service].get(result) if from_other else mine.answers.get(source)
        if value is None or field.issued is not None:
            continue
        answers[name] = value
        told = mine.sources.get(source, YOU)
        elsewhere = from_other or name != source or (told.startswith("fact:") and told != f"fact:{field.fact}")
        sources[name] = SHARED if elsewhere else told
    materials = {
        slot: tuple(_copy_file(rt, session, case, slot, id, now) for id in ids)
        for slot, ids in mine.materials.items()
        if slot in compiled.service.materials
    }
    slots = compiled.service.materials
    return Form(
        answers=answers, sources=sources, materials=materials, agreed_at=mine.agreed_at,
        deferred=tuple(slot for slot in mine.deferred if slot in slots),
        pledges={slot: given for slot, given in mine.pledges.items() if slot in slots},
    )  # fmt: skip


def _results(session: Session, parent: CaseState, service: str) -> Mapping[str, Any]:
    """What another child of the bundle brought forth and was told. Raises NotAllowed where it does not exist."""
    other = parent.children[service].case
    case = session.get(Case, other) if other else None
    if case is None:
        raise NotAllowed("A part of the bundle that this one needs is not there.", case_id=parent.case_id)
    return read_form(session, case.applicant_id, case.id, case.data_rev).answers


def _copy_facts(session: Session, parent: CaseState, case: Case, compiled: Compiled) -> None:
    """Registry values with their provenance, for the facts that the child's definition names too."""
    box = box_of(session, parent.applicant_id)
    wanted = set(compiled.service.facts)
    stand = select(Fact).where(Fact.case_id == parent.case_id, Fact.superseded_by.is_(None), Fact.name.in_(wanted))
    for fact in session.scalars(stand).all():
        taken = brought(fact.name, compiled.service.facts[fact.name])
        if box is None or fact.value_enc is None or fact.fact_type not in taken:
            continue
        id = new_id()
        value = box.open_json(fact.value_enc, f"facts:{fact.id}")
        session.add(Fact(
            id=id, case_id=case.id, subject_id=fact.subject_id, name=fact.name, fact_type=fact.fact_type,
            value_enc=box.seal_json(value, f"facts:{id}"), registry_code=fact.registry_code, dataset=fact.dataset,
            record_id=fact.record_id, registry_updated_at=fact.registry_updated_at, fetched_at=fact.fetched_at,
            assurance=fact.assurance, exchange_id=fact.exchange_id, superseded_by=None, as_of=fact.as_of,
        ))  # fmt: skip
    needs = select(EvidenceRequirement).where(
        EvidenceRequirement.case_id == parent.case_id, EvidenceRequirement.name.in_(wanted)
    )
    for need in session.scalars(needs).all():
        session.add(EvidenceRequirement(
            id=new_id(), case_id=case.id, name=need.name, state=need.state, outcome=need.outcome,
            exchange_id=need.exchange_id, updated_at=need.updated_at,
        ))  # fmt: skip
    session.flush()


def _copy_file(rt: Runtime, session: Session, case: Case, slot: str, file_id: str, now: datetime) -> str:
    file = session.get_one(File, file_id)
    name, content = content_of(session, rt.storage, file)
    upload = Upload(name, file.mime, content)
    return keep(
        session, rt.storage, case.id, case.applicant_id, slot=slot, kind="material", upload=upload, by="system", now=now
    ).id


def report(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """A child tells its parent that it exists, or how it ended."""
    case = session.get_one(Case, effect.case_id)
    if case.parent_case_id is None:
        return
    outcome = case.outcome if case.status == "closed" else None
    data = {"service": case.service, "case": case.id, "outcome": outcome}
    command = Command(case.parent_case_id, "@child", effect.key, now, SYSTEM, token_id=MAIN, data=data)
    apply(session, command, rt.definitions, rt.calendars)


def cancel(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """The bundle was left: its child is withdrawn, where that is still possible; else it ends by itself."""
    open_ones = select(Case.id, Case.def_sha).where(
        Case.parent_case_id == effect.case_id, Case.service == effect.payload["service"], Case.status != "closed"
    )
    for case_id, sha in session.execute(open_ones).all():
        edges = rt.definitions.by_sha(sha).out[load_state(session, case_id).main.step]
        edge = next((e for e in edges if e.kind == "always" and e.by == "applicant"), None)
        if edge is not None:
            command = Command(case_id, edge.name, f"{effect.key}:{case_id}", now, SYSTEM, token_id=MAIN)
            apply(session, command, rt.definitions, rt.calendars)


def failed(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """A child could not be opened, however often it was tried: the parent goes on, and the applicant may try again."""
    data = {"service": effect.payload["service"], "case": None, "outcome": "failed"}
    data["attempt"] = effect.payload["attempt"]
    command = Command(effect.case_id, "@child", f"{effect.key}:failed", now, SYSTEM, token_id=MAIN, data=data)
    apply(session, command, rt.definitions, rt.calendars)


def restart(rt: Runtime, actor: Actor, case_id: str, service: str, *, idem: str, now: datetime) -> Applied:
    """The applicant has a part of the bundle that did not succeed tried again. Raises NotAllowed, Forbidden."""
    command = Command(case_id, "@restart", idem, now, actor, token_id=MAIN, data={"service": service})
    return in_transaction(rt, lambda session: apply(session, command, rt.definitions, rt.calendars))
