"""The definitions in force: `workflows/` loaded whole, plus older versions that running cases are pinned to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock

from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.definitions.check import check_files
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.findings import DefinitionError
from govservice.definitions.loader import Loaded, Rules
from govservice.errors import NotFound


class Definitions:
    """Compiled definitions by hash (never invalidated: content-addressed) and the current version of each service."""

    def __init__(self, catalogue: Catalogue, loaded: Sequence[Loaded] = ()) -> None:
        self.catalogue = catalogue
        self._by_sha: dict[str, Compiled] = {}
        self._current: dict[str, str] = {}
        self._sources: dict[str, Loaded] = {}
        self._lock = Lock()
        for one in loaded:
            compiled = compile_service(one.service, catalogue=catalogue)
            self.add(compiled, current=True)
            self._sources[compiled.sha] = one

    def by_sha(self, sha: str) -> Compiled:
        """The definition that a case is pinned to. Raises NotFound where it was neither loaded nor added."""
        try:
            return self._by_sha[sha]
        except KeyError:
            raise NotFound(definition=sha) from None

    def current(self, service: str) -> Compiled:
        """The version that new cases of a service start with. Raises NotFound for an unknown service."""
        try:
            return self._by_sha[self._current[service]]
        except KeyError:
            raise NotFound(service=service) from None

    def codes(self) -> tuple[str, ...]:
        """Codes of the services that people may apply for, in the order of their files."""
        return tuple(self._current)

    def known(self, sha: str) -> bool:
        return sha in self._by_sha

    def add(self, compiled: Compiled, *, current: bool = False) -> Compiled:
        """Adds a version, such as an older one from the database; the one already there under its hash is kept."""
        with self._lock:
            kept = self._by_sha.setdefault(compiled.sha, compiled)
            if current:
                self._current[compiled.code] = compiled.sha
        return kept

    def source(self, sha: str) -> Loaded | None:
        """The file that a version was loaded from, for publishing it; None for versions that were added."""
        return self._sources.get(sha)

    @property
    def sources(self) -> Mapping[str, Loaded]:
        """The loaded files by the hash of their service."""
        return dict(self._sources)


def load_library(folder: Path) -> Definitions:
    """Loads `workflows/` whole. Raises DefinitionError with every problem of every file: the portal must not start.

    What is not executed yet (an info) is refused too; warnings are not.
    """
    catalogue = load_catalogue(folder)
    files = sorted((folder / "services").glob("*.yaml"))
    result = check_files(files, Rules(catalogue, publishing=True), root=folder.parent)
    refused = [finding for finding in result.findings if finding.severity != "warning"]
    if refused:
        raise DefinitionError(refused)
    return Definitions(catalogue, result.loaded)
