"""How a registry stands, in figures and words, for supervision and for the desk of its owner."""

from __future__ import annotations

from flask_babel import gettext

from govservice.exchange.outcomes import BREAKER_FAILURES, CONDUCT, FAULTS, Counts
from govservice.queries.registries import Board, Kinds

KINDS = Kinds(
    failures=frozenset(o.value for o in BREAKER_FAILURES),
    faults=frozenset(o.value for o in FAULTS),
    not_asked=frozenset(o.value for o, conduct in CONDUCT.items() if conduct.counts is Counts.NOTHING),
)


def said(board: Board) -> str:
    """How a registry stands, in a word or two."""
    if board.state == "open":
        return str(gettext("Out of order"))
    if board.state == "half_open":
        return str(gettext("Being tried"))
    if board.quarantined:
        return str(gettext("Answers do not fit"))
    if board.answered == 0:  # too few calls yet for the breaker to open
        return str(gettext("Does not answer"))
    return str(gettext("Answers in part") if board.partly else gettext("Answers"))
