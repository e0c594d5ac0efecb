"""`evolve`: the state after an event. Pure, total, and the only thing a replay runs.

Each type of event has one function here that changes a working copy; `evolve` makes the copy. Nothing here decides
anything: what is not in the event does not happen. Old versions of an event are brought up to date by `UPCASTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from govservice.engine.types import (
    MAIN,
    Ask,
    CaseState,
    ClockEnd,
    ClockState,
    Event,
    Left,
    Notice,
    Task,
    TaskEnd,
    TimerEnd,
    TimerState,
    Token,
    Visit,
)

WAITED_ON = {"applicant": "applicant", "auto": "system"}
Upcast = Callable[[Mapping[str, Any]], Mapping[str, Any]]
UPCASTS: dict[tuple[str, int], Upcast] = {}  # (type, old version) -> data of the next version


def evolve(state: CaseState, event: Event) -> CaseState:
    """The state after an event; the given one stays as it was. An unknown type changes nothing but the sequence."""
    after = state.copy()
    fold(after, event)
    return after


def fold(st: CaseState, ev: Event) -> None:
    """`evolve` in place, for a state that nobody else holds."""
    key = f"{ev.actor}\x1f{ev.idem}"
    if key != st.last_key:
        st.version += 1
        st.last_key = key
    st.seq, st.last_at = ev.seq, ev.at
    handler = HANDLERS.get(ev.type)
    if handler is not None:
        handler(st, ev if (ev.type, ev.v) not in UPCASTS else upcast(ev))


def upcast(ev: Event) -> Event:
    """An event in the newest version of its type."""
    while (step := UPCASTS.get((ev.type, ev.v))) is not None:
        ev = ev._replace(v=ev.v + 1, data=step(ev.data))
    return ev


# -- the case


def _case_opened(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.case_id, st.number, st.service, st.def_sha = d["case"], d["number"], d["service"], d["sha"]
    st.applicant_id, st.organisation_id, st.mandate_id = d["person"], d["organisation"], d["mandate"]
    st.channel, st.area, st.opened_at = d["channel"], d["area"], ev.at


def _case_closed(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.status, st.outcome, st.closed_at = "closed", d["outcome"], ev.at
    st.asks, st.notice = {}, None
    for token in list(st.tokens.values()):
        if token.status != "ended":
            outcome = d["outcome"] if token.id == MAIN else "cancelled"
            step = d["step"] if token.id == MAIN else token.step
            st.tokens[token.id] = token._replace(
                step=step, status="ended", outcome=outcome, version=token.version + 1, waits_for=None, confirmed=None
            )
    for task in list(st.tasks.values()):
        _end_task(st, task, "cancelled", ev.at)
    for timer in list(st.timers.values()):
        _end_timer(st, timer, "cancelled")
    for clock in list(st.clocks.values()):
        if clock.stopped_at is None:
            _stop_clock(st, clock, ev.at)


# -- stays in steps


def _step_entered(st: CaseState, ev: Event) -> None:
    token = st.tokens.get(ev.token_id or MAIN)
    if token is None:
        token = Token(MAIN, "main", None, "", "", "active", None, 0, 0, 0, ev.at, ev.seq)
    _enter(st, ev, token)


def _branch_opened(st: CaseState, ev: Event) -> None:
    d, id = ev.data, ev.token_id or 0
    old = st.tokens.get(id)
    version = old.version if old else 0
    token = Token(id, "branch", MAIN, d["branch"], "", "active", None, d["round"], version, st.data_rev, ev.at, ev.seq)
    _enter(st, ev, token)


def _enter(st: CaseState, ev: Event, token: Token) -> None:
    d, kind = ev.data, ev.data["kind"]
    parallel = kind == "parallel"
    st.tokens[token.id] = token._replace(
        step=d["step"], status="waiting" if parallel else "active", outcome=None, entered_at=ev.at, entered_seq=ev.seq,
        version=token.version + 1, waits_for=None, acted=False, pauses=(), confirmed=None,
    )  # fmt: skip
    if parallel:
        prefix = d["step"] + "."
        st.rounds[d["step"]] = st.rounds.get(d["step"], 0) + 1
        st.acts = {path: who for path, who in st.acts.items() if not path.startswith(prefix)}
    role, department = d.get("role"), d.get("department")
    if role is not None:
        status = "waiting" if parallel else "open"
        st.tasks[ev.seq] = Task(ev.seq, token.id, d["step"], role, department, None, None, ev.at, status)
    if "limit" in d:
        key = f"step:{token.id}:{ev.seq}"
        st.clocks[key] = ClockState(
            key, token.id, d["limit"], None, ev.at, None, None, (), d["due_on"], d["due_at"], None, None,
            d["provisional"], d["calendar"],
        )  # fmt: skip
    _set_timers(st, d.get("timers", ()), ev.seq)
    waited_on = WAITED_ON.get(kind, "department")
    st.journal.append(Visit(token.id, ev.seq, d["step"], department, role, waited_on, ev.at))


def _step_left(st: CaseState, ev: Event) -> None:
    d = ev.data
    token = st.tokens[ev.token_id or MAIN]
    if "role" in d:
        _acted(st, d["step"], ev.actor)
    if "rev" in d:
        st.data_rev = d["rev"]
    if "area" in d:
        st.area = d["area"]
    if "marks" in d:
        st.milestones[d["marks"]] = d["marked_at"]
    if "flag" in d:
        st.flags = (*st.flags, d["flag"])
    if st.status == "draft" and token.id == MAIN:
        st.status = "open"
    _leave(st, ev, token, d["trigger"], "done")


def _leave(st: CaseState, ev: Event, token: Token, action: str, task_status: str) -> None:
    """Ends a stay: its visit, task, clock and timers; for the main token the correction it waited for."""
    pauses = _closed(token.pauses, ev.at)
    st.journal.append(Left(token.id, token.entered_seq, token.entered_at, ev.at, action, ev.actor, pauses))
    for task in [t for t in st.tasks.values() if t.token_id == token.id]:
        _end_task(st, task, "cancelled" if task.watch else task_status, ev.at)
    clock = st.step_clock(token)
    if clock is not None:
        _stop_clock(st, clock, ev.at)
    for timer in [t for t in st.timers.values() if t.token_id == token.id and not t.key.startswith("limit:")]:
        _end_timer(st, timer, "cancelled")
    st.asks.pop(token.id, None)
    if token.id == MAIN:
        st.asks, st.notice = {}, None
    st.tokens[token.id] = token._replace(
        version=token.version + 1, data_rev=st.data_rev, waits_for=None, acted=True, pauses=pauses, confirmed=None
    )


def _branch_ended(st: CaseState, ev: Event) -> None:
    """Also for a branch that is not needed, whether it was open, ended or never started."""
    d, id = ev.data, ev.token_id or 0
    token = st.tokens.get(id)
    step = f"{d['branch']}#{d['outcome']}"
    if token is None:
        token = Token(id, "branch", MAIN, d["branch"], step, "ended", None, d["round"], 0, 0, ev.at, ev.seq)
    elif d["outcome"] == "not_needed" and token.status != "ended":
        _leave(st, ev, token, "@not_needed", "cancelled")
        token = st.tokens[id]
    st.tokens[id] = token._replace(
        step=step, status="ended", outcome=d["outcome"], round=d["round"], version=token.version + 1,
        data_rev=st.data_rev, waits_for=None, confirmed=None,
    )  # fmt: skip


def _branch_cancelled(st: CaseState, ev: Event) -> None:
    token = st.tokens[ev.token_id or 0]
    _leave(st, ev, token, "@cancelled", "cancelled")
    token = st.tokens[token.id]
    st.tokens[token.id] = token._replace(status="ended", outcome="cancelled", version=token.version + 1)


def _action_confirmed(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    _acted(st, d["step"], ev.actor)
    st.tokens[token.id] = token._replace(
        version=token.version + 1, waits_for="second_person", confirmed=(d["trigger"], ev.actor, ev.at),
        data_rev=st.data_rev, acted=True,
    )  # fmt: skip
    task = st.task_of(token.id)
    if task is not None:
        st.tasks[task.opened_seq] = task._replace(assignee=None, claimed_at=None)


def _token_paused(st: CaseState, ev: Event) -> None:
    token, kind = st.tokens[ev.token_id or MAIN], ev.data["kind"]
    st.tokens[token.id] = token._replace(pauses=(*token.pauses, (ev.at, None, kind)))
    clock = st.step_clock(token)
    if clock is not None:
        st.clocks[clock.key] = _paused(clock, ev.at, kind)
    prefix = token.step + ":"
    for name, timer in st.timers.items():
        if timer.token_id == token.id and timer.key.startswith(prefix) and timer.due_at is not None:
            st.timers[name] = timer._replace(due_at=None)


def _token_resumed(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    st.tokens[token.id] = token._replace(pauses=_closed(token.pauses, ev.at))
    clock = st.step_clock(token)
    if clock is not None:
        st.clocks[clock.key] = clock._replace(
            paused_since=None, pauses=_closed(clock.pauses, ev.at), statutory_on=d["due_on"], statutory_at=d["due_at"],
            provisional=d["provisional"],
        )  # fmt: skip
    _set_timers(st, d.get("timers", ()), ev.seq)


# -- tasks


def _task_claimed(st: CaseState, ev: Event) -> None:
    task = st.tasks[ev.data["task"]]
    st.tasks[task.opened_seq] = task._replace(assignee=ev.actor, claimed_at=ev.at)


def _task_released(st: CaseState, ev: Event) -> None:
    task = st.tasks[ev.data["task"]]
    st.tasks[task.opened_seq] = task._replace(assignee=None, claimed_at=None)


def _task_escalated(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.tasks[ev.seq] = Task(
        ev.seq, ev.token_id or MAIN, d["step"], d["role"], d["department"], None, None, ev.at, "waiting", True
    )


# -- corrections


def _correction_asked(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    if "role" in d:
        _acted(st, d["step"], ev.actor)
    st.asks[token.id] = Ask(token.id, d["step"], tuple(d["items"]), d.get("text"), ev.seq, False)
    st.tokens[token.id] = token._replace(
        status="waiting", version=token.version + 1, waits_for="correction_notice", acted=True, data_rev=st.data_rev,
        confirmed=None,
    )  # fmt: skip
    _task_status(st, token.id, "waiting")
    _set_timers(st, d.get("timers", ()), ev.seq)
    if token.id != MAIN:
        _task_status(st, MAIN, "open")  # the lead may send the notice now


def _correction_notified(st: CaseState, ev: Event) -> None:
    d = ev.data
    tokens = tuple(d["tokens"])
    st.notice = Notice(ev.seq, ev.at, d["scope"], tuple(d["items"]), tokens, d["lapse_at"])
    for id in tokens:
        st.asks[id] = st.asks[id]._replace(notified=True)
        st.tokens[id] = st.tokens[id]._replace(waits_for="correction", version=st.tokens[id].version + 1)
    st.noticed = (*st.noticed, *(st.asks[id].step for id in tokens))
    collect = st.timers.get(f"{MAIN}/correction:collect")
    if collect is not None:
        _end_timer(st, collect, "cancelled")
    _set_timers(st, d["timers"], ev.seq)
    _task_status(st, MAIN, "waiting")


def _correction_resubmitted(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.data_rev, st.notice = d["rev"], None
    st.changes = (*st.changes, (d["rev"], tuple(d["changed"])))
    for id in d["tokens"]:
        st.asks.pop(id, None)
        token = st.tokens[id]
        st.tokens[id] = token._replace(status="active", waits_for=None, acted=False, version=token.version + 1)
        _task_status(st, id, "open")
    for id in d["unconfirmed"]:
        token = st.tokens[id]
        st.tokens[id] = token._replace(waits_for=None, confirmed=None, version=token.version + 1)
    for timer in [t for t in st.timers.values() if t.key in ("correction:lapse", "correction:warn")]:
        _end_timer(st, timer, "cancelled")
    _set_timers(st, d.get("timers", ()), ev.seq)
    if st.asks:
        _task_status(st, MAIN, "open")


# -- clocks and timers


def _clock_started(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.clocks[d["key"]] = ClockState(
        d["key"], None, d["statutory"], d["promised"], d["started_at"], None, None, (), d["statutory_on"],
        d["statutory_at"], d["promised_on"], d["promised_at"], d["provisional"], d["calendar"],
    )  # fmt: skip
    _set_timers(st, d["timers"], ev.seq)


def _clock_paused(st: CaseState, ev: Event) -> None:
    key = ev.data["key"]
    st.clocks[key] = _paused(st.clocks[key], ev.at, ev.data["kind"])
    for name, timer in st.timers.items():
        if timer.clock_key == key and timer.due_at is not None:
            st.timers[name] = timer._replace(due_at=None)


def _clock_resumed(st: CaseState, ev: Event) -> None:
    d = ev.data
    clock = st.clocks[d["key"]]
    st.clocks[d["key"]] = _dated(clock, d)._replace(paused_since=None, pauses=_closed(clock.pauses, ev.at))
    _set_timers(st, d["timers"], ev.seq)


def _clock_moved(st: CaseState, ev: Event) -> None:
    d = ev.data
    clock = st.clocks[d["key"]]
    st.clocks[d["key"]] = _dated(clock, d)._replace(calendar=d["calendar"])
    _set_timers(st, d["timers"], ev.seq)


def _clock_stopped(st: CaseState, ev: Event) -> None:
    key = ev.data["key"]
    clock = st.clocks[key]
    st.clocks[key] = clock._replace(
        stopped_at=ev.data["stopped_at"], paused_since=None, pauses=_closed(clock.pauses, ev.data["stopped_at"])
    )
    for timer in [t for t in st.timers.values() if t.clock_key == key]:
        _end_timer(st, timer, "cancelled")


def _timers_set(st: CaseState, ev: Event) -> None:
    _set_timers(st, ev.data["timers"], ev.seq)


def _timer_fired(st: CaseState, ev: Event) -> None:
    timer = st.timers.get(f"{ev.token_id}/{ev.data['key']}")
    if timer is not None:
        _end_timer(st, timer, "fired")


# -- small things


def _acted(st: CaseState, step: str, actor: str) -> None:
    who = st.acts.get(step, ())
    if actor not in who:
        st.acts[step] = (*who, actor)


def _set_timers(st: CaseState, timers: Iterable[Any], seq: int) -> None:
    for token_id, key, clock_key, due_at in timers:
        st.timers[f"{token_id}/{key}"] = TimerState(token_id, key, clock_key, due_at, seq)


def _task_status(st: CaseState, token_id: int, status: str) -> None:
    task = st.task_of(token_id)
    if task is not None and task.status != status:
        st.tasks[task.opened_seq] = task._replace(status=status)


def _end_task(st: CaseState, task: Task, status: str, at: str) -> None:
    del st.tasks[task.opened_seq]
    st.journal.append(TaskEnd(task, status, at))


def _end_timer(st: CaseState, timer: TimerState, status: str) -> None:
    del st.timers[timer.name]
    st.journal.append(TimerEnd(timer, status))


def _stop_clock(st: CaseState, clock: ClockState, at: str) -> None:
    stopped = clock._replace(stopped_at=at, paused_since=None, pauses=_closed(clock.pauses, at))
    if clock.token_id is None:
        st.clocks[clock.key] = stopped
    else:
        del st.clocks[clock.key]
        st.journal.append(ClockEnd(stopped))


def _closed(
    pauses: tuple[tuple[str, str | None, str], ...], at: str
) -> tuple[tuple[str, str | None, str], ...]:
    """The pauses with the one that still runs ended."""
    if not pauses or pauses[-1][1] is not None:
        return pauses
    start, _, kind = pauses[-1]
    return (*pauses[:-1], (start, max(start, at), kind))


def _paused(clock: ClockState, at: str, kind: str) -> ClockState:
    return clock._replace(
        paused_since=at, pauses=(*clock.pauses, (at, None, kind)), statutory_on=None, statutory_at=None,
        promised_on=None, promised_at=None,
    )  # fmt: skip


def _dated(clock: ClockState, d: Mapping[str, Any]) -> ClockState:
    return clock._replace(
        statutory_on=d["statutory_on"], statutory_at=d["statutory_at"], promised_on=d["promised_on"],
        promised_at=d["promised_at"], provisional=d["provisional"],
    )  # fmt: skip


def _nothing(_st: CaseState, _ev: Event) -> None:
    """A fact that moves nothing, such as a missed date."""


HANDLERS: dict[str, Callable[[CaseState, Event], None]] = {
    "case.opened": _case_opened,
    "case.closed": _case_closed,
    "step.entered": _step_entered,
    "step.left": _step_left,
    "branch.opened": _branch_opened,
    "branch.ended": _branch_ended,
    "branch.cancelled": _branch_cancelled,
    "action.confirmed": _action_confirmed,
    "token.paused": _token_paused,
    "token.resumed": _token_resumed,
    "task.claimed": _task_claimed,
    "task.released": _task_released,
    "task.escalated": _task_escalated,
    "correction.asked": _correction_asked,
    "correction.notified": _correction_notified,
    "correction.resubmitted": _correction_resubmitted,
    "clock.started": _clock_started,
    "clock.paused": _clock_paused,
    "clock.resumed": _clock_resumed,
    "clock.moved": _clock_moved,
    "clock.stopped": _clock_stopped,
    "clock.breached": _nothing,
    "timer.fired": _timer_fired,
    "timers.set": _timers_set,
}
