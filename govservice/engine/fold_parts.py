"""What several folds share: how tasks, timers, clocks and pauses end or change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from govservice.engine.state import CaseState, ClockEnd, ClockState, Pauses, Task, TaskEnd, TimerEnd, TimerState
from govservice.engine.types import Event


def acted(st: CaseState, step: str, ev: Event) -> None:
    """Whoever acts for an absent colleague acts as both: neither may do what the other must not."""
    both = (ev.actor, *([ev.on_behalf_of] if ev.on_behalf_of is not None else []))
    st.acts[step] = tuple(dict.fromkeys((*st.acts.get(step, ()), *both)))
    st.hands[step] = ev.on_behalf_of or ev.actor


def set_timers(st: CaseState, timers: Iterable[Any], seq: int) -> None:
    for token_id, key, clock_key, due_at in timers:
        st.timers[f"{token_id}/{key}"] = TimerState(token_id, key, clock_key, due_at, seq)


def task_status(st: CaseState, token_id: int, status: str) -> None:
    task = st.task_of(token_id)
    if task is not None and task.status != status:
        st.tasks[task.opened_seq] = task._replace(status=status)


def unconfirm(st: CaseState, tokens: Iterable[int]) -> None:
    """The first of two confirmed on answers that have changed: both must look again."""
    for id in tokens:
        token = st.tokens[id]
        st.tokens[id] = token._replace(waits_for=None, confirmed=None, version=token.version + 1)


def end_task(st: CaseState, task: Task, status: str, at: str) -> None:
    del st.tasks[task.opened_seq]
    st.journal.append(TaskEnd(task, status, at))


def end_timer(st: CaseState, timer: TimerState, status: str) -> None:
    del st.timers[timer.name]
    st.journal.append(TimerEnd(timer, status))


def stop_clock(st: CaseState, clock: ClockState, at: str) -> None:
    stopped = clock._replace(stopped_at=at, paused_since=None, pauses=closed(clock.pauses, at))
    if clock.token_id is None:
        st.clocks[clock.key] = stopped
    else:
        del st.clocks[clock.key]
        st.journal.append(ClockEnd(stopped))


def closed(pauses: Pauses, at: str) -> Pauses:
    """The pauses with the one that still runs ended."""
    if not pauses or pauses[-1][1] is not None:
        return pauses
    start, _, kind = pauses[-1]
    return (*pauses[:-1], (start, max(start, at), kind))


def paused(clock: ClockState, at: str, kind: str) -> ClockState:
    return clock._replace(
        paused_since=at, pauses=(*clock.pauses, (at, None, kind)), statutory_on=None, statutory_at=None,
        promised_on=None, promised_at=None,
    )  # fmt: skip


def dated(clock: ClockState, d: Mapping[str, Any]) -> ClockState:
    return clock._replace(
        statutory_on=d["statutory_on"], statutory_at=d["statutory_at"], promised_on=d["promised_on"],
        promised_at=d["promised_at"], provisional=d["provisional"],
    )  # fmt: skip
