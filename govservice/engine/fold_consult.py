"""Folds of consultations: another department is asked, and answers or need not any more."""

from __future__ import annotations

from govservice.engine.fold_parts import acted
from govservice.engine.fold_steps import enter, leave
from govservice.engine.state import CaseState, Token
from govservice.engine.types import MAIN, Event


def consult_asked(st: CaseState, ev: Event) -> None:
    token = st.tokens[ev.token_id or MAIN]
    if "role" in ev.data:
        acted(st, ev.data["step"], ev)
    st.tokens[token.id] = token._replace(version=token.version + 1)


def consult_opened(st: CaseState, ev: Event) -> None:
    d, id = ev.data, ev.token_id or 0
    old = st.tokens.get(id)
    version = old.version if old else 0
    token = Token(id, "consult", d["asked_by"], d["scope"], "", "active", None, 0, version, st.data_rev, ev.at, ev.seq)
    enter(st, ev, token)


def consult_ended(st: CaseState, ev: Event) -> None:
    """After an answer the stay has been left already."""
    d, token = ev.data, st.tokens[ev.token_id or 0]
    if st.task_of(token.id) is not None:
        leave(st, ev, token, "@cancelled", "cancelled")
        token = st.tokens[token.id]
    st.tokens[token.id] = token._replace(
        step=f"{d['step']}#{d['outcome']}", status="ended", outcome=d["outcome"], version=token.version + 1
    )
