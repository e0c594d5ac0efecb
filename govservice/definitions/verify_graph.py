"""A definition as a graph: what leads where in each scope, shortest runs, and the place of each thing in its file."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from govservice.definitions.compiled import Compiled, Edge, Step
from govservice.definitions.findings import Finding, Severity
from govservice.definitions.loader import Loaded
from govservice.definitions.on_change import MARK, is_change_step
from govservice.definitions.reader import Path


class Arc(NamedTuple):
    """One edge to one of its targets in the same scope."""

    edge: Edge
    to: str


def place_of_step(path: str) -> Path:
    """Where a step stands in the file: `review.food.desk` -> steps, review, branches, food, steps, desk. A consulted
    department's side step stands where it is asked, a task over a change at its fact."""
    if is_change_step(path):
        return ("facts", path.removeprefix(MARK), "on_change")
    asking, _, asked = path.partition("@")
    if asked:
        return (*place_of_step(asking), "actions", asked.partition("@")[0], "consult")
    parts = path.split(".")
    if len(parts) == 1:
        return ("steps", path)
    return ("steps", parts[0], "branches", parts[1], *(("steps", parts[2]) if len(parts) == 3 else ()))


def place_of_edge(edge: Edge) -> Path:
    """Where an edge stands in the file: under its step's actions, answers or join, or under `always`."""
    if edge.kind == "always":
        return ("always", edge.name)
    if "@" in edge.source:
        return place_of_step(edge.source)
    step = place_of_step(edge.source)
    if edge.kind == "answer":
        return (*step, "answers", edge.name.removeprefix("@"))
    if edge.kind == "join":
        return (*step, "join", int(edge.name.removeprefix("@join")))
    return (*step, "actions", edge.name) if edge.kind == "action" else step


def is_move(edge: Edge) -> bool:
    """Whether an edge can take the token somewhere else: a correction, a pause and a consultation come back."""
    return not edge.correction and any(t.to != edge.source for t in edge.targets)


class Graph:
    """Steps of each scope ("" is the main token, "review.food" a branch) and the arcs between them."""

    def __init__(self, compiled: Compiled) -> None:
        self.compiled = compiled
        self.branches = {branch.scope: branch for block in compiled.blocks.values() for branch in block.branches}
        self.scopes = ("", *self.branches)
        self.arcs = {path: list(self._arcs(step)) for path, step in compiled.steps.items()}
        self._runs: dict[str, dict[str, tuple[str, ...]]] = {}
        self.ways: dict[str, tuple[object, ...]] = {}  # from a step on, once somebody asked (`verify_paths.ways_of`)

    def _arcs(self, step: Step) -> Iterator[Arc]:
        for edge in self.compiled.out.get(step.path, ()):
            for target in edge.targets:
                known = self.compiled.steps.get(target.to or "")
                if known is not None and known.scope == step.scope:
                    yield Arc(edge, known.path)

    def steps(self, scope: str) -> list[Step]:
        return [step for step in self.compiled.steps.values() if step.scope == scope]

    def starts(self, scope: str) -> list[str]:
        """Where a scope is entered: its start, and for the main token what materials lead to."""
        if scope:
            return [self.branches[scope].start]
        return [self.compiled.start, *(s for s in self._side_entries() if s in self.compiled.steps)]

    def _side_entries(self) -> Iterator[str]:
        for material in self.compiled.service.materials.values():
            if material.deferrable is not None and material.deferrable.to is not None:
                yield material.deferrable.to
            if material.replaced_by is not None and material.replaced_by.post_check is not None:
                yield material.replaced_by.post_check.step

        for step in self.compiled.steps.values():
            yield from (each.step for each in step.opens)
        yield from (fact.opens for fact in self.compiled.service.facts.values() if fact.opens is not None)

    def onward(self, path: str) -> Iterator[str]:
        """Steps that an act of work leads to: escapes (withdraw, lapse) apart."""
        return (arc.to for arc in self.arcs[path] if not arc.edge.escape)

    def everywhere(self, path: str) -> Iterator[str]:
        return (arc.to for arc in self.arcs[path])

    def ends_here(self, path: str) -> bool:
        """Whether the scope can end at this step by work: an end step, or an action with an outcome."""
        if self.compiled.steps[path].kind == "end":
            return True
        return any(t.end for edge in self.compiled.out.get(path, ()) if not edge.escape for t in edge.targets)

    def reachable(self, scope: str) -> dict[str, tuple[str, ...]]:
        """Reachable steps of a scope with a shortest run from its start, over all edges."""
        if scope not in self._runs:
            self._runs[scope] = runs_from(self.starts(scope), self.everywhere)
        return self._runs[scope]

    def run_to(self, path: str) -> tuple[str, ...]:
        """A shortest run of a case from its start to a step (empty where there is none)."""
        if is_change_step(path):
            return (path,)
        scope, asking = self.compiled.steps[path].scope, self.compiled.steps[path].asked_at
        if asking is not None:
            return (*run, path) if (run := self.run_to(asking)) else ()
        run = self.reachable(scope).get(path, ())
        if not scope or not run:
            return run
        return (*self.reachable("").get(self.branches[scope].block, ()), *run)


def runs_from(starts: Iterable[str], after: Callable[[str], Iterable[str]]) -> dict[str, tuple[str, ...]]:
    """Breadth-first: every node that can be reached, with a shortest run to it."""
    runs: dict[str, tuple[str, ...]] = {start: (start,) for start in starts}
    queue = deque(runs)
    while queue:
        here = queue.popleft()
        for to in after(here):
            if to not in runs:
                runs[to] = (*runs[here], to)
                queue.append(to)
    return runs


def circle(nodes: Iterable[str], after: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """A shortest circle within the nodes, its first node repeated at the end; empty where there is none."""
    inside = list(nodes)
    allowed = set(inside)

    def within(node: str) -> list[str]:
        return [to for to in after(node) if to in allowed]

    found: list[tuple[str, ...]] = []
    for node in inside:
        for second in within(node):
            runs = runs_from([second], within)
            if node in runs:
                found.append((node, *runs[node]))
    return min(found, key=len, default=())


@dataclass(slots=True)
class Notes:
    """Collects findings with their lines."""

    graph: Graph
    loaded: Loaded
    findings: list[Finding] = field(default_factory=list)

    def add(self, code: str, place: Path, message: str, *, step: str | None = None, trace: Sequence[str] = ()) -> None:
        """The code's first letter says the weight: E- an error, W- a warning."""
        severity: Severity = "error" if code.startswith("E-") else "warning"
        line = self.loaded.line(*place)
        self.findings.append(Finding(code, severity, self.loaded.file, line, step, message, tuple(trace)))

    def at_step(self, code: str, path: str, message: str, trace: Sequence[str] = ()) -> None:
        self.add(code, place_of_step(path), message, step=path, trace=trace or self.graph.run_to(path))

    def at_edge(self, code: str, edge: Edge, message: str, *, key: str = "", trace: Sequence[str] = ()) -> None:
        place = (*place_of_edge(edge), key) if key else place_of_edge(edge)
        self.add(code, place, message, step=edge.source, trace=trace or self.graph.run_to(edge.source))
