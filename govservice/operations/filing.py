"""What an applicant does: start, agree to what is fetched, answer, attach, submit, correct, withdraw.

Answers of a draft are revisions of `case_data` without events; submitting pins one, seals a snapshot and moves the
case, all in one transaction. A posted value never replaces what a registry said (`evidence.merge_answers`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.codes import CASE_NUMBER
from govservice.definitions.compiled import Compiled
from govservice.engine import MAIN, Actor, Applied, Command, Expected, apply, available, context, load_state
from govservice.errors import N_, Forbidden, KeyReused, Missing, NotAllowed, NotFound, Stale
from govservice.exchange import conditional, consents, evidence, toll
from govservice.exchange.queries import Trigger
from govservice.exchange.snapshot import Reason, latest_snapshot, seal_snapshot
from govservice.models.base import to_iso
from govservice.models.casedata import YOU, Form, read_form, write_form
from govservice.models.cases import Case, CaseEvent, CommandKey
from govservice.models.papers import File
from govservice.operations.asked import check_people
from govservice.operations.changing import settle
from govservice.operations.completeness import (
    filled_in,
    missing_items,
    open_slots,
    promises,
    prune_hidden,
    still_promised,
    submit_action,
)
from govservice.operations.deciding import in_transaction
from govservice.operations.files import check_upload, keep
from govservice.operations.in_force import take_in_force
from govservice.operations.issuing import renewal_of
from govservice.operations.mandates import usable_mandate
from govservice.operations.own_cases import own_case
from govservice.operations.revalidating import after_correction, note_overridden
from govservice.operations.runtime import Runtime
from govservice.operations.settling import note_given


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the applicant gets for a submission. `sha256` is the sealed snapshot's."""

    number: str
    case_id: str
    sha256: str
    replayed: bool


def start(rt: Runtime, actor: Actor, service: str, *, idem: str, now: datetime, channel: str = "online") -> str:
    """Opens a draft and returns its number; the same key again returns the same one.

    Raises Forbidden("audience") where the service is for organisations and the actor acts for none, or the reverse;
    NotFound where no mandate that holds today covers it.
    """
    take_in_force(rt)  # a version that two people put in force holds for the very next case
    compiled = rt.definitions.current(service)
    _check_audience(compiled, actor)
    _check_mandate(rt, actor, service, now)
    number = case_number(rt, actor, idem)
    data = {
        "number": number, "service": service, "def_sha": compiled.sha, "person_id": actor.person_id,
        "organisation_id": actor.organisation_id, "mandate_id": actor.mandate_id, "channel": channel, "area": None,
    }  # fmt: skip
    command = Command(case_id=None, trigger="@open", idem=idem, now=now, actor=actor, data=data)
    applied = in_transaction(rt, lambda session: apply(session, command, rt.definitions, rt.calendars))
    with rt.read() as session:
        return session.get_one(Case, applied.case_id).number


def case_number(rt: Runtime, actor: Actor, idem: str) -> str:
    """The number of the case that this request opens: unguessable (75 bits of a keyed hash), and the same for the
    same request, so that sending a form twice asks for one and the same case."""
    return CASE_NUMBER.keyed(rt.settings.secret_key, f"case\0{actor.id}\0{idem}")


def _check_audience(compiled: Compiled, actor: Actor) -> None:
    audience = compiled.service.audience or ("person", "organisation")
    if actor.organisation_id is None and "person" not in audience:
        raise Forbidden("audience", "This service is for enterprises. Choose for which enterprise you act.")
    if actor.organisation_id is not None and "organisation" not in audience:
        raise Forbidden("audience", "This service is for persons. Act for yourself to use it.")


def _check_mandate(rt: Runtime, actor: Actor, service: str, now: datetime) -> None:
    if actor.organisation_id is None:
        return
    with rt.read() as session:
        held = usable_mandate(session, actor.person_id or "", actor.mandate_id or "", rt.today(now))
    if held.organisation_id != actor.organisation_id or not held.covers(service):
        raise NotFound()


def agree(
    rt: Runtime, actor: Actor, case_id: str, *, declined: tuple[str, ...], now: datetime, agreed: Collection[str] = (),
    about: Collection[str] | None = None,
) -> None:  # fmt: skip
    """The purpose page was answered: remembers which facts the applicant would rather bring, fetches the others. A fact
    with `block` cannot be brought. What wants consent (`consent: explicit`) is asked for only where it is in `agreed`;
    left out of it, an earlier consent is taken back. A fact that the answers do not call for (`if`), or that the
    page was not `about`, stays as it was. Raises NotAllowed for whoever agrees for somebody else."""
    with rt.write() as session:
        case = _draft(session, actor, case_id, rt.today(now))
        compiled = rt.definitions.by_sha(case.def_sha)
        form = read_form(session, case.applicant_id, case_id)
        left = conditional.unneeded(compiled, form)
        facts = compiled.service.facts.items()
        known = {name: node for name, node in facts if name not in left and (about is None or name in about)}
        wanting = [name for name in consents.wants_consent(compiled) if name in known]
        given, catalogue = known.keys() & set(agreed) - set(declined), rt.definitions.catalogue
        theirs = {fact for fact in given.intersection(wanting) if consents.about_person(compiled, catalogue, fact)}
        if theirs and actor.person_id != case.applicant_id:
            raise NotAllowed(N_("Only the person whom a register is asked about can agree to that."))
        consents.note_given(session, case, compiled, catalogue, given, actor.id, now)
        consents.end(session, case_id, [f for f in wanting if f not in agreed or f in declined], now)
        own = [f for f in known if f in declined and known[f].block is None or f in wanting and f not in agreed]
        own += [f for f in form.declined if f not in known]
        form = replace(form, declined=tuple(own), agreed_at=to_iso(now))
        write_form(session, case.applicant_id, case_id, form, actor.id, now)
    fetch_facts(rt, actor, case_id, now=now)


def fetch_facts(rt: Runtime, actor: Actor, case_id: str, *, now: datetime, trigger: Trigger = "prefill") -> None:
    """Asks the registries for the facts agreed to and puts what they answered into the form. A draft that was sent or
    ended while they were asked stays as it is: what was sent is sealed."""
    with rt.read() as session:
        case = own_case(session, actor, case_id, rt.today(now))
        form = read_form(session, case.applicant_id, case_id)
    compiled = rt.definitions.by_sha(case.def_sha)
    evidence.prefill(
        rt.database, rt.gateway, compiled, case_id, actor=actor, declined=form.declined, trigger=trigger, now=now,
        today=rt.today(now),
    )  # fmt: skip
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        if case.status != "draft":
            return
        form = read_form(session, case.applicant_id, case_id)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        form = evidence.with_defaults(compiled, facts, evidence.merge_answers(compiled, facts, form))
        _write(session, case, form, actor, now)


def _draft(session: Session, actor: Actor, case_id: str, today: date) -> Case:
    case = own_case(session, actor, case_id, today, lock=True)
    if case.status != "draft":
        raise NotAllowed("This application was sent already. It can be changed only when a department asks.")
    return case


def _write(session: Session, case: Case, form: Form, actor: Actor, now: datetime) -> Form:
    return write_form(session, case.applicant_id, case.id, form, actor.id, now)


def save_page(rt: Runtime, actor: Actor, case_id: str, page: str, values: Mapping[str, Any], *, now: datetime) -> None:
    """Stores the answers of one page (JSON forms, already checked). What a registry holds and what is not open is
    left as it is; answers of pages that are hidden now are dropped."""
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        form = read_form(session, case.applicant_id, case_id)
        open_fields = open_slots(session, case, compiled, facts).fields
        kept = {k: v for k, v in values.items() if k in open_fields}
        said = {k: v for k, v in kept.items() if not (k in form.answers and form.answers[k] == v)}
        form = replace(form.with_answers(said, YOU), pages_done=tuple(dict.fromkeys((*form.pages_done, page))))
        form, _facts = _as_it_stands(rt, session, case, compiled, form, facts, now)
        _write(session, case, form, actor, now)


def _as_it_stands(
    rt: Runtime,
    session: Session,
    case: Case,
    compiled: Compiled,
    form: Form,
    facts: dict[str, evidence.FactView],
    now: datetime,
) -> tuple[Form, dict[str, evidence.FactView]]:
    """The form with what follows from its answers, and the facts that it rests on; what a register told and the answers
    do not call for is set aside."""
    if case.status != "draft":
        return prune_hidden(compiled, evidence.merge_answers(compiled, facts, form)), facts
    form = filled_in(compiled, facts, form)
    if compiled.fact_conditions:
        conditional.note_unneeded(session, case.id, compiled, form, now)
        facts = evidence.current_facts(session, case.id, rt.definitions.catalogue)
        form = filled_in(compiled, facts, form)
    return form, facts


def attach(rt: Runtime, actor: Actor, case_id: str, slot: str, name: str, content: bytes, *, now: datetime) -> str:
    """Stores a file for a material (a pledge or a deferral falls with it). Returns its id.

    Raises Invalid or TooLarge for a file that is not accepted, NotAllowed for a material that is not asked."""
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        if slot not in open_slots(session, case, compiled, facts).materials:
            raise NotAllowed("This document is not asked for.")
        material = compiled.service.materials[slot]
        limit = min(material.max_mb or rt.settings.max_upload_mb, rt.settings.max_upload_mb)
        form = read_form(session, case.applicant_id, case_id)
        upload = check_upload(slot, name, content, material.accept or ("pdf", "png", "jpg"), limit)
        file = keep(
            session,
            rt.storage,
            case_id,
            case.applicant_id,
            slot=slot,
            kind="material",
            upload=upload,
            by=actor.id,
            now=now,
            present=len(form.materials.get(slot, ())),
        )
        materials = {**form.materials, slot: (*form.materials.get(slot, ()), file.id)}
        again = {k: v for k, v in form.again.items() if k != slot}  # it is brought anew
        _write(session, case, replace(form.without_promise(slot), materials=materials, again=again), actor, now)
        return file.id


def detach(rt: Runtime, actor: Actor, case_id: str, file_id: str, *, now: datetime) -> None:
    """Takes a file out of the form; a file that was part of a submission stays in the record."""
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        file = session.get(File, file_id)
        if file is None or file.case_id != case_id or file.removed_at is not None:
            raise NotFound()
        if file.slot not in open_slots(session, case, compiled, facts).materials:
            raise NotAllowed("This document was sent already. It can be changed only when a department asks.")
        form = read_form(session, case.applicant_id, case_id)
        left = tuple(f for f in form.materials.get(file.slot, ()) if f != file_id)
        if case.status == "draft":
            file.removed_at = now
        again = {k: v for k, v in form.again.items() if k != file.slot or left}
        _write(session, case, replace(form, materials={**form.materials, file.slot: left}, again=again), actor, now)


def submit(rt: Runtime, actor: Actor, case_id: str, *, expected: Expected | None, idem: str, now: datetime) -> Receipt:
    """Sends the application: checks that nothing is missing, pins the answers, seals a snapshot, moves the case.

    `expected.data_rev` is the revision that the person saw: a newer one, saved meanwhile, is not sent unseen (Stale).
    The same key again returns the same receipt. Raises Missing naming fields and materials, Stale, NotAllowed.
    """
    return _send(rt, actor, case_id, trigger=None, reason="submit", expected=expected, idem=idem, now=now)


def resubmit(
    rt: Runtime, actor: Actor, case_id: str, *, expected: Expected | None, idem: str, now: datetime
) -> Receipt:
    """Answers the correction notice. Raises Missing where something that was asked for is empty."""
    return _send(rt, actor, case_id, trigger="@resubmit", reason="correction", expected=expected, idem=idem, now=now)


def _send(
    rt: Runtime,
    actor: Actor,
    case_id: str,
    *,
    trigger: str | None,
    reason: Reason,
    expected: Expected | None,
    idem: str,
    now: datetime,
) -> Receipt:

    def work(session: Session) -> Receipt:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        compiled = rt.definitions.by_sha(case.def_sha)
        facts = evidence.current_facts(session, case_id, rt.definitions.catalogue)
        if session.get(CommandKey, (actor.id, idem)) is not None:
            if not _was_sending(session, actor, case_id, idem):
                raise KeyReused()
            return Receipt(case.number, case_id, latest_snapshot(session, case_id).sha256, True)
        before = read_form(session, case.applicant_id, case_id, case.data_rev) if case.data_rev else Form()
        latest = read_form(session, case.applicant_id, case_id)
        if expected is not None and expected.data_rev not in (None, latest.rev):
            raise Stale(case_id=case_id)
        form, facts = _as_it_stands(rt, session, case, compiled, latest, facts, now)
        slots = open_slots(session, case, compiled, facts)
        if case.status == "draft":
            form = still_promised(rt.definitions.catalogue, compiled, facts, form, slots)
        if slots.any and (missing := missing_items(compiled, facts, form, slots)):
            raise Missing(missing, "Something is still missing.")
        if slots.any:
            check_people(session, compiled, form, case.applicant_id)
            form = _write(session, case, form, actor, now)
        name = trigger or submit_action(compiled)
        command = Command(
            case_id=case_id, trigger=name, idem=idem, now=now, actor=actor,
            expected=expected and Expected(expected.token_version),  # sending may itself have added a revision
            data={
                "data_rev": form.rev, "changed": form.changed_from(before),
                **promises(compiled, form, draft=trigger is None),
                **(renewal_of(rt, session, case) if trigger is None else {}),
            },
        )  # fmt: skip
        applied: Applied = apply(session, command, rt.definitions, rt.calendars)
        conditional.note_unneeded(session, case_id, compiled, form, now, sent=True)
        corrected = after_correction(session, case, form, facts, now)
        note_given(rt, session, case, compiled, form, facts, before, now)
        note_overridden(rt, session, case, compiled, form, facts, now)
        sealed = seal_snapshot(session, case, compiled, form.as_json(), facts, reason=reason, now=now)
        if not applied.replayed:
            toll.note(session, case, compiled, rt.definitions.catalogue, form, facts, sealed, before)
        if corrected:
            settle(rt, session, case_id, corrected, f"{case_id}:{sealed.sha256[:16]}", now)
        return Receipt(case.number, case_id, sealed.sha256, applied.replayed)

    return in_transaction(rt, work)


def _was_sending(session: Session, actor: Actor, case_id: str, idem: str) -> bool:
    """Whether this key of the actor sent this case: then one of its events pinned a revision of the answers."""
    return any("rev" in data for data in _done_by(session, actor, case_id, idem))


def _done_by(session: Session, actor: Actor, case_id: str, idem: str) -> list[dict[str, Any]]:
    """What the events say that a key of the actor caused in a case."""
    events = select(CaseEvent.data).where(
        CaseEvent.case_id == case_id, CaseEvent.actor == actor.id, CaseEvent.idem == idem
    )
    return [json.loads(data) for data in session.scalars(events)]


def may_withdraw(rt: Runtime, actor: Actor, case_id: str, *, now: datetime) -> bool:
    """Whether the applicant may end the case as it stands. Raises NotFound where it is not theirs."""
    with rt.read() as session:
        case = own_case(session, actor, case_id, rt.today(now))
        return case.status == "open" and _withdrawal(rt, session, actor, case) is not None


def withdraw(rt: Runtime, actor: Actor, case_id: str, *, reason: str | None, idem: str, now: datetime) -> Applied:
    """The applicant ends the case. Raises NotAllowed where the definition does not allow it any more."""

    def work(session: Session) -> Applied:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        action = _withdrawal(rt, session, actor, case) or _asked_before(session, actor, case_id, idem)
        if action is None:
            raise NotAllowed("This application cannot be withdrawn.")
        command = Command(
            case_id=case_id, trigger=action, idem=idem, now=now, actor=actor, token_id=MAIN, reason=reason
        )
        return apply(session, command, rt.definitions, rt.calendars)

    return in_transaction(rt, work)


def _withdrawal(rt: Runtime, session: Session, actor: Actor, case: Case) -> str | None:
    """The case-wide action by which this applicant may end the case now; one that leads elsewhere is none."""
    compiled, state = rt.definitions.by_sha(case.def_sha), load_state(session, case.id)
    offers = available(compiled, state, actor, context(session, rt.definitions, rt.calendars, state))
    for offer in offers:
        edge = compiled.edge(offer.step, offer.action) if offer.kind == "always" and offer.allowed else None
        if edge is not None and edge.by == "applicant":
            ends = [compiled.steps.get(target.to or "") for target in edge.targets]
            if all(step is not None and step.outcome == "withdrawn" for step in ends):
                return offer.action
    return None


def _asked_before(session: Session, actor: Actor, case_id: str, idem: str) -> str | None:
    """The action that this key asked for already: a form sent twice is answered as the first time."""
    done = _done_by(session, actor, case_id, idem)
    return next((str(data["trigger"]) for data in done if "trigger" in data), None)
