"""Compiles every expression and join rule of a file where it stands, so that each fault is told with its line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.expressions import ExpressionError, compile_expression
from govservice.definitions.joins import compile_join
from govservice.definitions.names import Names, Vocabulary, vocabulary_in
from govservice.definitions.no_value import check_no_value
from govservice.definitions.reader import Path
from govservice.definitions.references import branch_outcomes, check_outcomes
from govservice.definitions.walk import (
    Raw,
    Report,
    StepAt,
    Way,
    all_steps,
    branches,
    children,
    fields,
    listing,
    mapping,
    ways,
    word,
    words,
)

FIELD_TYPES = ("text", "address", "district", "integer", "decimal", "date", "choice", "choices", "yes_no")
_DOTTED = re.compile(r"[a-z][a-z0-9_.]*")
Place = tuple[Path, str, Names]


def check_expressions(report: Report, data: Raw, catalogue: Catalogue | None) -> None:
    """Adds findings for expressions, join rules, and facts that nothing uses."""
    used: set[str] = set()
    read: dict[Path, frozenset[str]] = {}
    for path, source, names in _expressions(data, catalogue):
        try:
            read[path] = compile_expression(source, names).names
            used |= read[path]
        except ExpressionError as error:
            report.error("E-EXPRESSION", path, str(error))
            used |= set(_DOTTED.findall(source))  # one fault is enough: what it names is not also called unused
    for path, source, names in _amounts(data, catalogue):
        try:
            used |= compile_expression(source, names, number=True).names
        except ExpressionError as error:
            report.error("E-EXPRESSION", path, str(error))
    for step in all_steps(data):
        _check_joins(report, step)
    check_no_value(report, data, read)
    _check_use(report, data, {name.removeprefix("old.").removeprefix("new.") for name in used})


def expression_faults(data: Raw, catalogue: Catalogue) -> int:
    """How many expressions do not compile under this catalogue."""
    return sum(not _compiles(source, names) for _, source, names in _expressions(data, catalogue))


def _compiles(source: str, names: Names) -> bool:
    try:
        compile_expression(source, names)
    except ExpressionError:
        return False
    return True


def _check_joins(report: Report, step: StepAt) -> None:
    rules = listing(step.data, "join")
    for index, rule in enumerate(rules):
        source, path = word(rule, "if"), (*step.path, "join", index)
        if source is None and index < len(rules) - 1:
            report.error("E-JOIN", path, "only the last rule has no `if`; those after it never fire")
        try:
            join = compile_join(source)
        except ExpressionError as error:
            report.error("E-EXPRESSION", (*path, "if"), str(error))
            continue
        if step.kind == "parallel" and branch_outcomes(step):
            check_outcomes(report, step, (*path, "if"), join.outcomes)


def _expressions(data: Raw, catalogue: Catalogue | None) -> Iterator[Place]:
    vocabulary = vocabulary_in(data, catalogue)
    for index, page in enumerate(listing(data, "form")):
        if show_if := word(page, "show_if"):
            yield ("form", index, "show_if"), show_if, vocabulary.show_if(index)
    for name, fact in children(data, "facts"):
        if condition := word(fact, "if"):
            yield ("facts", name, "if"), condition, vocabulary.wanted(name)
        material = word(mapping(fact, "revalidate"), "material")
        if material and material != "any":
            yield ("facts", name, "revalidate", "material"), material, vocabulary.material(name)
    yield from _materials(data, vocabulary)
    for step in all_steps(data):
        for _, path, branch in branches(step):
            if when := word(branch, "when"):
                yield (*path, "when"), when, vocabulary.when()
        for key in ("spawn", "opens"):
            for index, child in enumerate(listing(step.data, key)):
                if when := word(child, "when"):
                    yield (*step.path, key, index, "when"), when, vocabulary.when()
    for way in ways(data):
        if way.what != "join":
            names = vocabulary.answer(_results(way)) if way.what == "answer" else vocabulary.guard()
            yield from _guards(way, names)


def _materials(data: Raw, vocabulary: Vocabulary) -> Iterator[Place]:
    """Of whom a document is not asked, and to whom its promises are open."""
    for name, node in children(data, "materials"):
        if unless := word(node, "unless"):
            yield ("materials", name, "unless"), unless, vocabulary.unless()
        for key in ("replaced_by", "deferrable"):
            if condition := word(mapping(node, key), "if"):
                yield ("materials", name, key, "if"), condition, vocabulary.promise()


def _amounts(data: Raw, catalogue: Catalogue | None) -> Iterator[Place]:
    """The rules of fields that hold a computed amount: numbers, no conditions."""
    names = vocabulary_in(data, catalogue).when()
    for _, path, field, _ in fields(data):
        if amount := word(field, "amount"):
            yield (*path, "amount"), amount, names


def _results(way: Way) -> dict[str, str]:
    return {name: kind for name, kind in mapping(way.data, "result").items() if kind in FIELD_TYPES}


def _guards(way: Way, names: Names) -> Iterator[Place]:
    if guard := word(way.data, "guard"):
        yield (*way.path, "guard"), guard, names
    for path, alternative in way.alternatives():
        if guard := word(alternative, "guard"):
            yield (*path, "guard"), guard, names


def _check_use(report: Report, data: Raw, used: set[str]) -> None:
    """Each taken fact type serves a form field, an expression, a branch's `reads` or a material's `replaced_by`."""
    asked = {name for name, _, node, _ in fields(data) if "fact" in node}
    reads = {part for step in all_steps(data) for _, _, branch in branches(step) for part in words(branch, "reads")}
    replaced = {fact for _, material in children(data, "materials") for fact in _replacing(material)}
    used = used | {name for _, _, node, _ in fields(data) for name in listing(node, "default") if isinstance(name, str)}
    for name, fact in children(data, "facts"):
        if name in reads or name in replaced or name in used:
            continue
        for taken in listing(fact, "take"):
            if isinstance(taken, str) and taken not in asked | used and taken.partition(".")[0] not in reads:
                report.error("E-OVER-FETCH", ("facts", name, "take"), f"{taken!r} is fetched, but nothing uses it")
        if "predicate" in fact:
            report.error("E-OVER-FETCH", ("facts", name), "the predicate is asked, but nothing uses its answer")


def _replacing(material: Raw) -> list[str]:
    replaced = material.get("replaced_by")
    found = word(replaced, "fact") if isinstance(replaced, dict) else word(material, "replaced_by")
    return [found] if found else []
