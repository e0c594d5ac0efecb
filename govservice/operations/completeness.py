"""Which fields and documents are open to the applicant now, and which are still missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.engine import correction_items
from govservice.exchange import evidence
from govservice.exchange.evidence import FactView
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


def prune_hidden(compiled: Compiled, form: Form) -> Form:
    """The form without answers of pages that are hidden: what was not asked is not stored."""
    shown = set(visible_pages(compiled, form))
    hidden = {name for page in compiled.service.form if page.page not in shown for name in page.fields}
    answers = {k: v for k, v in form.answers.items() if k not in hidden}
    sources = {k: v for k, v in form.sources.items() if k in answers}
    return replace(form, answers=answers, sources=sources)


def open_slots(session: Session, case: Case, compiled: Compiled, facts: Facts) -> OpenSlots:
    """What is open now. In a correction a field that a registry fills stays closed even when it was named."""
    asked = evidence.asked_fields(compiled, facts)
    wanted = evidence.materials_asked(compiled, facts)
    if case.status == "draft":
        return OpenSlots(frozenset(asked), frozenset(wanted))
    named = set(correction_items(session, case.id))
    if not named:
        return OpenSlots()
    opened = frozenset(_newly_shown(session, case, compiled) & set(asked)) - named
    fields = frozenset(named & set(asked)) | opened
    return OpenSlots(fields, frozenset(named & set(compiled.service.materials)), correcting=True, opened=opened)


def _newly_shown(session: Session, case: Case, compiled: Compiled) -> set[str]:
    """Fields of pages that the answers kept since the notice show, and those that were sent did not."""
    kept = read_form(session, case.applicant_id, case.id)
    sent = read_form(session, case.applicant_id, case.id, case.data_rev)
    new = set(visible_pages(compiled, kept)) - set(visible_pages(compiled, sent))
    return {name for page in compiled.service.form if page.page in new for name in page.fields}


def missing_items(compiled: Compiled, facts: Facts, form: Form, slots: OpenSlots) -> list[str]:
    """Names of the fields and materials without which it cannot be sent, in the order of the form.

    A correction may leave an answer as it was: the department may have been wrong, and the clerk sees what changed.
    """
    shown = set(visible_pages(compiled, form))
    missing = [
        name
        for page in compiled.service.form
        if page.page in shown
        for name, field in page.fields.items()
        if name in slots.fields and field.required and form.answers.get(name) in (None, "", [])
    ]
    missing += [
        name
        for name, material in compiled.service.materials.items()
        if name in slots.materials and material.required and not form.materials.get(name)
    ]
    return missing
