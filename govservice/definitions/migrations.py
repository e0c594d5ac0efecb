"""Maps from one version of a service to the next (`workflows/migrations/<from>_<to>.yaml`): read and checked.

A map names only what changed; everything else keeps its path where scope, kind and owner agree. Cases are not moved
by it yet: each file is an info, and publishing refuses infos.
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
        source = read(raw_bytes(path, file))
    except DefinitionError as error:
        return list(error.findings)
    except Unreadable as error:
        return [Finding(fault.code, "error", file, fault.line, None, fault.message) for fault in error.faults]
    try:
        migration = Migration.model_validate(source.data)
    except ValidationError as error:
        return findings_of(error, Migration, source, file)
    return _targets(migration, source, file, path.name, services)


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
    steps = set(_paths(service))
    for old, new in migration.steps.items():
        if new not in steps:
            report.error("E-UNKNOWN-STEP", ("steps", old), f"the step {new!r} is unknown{did_you_mean(new, steps)}")
    for old, new in migration.fields.items():
        if new not in service.fields:
            near = did_you_mean(new, service.fields)
            report.error("E-UNKNOWN-FIELD", ("fields", old), f"the field {new!r} is unknown{near}")
    report.add("I-NOT-EXECUTED", "info", (), "a migration is checked, but not executed yet; publishing refuses it")
    return report.findings


def _paths(service: Service) -> Iterable[str]:
    for name, step in service.steps.items():
        yield name
        for branch_name, branch in (step.branches or {}).items():
            yield from (f"{name}.{branch_name}.{inner}" for inner in branch.steps)
