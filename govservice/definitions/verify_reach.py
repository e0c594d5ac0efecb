"""Can everything be reached, can everything end, does nothing run in circles by itself or wait for ever?"""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.compiled import Step
from govservice.definitions.verify_graph import Graph, Notes, circle, is_move, place_of_step, runs_from
from govservice.definitions.verify_known import none_may_hold

_NO_ACT = ("warn", "escalate", "@appoint")


def check_reach(notes: Notes) -> None:
    graph = notes.graph
    for scope in graph.scopes:
        if not scope or graph.branches[scope].block in graph.reachable(""):
            _unreachable(notes, scope)
            _no_completion(notes, scope)
            _automatic_circle(notes, scope)
            _endless_loop(notes, scope)
    for step in graph.compiled.steps.values():
        if graph.run_to(step.path):
            _may_stall(notes, step)


def _unreachable(notes: Notes, scope: str) -> None:
    reached = notes.graph.reachable(scope)
    for step in notes.graph.steps(scope):
        if step.path not in reached:
            where = "this branch" if scope else "the case"
            message = (
                f"{_name(step)} is never reached: nothing in {where} leads to it. Lead an action to it, or remove it."
            )
            notes.add("E-UNREACHABLE", place_of_step(step.path), message, step=step.path)


def _no_completion(notes: Notes, scope: str) -> None:
    """Only the last steps before a dead end are told, not everything that leads there."""
    graph = notes.graph
    reached = list(graph.reachable(scope))
    before: dict[str, list[str]] = {path: [] for path in reached}
    for path in reached:
        for to in graph.onward(path):
            before[to].append(path)
    can_end = runs_from([p for p in reached if graph.ends_here(p)], lambda p: before[p])
    stuck = [path for path in reached if path not in can_end]
    told: set[str] = set()
    for path in sorted(stuck, key=lambda p: len(graph.run_to(p))):
        ahead = set(runs_from([path], graph.onward))
        if path not in told and all(path in runs_from([other], graph.onward) for other in ahead):
            told |= ahead
            notes.at_step("E-NO-COMPLETION", path, _stuck_words(graph, path, len(ahead) > 1))


def _stuck_words(graph: Graph, path: str, in_circle: bool) -> str:
    end = "an outcome of the branch" if graph.compiled.steps[path].scope else "an end"
    name = _name(graph.compiled.steps[path])
    if in_circle:
        return f"From {name} the work only goes round in a circle: no action leads to {end}. Add one that does."
    return (
        f"From {name} no action leads to {end} (withdrawing, lapsing and acts of the clock do not count). "
        "Add an action that goes on."
    )


def _automatic(graph: Graph, step: Step) -> bool:
    """Whether a case can pass a step without anybody: an auto step, or a block whose branches may all be skipped."""
    if step.kind == "parallel":
        return all("not_needed" in branch.outcomes for branch in graph.compiled.blocks[step.path].branches)
    return step.kind == "auto"


def _automatic_circle(notes: Notes, scope: str) -> None:
    graph = notes.graph
    nodes = [step.path for step in graph.steps(scope) if _automatic(graph, step)]
    found = circle(nodes, graph.onward)
    if found:
        message = (
            f"These steps run by themselves and lead back to {found[0]!r}: the case could turn for ever. "
            "Put a person between them."
        )
        notes.at_step("E-AUTO-CYCLE", found[0], message, found)


def _endless_loop(notes: Notes, scope: str) -> None:
    """A loop of people's steps without an applicant in it, a limit, or a reason on the way back."""
    graph = notes.graph
    open_steps = [s for s in graph.steps(scope) if s.kind != "applicant" and s.limit is None]

    def unexplained(path: str) -> Iterator[str]:
        """Ways nobody says why for; what the system could not do explains itself."""
        edges = (a for a in graph.arcs[path] if is_move(a.edge) and a.edge.name != "@fail")
        return (a.to for a in edges if not (a.edge.escape or a.edge.reason))

    found = circle([s.path for s in open_steps], unexplained)
    if found and not all(_automatic(graph, graph.compiled.steps[path]) for path in found):
        message = (
            f"The case can be sent round ({' -> '.join(found)}) without end and without anybody saying why. "
            "Ask for a reason on the way back (`reason: true`), or give one of these steps a `limit`."
        )
        notes.at_step("E-LOOP", found[0], message, found)


def _may_stall(notes: Notes, step: Step) -> None:
    if step.kind == "applicant" and step.path == notes.graph.compiled.start:
        return  # nobody waits for a draft: whoever writes it may change it, or throw it away
    if step.kind not in ("human", "applicant") or any(timer.do not in _NO_ACT for timer in step.timers):
        return
    acts = [
        e for e in notes.graph.compiled.out.get(step.path, ()) if e.kind == "action" and (e.correction or is_move(e))
    ]
    guards = [edge.guard for edge in acts if edge.guard is not None]
    if acts and len(guards) == len(acts) and none_may_hold(notes.graph, step.path, guards):
        message = (
            f"At {_name(step)} every action has a guard; where none holds, nobody can act and the case stands still. "
            "Leave one action without a guard, or let a timer act."
        )
        notes.at_step("E-MAY-STALL", step.path, message)


def check_titles(notes: Notes) -> None:
    """What people would read as a bare id, and parallel steps that are none."""
    for name, node in notes.loaded.service.steps.items():
        _title(notes, name, node.title is not None or node.kind == "end")
        branches = node.branches or {}
        if len(branches) == 1:
            notes.at_step("W-ONE-BRANCH", name, f"{name!r} has one branch only: make its steps steps of the case.")
        for branch_name, branch in branches.items():
            _title(notes, f"{name}.{branch_name}", branch.title is not None)
            for inner, step in branch.steps.items():
                _title(notes, f"{name}.{branch_name}.{inner}", step.title is not None)


def _title(notes: Notes, path: str, has_one: bool) -> None:
    if not has_one:
        message = f"{path!r} has no title: people would read its id. Add `title: {{en: ..., zh: ...}}`."
        notes.add("W-NO-TITLE", place_of_step(path), message, step=path)


def _name(step: Step) -> str:
    return repr(step.path)
