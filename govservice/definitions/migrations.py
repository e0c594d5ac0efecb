"""Maps from one version of a service to the next (`workflows/migrations/<from>_<to>.yaml`): read and checked.

A map names only what changed; everything else keeps its path where scope, kind and owner agree. A version goes by its
number or by the first characters of its hash (at least eight). Cases are moved by it when a designer says so, never by
publishing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from govservice.definitions.findings import DefinitionError, Finding, did_you_mean
from govservice.definitions.loader import Loaded, raw_bytes
from govservice.definitions.problems import findings_of
from govservice.definitions.reader import Source, Unreadable, read
from govservice.definitions.schema import Service
from govservice.definitions.schema_base import FieldName, Id, Node, Ordered
from govservice.definitions.schema_steps import StepPath
from govservice.definitions.walk import Report

SHORTEST = 8  # characters of a hash that name a version
_NAME = re.compile(r"[0-9a-z]+_[0-9a-z]+\.yaml")


class Migration(Node):
    """`steps` maps paths of the older version to paths of the newer, `fields` names of form fields."""

    service: Id
    steps: Ordered[StepPath, StepPath] = Field(default_factory=dict)
    fields: Ordered[FieldName, FieldName] = Field(default_factory=dict)


def check_migrations(paths: Iterable[Path], loaded: Iterable[Loaded], shown: Mapping[Path, str]) -> list[Finding]:
    """Findings about maps, held against the definitions that they lead to."""
    services = {one.service.service: one.service for one in loaded}
    return [finding for path in paths for finding in _check(path, shown[path], services)]


def _check(path: Path, file: str, services: Mapping[str, Service]) -> list[Finding]:
    try:
        migration, source = load_migration(path, file)
    except DefinitionError as error:
        return list(error.findings)
    return _targets(migration, source, file, path.name, services)


def load_migration(path: Path, file: str) -> tuple[Migration, Source]:
    """Reads a map. Raises DefinitionError with all its faults."""
    try:
        source = read(raw_bytes(path, file))
        return Migration.model_validate(source.data), source
    except Unreadable as error:
        raise DefinitionError(
            [Finding(fault.code, "error", file, fault.line, None, fault.message) for fault in error.faults]
        ) from None
    except ValidationError as error:
        raise DefinitionError(findings_of(error, Migration, source, file)) from None


def leads_from_to(path: Path, old: tuple[int, str], new: tuple[int, str]) -> bool:
    """Whether a file is called after these two versions, each (number, hash)."""
    if not _NAME.fullmatch(path.name):
        return False
    first, second = path.stem.split("_")
    return _is(first, *old) and _is(second, *new)


def _is(word: str, number: int, sha: str) -> bool:
    return word == str(number) or (len(word) >= SHORTEST and sha.startswith(word))


def _targets(
    migration: Migration, source: Source, file: str, name: str, services: Mapping[str, Service]
) -> list[Finding]:
    report = Report(source, file)
    if not _NAME.fullmatch(name):
        report.error("E-MIGRATION", (), "the file is called <from>_<to>.yaml, after the two versions")
    service = services.get(migration.service)
    if service is None:
        report.error("E-MIGRATION", ("service",), f"there is no service {migration.service!r} in force")
        return report.findings
    steps = set(paths_of(service))
    if set(migration.steps) <= steps and set(migration.fields) <= set(service.fields):
        return report.findings  # a map back: where it leads to is no longer in the file, and is judged by the dry run
    for old, new in migration.steps.items():
        if new not in steps:
            report.error("E-UNKNOWN-STEP", ("steps", old), f"the step {new!r} is unknown{did_you_mean(new, steps)}")
    for old, new in migration.fields.items():
        if new not in service.fields:
            near = did_you_mean(new, service.fields)
            report.error("E-UNKNOWN-FIELD", ("fields", old), f"the field {new!r} is unknown{near}")
    return report.findings


def paths_of(service: Service) -> Iterable[str]:
    """Paths of all steps, those inside branches too."""
    for name, step in service.steps.items():
        yield name
        for branch_name, branch in (step.branches or {}).items():
            yield from (f"{name}.{branch_name}.{inner}" for inner in branch.steps)
