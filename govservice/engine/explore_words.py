"""A run that was explored, told sentence by sentence: who does what, under which conditions, and where it ends."""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.compiled import Compiled
from govservice.definitions.verify_words import deed, place, who
from govservice.engine.explore import Exploration, Node
from govservice.engine.explore_moves import Marking, Move, Place
from govservice.engine.explore_world import Choice
from govservice.engine.types import MAIN

_OWN = {
    "@send_notice": "sends the correction notice",
    "@resubmit": "answers the correction notice",
    "@supply": "brings a document that was put off",
    "@review": "hears from a register that something has changed",
}


def run_in_words(found: Exploration, index: int, end: str = "") -> tuple[str, ...]:
    """The shortest run to a node, one sentence for each thing that happens; `end` or where the case then stands."""
    nodes = [found.nodes[i] for i in found.run_to(index)]
    told = [s for before, node in zip(nodes, nodes[1:], strict=False) if (s := _sentence(found.compiled, before, node))]
    if not end and nodes:
        end = f"The case stands still: {stands(found.compiled, nodes[-1].marking)}"
    return (*told, end or "The case is opened")


def move_in_words(d: Compiled, move: Move, choices: tuple[Choice, ...] = ()) -> str:
    """What happens, and under which conditions."""
    if move.edge is not None:
        said = deed(d, move.edge)
    else:
        said = f"{who(d, move.by)} {_OWN.get(move.action, move.action)}"
        if move.changed and move.action == "@resubmit":
            said += " with other answers"
    return f"{said}{_conditions(choices)}"


def _sentence(d: Compiled, before: Node, node: Node) -> str:
    assert node.came is not None
    _, move, choices = node.came
    if before.marking == node.marking:
        weighed = "; ".join(_condition(c) for c in choices)
        return f"Not possible at {place(d, move.step)}: {weighed}" if weighed else ""
    went = _went(d, before.marking, node.marking)
    first = " (the first of two people)" if _confirmed(before, node) else ""
    return f"{move_in_words(d, move, choices)}{first}{' -> ' + '; '.join(went) if went else ''}"


def _confirmed(before: Node, node: Node) -> bool:
    count = [sum(p.confirmed is not None for p in each.marking.places) for each in (before, node)]
    return count[1] > count[0]


def _conditions(choices: tuple[Choice, ...]) -> str:
    return f", where {' and '.join(_condition(c) for c in choices)}" if choices else ""


def _condition(choice: Choice) -> str:
    return f"`{choice.source}` {'holds' if choice.value else 'does not hold'}"


def _went(d: Compiled, before: Marking, after: Marking) -> list[str]:
    """What stands elsewhere than before."""
    was = {p.scope: p for p in before.places}
    return [said for p in after.places if p.step != _step(was.get(p.scope)) and (said := _arrival(d, p))]


def _arrival(d: Compiled, place_: Place) -> str:
    return f"{place(d, place_.step)}{' is cancelled' if place_.outcome == 'cancelled' else ''}"


def _step(place_: Place | None) -> str | None:
    return place_.step if place_ is not None else None


def stands(d: Compiled, marking: Marking) -> str:
    """Where everything stands: open tokens, and how branches have ended."""
    return "; ".join(_standing(d, marking))


def _standing(d: Compiled, marking: Marking) -> Iterator[str]:
    branches = [p for p in marking.places if p.scope != f"main:{MAIN}"]
    for p in branches or marking.places:
        yield place(d, p.step)
