"""Who may act: four eyes that forbid nothing or everybody, and roles that nobody holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from govservice.definitions.catalogue import AreaEntry, Catalogue
from govservice.definitions.compiled import Edge
from govservice.definitions.verify_graph import Graph, Notes, place_of_edge, runs_from

MAX_EYES, MAX_FREE = 4, 8  # steps and people weighed together; more are enough anyway
Staffing = Mapping[tuple[str, str], frozenset[str]]  # (role code, department id) -> ids of active users
Holders = Mapping[str, frozenset[str]]  # role code -> who holds it in one area


def check_four_eyes(notes: Notes) -> None:
    """`not_same_as` names a step that some way visits before; else it forbids nothing."""
    graph = notes.graph
    for edge in _edges(graph):
        for index, path in enumerate(edge.not_same_as):
            if path in graph.compiled.steps and not _comes_before(graph, path, edge.source):
                message = (
                    f"{path!r} never comes before {edge.source!r}, so this forbids nobody anything. "
                    "Name a step that does, or remove it."
                )
                place = (*place_of_edge(edge), "not_same_as", index)
                notes.add("W-VACUOUS-FOUR-EYES", place, message, step=edge.source, trace=graph.run_to(edge.source))


def _edges(graph: Graph) -> Iterator[Edge]:
    """Each action once: a case-wide one at the first step where it holds."""
    seen: set[str] = set()
    for edge in (edge for edges in graph.compiled.out.values() for edge in edges):
        if edge.kind == "action" or (edge.kind == "always" and edge.name not in seen):
            yield edge
        if edge.kind == "always":
            seen.add(edge.name)


def _comes_before(graph: Graph, first: str, then: str) -> bool:
    if not graph.run_to(then):
        return True  # that it is never reached is told already
    if not graph.run_to(first):
        return False
    if graph.compiled.steps[then].after_close and not graph.compiled.steps[first].after_close:
        return True  # the whole case comes before
    one, other = graph.compiled.steps[first].scope, graph.compiled.steps[then].scope
    if one and one == other and (then in _after(graph, first) or graph.branches[one].each is not None):
        return True  # also at the same step: the parts of a branch with `each` are other stays
    block_one, block_other = first.split(".")[0], then.split(".")[0]
    if one and other and one != other and block_one == block_other:
        return True  # branches run at the same time
    return block_other in _after(graph, block_one)


def _after(graph: Graph, path: str) -> set[str]:
    return set(runs_from(graph.onward(path), graph.onward))


# --- staffing


def check_staffing(notes: Notes, catalogue: Catalogue, staffing: Staffing) -> None:
    """Every role has somebody in every area where a case may lie, and four eyes leave somebody over."""
    for area in _areas(notes.graph, catalogue):
        holders = _holders(notes.graph, catalogue, staffing, area.code)
        _everybody_there(notes, holders, area.name["en"])
        for edge in _edges(notes.graph):
            if edge.by in holders:
                _enough_people(notes, edge, holders, area.name["en"])


def _areas(graph: Graph, catalogue: Catalogue) -> list[AreaEntry]:
    """Where people may file; of a service that no such area's department answers for, the area of its department."""
    service = graph.compiled.service
    serving = [area for area in catalogue.areas.values() if area.serves]
    own = {each.area for each in catalogue.departments.values() if each.code == service.department}
    if service.area is None and own and not any(area.code in own for area in serving):
        return [catalogue.areas[code] for code in sorted(own)]
    return serving


def _holders(graph: Graph, catalogue: Catalogue, staffing: Staffing, area: str) -> Holders:
    found = {}
    for code, role in graph.compiled.service.roles.items():
        department = catalogue.department_for(role.department, area)
        found[code] = staffing.get((code, department), frozenset()) if department else frozenset[str]()
    return found


def _roles_used(graph: Graph) -> set[str]:
    compiled = graph.compiled
    owners = {step.owner for step in compiled.steps.values() if step.owner}
    acting = {edge.by for edge in _edges(graph)}
    told = {timer.to_role for step in compiled.steps.values() for timer in step.timers if timer.to_role}
    extending = {limit.extend.role for limit in compiled.limits.values() if limit.extend is not None}
    return owners | acting | told | extending


def _everybody_there(notes: Notes, holders: Holders, area: str) -> None:
    for code in sorted(_roles_used(notes.graph) & set(holders)):
        if not holders[code]:
            message = f"Nobody in {area} holds the role {code!r}: cases would lie there for ever. Give it to somebody."
            step = _first_step(notes.graph, code)
            trace = notes.graph.run_to(step) if step is not None else ()
            notes.add("E-NO-STAFF", ("roles", code), message, step=step, trace=trace)


def _first_step(graph: Graph, role: str) -> str | None:
    """The first step at which somebody of the role must act."""
    compiled = graph.compiled
    mine = [path for path, step in compiled.steps.items() if step.owner == role] + [
        edge.source for edge in _edges(graph) if edge.by == role
    ]
    return next((path for path in mine if graph.run_to(path)), None)


def _enough_people(notes: Notes, edge: Edge, holders: Holders, area: str) -> None:
    people, needed = holders[edge.by], 2 if edge.two_people else 1
    if not people:
        return  # told by E-NO-STAFF
    at_best, at_worst = _forbidden(notes.graph, edge, holders)
    place = (*place_of_edge(edge), "not_same_as" if edge.not_same_as else "two_people")
    short = f"{area} has {len(people)} holder{'s' if len(people) > 1 else ''} of the role {edge.by!r}"
    if len(people) - at_best < needed:
        message = (
            f"{short}; with those who acted before excluded, nobody{' second' if needed == 2 else ''} is left to act. "
            "Give the role to more people."
        )
        notes.add("E-FOUR-EYES", place, message, step=edge.source, trace=notes.graph.run_to(edge.source))
    elif len(people) - at_worst < needed:
        message = (
            f"{short}; if they acted at the steps before, too few are left to act here. Give the role to more people."
        )
        notes.add("W-FOUR-EYES", place, message, step=edge.source, trace=notes.graph.run_to(edge.source))


def _forbidden(graph: Graph, edge: Edge, holders: Holders) -> tuple[int, int]:
    """How many holders of the acting role the earlier steps use up: at least, and at most."""
    people = holders[edge.by]
    steps = [path for path in edge.not_same_as if _actors(graph, path, holders)]
    least = [_used_up(graph, [path], people, holders) for path in steps]
    if 1 < len(steps) <= MAX_EYES and _on_one_way(graph, steps):
        least.append(_used_up(graph, steps, people, holders))
    most = sum(min(max(_counts(graph, path)), len(_actors(graph, path, holders) & people)) for path in steps)
    return max(least, default=0), min(most, len(people))


def _actors(graph: Graph, path: str, holders: Holders) -> frozenset[str]:
    step = graph.compiled.steps.get(path)
    return holders.get(step.owner or "", frozenset()) if step is not None else frozenset()


def _counts(graph: Graph, path: str) -> list[int]:
    """By how many people each action of a step is taken."""
    return [2 if e.two_people else 1 for e in graph.compiled.out[path] if e.kind == "action"] or [1]


def _on_one_way(graph: Graph, steps: Sequence[str]) -> bool:
    """Whether one case can have visited all of these."""
    pairs = combinations(steps, 2)
    return all(_comes_before(graph, one, other) or _comes_before(graph, other, one) for one, other in pairs)


def _used_up(graph: Graph, steps: Sequence[str], people: frozenset[str], holders: Holders) -> int:
    """The fewest of these people that must have acted when all the steps were visited, whoever could stand aside there
    doing so; each step's own four eyes hold among them. 0 where the steps cannot be done at all: that is told there."""
    fewest = len(people) + 1
    todo: list[tuple[tuple[frozenset[str], ...], frozenset[str]]] = [((), frozenset())]
    while todo:
        done, used = todo.pop()
        if len(used) >= fewest:
            continue
        if len(done) == len(steps):
            fewest = len(used)
            continue
        path = steps[len(done)]
        apart = _apart(graph, path, steps)
        barred = frozenset().union(*(who for other, who in zip(steps, done, strict=False) if other in apart))
        free = sorted(_actors(graph, path, holders) - barred, key=lambda person: (person in people, person))[:MAX_FREE]
        todo += [
            ((*done, frozenset(who)), used | (frozenset(who) & people))
            for who in combinations(free, min(_counts(graph, path)))
        ]
    return fewest if fewest <= len(people) else 0


def _apart(graph: Graph, path: str, steps: Sequence[str]) -> set[str]:
    """Which of these steps nobody may have acted at who acts at this one, or the other way round."""
    mine = {other for e in graph.compiled.out[path] for other in e.not_same_as}
    return mine | {other for other in steps if any(path in e.not_same_as for e in graph.compiled.out[other])}
