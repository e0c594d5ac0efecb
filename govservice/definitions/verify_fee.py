"""The fee: said once, asked for at one step, and never to be got round on the way to what it is due before."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from govservice.definitions.compiled import Edge, Step
from govservice.definitions.verify_graph import Graph, Notes, runs_from
from govservice.money import Money

COLLECT, REFUND = "fee.collect", "payment.refund"
WORDS = {
    "before_issue": "the document is issued",
    "before_decision": "the case is decided",
    "before_review": "the review begins",
}


def check_fee(notes: Notes) -> None:
    """A fee that no step collects, the reverse, a sum that cannot be paid, a wait without end, a way round it."""
    compiled = notes.graph.compiled
    fee = compiled.service.fee
    steps = [step for step in compiled.steps.values() if step.call == COLLECT]
    if fee is None:
        _without(notes, steps)
        return
    try:
        Money.of(fee.amount.value, fee.amount.currency)
    except ValueError as wrong:
        notes.add(
            "E-FEE-AMOUNT", ("fee", "amount"), f"cannot be paid: {wrong}. Write it as it is paid, such as 200.00."
        )
    if not steps:
        message = "no step collects it: add an auto step with `do: {call: fee.collect}`, or leave the fee out."
        notes.add("E-FEE-NEVER", ("fee",), message)
        return
    for step in steps:
        if not any(timer.do == "lapse" for timer in step.timers):
            message = "waits for a payment that may never come: add a timer with `do: lapse`."
            notes.at_step("W-FEE-WAIT", step.path, message)
    _check_way_round(notes, fee.due)


def _without(notes: Notes, steps: list[Step]) -> None:
    for step in steps:
        notes.at_step("E-FEE-UNKNOWN", step.path, "collects a fee, and the service has none: say `fee:` at the top.")
    for edges in notes.graph.compiled.out.values():
        for edge in edges:
            if REFUND in edge.effects and edge.kind != "always":
                notes.at_edge(
                    "E-FEE-UNKNOWN", edge, "gives back a fee, and the service has none: leave the effect out."
                )


def _check_way_round(notes: Notes, due: str) -> None:
    """Walks from the start without ever paying: what the fee is due before must not be reached."""
    graph = notes.graph
    unpaid = runs_from(graph.starts(""), lambda path: _unpaid(graph, path))
    owed = _OWED[due](graph)
    for path, run in unpaid.items():
        if owed(path):
            message = f"is reached without the fee, which is due before {WORDS[due]}: lead every way to it through "
            notes.at_step("E-FEE-BYPASSED", path, f"{message}the answer `ok` of a step that collects the fee.", run)
            return


def _unpaid(graph: Graph, path: str) -> Iterator[str]:
    step = graph.compiled.steps[path]
    if any(graph.compiled.steps[s.path].call == COLLECT for s in graph.compiled.steps.values() if _inside(s, path)):
        return  # a branch collects it: what the join then does is the branch's own matter
    for arc in graph.arcs[path]:
        if not (step.call == COLLECT and arc.edge.name == "@ok"):
            yield arc.to


def _inside(step: Step, block: str) -> bool:
    return step.scope.partition(".")[0] == block and step.scope != ""


def _issues(graph: Graph) -> Callable[[str], bool]:
    """The step that issues the document; where there is none, the grant itself."""
    steps = graph.compiled.steps
    if any(step.call == "document.issue" for step in steps.values()):
        return lambda path: steps[path].call == "document.issue"
    return lambda path: steps[path].outcome == "granted"


def _decides(graph: Graph) -> Callable[[str], bool]:
    """A step where somebody can decide otherwise than by ending the case without a grant; else as for the issue."""
    out, steps = graph.compiled.out, graph.compiled.steps

    def grants(edge: Edge) -> bool:
        ends = [steps[t.to] for t in edge.targets if t.to is not None]
        return edge.marks == "decided" and any(s.kind != "end" or s.outcome == "granted" for s in ends)

    deciding = {path for path, edges in out.items() if any(grants(edge) for edge in edges)}
    issues = _issues(graph)
    return lambda path: path in deciding or issues(path)


def _reviews(graph: Graph) -> Callable[[str], bool]:
    """A parallel step; where there is none, a step where the case is decided."""
    steps, decides = graph.compiled.steps, _decides(graph)
    if any(step.kind == "parallel" for step in steps.values()):
        return lambda path: steps[path].kind == "parallel" or decides(path)
    return decides


_OWED: dict[str, Callable[[Graph], Callable[[str], bool]]] = {
    "before_issue": _issues,
    "before_decision": _decides,
    "before_review": _reviews,
}
