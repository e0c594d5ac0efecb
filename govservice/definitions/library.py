"""The definitions: what the files of `workflows/` say (drafts), what is in force, what running cases are pinned to."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from threading import Lock

from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.catalogue_schema import Grant
from govservice.definitions.check import check_workflows
from govservice.definitions.compile import canonical_json, compile_service, service_from_json
from govservice.definitions.compiled import Compiled
from govservice.definitions.findings import DefinitionError, Finding, has_errors
from govservice.definitions.loader import Loaded, Rules
from govservice.errors import NotFound


class Definitions:
    """Compiled definitions by hash (never invalidated: content-addressed) and the current version of each service.

    A file is a draft. Until the database was asked what is in force, and where it holds nothing, the drafts are it.
    """

    def __init__(
        self, catalogue: Catalogue, loaded: Sequence[Loaded] = (), findings: Sequence[Finding] = (),
        judged: Mapping[str, Compiled] | None = None,
    ) -> None:  # fmt: skip
        """`judged`: those of the loaded files that the check has compiled by this catalogue already, by code."""
        self.catalogue = catalogue
        self.findings = tuple(findings)  # warnings of the loaded files
        self._by_sha: dict[str, Compiled] = {}
        self._current: dict[str, str] = {}
        self._drafts: dict[str, str] = {}
        self._sources: dict[str, Loaded] = {}
        self._lock = Lock()
        self._find: Callable[[str], str | None] = lambda _sha: None
        for one in loaded:
            known = (judged or {}).get(one.service.service)
            compiled = known or compile_service(one.service, catalogue=catalogue)
            self.add(compiled, current=True)
            self._sources[compiled.code], self._drafts[compiled.code] = one, compiled.sha

    def for_one_portal(self) -> Definitions:
        """The same definitions with an own notion of what is in force: it belongs to a database."""
        made = copy(self)
        made._current, made._lock = dict(self._drafts or self._current), Lock()
        return made

    def by_sha(self, sha: str) -> Compiled:
        """The definition that a case is pinned to; one that no file holds any more comes from what was published.
        Raises NotFound where it is nowhere."""
        known = self._by_sha.get(sha)
        if known is not None:
            return known
        canonical = self._find(sha)
        if canonical is None:
            raise NotFound(definition=sha)
        return self.adopt(canonical)

    def find_published_with(self, find: Callable[[str], str | None]) -> None:
        """Says where the canonical JSON of published versions is kept: by hash, None for an unknown one."""
        self._find = find

    def current(self, service: str) -> Compiled:
        """The version that new cases of a service start with. Raises NotFound for an unknown service."""
        try:
            return self._by_sha[self._current[service]]
        except KeyError:
            raise NotFound(service=service) from None

    def codes(self) -> tuple[str, ...]:
        """Codes of the services that people may apply for, in the order of their files."""
        return tuple(self._current)

    def put_in_force(self, shas: Mapping[str, str]) -> None:
        """Says which version of each service is in force: by code, as the database holds it. Nothing: the drafts are.
        Raises NotFound for a version that is nowhere."""
        order = [*(code for code in self._drafts if code in shas), *sorted(set(shas) - set(self._drafts))]
        known = {code: self.by_sha(shas[code]).sha for code in order}
        self._current = known or dict(self._drafts)  # one assignment: readers see the old or the new

    def draft(self, service: str) -> Compiled:
        """What the file of a service says. Raises KeyError where there is none."""
        return self._by_sha[self._drafts[service]]

    def drafts(self) -> tuple[str, ...]:
        """Codes of the services that have a file, in the order of the files."""
        return tuple(self._drafts)

    def has(self, sha: str) -> bool:
        return sha in self._by_sha

    def add(self, compiled: Compiled, *, current: bool = False) -> Compiled:
        """Adds a version, such as an older one from the database; the one already there under its hash is kept."""
        with self._lock:
            kept = self._by_sha.setdefault(compiled.sha, compiled)
            if current:
                self._current[compiled.code] = compiled.sha
        return kept

    def adopt(self, canonical: str) -> Compiled:
        """Adds a published version from its canonical JSON, under the hash of that text."""
        sha = hashlib.sha256(canonical.encode()).hexdigest()
        return self.add(compile_service(service_from_json(canonical), sha, self.catalogue))

    def loaded(self, code: str) -> Loaded:
        """The file of a service. Raises KeyError for unknown ones."""
        return self._sources[code]

    def source_of(self, code: str) -> str:
        """The YAML text of a service's file. Raises KeyError for unknown ones."""
        return self._sources[code].text

    def canonical_of(self, code: str) -> str:
        """The canonical JSON of a service's file: its hash names the version. Raises KeyError for unknown ones."""
        return canonical_json(self._sources[code].service)


def load_library(folder: Path, asked: Mapping[str, Grant] | None = None) -> Definitions:
    """Loads `workflows/` whole, beside the grants that the database holds. Raises DefinitionError with every error of
    every file: the portal must not start."""
    catalogue = load_catalogue(folder, asked)
    result = check_workflows(folder, Rules(catalogue, publishing=True), root=folder.parent)
    if has_errors(result.findings):
        raise DefinitionError(finding for finding in result.findings if finding.severity == "error")
    return Definitions(catalogue, result.loaded, result.findings, result.compiled)
