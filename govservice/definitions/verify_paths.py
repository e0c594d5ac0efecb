"""Along every way a case can take without repeating a step: milestones, clocks, and the sums of the steps' limits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from govservice.definitions.compiled import Edge, Limit, Step
from govservice.definitions.schema_base import Milestone
from govservice.definitions.verify_graph import Arc, Graph, Notes, place_of_step
from govservice.worktime.duration import Duration

MAX_ARCS = 4000  # arcs followed per definition; ways beyond are left out
_PEOPLE = ("human", "parallel", "cases")


@dataclass(frozen=True, slots=True)
class Way:
    """A way without repeated steps: the steps, the edge that left each but the last, and the milestones marked on it,
    each with the position of the step that was left."""

    steps: tuple[str, ...]
    edges: tuple[Edge, ...]
    marks: tuple[tuple[Milestone, int], ...] = ()

    def marked(self, milestone: Milestone) -> list[int]:
        """Positions of the steps that were left with this milestone marked."""
        return [at for name, at in self.marks if name == milestone]

    def and_then(self, arc: Arc) -> Way:
        marks = self.marks if arc.edge.marks is None else (*self.marks, (arc.edge.marks, len(self.edges)))
        return Way((*self.steps, arc.to), (*self.edges, arc.edge), marks)


def ways_of(graph: Graph, start: str) -> tuple[Way, ...]:
    """Every way from a step on, each prefix included, over acts of work. Of several acts that lead to the same step and
    mark the same milestone one stands for all: what is asked of a way is the same. Several checks ask for them."""
    if start not in graph.ways:
        graph.ways[start] = tuple(_followed(graph, start))
    return cast("tuple[Way, ...]", graph.ways[start])


def _followed(graph: Graph, start: str) -> Iterator[Way]:
    followed = 0
    onward: dict[str, tuple[Arc, ...]] = {}
    stack = [Way((start,), ())]
    while stack and followed < MAX_ARCS:
        way = stack.pop()
        yield way
        last = way.steps[-1]
        if last not in onward:
            alike = {(arc.to, arc.edge.marks): arc for arc in reversed(graph.arcs[last]) if not arc.edge.escape}
            onward[last] = tuple(alike.values())
        for arc in onward[last]:
            if arc.to not in way.steps:
                followed += 1
                stack.append(way.and_then(arc))


@dataclass(slots=True)
class _Longest:
    """The longest sum of steps' limits found for each clock."""

    days: dict[str, float] = field(default_factory=dict)
    trace: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def see(self, limit: str, days: float, steps: Sequence[str]) -> None:
        if days > self.days.get(limit, 0):
            self.days[limit], self.trace[limit] = days, tuple(steps)


def check_paths(notes: Notes) -> None:
    graph, compiled = notes.graph, notes.graph.compiled
    lengths = {step.path: _length(notes, step) for step in graph.steps("")}
    longest, told = _Longest(), set[str]()
    for way in ways_of(graph, compiled.start):
        _milestones(notes, way, told)
        _open_limits(notes, way, told)
        for arc in graph.arcs[way.steps[-1]]:
            _sum_limits(compiled.limits.values(), way, arc, lengths, longest)
    for limit in compiled.limits.values():
        _check_limit(notes, limit, longest)


def _length(notes: Notes, step: Step) -> float:
    """Rough calendar days of a step's limit; a parallel step counts its own limit or its longest branch."""
    own = step.limit.calendar_days if step.limit is not None and step.kind in _PEOPLE else 0.0
    own = own or _longest_wait(notes.graph, step.path)
    if step.kind != "parallel":
        return own
    branch, trace = _longest_branch(notes.graph, step)
    if step.limit is not None and branch > own:
        message = (
            f"The limit of {step.path!r} is {step.limit}, but the steps of one branch sum up to {_words(branch)}. "
            "Lengthen the limit, or shorten the branch's steps."
        )
        notes.add("W-BLOCK-LIMIT", (*place_of_step(step.path), "limit"), message, step=step.path, trace=trace)
    return own or branch


def _longest_wait(graph: Graph, path: str) -> float:
    """Rough calendar days that a step without a limit may wait for the opinion of other departments."""
    asked = [e.consult.limit for e in graph.compiled.out[path] if e.consult is not None and e.consult.blocking]
    return max((limit.calendar_days for limit in asked), default=0.0)


def _longest_branch(graph: Graph, step: Step) -> tuple[float, tuple[str, ...]]:
    best: tuple[float, tuple[str, ...]] = (0.0, ())
    for branch in graph.compiled.blocks[step.path].branches:
        for way in ways_of(graph, branch.start):
            limits = [graph.compiled.steps[path] for path in way.steps]
            days = sum(s.limit.calendar_days for s in limits if s.limit is not None and s.kind == "human")
            best = max(best, (days, way.steps))
    return best


def _milestones(notes: Notes, way: Way, told: set[str]) -> None:
    """A milestone that is marked twice on one way (told once for each edge that does it again)."""
    if not way.edges or way.edges[-1].marks is None:
        return
    again = way.edges[-1]
    assert again.marks is not None
    name = f"{again.source}/{again.name}"
    positions = way.marked(again.marks)
    if len(positions) > 1 and name not in told:
        told.add(name)
        first = way.edges[positions[0]]
        message = (
            f"marks {again.marks!r} once more on a way on which {first.source!r} ({first.name}) has marked it: "
            "the clock would count from the wrong day. Keep one of the two."
        )
        notes.at_edge("E-MILESTONE-TWICE", again, message, key="marks", trace=way.steps)


def _open_limits(notes: Notes, way: Way, told: set[str]) -> None:
    """At a granted end every clock that has started has been stopped."""
    compiled = notes.graph.compiled
    if compiled.steps[way.steps[-1]].outcome != "granted":
        return
    for limit in compiled.limits.values():
        started, stopped = way.marked(limit.start), way.marked(limit.stop)
        if started and (not stopped or stopped[-1] < started[-1]) and limit.name not in told:
            told.add(limit.name)
            message = (
                f"The case can be granted while the clock {limit.name!r} still runs: nothing on this way marks "
                f"{limit.stop!r}. Let an action or answer mark it."
            )
            notes.add("E-LIMIT-OPEN", ("limits", limit.name), message, step=way.steps[-1], trace=way.steps)


def _sum_limits(limits: Iterable[Limit], way: Way, arc: Arc, lengths: Mapping[str, float], longest: _Longest) -> None:
    """The steps between the edge that starts a clock and the one that stops it, this arc being the latter."""
    for limit in limits:
        if arc.edge.marks == limit.stop and not arc.edge.escape and (started := way.marked(limit.start)):
            between = way.steps[started[-1] + 1 :]
            longest.see(limit.name, sum(lengths[path] for path in between), between)


def _check_limit(notes: Notes, limit: Limit, longest: _Longest) -> None:
    place = ("limits", limit.name)
    if limit.promised is not None and limit.promised.calendar_days > limit.statutory.calendar_days:
        message = f"promises {limit.promised}, more than the law allows ({limit.statutory}). Promise at most that."
        notes.add("E-PROMISED", (*place, "promised"), message)
    marks = {edge.marks for edges in notes.graph.compiled.out.values() for edge in edges}
    if limit.start not in marks:
        message = f"The clock {limit.name!r} never starts: nothing marks {limit.start!r}. Let an action mark it."
        notes.add("W-LIMIT-UNUSED", place, message)
    _check_sum(notes, limit, longest)


def _check_sum(notes: Notes, limit: Limit, longest: _Longest) -> None:
    days, trace = longest.days.get(limit.name, 0.0), longest.trace.get(limit.name, ())
    for code, allowed, word in (("E-SLA", limit.statutory, "statutory"), ("W-SLA", limit.promised, "promised")):
        if allowed is not None and days > allowed.calendar_days:
            message = (
                f"The limits of the steps between {limit.start!r} and {limit.stop!r} sum up to {_words(days)}, more "
                f"than the {word} {allowed}. Shorten the steps' limits"
                + (", or promise more." if word == "promised" else ".")
            )
            notes.add(code, ("limits", limit.name, word), message, step=trace[-1], trace=trace)
            return


def _words(days: float) -> str:
    working = days / Duration(1, "wd").calendar_days
    return f"{round(working)} working days" if abs(working - round(working)) < 0.01 else f"{days:.1f} calendar days"
