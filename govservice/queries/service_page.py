"""What a service asks of people and what the government holds already: the two lists of a service page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from govservice.definitions.compiled import Compiled
from govservice.definitions.library import Definitions
from govservice.definitions.questions import Question
from govservice.worktime.duration import Duration

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ToUpload:
    """A file that people bring themselves. `sometimes`: not asked of everybody; the hint says of whom."""

    name: str
    title: Text
    hint: Text | None
    accept: tuple[str, ...]
    max_mb: int
    required: bool
    pledge_checked: Duration | None = None  # a pledge may stand instead; it is checked within this after the issue
    deferrable: Duration | None = None  # it may follow within this
    sometimes: bool = False


@dataclass(frozen=True, slots=True)
class ToAnswer:
    """A question that no registry answers. `sometimes`: only after certain answers."""

    name: str
    title: Text
    hint: Text | None
    field: Question
    sometimes: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Something nobody needs to bring: a paper (or the data) that a registry has."""

    title: Text
    registry: Text
    owner: Text


@dataclass(frozen=True, slots=True)
class Needs:
    uploads: tuple[ToUpload, ...]
    answers: tuple[ToAnswer, ...]
    held: tuple[Held, ...]

    @property
    def required_uploads(self) -> int:
        return sum(upload.required for upload in self.uploads)


def labels(definitions: Definitions, compiled: Compiled) -> dict[str, Text]:
    """Labels of everything a case of this service can name: fields, materials, facts of registries."""
    found: dict[str, Text] = dict(definitions.catalogue.labels)
    found |= {name: question.label for name, question in compiled.service.fields.items()}
    return found | {name: material.label for name, material in compiled.service.materials.items()}


def needs(definitions: Definitions, compiled: Compiled) -> Needs:
    """The two lists, in the order of the definition."""
    service = compiled.service
    uploads = tuple(
        ToUpload(
            name, m.label, m.hint, m.accept, m.max_mb, m.required, *_ways(compiled, name), name in compiled.not_asked
        )
        for name, m in service.materials.items()
        if m.replaced_by is None or m.replaced_by.fact is None
    )
    conditional = {page.page for page in service.form if page.show_if is not None}
    answers = tuple(
        ToAnswer(name, question.label, question.hint, question, question.page in conditional)
        for name, question in service.fields.items()
        if question.fact is None and question.issued is None
    )
    return Needs(uploads, answers, tuple(_held(definitions, compiled)))


def _ways(compiled: Compiled, material: str) -> tuple[Duration | None, Duration | None]:
    check, deferral = compiled.post_checks.get(material), compiled.deferrals.get(material)
    return check.within if check is not None else None, deferral.within if deferral is not None else None


def _held(definitions: Definitions, compiled: Compiled) -> list[Held]:
    """One line for each paper that a dataset replaces; the dataset itself where it replaces none."""
    catalogue = definitions.catalogue
    found = []
    for fact in compiled.service.facts.values():
        dataset = fact.dataset
        if dataset is None or dataset not in catalogue.datasets:
            continue
        registry = catalogue.registries[catalogue.registry_of(dataset) or ""]
        owner = catalogue.departments[registry.owner].name
        papers = [p.label for p in catalogue.replaced.values() if p.dataset == dataset]
        papers = papers or [catalogue.datasets[dataset].title]
        found += [Held(paper, registry.short, owner) for paper in papers]
    return found
