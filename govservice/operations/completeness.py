"""Which fields and documents are open to the applicant now, and which are still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.catalogue_schema import Pledge
from govservice.definitions.compiled import Compiled, Edge
from govservice.definitions.expressions import Expression
from govservice.definitions.values import typed
from govservice.engine import correction_items
from govservice.exchange import conditional, evidence
from govservice.exchange.evidence import FactView
from govservice.exchange.pending import asked_for, fields_of, materials_of, must_be_known, pending_facts
from govservice.models.base import to_iso
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case

Facts = Mapping[str, FactView]


@dataclass(frozen=True, slots=True)
class OpenSlots:
    """What the applicant may change now: everything asked in a draft, only what a notice names in a correction.

    `opened`: those of `fields` that no notice names; a corrected answer shows their page for the first time.
    """

    fields: frozenset[str] = frozenset()
    materials: frozenset[str] = frozenset()
    correcting: bool = False
    opened: frozenset[str] = frozenset()
    owed: bool = False  # a register owes it to a case that runs, and the applicant was asked

    @property
    def any(self) -> bool:
        return bool(self.fields or self.materials)


def visible_pages(compiled: Compiled, form: Form) -> list[str]:
    """Ids of the pages that are shown with these answers, in order. A page's condition sees earlier pages only."""
    seen: dict[str, object] = {}
    shown = []
    values = typed(compiled.service.fields, form.answers)
    for page in compiled.service.form:
        condition = compiled.page_conditions.get(page.page)
        if condition is None or condition.evaluate(seen).value:
            shown.append(page.page)
            seen |= {name: values[name] for name in page.fields if name in values}
    return shown


def filled_in(compiled: Compiled, facts: Facts, form: Form) -> Form:
    """A draft's form with what registers say, what may stand in a field until it is changed, and no answer of a page
    that is hidden."""
    form = prune_hidden(compiled, evidence.merge_answers(compiled, facts, form))
    return prune_hidden(compiled, evidence.with_defaults(compiled, facts, form))


def prune_hidden(compiled: Compiled, form: Form) -> Form:
    """The form without answers of pages that are hidden: what was not asked is not stored."""
    shown = set(visible_pages(compiled, form))
    hidden = {name for page in compiled.service.form if page.page not in shown for name in page.fields}
    answers = {k: v for k, v in form.answers.items() if k not in hidden}
    sources = {k: v for k, v in form.sources.items() if k in answers}
    return replace(form, answers=answers, sources=sources)


def open_slots(session: Session, case: Case, compiled: Compiled, facts: Facts) -> OpenSlots:
    """What is open now. In a correction a field that a registry fills, and one that says which office the case is for,
    stays closed even when it was named."""
    asked: frozenset[str] = frozenset(evidence.asked_fields(compiled, facts))
    wanted = evidence.materials_asked(compiled, facts)
    if case.status == "draft":
        return OpenSlots(asked, frozenset(wanted))
    asked -= must_be_known(compiled)
    named = frozenset(correction_items(session, case.id))
    if not named and case.status == "open" and (names := asked_for(session, case.id)):
        fields, papers = fields_of(compiled, names) & asked, materials_of(compiled, names) & set(wanted)
        return OpenSlots(fields, papers, owed=True)
    if not named:
        return OpenSlots()
    opened = (_newly_shown(session, case, compiled) & asked) - named
    fields = (named & asked) | opened
    return OpenSlots(fields, frozenset(named & set(compiled.service.materials)), correcting=True, opened=opened)


def _newly_shown(session: Session, case: Case, compiled: Compiled) -> frozenset[str]:
    """Fields of pages that the answers kept since the notice show, and those that were sent did not."""
    kept = read_form(session, case.applicant_id, case.id)
    sent = read_form(session, case.applicant_id, case.id, case.data_rev)
    new = set(visible_pages(compiled, kept)) - set(visible_pages(compiled, sent))
    return frozenset(name for page in compiled.service.form if page.page in new for name in page.fields)


def missing_items(compiled: Compiled, facts: Facts, form: Form, slots: OpenSlots) -> list[str]:
    """Names of the fields and materials without which it cannot be sent, in the order of the form. A pledge stands for
    its material; what was put off is not missing yet.

    A correction may leave an answer as it was: the department may have been wrong, and the clerk sees what changed. A
    paper that a register holds need not be sent even where a department names it.
    """
    shown = set(visible_pages(compiled, form))
    owed = () if slots.correcting else pending_facts(compiled, facts)
    late = fields_of(compiled, owed) - must_be_known(compiled)
    waiting = set() if slots.correcting else set(evidence.waiting_fields(compiled, facts)) - late
    unseen = () if slots.correcting else conditional.to_be_shown(compiled, facts, form)
    wanted = slots.materials & set(evidence.materials_asked(compiled, facts))
    slots = replace(slots, fields=slots.fields - late, materials=wanted - materials_of(compiled, owed))
    missing = [
        name
        for page in compiled.service.form
        if page.page in shown
        for name, field in page.fields.items()
        if name in slots.fields
        and field.required
        and form.answers.get(name) in (None, "", [])
        or name in waiting
        and field.required
        or field.fact in unseen
    ]
    missing += [
        name
        for name, material in compiled.service.materials.items()
        if name in slots.materials and material.required and not form.materials.get(name)
        if name not in form.pledges and name not in form.deferred
    ]
    return missing


def submit_action(compiled: Compiled) -> str:
    """The action that sends a draft: the one out of the start step that marks `received`, else its first."""
    edges = [e for e in compiled.out[compiled.start] if e.kind == "action"]
    return next((e.name for e in edges if e.marks == "received"), edges[0].name)


def closed_to(compiled: Compiled, form: Form) -> Edge | None:
    """The action that sends a draft, where its condition does not hold with these answers: the service is not for
    them, however complete they are. None where it is open."""
    edge = compiled.edge(compiled.start, submit_action(compiled))
    if edge is None or edge.guard is None:
        return None
    return None if edge.guard.evaluate(typed(compiled.service.fields, form.answers)).value else edge


# -- promises: a pledge instead of a proof, a document that comes later


def pledge_of(catalogue: Catalogue, compiled: Compiled, facts: Facts, form: Form, slot: str) -> Pledge | None:
    """The pledge that may stand instead of a material, in its present words; None where it is not open to them."""
    material = compiled.service.materials.get(slot)
    name = material.replaced_by.pledge if material is not None and material.replaced_by is not None else None
    if name is None or not _is_open(compiled, facts, form, compiled.pledge_conditions.get(slot)):
        return None
    return catalogue.pledges.get(name)


def may_put_off(compiled: Compiled, facts: Facts, form: Form, slot: str) -> bool:
    """Whether this applicant may bring the material later."""
    deferral = compiled.deferrals.get(slot)
    return deferral is not None and _is_open(compiled, facts, form, deferral.condition)


def _is_open(compiled: Compiled, facts: Facts, form: Form, condition: Expression | None) -> bool:
    """Whether a promise is open to this applicant. What a register should tell and the applicant says themselves counts
    for nothing here: nobody vouches for their own credit."""
    if condition is None:
        return True
    fields = compiled.service.fields
    merged = evidence.merge_answers(compiled, facts, form)
    told = {n: v for n, v in merged.answers.items() if n in fields and not (fields[n].fact and merged.own(n))}
    return bool(condition.evaluate(typed(fields, told)).value)


def agreed(compiled: Compiled, slot: str, words: Pledge, at: datetime) -> dict[str, object]:
    """A pledge as the form keeps it: its name and version, and the very words that were agreed to at `at`."""
    replaced = compiled.service.materials[slot].replaced_by
    assert replaced is not None
    return {
        "pledge": replaced.pledge, "version": words.version, "title": dict(words.title), "text": dict(words.text),
        "agreed_at": to_iso(at),
    }  # fmt: skip


def still_promised(catalogue: Catalogue, compiled: Compiled, facts: Facts, form: Form, slots: OpenSlots) -> Form:
    """A draft's form without promises that no longer hold: the words changed, a registry has answered meanwhile, or the
    promise is open to this applicant no more."""
    words = {
        slot: pledge_of(catalogue, compiled, facts, form, slot) for slot in form.pledges if slot in slots.materials
    }
    now = {slot: pledge.version for slot, pledge in words.items() if pledge is not None}
    pledges = {slot: given for slot, given in form.pledges.items() if now.get(slot) == given["version"]}
    deferred = tuple(s for s in form.deferred if s in slots.materials and may_put_off(compiled, facts, form, s))
    return replace(form, pledges=pledges, deferred=deferred)


def promises(compiled: Compiled, form: Form, *, draft: bool) -> dict[str, object]:
    """What the engine is told with a submission, or with the answer to a correction (then also what has come)."""
    pledges = {slot: given["version"] for slot, given in form.pledges.items()}
    if draft:
        said: dict[str, object] = {"pledges": pledges, "deferred": sorted(form.deferred)}
        return {name: value for name, value in said.items() if value}
    came = [slot for slot in compiled.deferrals if form.materials.get(slot)]
    return {"pledges": pledges, **({"supplied": came} if came else {})}
