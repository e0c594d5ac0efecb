"""All checks of one or many files: schema, shape, names, expressions, verification."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.findings import DefinitionError, Finding, has_errors, sorted_findings
from govservice.definitions.loader import Loaded, Rules, examine, raw_bytes
from govservice.definitions.migrations import check_migrations
from govservice.definitions.verify import Staffing, verify
from govservice.definitions.verify_words import told

# What an independent judge makes of the findings of the linear check: `engine.explore_findings.second_opinion`.
SecondOpinion = Callable[[Compiled, Loaded, Sequence[Finding]], list[Finding]]


@dataclass(frozen=True, slots=True)
class Judges:
    """Who judges beside the linear check: the people there are, and whoever plays the definition through."""

    staffing: Staffing | None = None
    second: SecondOpinion | None = None


ALONE = Judges()


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found; `loaded` are the definitions that hold together, in the order of their files, `compiled` the
    same by code as they were judged."""

    findings: tuple[Finding, ...]
    loaded: tuple[Loaded, ...]
    compiled: Mapping[str, Compiled] = field(default_factory=dict)

    @property
    def clean(self) -> bool:
        """No error and no warning; infos do not count."""
        return all(f.severity == "info" for f in self.findings)


def check_file(path: Path, rules: Rules, shown: str, judges: Judges = ALONE) -> Checked:
    """All findings of one file, in order of line."""
    try:
        raw = raw_bytes(path, shown)
    except DefinitionError as error:
        return Checked(error.findings, ())
    return check_bytes(raw, rules, shown, judges)


def check_bytes(raw: bytes, rules: Rules, shown: str, judges: Judges = ALONE) -> Checked:
    """The same for the bytes of a file, such as an upload."""
    loaded, findings = examine(raw, shown, rules)
    if loaded is None or has_errors(findings):
        return Checked(sorted_findings(findings), ())
    vocabulary = rules.catalogue if rules.catalogue is not None and not rules.open_names else Catalogue()
    compiled = compile_service(loaded.service, catalogue=rules.catalogue_for(loaded.source.data))
    judged = told(compiled, verify(compiled, loaded, vocabulary, judges.staffing))
    if judges.second is not None:
        judged = judges.second(compiled, loaded, judged)
    findings = [*findings, *judged]
    if has_errors(findings):
        return Checked(sorted_findings(findings), ())
    return Checked(sorted_findings(findings), (loaded,), {compiled.code: compiled})


def check_files(paths: Iterable[Path], rules: Rules, root: Path | None = None, judges: Judges = ALONE) -> Checked:
    """All findings of many files; two files that define the same service are a fault of the second."""
    findings: list[Finding] = []
    loaded: dict[str, Loaded] = {}
    compiled: dict[str, Compiled] = {}
    for path in paths:
        one = check_file(path, rules, shown_path(path, root), judges)
        findings += one.findings
        for definition in one.loaded:
            first = loaded.setdefault(definition.service.service, definition)
            if first is not definition:
                findings.append(_twice(definition, first))
        compiled = {**one.compiled, **compiled}
    return Checked(sorted_findings(findings), tuple(loaded.values()), compiled)


def check_workflows(folder: Path, rules: Rules, root: Path | None = None, judges: Judges = ALONE) -> Checked:
    """A whole `workflows/` folder: its services and bundles, and the maps between their versions."""
    files = [path for room in ("services", "bundles") for path in sorted((folder / room).glob("*.y*ml"))]
    services = check_files(files, rules, root, judges)
    maps = sorted((folder / "migrations").glob("*.y*ml"))
    findings = check_migrations(maps, services.loaded, {path: shown_path(path, root) for path in maps})
    return Checked(sorted_findings([*services.findings, *findings]), services.loaded, services.compiled)


def _twice(definition: Loaded, first: Loaded) -> Finding:
    message = f"the service {definition.service.service!r} stands already in {first.file}"
    return Finding("E-DUPLICATE-SERVICE", "error", definition.file, definition.line("service"), None, message)


def shown_path(path: Path, root: Path | None) -> str:
    """How findings call a file: relative to `root` where it lies below it."""
    if root is not None and path.resolve().is_relative_to(root.resolve()):
        return path.resolve().relative_to(root.resolve()).as_posix()
    return path.as_posix()
