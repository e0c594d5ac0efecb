"""What is known of the answers wherever a case may stand: the conditions that held, or did not, on each way there.

Answers stay what they are until a correction, and the `when` of a branch is weighed again after each: inside the branch
it holds. So an action that asks for what led to its step is no condition at all. Conditions over who acts, or over
facts that may change by themselves, are not remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from govservice.definitions.compiled import Branch, Compiled, Edge
from govservice.definitions.expressions import Expression
from govservice.definitions.names import PLEDGES
from govservice.definitions.verify_data import Data, Said
from govservice.definitions.verify_graph import Graph

Known = frozenset[Said]
NOTHING: Known = frozenset()
MOST = 48  # ways kept for one step; where there are more, nothing is said about it
_CHANGING = ("revalidate", "subscribe", "dispute")  # facts that these keep watch on may change while the case runs


def changing_names(compiled: Compiled) -> frozenset[str]:
    """Facts whose value may change, or only come, while a case runs, with the names of what is taken from them."""
    facts = compiled.service.facts
    watched = {
        name for name, fact in facts.items() if fact.pending == "allowed" or any(getattr(fact, k) for k in _CHANGING)
    }
    return frozenset(n for name in watched for n in (*facts[name].take, name))


def is_fleeting(name: str, changing: frozenset[str]) -> bool:
    """Whether a name may mean something else the next time it is asked."""
    return name.startswith(("actor.", "result.")) or name == PLEDGES or name in changing


class Ways:
    """The ways to each step, as far as they bear on some conditions (`about`), by what is known at their end."""

    def __init__(self, graph: Graph, about: Sequence[Expression]) -> None:
        self.graph, self.about = graph, {each.source: False for each in about}
        self.forgetful = changing_names(graph.compiled) | frozenset(graph.compiled.service.materials)
        bearing = _bearing(self._conditions(), about)
        self.data = Data(graph.compiled.service, bearing)
        self._at: dict[str, dict[str, set[Known] | None]] = {}

    def may_fail(self, path: str) -> bool:
        """Whether a case can stand at this step with none of `about` holding. Where there are too many ways to look
        at: no, nothing is refused by a guess."""
        scope = self.graph.compiled.steps[path].scope
        ways = self._ways(scope).get(path, set())
        return any(self._beside(way) for way in ways or ())

    def _beside(self, way: Known) -> bool:
        said = dict(way)
        return not any(said.get(source) for source in self.about) and self.data.can_be({**said, **self.about})

    def _conditions(self) -> Iterator[Expression]:
        for edges in self.graph.compiled.out.values():
            for edge in edges:
                yield from (g for g in (edge.guard, *(t.guard for t in edge.targets)) if g is not None)
        yield from (branch.when for branch in self.graph.branches.values() if branch.when is not None)

    def _ways(self, scope: str) -> dict[str, set[Known] | None]:
        if scope not in self._at:
            self._at[scope] = self._walk(scope)
        return self._at[scope]

    def _walk(self, scope: str) -> dict[str, set[Known] | None]:
        """Forward from where the scope is entered, until no step learns of another way."""
        found: dict[str, set[Known] | None] = {}
        branch = self.graph.branches.get(scope)
        todo = [start for start in self.graph.starts(scope) if _add(found, start, self._entry(branch))]
        if branch is not None and self._corrects(branch.block):
            todo += [s.path for s in self.graph.steps(scope) if _add(found, s.path, [self._needed(branch)])]
        elif branch is None:
            asked = [s.path for s in self.graph.steps("") if self._corrects(s.path)]
            todo += [path for path in asked if _add(found, path, [NOTHING])]
        while todo:
            here = todo.pop()
            for arc in self.graph.arcs[here]:
                if _add(found, arc.to, self._along(found[here], arc.edge, arc.to)):
                    todo.append(arc.to)
        return found

    def _entry(self, branch: Branch | None) -> set[Known] | None:
        if branch is None:
            return {NOTHING}
        before = self._ways("").get(branch.block, set())
        return None if before is None else self._possible(way | self._needed(branch) for way in before)

    def _needed(self, branch: Branch) -> Known:
        return self._said(branch.when, True)

    def _corrects(self, path: str) -> bool:
        """Whether the applicant may be asked to correct answers while the main token stands here."""
        inside = (p for p, s in self.graph.compiled.steps.items() if p == path or s.scope.partition(".")[0] == path)
        return any(edge.correction for p in inside for edge in self.graph.compiled.out.get(p, ()))

    def _along(self, ways: set[Known] | None, edge: Edge, to: str) -> set[Known] | None:
        if ways is None:
            return None
        learnt: set[Known] = set()
        earlier = self._said(edge.guard, True)
        for target in edge.targets:
            if target.to == to:
                learnt.add(earlier | self._said(target.guard, True))
            earlier |= self._said(target.guard, False)
        return self._possible(way | more for way in ways for more in learnt)

    def _said(self, condition: Expression | None, value: bool) -> Known:
        if condition is None or condition.source not in self.data.conditions:
            return NOTHING
        if any(is_fleeting(name, self.forgetful) for name in condition.names):
            return NOTHING
        return frozenset({(condition.source, value)})

    def _possible(self, ways: Iterable[Known]) -> set[Known]:
        return {way for way in ways if len(dict(way)) == len(way) and self.data.can_be(dict(way))}


def none_may_hold(graph: Graph, path: str, guards: Sequence[Expression]) -> bool:
    """Whether some answers that the form accepts lead a case to this step and fulfil none of these there."""
    return Ways(graph, guards).may_fail(path)


def _add(found: dict[str, set[Known] | None], path: str, ways: Iterable[Known] | None) -> bool:
    """Keeps what says least: who knows more can do no more. True if the step learns something."""
    had = found.get(path, set())
    if path in found and had is None:
        return False
    every = None if ways is None or had is None else had | set(ways)
    kept = None if every is None else {way for way in every if not any(other < way for other in every)}
    if kept is not None and len(kept) > MOST:
        kept = None
    if path in found and kept == had:
        return False
    if kept is not None and not kept:
        return False
    found[path] = kept
    return True


def _bearing(every: Iterable[Expression], about: Sequence[Expression]) -> list[Expression]:
    """The conditions that share a name with these, or with one that does."""
    left = {each.source: each for each in (*about, *every)}
    names = {name for each in about for name in each.names}
    found: dict[str, Expression] = {}
    while near := {source: each for source, each in left.items() if source not in found and each.names & names}:
        found |= near
        names |= {name for each in near.values() for name in each.names}
    return list({**found, **{each.source: each for each in about}}.values())
