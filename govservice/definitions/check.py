"""All checks of one or many files: schema, shape, references, expressions, verification, what is not executed yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.findings import DefinitionError, Finding, sorted_findings
from govservice.definitions.loader import Loaded, load_file


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `loaded` are the files without errors of schema, shape and reference."""

    findings: tuple[Finding, ...]
    loaded: tuple[Loaded, ...]


def check_files(paths: Iterable[Path], catalogue: Catalogue, root: Path | None = None) -> Checked:
    findings: list[Finding] = []
    loaded: list[Loaded] = []
    for path in paths:
        try:
            loaded.append(load_file(path, shown(path, root)))
        except DefinitionError as error:
            findings += error.findings
    return Checked(sorted_findings(findings), tuple(loaded))


def shown(path: Path, root: Path | None) -> str:
    """How findings call a file: relative to `root` where it lies below it."""
    if root is not None and path.resolve().is_relative_to(root.resolve()):
        return path.resolve().relative_to(root.resolve()).as_posix()
    return path.as_posix()
