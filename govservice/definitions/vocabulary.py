"""Names that come from the catalogue: departments, datasets, purposes, papers, calls; and what nobody may be asked."""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.catalogue import APPOINTMENTS, Catalogue
from govservice.definitions.reader import Path
from govservice.definitions.references import known
from govservice.definitions.walk import (
    Raw,
    Report,
    actions,
    all_steps,
    children,
    fields,
    listing,
    mapping,
    ways,
    word,
    words,
)


def check_vocabulary(report: Report, data: Raw, catalogue: Catalogue) -> None:
    """Adds a finding for each name that the catalogue does not know, and for each thing that may not be asked."""
    _check_departments(report, data, catalogue)
    for event in words(data, "life_events"):
        known(report, "E-UNKNOWN-LIFE-EVENT", ("life_events",), event, catalogue.life_events, "life event")
    for name, fact in children(data, "facts"):
        _check_fact(report, catalogue, ("facts", name), fact)
    for path, effect in _effects(data):
        known(report, "E-UNKNOWN-EFFECT", path, effect, catalogue.effects, "effect")
    for step in all_steps(data):
        call = word(mapping(step.data, "do"), "call")
        known(report, "E-UNKNOWN-CALL", (*step.path, "do", "call"), call, catalogue.calls, "call")
        _check_attachments(report, catalogue, step.path, step.data)
        appointment = word(step.data, "appointment")
        known(report, "E-UNKNOWN-CALL", (*step.path, "appointment"), appointment, APPOINTMENTS, "appointment")
    for way in actions(data):
        _check_attachments(report, catalogue, way.path, way.data)
    for way in ways(data):
        if way.what == "answer":
            known(report, "E-UNKNOWN-FLAG", (*way.path, "flag"), word(way.data, "flag"), catalogue.flags, "flag")
    document = word(mapping(data, "output"), "document")
    known(report, "E-UNKNOWN-DOCUMENT", ("output", "document"), document, catalogue.documents, "document type")
    for name, material in children(data, "materials"):
        pledge = word(mapping(material, "replaced_by"), "pledge")
        known(report, "E-UNKNOWN-PLEDGE", ("materials", name, "replaced_by"), pledge, catalogue.pledges, "pledge")


def check_do_not_ask(report: Report, data: Raw, catalogue: Catalogue) -> None:
    """What a registry holds is not asked of people: fields need a `fact`, papers a `replaced_by`."""
    for name, path, node, _ in fields(data):
        fact = catalogue.facts.get(name)
        if fact is not None and fact.do_not_ask and "fact" not in node and "issued" not in node:
            report.error("E-DO-NOT-ASK", path, f"a registry holds {name!r}; say which `fact` fills it")
    for name, material in children(data, "materials"):
        paper = catalogue.replaced.get(name)
        if paper is not None and "replaced_by" not in material:
            report.error("E-DO-NOT-ASK", ("materials", name), f"{paper.dataset} holds it; say `replaced_by` a fact")


def check_grants(report: Report, data: Raw, catalogue: Catalogue) -> None:
    """For publishing: each grant covers this service, what is taken, and the purpose."""
    service = word(data, "service")
    for name, fact in children(data, "facts"):
        for source in listing(fact, "from"):
            grant = catalogue.grants.get(word(source, "grant") or "")
            path: Path = ("facts", name, "from")
            if grant is None:
                continue  # reported as unknown
            if service not in grant.services:
                report.error("E-GRANT", path, f"the grant {word(source, 'grant')} is not for the service {service!r}")
            for taken in (*words(fact, "take"), *filter(None, [word(fact, "predicate")])):
                if taken not in grant.take:
                    report.error("E-GRANT", path, f"the grant {word(source, 'grant')} does not cover {taken!r}")
            if word(fact, "purpose") != grant.purpose:
                report.error("E-GRANT", path, f"the grant {word(source, 'grant')} is for the purpose {grant.purpose}")


def _check_attachments(report: Report, catalogue: Catalogue, path: Path, data: Raw) -> None:
    for name in words(mapping(data, "requires"), "attachments"):
        place = (*path, "requires", "attachments")
        known(report, "E-UNKNOWN-ATTACHMENT", place, name, catalogue.attachments, "attachment")


def _check_departments(report: Report, data: Raw, catalogue: Catalogue) -> None:
    def department(path: Path, code: str | None) -> None:
        known(report, "E-UNKNOWN-DEPARTMENT", path, code, catalogue.kinds, "department")

    department(("department",), word(data, "department"))
    for name, role in children(data, "roles"):
        department(("roles", name, "department"), word(role, "department"))
    for way in actions(data):
        for code in words(mapping(way.data, "consult"), "departments"):
            department((*way.path, "consult", "departments"), code)


def _check_fact(report: Report, catalogue: Catalogue, path: Path, fact: Raw) -> None:
    known(report, "E-UNKNOWN-PURPOSE", (*path, "purpose"), word(fact, "purpose"), catalogue.purposes, "purpose")
    for taken in words(fact, "take"):
        known(report, "E-UNKNOWN-FACT-TYPE", (*path, "take"), taken, catalogue.facts, "fact type")
    predicate = word(fact, "predicate")
    known(report, "E-UNKNOWN-FACT-TYPE", (*path, "predicate"), predicate, catalogue.predicates, "predicate")
    told = catalogue.predicates.get(predicate or "")
    single = not isinstance(fact.get("from"), list)
    for index, source in enumerate(listing(fact, "from")):
        where: Path = (*path, "from") if single else (*path, "from", index)
        dataset, grant = word(source, "dataset"), word(source, "grant")
        if known(report, "E-UNKNOWN-DATASET", where, dataset, catalogue.datasets, "dataset") and dataset:
            held = catalogue.datasets[dataset].fields
            if predicate and told is not None and predicate not in held and told.base not in held:
                report.error("E-UNKNOWN-FACT-TYPE", (*path, "predicate"), f"{dataset} cannot tell {predicate!r}")
            for taken in words(fact, "take"):
                if taken in catalogue.facts and taken not in catalogue.datasets[dataset].fields:
                    report.error(
                        "E-UNKNOWN-FACT-TYPE", (*path, "take"), f"the dataset {dataset} does not hold {taken!r}"
                    )
        declared = known(report, "E-UNKNOWN-GRANT", where, grant, catalogue.grants, "grant")
        if declared and grant and dataset and catalogue.grants[grant].dataset != dataset:
            report.error("E-GRANT", where, f"the grant {grant} is for {catalogue.grants[grant].dataset}")


def _effects(data: Raw) -> Iterator[tuple[Path, str]]:
    for way in ways(data):
        for effect in words(way.data, "effects"):
            yield (*way.path, "effects"), effect
    for step in all_steps(data):
        for effect in words(step.data, "effects"):
            yield (*step.path, "effects"), effect
