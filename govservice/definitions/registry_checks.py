"""What must hold between a registry's file and the rest, each fault at its line: names, mappings, kinds of requests."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING

from govservice.definitions.expression_syntax import ExpressionError
from govservice.definitions.expression_types import DATE
from govservice.definitions.expressions import compile_expression
from govservice.definitions.findings import Finding, did_you_mean
from govservice.definitions.reader import Source
from govservice.definitions.registry_paths import at as standing_at
from govservice.definitions.registry_paths import items_of, stands_nowhere
from govservice.definitions.schema_registry import ROWS, Dataset, RegistryFile
from govservice.definitions.schema_request import ASKED_BY

if TYPE_CHECKING:
    from govservice.definitions.catalogue import Catalogue

Fault = Callable[..., Finding]  # (message, *path in the file)
_TABLES = ("sql", "csv_snapshot")


def registry_faults(
    catalogue: Catalogue, sources: Mapping[str, Source], done_by_portal: Collection[str]
) -> Iterator[Finding]:  # fmt: skip
    """Faults of every registry's file. `sources`: what was read, by code."""
    for code, registry in catalogue.registries.items():
        source = sources.get(code)

        def fault(message: str, *path: str | int, code: str = code, source: Source | None = source) -> Finding:
            line = source.line(*path) if source is not None else 1
            return Finding("E-CATALOGUE", "error", f"registries/{code}.yaml", line, None, message)

        if registry.owner not in catalogue.departments:
            near = did_you_mean(registry.owner, catalogue.departments)
            yield fault(f"the owner {registry.owner!r} is no department{near}", "owner")
        yield from _reached(registry, fault)
        for ref, dataset in registry.datasets.items():
            yield from _dataset(catalogue, registry, ref, dataset, fault)
        yield from _acts(registry, fault, done_by_portal)
        yield from _grants(catalogue, registry, fault)


def predicate_faults(catalogue: Catalogue, source: Source | None) -> Iterator[Finding]:
    """Predicates that cannot be told: of an unknown base, or by an expression that does not compile over it."""
    for name, predicate in catalogue.predicates.items():
        line = source.line("predicates", name) if source is not None else 1
        base, message = catalogue.facts.get(predicate.base), ""
        if name in catalogue.facts:
            message = f"{name!r} is a fact type already"
        elif base is None:
            message = (
                f"{name}: the fact type {predicate.base!r} is unknown{did_you_mean(predicate.base, catalogue.facts)}"
            )
        else:
            try:
                compile_expression(predicate.expr, {predicate.base: base.expression_type, "today": DATE})
            except ExpressionError as error:
                message = f"{name}: {error}"
        if message:
            yield Finding("E-CATALOGUE", "error", "facts.yaml", line, None, message)


def _reached(registry: RegistryFile, fault: Fault) -> Iterator[Finding]:
    """That a file says what its kind needs, and nothing of another kind."""
    belongs = {"xroad": ("xroad_rest",), "statements": ("sql",), "signer": ("csv_snapshot",)}
    for key, kinds in belongs.items():
        if getattr(registry, key) and registry.kind not in kinds:
            yield fault(f"{key!r} belongs to the kind {' or '.join(kinds)}", key)
        elif not getattr(registry, key) and registry.kind in kinds:
            yield fault(f"{key!r} is required of the kind {registry.kind}", "kind")
    if registry.auth is not None and registry.kind not in ("http_json", "xroad_rest"):
        yield fault(f"'auth' does not belong to the kind {registry.kind}", "auth")
    if registry.acts and registry.kind != "http_json":
        yield fault(f"a registry of the kind {registry.kind} does nothing at a case's word", "acts")
    for ref, dataset in registry.datasets.items():
        if registry.kind == "csv_snapshot" and dataset.max_age is None:
            yield fault(f"{ref}: 'as_of' and 'max_age' are required: a copy grows old", "datasets", ref)
    needed, allowed = ASKED_BY[registry.kind]
    for ref, dataset in registry.datasets.items():
        given = dataset.request.model_fields_set
        for key in sorted(needed - given):
            yield fault(f"{ref}: {key!r} is required of the kind {registry.kind}", "datasets", ref, "request")
        for key in sorted(given - needed - allowed):
            yield fault(f"{ref}: {key!r} does not belong to the kind {registry.kind}", "datasets", ref, "request", key)
        name = dataset.request.statement
        if name and name not in registry.statements:
            near = did_you_mean(name, registry.statements)
            yield fault(f"{ref}: there is no statement {name!r}{near}", "datasets", ref, "request", "statement")


def _dataset(
    catalogue: Catalogue, registry: RegistryFile, ref: str, dataset: Dataset, fault: Fault
) -> Iterator[Finding]:  # fmt: skip
    if dataset.response is ROWS and registry.kind not in _TABLES:
        yield fault(f"{ref}: 'response' is required: the JSON Schema of a good answer", "datasets", ref)
    if dataset.periods and registry.kind == "csv_snapshot":
        yield fault(f"{ref}: a copy is as it was made and cannot be asked for a period", "datasets", ref, "periods")
    statement = registry.statements.get(dataset.request.statement)
    if statement is not None and bool(dataset.periods) != (":as_of" in statement):
        message = f"{ref}: a statement with :as_of and `periods`, which it may be filled with, belong together"
        yield fault(message, "datasets", ref)
    for key in ("records", "as_of"):
        path = getattr(dataset, key)
        if path is not None and (missing := stands_nowhere(dataset.response, path)):
            yield fault(f"{ref}: {path!r} leads to nothing: the response has no {missing!r}", "datasets", ref, key)
    record = items_of(standing_at(dataset.response, dataset.records))
    for name, field in dataset.fields.items():
        at = ("datasets", ref, "fields", name)
        if name not in catalogue.facts and name not in catalogue.predicates:
            yield fault(f"{ref}: the fact type {name!r} is unknown{did_you_mean(name, catalogue.facts)}", *at)
        if missing := stands_nowhere(record, field.path):
            yield fault(f"{ref}: {field.path!r} leads to nothing: the response has no {missing!r}", *at)
    for key in ("subject_at", "record_id", "updated_at", "flags"):
        path = getattr(dataset, key)
        if path is not None and (missing := stands_nowhere(record, path)):
            yield fault(f"{ref}: {path!r} leads to nothing: the response has no {missing!r}", "datasets", ref, key)


def _acts(registry: RegistryFile, fault: Fault, done_by_portal: Collection[str]) -> Iterator[Finding]:
    for name, act in registry.acts.items():
        if name in done_by_portal:
            yield fault(f"{name}: the portal does this itself", "acts", name)
        if act.undone_by is not None and act.undone_by not in registry.acts:
            yield fault(f"{name}: {act.undone_by!r} is no act of this registry", "acts", name, "undone_by")


def _grants(catalogue: Catalogue, registry: RegistryFile, fault: Fault) -> Iterator[Finding]:
    for ref, grant in registry.grants.items():
        at = ("grants", ref)
        for name in grant.acts:
            if name not in registry.acts:
                near = did_you_mean(name, registry.acts)
                yield fault(f"{ref}: {name!r} is no act of this registry{near}", *at, "acts")
        if grant.dataset not in registry.datasets:
            yield fault(f"{ref}: the dataset {grant.dataset!r} is not of this registry", *at, "dataset")
            continue
        dataset = registry.datasets[grant.dataset]
        if dataset.sharing == "not_shared":
            yield fault(
                f"{ref}: {grant.dataset} is not shared: nobody can be given the right to ask it", *at, "dataset"
            )
        for name in grant.take:
            if name not in dataset.fields and not _told_of(catalogue, dataset, name):
                yield fault(f"{ref}: {grant.dataset} does not hold {name!r}", *at, "take")
        if grant.purpose not in catalogue.purposes:
            near = did_you_mean(grant.purpose, catalogue.purposes)
            yield fault(f"{ref}: the purpose {grant.purpose!r} is unknown{near}", *at, "purpose")
        if grant.department not in catalogue.kinds:
            yield fault(f"{ref}: the department {grant.department!r} is unknown", *at, "department")


def _told_of(catalogue: Catalogue, dataset: Dataset, name: str) -> bool:
    """Whether a name is a yes or no that can be told from what the dataset holds."""
    predicate = catalogue.predicates.get(name)
    return predicate is not None and predicate.base in dataset.fields
