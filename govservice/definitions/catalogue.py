"""The closed vocabularies that services may use: what the data files hold and what the code can do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from govservice.definitions import catalogue_schema as files
from govservice.definitions.findings import DefinitionError, Finding, did_you_mean
from govservice.definitions.problems import findings_of
from govservice.definitions.reader import Source, Unreadable, read
from govservice.definitions.registry_checks import predicate_faults, registry_faults
from govservice.definitions.schema_base import Node

# What the outbox can deliver: calls of auto steps, effects of actions and ends.
NOTICES = (
    "receipt", "acceptance", "correction", "refusal", "grant", "withdrawn", "lapsed", "warning", "terminated", "gap",
    "revoked",
)  # fmt: skip
CALLS = frozenset({"document.issue", "fee.collect", "sample.draw", "sharing.grant"})
EFFECTS = frozenset({*(f"message.{kind}" for kind in NOTICES), "document.revoke", "payment.refund"})
APPOINTMENTS = ("inspection",)

F = TypeVar("F", bound=Node)


@dataclass(frozen=True, slots=True)
class AreaEntry:
    """A jurisdiction. `parent` is None at the top; `serves`: people may file here."""

    code: str
    name: Mapping[str, str]
    parent: str | None
    prefix: str
    calendar: str
    region: str
    serves: bool
    hall: files.Hall | None
    remedies: files.Remedies | None


@dataclass(frozen=True, slots=True)
class DepartmentEntry:
    """A department of one area; `code` is its kind, as roles of definitions name it."""

    id: str
    code: str
    area: str
    parent_id: str | None
    name: Mapping[str, str]


@dataclass(frozen=True)
class Catalogue:
    """Everything a definition may refer to, by code. Frozen; shared by all requests."""

    areas: Mapping[str, AreaEntry] = field(default_factory=dict)
    kinds: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # kind of department -> name
    departments: Mapping[str, DepartmentEntry] = field(default_factory=dict)  # by id
    facts: Mapping[str, files.FactType] = field(default_factory=dict)
    predicates: Mapping[str, files.PredicateType] = field(default_factory=dict)  # yes or no, told from a fact
    replaced: Mapping[str, files.ReplacedDocument] = field(default_factory=dict)  # papers nobody may be asked for
    documents: Mapping[str, files.DocumentType] = field(default_factory=dict)
    attachments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # name -> title
    flags: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # what an answer leaves -> its words
    purposes: Mapping[str, files.Purpose] = field(default_factory=dict)
    pledges: Mapping[str, files.Pledge] = field(default_factory=dict)
    life_events: Mapping[str, files.LifeEvent] = field(default_factory=dict)
    registries: Mapping[str, files.RegistryFile] = field(default_factory=dict)
    datasets: Mapping[str, files.Dataset] = field(default_factory=dict)
    grants: Mapping[str, files.Grant] = field(default_factory=dict)
    acts: Mapping[str, files.RegisterAct] = field(default_factory=dict)  # what registries do at a case's word
    calls: frozenset[str] = CALLS
    effects: frozenset[str] = EFFECTS
    services: Mapping[str, Any] = field(default_factory=dict)  # data of the files of services/, for bundles

    def line_of_areas(self, area: str | None) -> Iterator[AreaEntry]:
        """An area and the areas above it, nearest first; nothing for an unknown one."""
        seen: set[str] = set()
        while area is not None and area in self.areas and area not in seen:
            seen.add(area)
            yield self.areas[area]
            area = self.areas[area].parent

    def department_for(self, kind: str, area: str | None) -> str | None:
        """Id of the department of that kind that decides in an area: the area's own, else of the nearest above."""
        ids = (f"{entry.code}.{kind}" for entry in self.line_of_areas(area))
        return next((id for id in ids if id in self.departments), None)

    def area_of_region(self, region: str) -> str | None:
        """The area that registries call by this six-digit code."""
        return next((a.code for a in self.areas.values() if a.region == region), None)

    @property
    def masked(self) -> frozenset[str]:
        """Fact types that are somebody's own number: no page shows it whole."""
        return frozenset(name for name, fact in self.facts.items() if fact.identifier and fact.sensitivity != "public")

    def label(self, name: str) -> Mapping[str, str] | None:
        """How people call a fact type or a predicate."""
        known = self.facts.get(name) or self.predicates.get(name)
        return known.label if known is not None else None

    @property
    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """How people call every fact type and predicate."""
        told = {name: predicate.label for name, predicate in self.predicates.items()}
        return {**{name: fact.label for name, fact in self.facts.items()}, **told}

    def registry_of(self, dataset: str) -> str | None:
        """Code of the registry that holds a dataset."""
        return next((code for code, registry in self.registries.items() if dataset in registry.datasets), None)

    def doer_of(self, act: str) -> str | None:
        """Code of the registry that does an act."""
        return next((code for code, registry in self.registries.items() if act in registry.acts), None)


def load_catalogue(folder: Path, asked: Mapping[str, files.Grant] | None = None) -> Catalogue:
    """Reads the data files of `workflows/`. Raises DefinitionError with every problem of every file.

    `asked`: grants that departments asked for by a case: they stand in the database, beside those of the files.
    """
    catalogue = _Loader(folder).load()
    return replace(catalogue, grants={**(asked or {}), **catalogue.grants}) if asked else catalogue


class _Loader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.findings: list[Finding] = []
        self.sources: dict[str, Source] = {}  # of facts.yaml by its name, of the registries' files by code

    def load(self) -> Catalogue:
        departments = self.file("departments.yaml", files.DepartmentsFile)
        facts = self.file("facts.yaml", files.FactsFile)
        documents = self.file("documents.yaml", files.DocumentsFile)
        flags = self.file("flags.yaml", files.FlagsFile)
        purposes = self.file("purposes.yaml", files.PurposesFile)
        pledges = self.file("pledges.yaml", files.PledgesFile)
        events = self.file("life_events.yaml", files.LifeEventsFile)
        registries = self.registries()
        if self.findings:
            raise DefinitionError(self.findings)
        catalogue = Catalogue(
            areas={code: _area(code, node) for code, node in departments.areas.items()} if departments else {},
            kinds={code: node.name for code, node in departments.kinds.items()} if departments else {},
            departments=_departments(departments) if departments else {},
            facts=facts.facts if facts else {},
            predicates=facts.predicates if facts else {},
            replaced=facts.documents if facts else {},
            documents=documents.documents if documents else {},
            attachments=documents.attachments if documents else {},
            flags=flags.flags if flags else {},
            purposes=purposes.purposes if purposes else {},
            pledges=pledges.pledges if pledges else {},
            life_events=events.life_events if events else {},
            registries=registries,
            datasets={ref: dataset for r in registries.values() for ref, dataset in r.datasets.items()},
            grants={ref: grant for r in registries.values() for ref, grant in r.grants.items()},
            acts={name: act for r in registries.values() for name, act in r.acts.items()},
            calls=CALLS.union(*(r.acts for r in registries.values())),
            services=dict(self.services()),
        )
        self.findings += [*_place_faults(catalogue, departments), *registry_faults(catalogue, self.sources, CALLS)]
        self.findings += predicate_faults(catalogue, self.sources.get("facts.yaml"))
        if self.findings:
            raise DefinitionError(self.findings)
        return catalogue

    def registries(self) -> dict[str, files.RegistryFile]:
        found: dict[str, files.RegistryFile] = {}
        for path in sorted((self.folder / "registries").glob("*.yaml")):
            registry = self.file(f"registries/{path.name}", files.RegistryFile)
            if registry is not None:
                if registry.registry != path.stem:
                    self.fault(f"registries/{path.name}", 1, f"the registry is called {registry.registry!r}")
                found[registry.registry] = registry
                self.sources[registry.registry] = self.sources[f"registries/{path.name}"]
        return found

    def services(self) -> Iterator[tuple[str, Any]]:
        """The data of each service by its code; what cannot be read is told where services are checked."""
        for path in sorted((self.folder / "services").glob("*.y*ml")):
            try:
                data = read(path.read_bytes()).data
            except (OSError, Unreadable):
                continue
            if isinstance(data, dict) and isinstance(data.get("service"), str):
                yield data["service"], data

    def file(self, name: str, model: type[F]) -> F | None:
        path = self.folder / name
        if not path.is_file():
            return None
        try:
            source: Source = read(path.read_bytes())
        except Unreadable as error:
            self.findings += [Finding(f.code, "error", name, f.line, None, f.message) for f in error.faults]
            return None
        self.sources[name] = source
        try:
            return model.model_validate(source.data)
        except ValidationError as error:
            self.findings += findings_of(error, model, source, name)
            return None

    def fault(self, name: str, line: int, message: str) -> None:
        self.findings.append(Finding("E-CATALOGUE", "error", name, line, None, message))


def _area(code: str, node: files.AreaNode) -> AreaEntry:
    return AreaEntry(
        code, node.name, node.parent, node.prefix, node.calendar, node.region, node.serves, node.hall, node.remedies
    )


def _departments(file: files.DepartmentsFile) -> dict[str, DepartmentEntry]:
    """A department's parent is the one of the same kind in the nearest area above that has it."""
    ids = {f"{area}.{kind}" for area, kinds in file.departments.items() for kind in kinds}
    found = {}
    for area, kinds in file.departments.items():
        for kind in kinds:
            if area not in file.areas or kind not in file.kinds:
                continue  # reported by _place_faults
            name = file.names.get(area, {}).get(kind) or _joined_name(file.areas[area].name, file.kinds[kind].name)
            id, parent = f"{area}.{kind}", _parent(file, area, kind, ids)
            found[id] = DepartmentEntry(id, kind, area, parent, name)
    return found


def _joined_name(area: Mapping[str, str], kind: Mapping[str, str]) -> Mapping[str, str]:
    return {"en": f"{area['en']} {kind['en']}", "zh": f"{area['zh']}{kind['zh']}"}


def _parent(file: files.DepartmentsFile, area: str, kind: str, ids: set[str]) -> str | None:
    seen = {area}
    above = file.areas[area].parent
    while above is not None and above in file.areas and above not in seen:
        if f"{above}.{kind}" in ids:
            return f"{above}.{kind}"
        seen.add(above)
        above = file.areas[above].parent
    return None


def _place_faults(catalogue: Catalogue, file: files.DepartmentsFile | None) -> Iterator[Finding]:
    def fault(message: str) -> Finding:
        return Finding("E-CATALOGUE", "error", "departments.yaml", 1, None, message)

    if file is None:
        return
    for code, area in catalogue.areas.items():
        if area.parent is not None and area.parent not in catalogue.areas:
            near = did_you_mean(area.parent, catalogue.areas)
            yield fault(f"area {code}: the parent {area.parent!r} is unknown{near}")
        elif list(catalogue.line_of_areas(code))[-1].parent is not None:
            yield fault(f"area {code}: its parents go round in a circle")
    for code, kinds in file.departments.items():
        if code not in catalogue.areas:
            yield fault(f"departments: the area {code!r} is unknown{did_you_mean(code, catalogue.areas)}")
        for kind in kinds:
            if kind not in catalogue.kinds:
                yield fault(f"departments.{code}: the kind {kind!r} is unknown{did_you_mean(kind, catalogue.kinds)}")
