"""From a file to a `Service` with the line of every node; every problem of the shape is told at once."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from govservice.definitions.findings import DefinitionError, Finding
from govservice.definitions.problems import findings_of
from govservice.definitions.reader import MAX_BYTES, Fault, Source, Unreadable, read
from govservice.definitions.schema import Service
from govservice.definitions.shape import shape_findings


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


def load_file(path: Path, name: str | None = None) -> Loaded:
    """Reads a definition; `name` is how findings call the file. Raises DefinitionError with all findings."""
    shown = name or path.as_posix()
    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= MAX_BYTES else b""
    except OSError as error:
        raise DefinitionError([_fault(shown, Fault("E-FILE", 1, error.strerror or "cannot be read"))]) from None
    if size > MAX_BYTES:
        raise DefinitionError([_fault(shown, Fault("E-SIZE", 1, f"{size} bytes; at most {MAX_BYTES} are read"))])
    return load_bytes(raw, shown)


def load_text(text: str, name: str = "definition.yaml") -> Loaded:
    """The same for a text, such as the source kept with a published version."""
    return load_bytes(text.encode(), name)


@lru_cache(maxsize=128)
def load_bytes(raw: bytes, name: str) -> Loaded:
    """Raises DefinitionError. A text that was loaded once is not parsed again (parsing costs about 5 us a byte)."""
    try:
        source = read(raw)
    except Unreadable as error:
        raise DefinitionError(_fault(name, fault) for fault in error.faults) from None
    if not isinstance(source.data, dict):
        raise DefinitionError([_fault(name, Fault("E-YAML", 1, "a definition is a mapping that starts with service:"))])
    findings: list[Finding] = []
    service: Service | None = None
    try:
        service = Service.model_validate(source.data)
    except ValidationError as error:
        findings += findings_of(error, Service, source, name)
    findings += shape_findings(source, name)
    if findings or service is None:
        raise DefinitionError(findings)
    return Loaded(service, source, name, raw.decode(), hashlib.sha256(raw).hexdigest())


def _fault(name: str, fault: Fault) -> Finding:
    return Finding(fault.code, "error", name, fault.line, None, fault.message)
