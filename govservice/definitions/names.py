"""The names that expressions of a service may read, with their types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.expression_types import DATE, TEXT, YES_NO, Type, field_type
from govservice.definitions.schema import Service
from govservice.definitions.walk import children, fields, listing, mapping, word, words

Names = Mapping[str, Type]

CASE_NAMES: Names = {
    "case.number": TEXT,
    "case.area": TEXT,
    "case.channel": Type("text", frozenset({"online", "counter"})),
    "case.submitted_on": DATE,
}
PLEDGES = "case.pledges"  # the materials for which a pledge stands
ACTOR_NAMES: Names = {"actor.role": TEXT, "actor.department": TEXT}


@dataclass(frozen=True, slots=True)
class FactNames:
    """What a fact brings: fact types that it takes, or a predicate (a yes/no under the fact's own name)."""

    take: tuple[str, ...]
    predicate: bool


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The names of one service: its fields page by page, its facts, and what the catalogue says of fact types."""

    pages: tuple[Names, ...]
    facts: Mapping[str, FactNames]
    fact_types: Names
    pledged: frozenset[str] = frozenset()  # materials that know a pledge

    @property
    def form(self) -> Names:
        return _merged(self.pages)

    @property
    def from_facts(self) -> Names:
        taken = {name: self.fact_types[name] for f in self.facts.values() for name in f.take if name in self.fact_types}
        return {**taken, **{name: YES_NO for name, fact in self.facts.items() if fact.predicate}}

    def when(self) -> Names:
        """For `when`: the form, the facts and the case."""
        pledges = Type("list", item=Type("text", self.pledged))
        return {**self.from_facts, **self.form, **CASE_NAMES, PLEDGES: pledges}

    def unless(self) -> Names:
        """For `unless` of a material: what registers tell, for it is weighed before anything is answered."""
        taken = {name for fact in self.facts.values() for name in fact.take}
        return {**{name: kind for name, kind in self.form.items() if name in taken}, **self.from_facts}

    def promise(self) -> Names:
        """For `if` of a pledge or a deferral: what is known before anything is promised."""
        return {**self.from_facts, **self.form}

    def guard(self) -> Names:
        """For guards of actions: the same, and who acts."""
        return {**self.when(), **ACTOR_NAMES}

    def answer(self, result: Mapping[str, str]) -> Names:
        """For alternatives of an auto step's answer: the case's data and what the answer declares."""
        return {**self.when(), **{f"result.{name}": field_type(kind) for name, kind in result.items()}}

    def show_if(self, page: int) -> Names:
        """For a page's `show_if`: fields of earlier pages, facts and the case."""
        return {**self.from_facts, **_merged(self.pages[:page]), **CASE_NAMES}

    def wanted(self, fact: str) -> Names:
        """For a fact's `if`: the form, other facts and the case. Its own values are not known before it is asked."""
        own = {*self.facts[fact].take, fact} if fact in self.facts else {fact}
        return {name: kind for name, kind in self.when().items() if name not in own}

    def material(self, fact: str) -> Names:
        """For `revalidate.material`: what the fact takes, as `old.` and `new.`."""
        known = {**self.from_facts, **self.form}
        brought = self.facts[fact]
        taken = [*brought.take, *([fact] if brought.predicate else [])]
        return {f"{age}.{name}": known[name] for name in taken if name in known for age in ("old", "new")}


def vocabulary_of(service: Service, catalogue: Catalogue | None) -> Vocabulary:
    pages = tuple(
        {
            name: field_type(field.type, frozenset(field.options) if field.options else None)
            for name, field in page.fields.items()
        }
        for page in service.form
    )
    facts = {name: FactNames(fact.take, fact.predicate is not None) for name, fact in service.facts.items()}
    pledged = frozenset(n for n, m in service.materials.items() if m.replaced_by is not None and m.replaced_by.pledge)
    return Vocabulary(pages, facts, _fact_types(catalogue), pledged)


def vocabulary_in(data: Any, catalogue: Catalogue | None) -> Vocabulary:
    """The same from a file whose schema may be broken: fields without a known type are left out."""
    pages: list[dict[str, Type]] = [{} for _ in listing(data, "form")]
    for name, _, node, page in fields(data):
        try:
            pages[page][name] = field_type(word(node, "type") or "", frozenset(mapping(node, "options")) or None)
        except KeyError:
            continue
    facts = {n: FactNames(tuple(words(f, "take")), "predicate" in f) for n, f in children(data, "facts")}
    pledged = frozenset(n for n, m in children(data, "materials") if word(mapping(m, "replaced_by"), "pledge"))
    return Vocabulary(tuple(pages), facts, _fact_types(catalogue), pledged)


def _fact_types(catalogue: Catalogue | None) -> Names:
    return {name: fact.expression_type for name, fact in catalogue.facts.items()} if catalogue else {}


def _merged(pages: Sequence[Names]) -> Names:
    return {name: kind for page in pages for name, kind in page.items()}
