"""A state as JSON text and back. `FORMAT` changes with the shape of the state: older texts are then folded anew."""

from __future__ import annotations

import json
from typing import Any

from govservice.engine.chain import canonical
from govservice.engine.state import (
    Ask,
    CaseState,
    Child,
    ClockState,
    Gap,
    Hold,
    Kept,
    Notice,
    Pledged,
    Task,
    TimerState,
    Token,
)

FORMAT = 11


def dump(st: CaseState) -> str:
    """Canonical JSON of everything that is folded: equal states give equal text."""
    return canonical(
        [
            st.case_id, st.seq, st.version, st.last_key, st.last_at, st.number, st.service, st.def_sha, st.applicant_id,
            st.organisation_id, st.mandate_id, st.channel, st.area, st.status, st.outcome, st.data_rev, st.opened_at,
            st.closed_at, st.milestones, list(st.tokens.values()), list(st.tasks.values()), list(st.clocks.values()),
            list(st.timers.values()), st.acts, st.rounds, list(st.asks.values()), st.notice, st.noticed, st.changes,
            st.flags, list(st.kept.values()), st.holds, list(st.gaps.values()), list(st.pledges.values()),
            st.parent_id, list(st.children.values()), st.hands, st.places,
        ]
    )  # fmt: skip


def load(text: str) -> CaseState:
    """The state of a text that `dump` made in this format."""
    row: list[Any] = json.loads(text)
    tokens = [Token._make(_token(t)) for t in row[19]]
    tasks = [Task._make(t) for t in row[20]]
    clocks = [ClockState._make([*c[:7], _pauses(c[7]), *c[8:]]) for c in row[21]]
    timers = [TimerState._make(t) for t in row[22]]
    asks = [Ask._make([a[0], a[1], tuple(a[2]), *a[3:]]) for a in row[25]]
    notice = None if row[26] is None else _notice(row[26])
    parts: list[Any] = [
        *row[:19], {t.id: t for t in tokens}, {t.opened_seq: t for t in tasks}, {c.key: c for c in clocks},
        {t.name: t for t in timers}, {path: tuple(who) for path, who in row[23].items()}, row[24],
        {a.token_id: a for a in asks}, notice, tuple(row[27]),
        tuple((rev, tuple(names)) for rev, names in row[28]), tuple(row[29]),
        {k.step: k for k in (Kept._make(k) for k in row[30])},
        tuple(Hold._make(h) for h in row[31]),
        {g[0]: Gap._make(g) for g in row[32]}, {p[0]: Pledged._make(p) for p in row[33]}, row[34],
        {c.service: c for c in (Child._make(c) for c in row[35])}, row[36], row[37],
    ]  # fmt: skip
    return CaseState(*parts)


def _token(row: list[Any]) -> list[Any]:
    return [*row[:14], _pauses(row[14]), tuple(row[15]) if row[15] else None, *row[16:]]


def _pauses(rows: list[list[Any]]) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(p) for p in rows) if rows else ()


def _notice(row: list[Any]) -> Notice:
    return Notice._make([*row[:3], tuple(row[3]), tuple(row[4]), row[5]])
