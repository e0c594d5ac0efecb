"""What an exploration proves wrong, as findings with the run that shows it.

    second_opinion(compiled, loaded, findings) -> list[Finding]

takes the findings of the linear check and gives back the same with the explored runs, and whatever only the
exploration saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from govservice.definitions.compiled import Compiled, Edge
from govservice.definitions.findings import Finding, Severity, sorted_findings
from govservice.definitions.loader import Loaded
from govservice.definitions.on_change import is_change_step
from govservice.definitions.reader import Path
from govservice.definitions.verify_graph import place_of_edge, place_of_step
from govservice.definitions.verify_words import place
from govservice.engine.explore import Exploration, can_close, explore
from govservice.engine.explore_words import move_in_words, run_in_words

_KEPT: dict[str, tuple[Exploration, tuple[Problem, ...]]] = {}  # by the definition's hash: it never changes
KEEP = 32  # definitions


class Problem(NamedTuple):
    code: str
    step: str
    message: str
    trace: tuple[str, ...]
    edge: Edge | None = None


def second_opinion(compiled: Compiled, loaded: Loaded, findings: Sequence[Finding]) -> list[Finding]:
    """The findings of the linear check, with explored runs; and, where that check let the definition pass, everything
    that the exploration found beside."""
    _, problems = explored(compiled)
    seen = [_finding(loaded, problem) for problem in problems]
    runs = {(f.code, f.step): f.trace for f in seen if f.trace}
    kept = [replace(f, trace=runs.get((f.code, f.step), f.trace)) for f in findings]
    if any(f.severity == "error" for f in kept):
        return kept  # the rest follows from these
    places = {(f.step, f.line) for f in kept}
    steps = {f.step for f in kept}
    new = [f for f in seen if f.severity == "error" or ((f.step, f.line) not in places and f.step not in steps)]
    return list(sorted_findings([*kept, *(f for f in new if not _explained(f, kept))]))


def explored(compiled: Compiled) -> tuple[Exploration, tuple[Problem, ...]]:
    """The exploration of a definition and what it found, remembered by the definition's hash."""
    known = _KEPT.get(compiled.sha)
    if known is None:
        found = explore(compiled)
        known = _KEPT[compiled.sha] = (found, tuple(problems_of(found)))
        while len(_KEPT) > KEEP:
            del _KEPT[next(iter(_KEPT))]
    return known


def problems_of(found: Exploration) -> Iterator[Problem]:
    """Everything wrong, each kind once per step, with a shortest run."""
    told: set[tuple[str, str]] = set()
    for problem in (*_broken(found), *_faults(found), *_stuck(found), *_unused(found)):
        if (problem.code, problem.step) not in told:
            told.add((problem.code, problem.step))
            yield problem


def _broken(found: Exploration) -> Iterator[Problem]:
    for index, move, error in found.broken:
        run = run_in_words(found, index, move_in_words(found.compiled, move))
        circles = "circles" in error
        code, what = ("E-AUTO-CYCLE", "the case turns without end") if circles else ("E-CANNOT-RUN", error)
        yield Problem(code, move.step, f"Taking {move.action!r} here cannot be carried out: {what}.", run)


def _faults(found: Exploration) -> Iterator[Problem]:
    for index, node in enumerate(found.nodes):
        for fault in node.faults:
            step = node.state.main.step
            if "no join has fired" in fault:
                message = (
                    "All departments are done and no rule of the join fires: the case stands still for ever. "
                    "Add a rule for it, or a last one without `if`."
                )
                yield Problem("E-JOIN-DEADLOCK", step, message, run_in_words(found, index))
            else:
                yield Problem("E-END-OPEN", step, f"The case comes to where {fault}.", run_in_words(found, index))


# -- cases that cannot come to an end


def _stuck(found: Exploration) -> Iterator[Problem]:
    good, for_some_answers = can_close(found)
    bad = [i for i, node in enumerate(found.nodes) if not good[i]]
    for circle in sorted(_last_circles(found, bad), key=min):
        index = min(circle)
        by_answers = any(found.nodes[i].refused or found.nodes[i].marking in for_some_answers for i in circle)
        problem = _stuck_problem(found, index, circle, by_answers)
        if problem is not None:
            yield problem


def _stuck_problem(found: Exploration, index: int, circle: set[int], by_answers: bool) -> Problem | None:
    """None where only conditions hold a case here and a timer ends it. A timer that takes a guarded action does not: it
    is refused like anybody else."""
    if any(found.nodes[i].cut or found.nodes[i].faults for i in circle):
        return None
    if by_answers and any(_timer_acts(found, i) for i in circle):
        return None
    steps = [p.step for p in found.nodes[index].marking.places if p.status in ("active", "waiting") and not p.outcome]
    step = next((s for s in steps if s not in found.compiled.blocks), steps[0])
    name = place(found.compiled, step)
    if len(circle) == 1 and by_answers and step == found.compiled.start:
        return None  # a draft that cannot be sent as it is: nobody waits for it
    if len(circle) == 1 and by_answers:
        message = (
            f"A case may come to {name} with answers for which no action is possible there: it stands still. "
            "Leave one action without a guard, or let a timer act."
        )
        return Problem("E-MAY-STALL", step, message, run_in_words(found, index))
    if len(circle) == 1:
        message = f"From {name} no action leads on (withdrawing, lapsing and acts of the clock do not count)."
        return Problem("E-NO-COMPLETION", step, f"{message} Add an action that goes on.", run_in_words(found, index))
    answers = " with these answers" if by_answers else ""
    message = f"From {name} the case only goes round{answers} and never comes to an end. Add an action that leads out."
    return Problem("E-NO-COMPLETION", step, message, run_in_words(found, index, f"From {name} it only goes round"))


def _timer_acts(found: Exploration, index: int) -> bool:
    places = found.nodes[index].marking.places
    steps = [found.compiled.steps[p.step] for p in places if p.step in found.compiled.steps and not p.outcome]
    return any(timer.do == "lapse" for step in steps for timer in step.timers)


def _last_circles(found: Exploration, bad: Sequence[int]) -> Iterator[set[int]]:
    """Among the nodes that cannot come to an end: where a case turns, or stands, for ever once it is there (strongly
    connected components that nothing leaves, by Kosaraju's two walks)."""
    inside = set(bad)
    after = {i: [a for a in found.nodes[i].after if a in inside] for i in bad}
    before: dict[int, list[int]] = {i: [] for i in bad}
    for index, targets in after.items():
        for target in targets:
            before[target].append(index)
    left: set[int] = set(bad)
    for root in reversed(_by_finishing(bad, after)):
        if root in left:
            circle = _reached(root, before, left)
            left -= circle
            if all(target in circle for index in circle for target in after[index]):
                yield circle


def _by_finishing(nodes: Sequence[int], after: Mapping[int, Sequence[int]]) -> list[int]:
    seen: set[int] = set()
    order: list[int] = []
    for root in nodes:
        stack = [(root, iter(after[root]))] if root not in seen else []
        seen.add(root)
        while stack:
            here, targets = stack[-1]
            target = next((t for t in targets if t not in seen), None)
            if target is None:
                order.append(here)
                stack.pop()
            else:
                seen.add(target)
                stack.append((target, iter(after[target])))
    return order


def _reached(root: int, edges: Mapping[int, Sequence[int]], allowed: set[int]) -> set[int]:
    seen, todo = {root}, [root]
    while todo:
        for target in edges[todo.pop()]:
            if target in allowed and target not in seen:
                seen.add(target)
                todo.append(target)
    return seen


# -- what never happens


def _unused(found: Exploration) -> Iterator[Problem]:
    if not found.complete or found.broken:
        return
    for path, edges in found.compiled.out.items():
        for edge in edges if not is_change_step(path) else ():  # no act leads there: a register does
            used = (path, edge.name) in found.used
            if edge.kind in ("action", "answer", "join") and path in found.visited and not used:
                message = f"{edge.name!r} is never possible, however a case goes. Remove it, or mend what forbids it."
                yield Problem("W-UNUSED-ACTION", path, message, (), edge)
    for path, step in found.compiled.steps.items():
        if path not in found.visited and step.kind != "end" and not is_change_step(path):
            message = f"{place(found.compiled, path)} is never reached, however a case goes."
            yield Problem("W-UNUSED-STEP", path, message, ())


# -- findings


def _explained(finding: Finding, others: Sequence[Finding]) -> bool:
    """Whether a rule or condition that never holds has been told already: what lies behind it is unused."""
    causes = ("W-GUARD", "W-SHADOWED", "E-UNREACHABLE")
    return finding.code.startswith("W-UNUSED") and any(f.code.startswith(causes) for f in others)


def _finding(loaded: Loaded, problem: Problem) -> Finding:
    severity: Severity = "error" if problem.code.startswith("E-") else "warning"
    where: Path = place_of_edge(problem.edge) if problem.edge is not None else place_of_step(problem.step)
    if problem.code == "E-JOIN-DEADLOCK":
        where = (*where, "join")
    return Finding(
        problem.code, severity, loaded.file, loaded.line(*where), problem.step or None, problem.message, problem.trace
    )
