"""A step asks other departments for their opinion: a side token for each, with a limit of its own.

The law excludes no time for what authorities ask of each other (art. 45 has a closed list), so every clock runs on. The
asking step waits where the definition says `blocking`; it is told of silence, or silence counts as no objection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govservice.definitions.compiled import Edge
from govservice.engine import decide_moves as moves
from govservice.engine.decide_work import Work


def ask(work: Work, token_id: int, edge: Edge, facts: Mapping[str, Any]) -> None:
    """Every department of the action is asked at once; the words of the question are the asking event's."""
    assert edge.consult is not None
    more = {"effects": list(edge.effects)} if edge.effects else {}
    data = {"step": edge.source, "trigger": edge.name, "asks": list(edge.consult.asks), **more, **facts}
    work.emit("consult.asked", token_id, data)
    for path in edge.consult.asks:
        open_side(work, token_id, path)


def open_side(work: Work, asking: int, path: str) -> None:
    """A side token comes to its step, beside whatever the case is doing."""
    _, mark, element = work.token(asking).scope.partition("/")  # of a branch that has a part for each element
    scope = f"{path}{mark}{element}"
    old = work.st.token_of(scope)
    token_id = old.id if old else max(work.st.tokens) + 1
    stay = moves.entry(work, work.step(path), old, token_id)
    work.emit("consult.opened", token_id, {"asked_by": asking, "scope": scope, **stay})
