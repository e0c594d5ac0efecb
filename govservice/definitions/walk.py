"""Walking a definition as it was read, well-formed or not, so that all faults of a file can be told at once.

Nothing here raises on odd data: what is not the mapping or list it should be counts as empty (the schema reports it).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from govservice.definitions.findings import Finding, Severity
from govservice.definitions.problems import MAX_FINDINGS, step_of
from govservice.definitions.reader import Path, Source

Raw = dict[str, Any]
TIMER_ACTS = ("warn", "escalate", "lapse")  # what a timer does beside taking an action of its step


def mapping(data: Any, *keys: str) -> Raw:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def listing(data: Any, key: str) -> list[Any]:
    """The list under a key; a single value counts as a list of one, nothing as an empty one."""
    value = data.get(key) if isinstance(data, dict) else None
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def words(data: Any, key: str) -> list[str]:
    return [item for item in listing(data, key) if isinstance(item, str)]


def word(data: Any, key: str) -> str | None:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, str) else None


def children(data: Any, key: str) -> Iterator[tuple[str, Raw]]:
    """Name and mapping of each entry under a key."""
    for name, value in mapping(data, key).items():
        if isinstance(value, dict):
            yield name, value


@dataclass(frozen=True, slots=True)
class StepAt:
    """A step in the file. `label` is its path of steps (`review.food.desk`), `scope` that of its branch or ""."""

    id: str
    path: Path
    label: str
    scope: str
    data: Raw
    siblings: Raw  # the steps of the same scope
    branch: Raw | None = None

    @property
    def kind(self) -> str:
        return word(self.data, "kind") or ("human" if self.branch is not None else "")

    @property
    def in_branch(self) -> bool:
        return self.branch is not None


@dataclass(frozen=True, slots=True)
class Way:
    """Something with targets: an action, an answer, an `always` action or a join rule, at `path`."""

    what: str  # action | answer | always | join
    name: str
    path: Path
    data: Raw
    step: StepAt | None

    def alternatives(self) -> Iterator[tuple[Path, Raw]]:
        to = self.data.get("to")
        if isinstance(to, str):
            yield (*self.path, "to"), {"to": to}
        for index, alternative in enumerate(to if isinstance(to, list) else ()):
            if isinstance(alternative, dict):
                yield (*self.path, "to", index), alternative
        if isinstance(self.data.get("end"), str):
            yield (*self.path, "end"), {"end": self.data["end"]}


def main_steps(data: Any) -> Iterator[StepAt]:
    for name, step in children(data, "steps"):
        yield StepAt(name, ("steps", name), name, "", step, mapping(data, "steps"))


def branches(step: StepAt) -> Iterator[tuple[str, Path, Raw]]:
    for name, branch in children(step.data, "branches"):
        yield name, (*step.path, "branches", name), branch


def all_steps(data: Any) -> Iterator[StepAt]:
    for step in main_steps(data):
        yield step
        for name, path, branch in branches(step):
            for id, inner in children(branch, "steps"):
                scope = f"{step.id}.{name}"
                yield StepAt(
                    id, (*path, "steps", id), f"{scope}.{id}", scope, inner, mapping(branch, "steps"), branch
                )  # fmt: skip


def actions(data: Any) -> Iterator[Way]:
    """Actions of steps and of `always`."""
    for step in all_steps(data):
        for name, action in children(step.data, "actions"):
            yield Way("action", name, (*step.path, "actions", name), action, step)
    for name, action in children(data, "always"):
        yield Way("always", name, ("always", name), action, None)


def ways(data: Any) -> Iterator[Way]:
    """Everything that moves a token."""
    yield from actions(data)
    for step in all_steps(data):
        for name, answer in children(step.data, "answers"):
            yield Way("answer", name, (*step.path, "answers", name), answer, step)
        for index, rule in enumerate(listing(step.data, "join")):
            if isinstance(rule, dict):
                yield Way("join", str(index), (*step.path, "join", index), rule, step)


def timers(step: StepAt) -> Iterator[tuple[Path, Raw]]:
    for index, timer in enumerate(listing(step.data, "timers")):
        if isinstance(timer, dict):
            yield (*step.path, "timers", index), timer


def fields(data: Any) -> Iterator[tuple[str, Path, Raw, int]]:
    """Name, place, mapping and page number of each field of the form."""
    for index, page in enumerate(listing(data, "form")):
        for name, node in children(page, "fields"):
            yield name, ("form", index, "fields", name), node, index


@dataclass(slots=True)
class Report:
    """Collects findings about one file."""

    source: Source
    file: str
    findings: list[Finding] = field(default_factory=list)

    def error(self, code: str, path: Path, message: str) -> None:
        self.add(code, "error", path, message)

    @property
    def full(self) -> bool:
        """Nobody reads more: the checks go on, but say nothing any longer."""
        return len(self.findings) >= 2 * MAX_FINDINGS

    def add(self, code: str, severity: Severity, path: Path, message: str) -> None:
        if self.full:
            return
        where = ".".join(str(part) for part in path)
        text = f"{where}: {message}" if where else message
        self.findings.append(Finding(code, severity, self.file, self.source.line(*path), step_of(path), text))
