"""Where the parts of a case stand in another version of its service: the map, else the same path where it agrees.

A step keeps its path where scope, kind and owner agree (a path says its scope; the owner is the role and the kind of
department that it belongs to). Everything else must be in the map, or the case stays where it is. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from govservice.definitions.compiled import Compiled, Step
from govservice.engine.types import Refusal
from govservice.errors import N_

NO_STEP = N_("The step %(step)s has no place in the new version.")
OTHER_KIND = N_("The step %(step)s is of another kind in the new version.")
OTHER_OWNER = N_("The step %(step)s belongs to another role in the new version; only a map may move it.")
OTHER_CALL = N_("The step %(step)s calls something else in the new version, and its answer is still awaited.")
OTHER_SCOPE = N_("The map takes the step %(step)s across the border of its branch.")


@dataclass(frozen=True, slots=True)
class Paths:
    """Both versions and the map between them: `steps` by path, `scopes` of branches that follow from it."""

    old: Compiled
    new: Compiled
    steps: Mapping[str, str]
    scopes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def between(cls, old: Compiled, new: Compiled, steps: Mapping[str, str]) -> Paths:
        return cls(old, new, dict(steps), dict(_scopes(new, steps)))

    def path(self, old: str) -> str:
        """The path that a step has in the new version, whether it is there or not."""
        step, mark, asked = old.partition("@")  # a consulted department's side step follows the step that asks
        return f"{self.steps.get(step, step)}{mark}{asked}"

    def scope(self, old: str) -> str:
        """The scope of a token: with the number of its element where its branch has one for each."""
        branch, mark, element = old.partition("/")
        if "@" in branch:
            return f"{self.path(branch)}{mark}{element}"
        return f"{self.scopes.get(branch, branch)}{mark}{element}"

    def state(self, old: str) -> str:
        """The same for a machine's state: the end of a branch is `<scope>#<outcome>`."""
        scope, mark, outcome = old.partition("#")
        return f"{self.scope(scope)}#{outcome}" if mark else self.path(old)

    def refusal(self, path: str) -> Refusal | None:
        """Why a token at this step cannot stand in the new version; None where it can."""
        old, new = self.old.steps[path], self.new.steps.get(self.path(path))
        facts = {"step": path}
        if new is None:
            return Refusal("no_step", NO_STEP, facts)
        if _kind(new) != _kind(old):
            return Refusal("kind", OTHER_KIND, facts)
        if new.scope != self.scope(old.scope):
            return Refusal("scope", OTHER_SCOPE, facts)
        if path not in self.steps and _owner(self.old, old) != _owner(self.new, new):
            return Refusal("owner", OTHER_OWNER, facts)
        return Refusal("call", OTHER_CALL, facts) if new.call != old.call else None


def _scopes(new: Compiled, steps: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Scopes of branches by what the map says of their steps; the first step of a branch that is mapped counts."""
    seen: set[str] = set()
    for old, to in steps.items():
        scope = old.rpartition(".")[0]
        if scope and scope not in seen and to in new.steps:
            seen.add(scope)
            yield scope, new.steps[to].scope


def _kind(step: Step) -> tuple[str, bool, bool]:
    """Another person's step stays another person's; what lives on after the end stays so."""
    return step.kind, step.after_close, step.person is not None


def _owner(d: Compiled, step: Step) -> tuple[str | None, ...]:
    return step.person, step.owner, d.service.roles[step.owner].department if step.owner is not None else None
