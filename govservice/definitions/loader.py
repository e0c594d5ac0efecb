"""From a file to a `Service` with the line of every node; every problem of a file is told at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from govservice.definitions.bundles import check_bundle, expanded
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.expression_checks import check_expressions
from govservice.definitions.fact_checks import check_changes, check_facts
from govservice.definitions.findings import DefinitionError, Finding, has_errors
from govservice.definitions.open_names import assume_types
from govservice.definitions.problems import findings_of
from govservice.definitions.reader import MAX_BYTES, Fault, Source, Unreadable, read
from govservice.definitions.references import check_references
from govservice.definitions.schema import Service
from govservice.definitions.shape import check_shape
from govservice.definitions.vocabulary import check_do_not_ask, check_grants, check_vocabulary
from govservice.definitions.walk import Raw, Report


@dataclass(frozen=True, slots=True)
class Loaded:
    """A definition that was read. `sha256` is the hash of the file's bytes, not the version of the service."""

    service: Service
    source: Source
    file: str
    text: str
    sha256: str

    def line(self, *path: str | int) -> int:
        """The line of a node: `loaded.line("steps", "review", "branches", "food")`."""
        return self.source.line(*path)


@dataclass(frozen=True, slots=True)
class Rules:
    """How strictly a file is held: against which catalogue, and whether it is to be published.

    Without a catalogue, or with `open_names`, names that the catalogue would know are not looked up. `publishing`
    adds whether each grant covers this very service.
    """

    catalogue: Catalogue | None = None
    open_names: bool = False
    publishing: bool = False

    def catalogue_for(self, data: Raw) -> Catalogue | None:
        """The catalogue that types the facts of a file: with `open_names` also those that it does not know."""
        return assume_types(data, self.catalogue or Catalogue()) if self.open_names else self.catalogue


def load_file(path: Path, name: str | None = None, rules: Rules = Rules()) -> Loaded:
    """Reads a definition; `name` is how findings call the file. Raises DefinitionError with all its errors."""
    shown = name or path.as_posix()
    return _without_errors(*examine(raw_bytes(path, shown), shown, rules))


def load_text(text: str, name: str = "definition.yaml", rules: Rules = Rules()) -> Loaded:
    """The same for a text, such as the source kept with a published version."""
    return _without_errors(*examine(text.encode(), name, rules))


def _without_errors(loaded: Loaded | None, findings: list[Finding]) -> Loaded:
    if loaded is None or has_errors(findings):
        raise DefinitionError(f for f in findings if f.severity == "error")
    return loaded


def raw_bytes(path: Path, shown: str) -> bytes:
    """The bytes of a file that is not too large. Raises DefinitionError."""
    try:
        size = path.stat().st_size
        if size <= MAX_BYTES:
            return path.read_bytes()
    except OSError as error:
        raise DefinitionError([_fault(shown, Fault("E-FILE", 1, error.strerror or "cannot be read"))]) from None
    raise DefinitionError([_fault(shown, Fault("E-SIZE", 1, f"{size} bytes; at most {MAX_BYTES} are read"))])


def examine(raw: bytes, file: str, rules: Rules) -> tuple[Loaded | None, list[Finding]]:
    """Everything that can be said of one file without compiling it: schema, shape, names, expressions.

    The definition is None where its schema does not hold. A later check runs even where an earlier one failed.
    """
    try:
        source = _read(raw)
    except Unreadable as error:
        return None, [_fault(file, fault) for fault in error.faults]
    source = expanded(source, rules.catalogue.services if rules.catalogue is not None else {})
    if not isinstance(source.data, dict):
        return None, [_fault(file, Fault("E-YAML", 1, "a definition is a mapping that starts with `service:`"))]
    report = Report(source, file)
    service = _validate(report)
    _check(report, rules)
    if service is None:
        return None, report.findings
    return Loaded(service, source, file, raw.decode(), hashlib.sha256(raw).hexdigest()), report.findings


def _validate(report: Report) -> Service | None:
    try:
        return Service.model_validate(report.source.data)
    except ValidationError as error:
        report.findings += findings_of(error, Service, report.source, report.file)
        return None


def _check(report: Report, rules: Rules) -> None:
    data, catalogue = report.source.data, rules.catalogue_for(report.source.data)
    check_shape(report, data)
    check_references(report, data)
    check_expressions(report, data, catalogue)
    check_changes(report, data)
    if rules.catalogue is not None and not rules.open_names:
        check_bundle(report, data, rules.catalogue.services)
    if catalogue is not None and not rules.open_names:
        check_vocabulary(report, data, catalogue)
        check_facts(report, data, catalogue)
        check_do_not_ask(report, data, catalogue)
        if rules.publishing:
            check_grants(report, data, catalogue)


@lru_cache(maxsize=64)
def _read(raw: bytes) -> Source:
    """Parsing costs about 5 us a byte: a text that was read once is not parsed again."""
    return read(raw)


def _fault(name: str, fault: Fault) -> Finding:
    return Finding(fault.code, "error", name, fault.line, None, fault.message)
