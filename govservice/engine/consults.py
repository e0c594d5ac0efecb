"""Which departments were asked for an opinion and have not answered. Pure questions of a definition and a state."""

from __future__ import annotations

from govservice.definitions.compiled import Compiled
from govservice.engine.state import CaseState, Token

KIND = "consult"


def open_consults(st: CaseState) -> list[Token]:
    """Side tokens whose department has not answered."""
    return [token for token in st.tokens.values() if token.kind == KIND and token.open]


def asked_of(d: Compiled, st: CaseState, asking: int, action: str | None = None) -> list[Token]:
    """Those that a token asked (by one action, where it is named)."""
    mine = [token for token in open_consults(st) if token.parent == asking]
    return mine if action is None else [t for t in mine if d.steps[t.step].asked_by == action]


def awaited(d: Compiled, st: CaseState, asking: int) -> list[Token]:
    """Those without which the asking token may not go on from its step."""
    return [token for token in asked_of(d, st, asking) if _blocking(d, token)]


def _blocking(d: Compiled, token: Token) -> bool:
    step = d.steps[token.step]
    edge = d.edge(step.asked_at or "", step.asked_by or "")
    return edge is not None and edge.consult is not None and edge.consult.blocking
