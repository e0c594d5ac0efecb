"""After a grant: a register tells of a change, and somebody looks whether what was granted still holds.

What is opened is a step that lives on after the case has closed. Nothing is taken away by it: the step's own actions
say what may follow, and who is heard before.
"""

from __future__ import annotations

from govservice.definitions.compiled import Compiled
from govservice.engine import decide_moves as moves
from govservice.engine import rights
from govservice.engine.decide_work import Work
from govservice.engine.state import CaseState
from govservice.engine.types import Actor, Refusal

TRIGGER = "@review"


def openings(d: Compiled) -> dict[str, str]:
    """By fact: the step that a change of it opens after a grant (`opens`)."""
    return {name: node.opens for name, node in d.service.facts.items() if node.opens is not None}


def refusal(st: CaseState, actor: Actor) -> Refusal | None:
    """Registers speak through the system, and only of what was granted is anything left to look at."""
    if actor.kind != "system":
        return rights.NOT_SYSTEM
    return None if (st.status, st.outcome) == ("closed", "granted") else rights.NOT_HERE


def review(work: Work) -> None:
    """Opens the step of a fact; nothing where somebody looks already."""
    fact = str(work.cmd.data["fact"])
    path = openings(work.d).get(fact)
    if path is not None:
        moves.open_after(work, path, [], fact)
