"""The fold of a migration: the same case, standing in another version of its service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govservice.engine.fold_parts import end_timer, set_timers, stop_clock
from govservice.engine.state import CaseState, ClockState, Visit
from govservice.engine.types import Event


def case_migrated(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.def_sha = d["to"]
    st.data_rev = d.get("rev", st.data_rev)
    _tokens(st, ev)
    _tasks(st, d)
    for stay in d["stays"]:
        _stay(st, ev, stay)
    for limit in d["limits"]:
        _limit(st, limit)
    for name in d["ended"]:
        if name in st.timers:
            end_timer(st, st.timers[name], "cancelled")
    set_timers(st, d["timers"], ev.seq)
    _renamed(st, d)


def _tokens(st: CaseState, ev: Event) -> None:
    """Pages that showed a moved token are stale: what may be done there may have changed."""
    tasks = {task.token_id: task for task in st.tasks.values() if not task.watch}
    said = {row[0]: row for row in ev.data["tasks"]}
    for id, step, scope in ev.data["tokens"]:
        token = st.tokens[id]
        st.tokens[id] = token._replace(step=step, scope=scope, version=token.version + 1)
        if token.open:
            task = tasks.get(id)
            role, department = (said[task.opened_seq][2], said[task.opened_seq][3]) if task else (None, None)
            st.journal.append(Visit(id, token.entered_seq, step, department, role, "", token.entered_at))


def _tasks(st: CaseState, d: Mapping[str, Any]) -> None:
    for seq, step, role, department, kept in d["tasks"]:
        task = st.tasks[seq]
        assignee, claimed_at = (task.assignee, task.claimed_at) if kept else (None, None)
        st.tasks[seq] = task._replace(
            step=step, role=role, department=department, assignee=assignee, claimed_at=claimed_at
        )


def _stay(st: CaseState, ev: Event, stay: list[Any]) -> None:
    id, limit, on, at, provisional, calendar = stay
    token, known = st.tokens[id], st.step_clock(st.tokens[id])
    if limit is None:
        if known is not None:
            stop_clock(st, known, ev.at)
        return
    paused = token.pauses[-1][0] if token.paused else None
    key = f"step:{id}:{token.entered_seq}"
    st.clocks[key] = ClockState(
        key, id, limit, None, token.entered_at, None, paused, token.pauses, on, at, None, None, provisional, calendar
    )


def _limit(st: CaseState, d: Mapping[str, Any]) -> None:
    known = st.clocks.get(d["key"])
    paused_since, pauses = (known.paused_since, known.pauses) if known is not None else (None, ())
    st.clocks[d["key"]] = ClockState(
        d["key"], None, d["statutory"], d["promised"], d["started_at"], None, paused_since, pauses, d["statutory_on"],
        d["statutory_at"], d["promised_on"], d["promised_at"], d["provisional"], d["calendar"],
        known.extended if known is not None else 0,
    )  # fmt: skip


def _renamed(st: CaseState, d: Mapping[str, Any]) -> None:
    """What the case remembers by path or by name of a field keeps its meaning under the new name."""
    steps, fields = d["steps"], d["fields"]
    acts: dict[str, tuple[str, ...]] = {}
    for path, who in st.acts.items():
        new = steps.get(path, path)
        acts[new] = tuple(dict.fromkeys((*acts.get(new, ()), *who)))
    st.acts = acts
    st.hands = {steps.get(path, path): who for path, who in st.hands.items()}
    st.rounds = {steps.get(path, path): n for path, n in st.rounds.items()}
    st.noticed = tuple(steps.get(path, path) for path in st.noticed)
    st.changes = tuple((rev, _names(names, fields)) for rev, names in st.changes)
    moved = [kept._replace(step=steps.get(kept.step, kept.step)) for kept in st.kept.values()]
    st.kept = {kept.step: kept for kept in moved}
    for service, child in st.children.items():
        st.children[service] = child._replace(step=steps.get(child.step, child.step))
    for id, ask in st.asks.items():
        st.asks[id] = ask._replace(step=steps.get(ask.step, ask.step), items=_names(ask.items, fields))
    if st.notice is not None:
        scope = steps.get(st.notice.scope, st.notice.scope)
        st.notice = st.notice._replace(scope=scope, items=_names(st.notice.items, fields))


def _names(names: tuple[str, ...], fields: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(fields.get(name, name) for name in names)
