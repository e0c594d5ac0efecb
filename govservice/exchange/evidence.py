"""What a case needs, what registries said, and what is therefore asked of the citizen.

A registry's value always wins over a posted one. A need that no registry met leaves its fields to the citizen, with
a sentence saying why; but what identifies the party (`party.py`), and what a service will not take from people
(`block`), is typed by nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self, TypeVar

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled, Text
from govservice.definitions.values import typed
from govservice.exchange.outcomes import outcome_sentence
from govservice.exchange.party import ACCOUNT
from govservice.exchange.prefill import Prefill, prefill
from govservice.exchange.views import Facts, FactView, current_facts, fact_values
from govservice.models.casedata import YOU

__all__ = [
    "ACCOUNT", "Burden", "FactView", "Facts", "Prefill", "asked_fields", "burden", "current_facts", "fact_values",
    "materials_asked", "merge_answers", "outcome_sentence", "prefill", "waiting_fields",
]  # fmt: skip


class FormLike(Protocol):
    """What is needed of a revision of answers (`models.casedata.Form`): immutable, values in JSON forms."""

    @property
    def answers(self) -> Mapping[str, Any]: ...
    @property
    def sources(self) -> Mapping[str, str]: ...
    def own(self, name: str) -> bool: ...
    def with_answers(self, answers: Mapping[str, Any], source: str) -> Self: ...


SETTLED = ("verified", "waived")  # a clerk has looked at it: what was sent stays as it is

F = TypeVar("F", bound=FormLike)


def merge_answers(compiled: Compiled, facts: Facts, form: F) -> F:
    """The form with every registry value in its place: a posted value never overrides one.

    Where no registry gave what identifies the party, the portal's own record does. An answer that came from a source
    which no longer stands (declined, superseded) is taken out again.
    """
    for name, fact in _fact_fields(compiled).items():
        view, source = facts.get(fact), f"fact:{fact}"
        if view is not None and view.state in SETTLED:
            continue
        value = view.values.get(name) if view else None
        if value is not None and _changed_by_hand(compiled, fact, name, form, value):
            continue
        if value is None and view is not None and view.party.get(name) is not None:
            value, source = view.party[name], ACCOUNT
        if value is not None and (form.answers.get(name) != value or form.sources.get(name) != source):
            form = form.with_answers({name: value}, source)
        elif value is None and (form.sources.get(name) == ACCOUNT or form.sources.get(name, "").startswith("fact:")):
            form = form.with_answers({name: None}, YOU)
    return form


def with_defaults(compiled: Compiled, facts: Facts, form: F) -> F:
    """The form of a draft with what may stand in a field until the applicant changes it (`default`): the first of its
    sources that is known. What they wrote there themselves stays."""
    for name, field in compiled.service.fields.items():
        if not field.default or (name in form.answers and form.own(name)):
            continue
        value, source = _first_known(facts, form, field.default)
        if (value, source) != (form.answers.get(name), form.sources.get(name, YOU)):
            form = form.with_answers({name: value}, source)
    return form


def _first_known(facts: Facts, form: FormLike, names: Iterable[str]) -> tuple[Any, str]:
    """The value and who gave it: a register, or the applicant on an earlier page."""
    told = {kind: (value, f"fact:{view.name}") for view in facts.values() for kind, value in view.values.items()}
    for name in names:
        if name in told:
            return told[name]
        if form.answers.get(name) not in (None, "", []):
            return form.answers[name], form.sources.get(name, YOU)
    return None, YOU


def _changed_by_hand(compiled: Compiled, fact: str, name: str, form: FormLike, value: Any) -> bool:
    """Whether the applicant has put something else in the place of a register's value, where they may (`editable`)."""
    mine = name in form.sources and form.own(name) and form.answers.get(name) not in (None, value)
    return mine and compiled.service.facts[fact].show == "editable"


def overridden(compiled: Compiled, facts: Facts, form: FormLike) -> list[str]:
    """Names of the facts of which the applicant says something else than the register."""
    fields = _fact_fields(compiled).items()
    return list(dict.fromkeys(
        fact for name, fact in fields
        if (view := facts.get(fact)) is not None and (value := view.values.get(name)) is not None
        and _changed_by_hand(compiled, fact, name, form, value)
    ))  # fmt: skip


def _fact_fields(compiled: Compiled) -> dict[str, str]:
    """Form fields that a fact may fill, with the fact's name. A field bears the name of the fact type it takes."""
    fields = compiled.service.fields
    return {name: each.fact for name, each in fields.items() if each.fact is not None}


def asked_fields(compiled: Compiled, facts: Facts) -> list[str]:
    """Names of the form's fields that the citizen answers, in form order: all but those that a registry filled or
    knows to be empty, and those that nobody types."""
    closed = {
        name
        for name, fact in _fact_fields(compiled).items()
        if fact in facts and (_is_settled(compiled, facts[fact], name) or _typed_by_nobody(compiled, facts[fact], name))
    }
    closed -= set(editable_fields(compiled, facts))
    closed |= never_asked(compiled)
    closed |= {name for name in compiled.implied if not _may_be_told(compiled, name)}
    return [n for n, field in compiled.service.fields.items() if n not in closed and field.issued is None]


def editable_fields(compiled: Compiled, facts: Facts) -> list[str]:
    """Names of the fields that a register filled and the applicant may change all the same (`show: editable`). What
    says who the party is stays closed."""
    return [
        name
        for name, fact in _fact_fields(compiled).items()
        if compiled.service.facts[fact].show == "editable" and fact in facts
        and facts[fact].values.get(name) is not None and name not in facts[fact].party
    ]  # fmt: skip


def hidden_fields(compiled: Compiled, facts: Facts) -> frozenset[str]:
    """Names of the values that the law keeps out of the applicant's sight while a register gives them."""
    return frozenset(
        name
        for fact, node in compiled.service.facts.items() if node.show == "hidden" and fact in facts
        for name in facts[fact].values
    )  # fmt: skip


def _may_be_told(compiled: Compiled, name: str) -> bool:
    """Whether people may give a value that only a condition reads; one that only a paper can stand for is not asked."""
    fact = compiled.service.facts[str(compiled.service.fields[name].fact)]
    return fact.declarable or fact.block is not None


def _is_settled(compiled: Compiled, view: FactView, name: str) -> bool:
    """Whether the registry gave it, or gave the rest of the record and leaves out what need not be there: whoever lives
    alone is not asked for the other adults of the household."""
    return name in view.values or (view.filled and not compiled.service.fields[name].required)


def _typed_by_nobody(compiled: Compiled, view: FactView, name: str) -> bool:
    """What identifies the party; and all of a fact that must stand in the registry and does not."""
    blocked = compiled.service.facts[view.name].block is not None and view.state == "no_record"
    return name in view.party or blocked


def waiting_fields(compiled: Compiled, facts: Facts) -> list[str]:
    """Names of the fields that nobody may type and no record has given yet: the application waits for them."""
    return [
        name
        for name, fact in _fact_fields(compiled).items()
        if (view := facts.get(fact)) is not None
        and _typed_by_nobody(compiled, view, name)
        and view.values.get(name) is None
        and view.party.get(name) is None
    ]


def materials_asked(compiled: Compiled, facts: Facts) -> list[str]:
    """Names of the materials that the citizen brings: all but those replaced by a fact that a registry filled, and
    those that are asked of others only (`unless`)."""
    return [
        name
        for name in compiled.service.materials
        if not _replaced(compiled, facts, name) and not _needless(compiled, facts, name)
    ]


def _needless(compiled: Compiled, facts: Facts, material: str) -> bool:
    """Whether registers tell that this is not asked of this applicant; while they are silent it is."""
    condition = compiled.not_asked.get(material)
    if condition is None:
        return False
    told = {name: value for view in facts.values() for name, value in view.values.items()}
    return bool(condition.evaluate(typed(compiled.service.fields, told)).value)


def _replaced(compiled: Compiled, facts: Facts, material: str) -> bool:
    replaced = compiled.service.materials[material].replaced_by
    return replaced is not None and replaced.fact is not None and replaced.fact in facts and facts[replaced.fact].filled


@dataclass(frozen=True, slots=True)
class Burden:
    """The receipt's sentence: "14 of 17 fields and 3 of 4 documents not asked". Names are {en, zh}.

    `documents` counts the materials and, where a catalogue was given, the papers that the registries asked make
    needless (a copy of the identity card); `papers` names those not asked, `registries` who spared them.
    """

    fields: int
    fields_not_asked: int
    documents: int
    documents_not_asked: int
    papers: tuple[Text, ...]
    registries: tuple[Text, ...]


def never_asked(compiled: Compiled) -> set[str]:
    """Fields that only a register fills: nobody is asked them where it is silent (their own credit)."""
    return {name for name, fact in _fact_fields(compiled).items() if compiled.service.facts[fact].untold}


def burden(
    compiled: Compiled, facts: Facts, shown_fields: Iterable[str] | None = None, catalogue: Catalogue | None = None
) -> Burden:
    """What the citizen was spared. `shown_fields` leaves out the fields of hidden pages (default: all fields). What
    nobody would be asked anyway spares nobody anything."""
    unasked = never_asked(compiled)
    fields = [n for n in (compiled.service.fields if shown_fields is None else shown_fields) if n not in unasked]
    asked = set(asked_fields(compiled, facts)) - set(editable_fields(compiled, facts))
    papers = _papers(compiled, facts, catalogue)
    views = [facts[name] for name in compiled.service.facts if name in facts and facts[name].filled]
    return Burden(
        fields=len(fields),
        fields_not_asked=sum(name not in asked for name in fields),
        documents=len(papers),
        documents_not_asked=sum(spared for _label, spared in papers.values()),
        papers=tuple(label for label, spared in papers.values() if spared),
        registries=tuple({view.registry: view.registry_name for view in views}.values()),
    )


def _papers(compiled: Compiled, facts: Facts, catalogue: Catalogue | None) -> dict[str, tuple[Text, bool]]:
    """Label of every paper in question and whether it was spared: what registries replace first, then materials."""
    needless = compiled.fact_conditions.keys() - facts.keys()  # of another situation than the applicant's
    datasets = {fact.dataset: name for name, fact in compiled.service.facts.items()
                if fact.dataset and name not in needless}  # fmt: skip
    replaced = catalogue.replaced if catalogue is not None else {}
    found = {
        name: (paper.label, (fact := datasets[paper.dataset]) in facts and facts[fact].filled)
        for name, paper in replaced.items()
        if paper.dataset in datasets
    }
    for name, material in compiled.service.materials.items():
        if _needless(compiled, facts, name):
            continue
        found[name] = (material.label, _replaced(compiled, facts, name))
    return found
