"""What codes are called: services, steps, roles, departments. A page never fails because a definition changed: what a
newer version no longer names is shown by the version that the case is pinned to, else by its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from govservice.definitions.compiled import Compiled
from govservice.errors import NotFound
from govservice.operations.runtime import Runtime

Text = Mapping[str, str]
NOTHING: Text = {"en": "", "zh": ""}


def plain(code: str) -> Text:
    return {"en": code, "zh": code}


@dataclass(frozen=True, slots=True)
class Titles:
    """Names by code, {en, zh}. `sha` is the version of a case, where one is at hand."""

    rt: Runtime

    def service(self, code: str, sha: str | None = None) -> Text:
        found = self._version(code, sha)
        return found.service.title if found else plain(code)

    def step(self, code: str, path: str, sha: str | None = None) -> Text:
        """Of a step, or of a branch: a part that has ended stands at no step."""
        for version in (self._version(code, None), self._version(code, sha)):
            if version is None:
                continue
            if path in version.steps:
                return version.steps[path].title
            branches = (branch for block in version.blocks.values() for branch in block.branches)
            if (found := next((b for b in branches if b.scope == path.partition("/")[0]), None)) is not None:
                return found.title
        return plain(path)

    def role(self, code: str, role: str, sha: str | None = None) -> Text:
        found = self._version(code, sha)
        spec = found.service.roles.get(role) if found else None
        return spec.title if spec is not None and spec.title else plain(role)

    def department(self, id: str | None) -> Text:
        found = self.rt.definitions.catalogue.departments.get(id or "")
        return found.name if found else NOTHING

    def event(self, registry: str, kind: str) -> Text:
        """What a registry tells by itself; its code where the registry's file no longer has it."""
        known = self.rt.definitions.catalogue.registries.get(registry)
        found = known.events.types.get(kind) if known is not None and known.events is not None else None
        return found.title if found is not None else plain(kind)

    def _version(self, code: str, sha: str | None) -> Compiled | None:
        try:
            return self.rt.definitions.by_sha(sha) if sha else self.rt.definitions.current(code)
        except NotFound:
            return None

    def for_templates(self) -> dict[str, Callable[..., Text]]:
        return {
            "service_title": self.service, "step_title": self.step, "role_title": self.role,
            "department": self.department,
        }  # fmt: skip
