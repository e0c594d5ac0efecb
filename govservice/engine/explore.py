"""The second opinion on a definition: plays the engine's own `decide` through everything that can happen to a case.

    explore(compiled, cap=5_000) -> Exploration

A breadth-first walk over markings (where every token stands) and over what is known of the answers; conditions come out
both ways where the form allows both. Escapes (withdraw, lapse, acts of the clock) are left out, so that a case that can
only be withdrawn counts as stuck. Independent of the linear check of `definitions/verify.py`: it knows nothing of
graphs, joins or guards, it only tries. Clocks stand still, because no date can change where a case may go.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from govservice.definitions.compiled import Compiled
from govservice.engine.explore_moves import Marking, Move, marking_of, moves, opening
from govservice.engine.explore_world import Choice, Known, Outcome, World
from govservice.engine.invariants import breaches
from govservice.engine.state import CaseState
from govservice.engine.types import MAIN

CAP = 5_000  # cases looked at (a marking with what is known of the answers)
Used = set[tuple[str, str]]  # (step, action, answer or join rule)


@dataclass(slots=True)
class Node:
    """A case somewhere on its way. `came`: the node before, what happened there, and how its conditions came out."""

    state: CaseState
    marking: Marking
    known: Known
    came: tuple[int, Move, tuple[Choice, ...]] | None
    after: list[int] = field(default_factory=list)
    faults: tuple[str, ...] = ()
    refused: bool = False  # a condition stood in the way of something
    cut: bool = False  # something that may follow was not looked at


@dataclass(slots=True)
class Exploration:
    """What was seen. `complete` is False where the cap ended the walk early: then less can be concluded."""

    compiled: Compiled
    nodes: list[Node]
    used: Used
    visited: set[str]
    complete: bool = True
    broken: list[tuple[int, Move, str]] = field(default_factory=list)  # what `decide` itself could not carry out

    @property
    def markings(self) -> int:
        return len({node.marking for node in self.nodes})

    def run_to(self, index: int) -> list[int]:
        """Indices of the nodes of a shortest run to this one."""
        run = [index] if self.nodes else []
        while run and (came := self.nodes[run[-1]].came) is not None:
            run.append(came[0])
        return run[::-1]


def explore(compiled: Compiled, cap: int = CAP) -> Exploration:
    """Plays a definition through. Never raises for a definition that compiles."""
    return _Explorer(compiled, cap).run()


class _Explorer:
    def __init__(self, compiled: Compiled, cap: int) -> None:
        self.world, self.cap = World(compiled), cap
        self.found = Exploration(compiled, [], set(), set())
        self.index: dict[tuple[Marking, Known], int] = {}
        self.queue: deque[int] = deque()

    def run(self) -> Exploration:
        start = CaseState()
        self.try_move(None, start, opening(self.world))
        while self.queue:
            here = self.queue.popleft()
            node = self.found.nodes[here]
            if node.marking.over:
                continue
            for move in list(moves(self.world, node.state, node.known)):
                self.try_move(here, node.state, move)
        return self.found

    def try_move(self, here: int | None, state: CaseState, move: Move) -> None:
        known_before = self.found.nodes[here].known if here is not None else frozenset()
        try:
            for outcome in self.world.outcomes(state, move.known, move.command, move.step):
                self.take(here, state, move, outcome, known_before)
        except Exception as error:  # whatever a definition makes the engine do wrong is told, not raised
            self.found.broken.append((here or 0, move, f"{type(error).__name__}: {error}"))
            if here is not None:
                self.found.nodes[here].cut = True

    def take(self, here: int | None, state: CaseState, move: Move, outcome: Outcome, before: Known) -> None:
        if outcome.after is None:
            if here is not None:
                self.found.nodes[here].refused = True
            if here is not None and outcome.known != before and not move.changed:
                self.reach(here, state, outcome.known, move, outcome)  # nothing moves, but more is known
            return
        self.found.used.add((move.step, move.action))
        for event in outcome.events:
            if event.type == "step.left" and event.data["trigger"].startswith("@join"):
                self.found.used.add((event.data["step"], event.data["trigger"]))
            if event.type in ("step.entered", "branch.opened", "case.closed", "after.opened", "consult.opened"):
                self.found.visited.add(event.data["step"])
        self.reach(here, outcome.after, outcome.known, move, outcome)

    def reach(self, here: int | None, after: CaseState, known: Known, move: Move, outcome: Outcome) -> None:
        marking = marking_of(after, self.world.once)
        known = self.world.still_asked(after.tokens[MAIN].step, known)
        key = (marking, known)
        index = self.index.get(key)
        if index is None:
            if len(self.found.nodes) >= self.cap:
                self.found.complete = False
                if here is not None:
                    self.found.nodes[here].cut = True
                return
            index = self.index[key] = len(self.found.nodes)
            came = (here, move, outcome.choices) if here is not None else None
            faults = tuple(breaches(self.world.d, after))
            self.found.nodes.append(Node(after, marking, known, came, faults=faults))
            if not faults:
                self.queue.append(index)
        if here is not None:
            self.found.nodes[here].after.append(index)


def can_close(found: Exploration) -> tuple[list[bool], set[Marking]]:
    """Which nodes can come to an end; and which markings can for some answers, whatever is known now."""
    before: list[list[int]] = [[] for _ in found.nodes]
    for index, node in enumerate(found.nodes):
        for after in node.after:
            before[after].append(index)
    good = [False] * len(found.nodes)
    queue = deque(i for i, node in enumerate(found.nodes) if node.marking.over)
    for index in queue:
        good[index] = True
    while queue:
        for index in before[queue.popleft()]:
            if not good[index]:
                good[index] = True
                queue.append(index)
    return good, {found.nodes[index].marking for index in range(len(good)) if good[index]} | set(_projected(found))


def _projected(found: Exploration) -> Iterator[Marking]:
    """Markings from which an end can be reached if the answers may differ at every step."""
    before: dict[Marking, set[Marking]] = {}
    for node in found.nodes:
        for after in node.after:
            before.setdefault(found.nodes[after].marking, set()).add(node.marking)
    queue = deque({node.marking for node in found.nodes if node.marking.over})
    seen = set(queue)
    while queue:
        here = queue.popleft()
        yield here
        for marking in before.get(here, ()):
            if marking not in seen:
                seen.add(marking)
                queue.append(marking)
