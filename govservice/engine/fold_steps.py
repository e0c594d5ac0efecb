"""Folds of stays: the case begins and ends, tokens enter and leave steps, branches, tasks."""

from __future__ import annotations

from govservice.engine.fold_parts import acted, closed, end_task, end_timer, paused, set_timers, stop_clock, task_status
from govservice.engine.state import CaseState, ClockState, Kept, Left, Task, Token, Visit
from govservice.engine.types import MAIN, Event

OF_THE_CASE = ("limit:", "deferral:", "renewal:")  # timers that a step's end leaves alone
WAITED_ON = {"applicant": "applicant", "auto": "system"}


# -- the case


def case_opened(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.case_id, st.number, st.service, st.def_sha = d["case"], d["number"], d["service"], d["sha"]
    st.applicant_id, st.organisation_id, st.mandate_id = d["person"], d["organisation"], d["mandate"]
    st.channel, st.area, st.opened_at = d["channel"], d["area"], ev.at
    st.parent_id = d.get("parent")


def case_closed(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.status, st.outcome, st.closed_at = "closed", d["outcome"], ev.at
    st.asks, st.notice, st.kept, st.holds = {}, None, {}, ()
    lives_on = {token.id for token in st.tokens.values() if token.kind == "after"}
    for token in list(st.tokens.values()):
        if token.status != "ended" and token.id not in lives_on:
            outcome = d["outcome"] if token.id == MAIN else "cancelled"
            step = d["step"] if token.id == MAIN else token.step
            st.tokens[token.id] = token._replace(
                step=step, status="ended", outcome=outcome, version=token.version + 1, waits_for=None, confirmed=None
            )
    for task in [t for t in st.tasks.values() if t.token_id not in lives_on]:
        end_task(st, task, "cancelled", ev.at)
    for timer in [t for t in st.timers.values() if t.token_id not in lives_on]:
        end_timer(st, timer, "cancelled")
    for clock in list(st.clocks.values()):
        if clock.stopped_at is None and clock.token_id not in lives_on:
            stop_clock(st, clock, ev.at)


# -- stays in steps


def step_entered(st: CaseState, ev: Event) -> None:
    token = st.tokens.get(ev.token_id or MAIN)
    if token is None:
        token = Token(MAIN, "main", None, "", "", "active", None, 0, 0, 0, ev.at, ev.seq)
    enter(st, ev, token)


def branch_opened(st: CaseState, ev: Event) -> None:
    d, id = ev.data, ev.token_id or 0
    old = st.tokens.get(id)
    if old is not None and old.open:  # the list behind its parts has changed: what began on the old one is over
        leave(st, ev, old, "@reopened", "cancelled")
        old = st.tokens[id]
    version = old.version if old else 0
    token = Token(id, "branch", MAIN, d["branch"], "", "active", None, d["round"], version, st.data_rev, ev.at, ev.seq)
    enter(st, ev, token)


def enter(st: CaseState, ev: Event, token: Token) -> None:
    d, kind = ev.data, ev.data["kind"]
    parallel, waits, waits_for = kind == "parallel", kind in ("parallel", "cases"), d.get("waits_for")
    st.tokens[token.id] = token._replace(
        step=d["step"], status="waiting" if waits or waits_for else "active", outcome=None, entered_at=ev.at,
        entered_seq=ev.seq, version=token.version + 1, waits_for=waits_for, acted=False, pauses=(), confirmed=None,
    )  # fmt: skip
    if parallel:
        prefix = d["step"] + "."
        st.rounds[d["step"]] = st.rounds.get(d["step"], 0) + 1
        st.acts = {path: who for path, who in st.acts.items() if not path.startswith(prefix)}
    role, department = d.get("role"), d.get("department")
    if role is not None and department is not None:
        status = "waiting" if waits else "open"
        who = d.get("assignee")
        claimed_at = ev.at if who is not None else None
        st.tasks[ev.seq] = Task(ev.seq, token.id, d["step"], role, department, who, claimed_at, ev.at, status)
    if "limit" in d:
        key = f"step:{token.id}:{ev.seq}"
        st.clocks[key] = ClockState(
            key, token.id, d["limit"], None, ev.at, None, None, (), d["due_on"], d["due_at"], None, None,
            d["provisional"], d["calendar"],
        )  # fmt: skip
    set_timers(st, d.get("timers", ()), ev.seq)
    waited_on = d.get("waits_on") or WAITED_ON.get(kind, "department")
    st.journal.append(Visit(token.id, ev.seq, d["step"], department, role, waited_on, ev.at))


def step_left(st: CaseState, ev: Event) -> None:
    d = ev.data
    token = st.tokens[ev.token_id or MAIN]
    if "role" in d:
        acted(st, d["step"], ev)
    if "rev" in d:
        st.data_rev = d["rev"]
    if "area" in d:
        st.area = d["area"]
    if "places" in d:
        st.places = d["places"]
    if "marks" in d:
        st.milestones[d["marks"]] = d["marked_at"]
    if "flag" in d:
        st.flags = (*st.flags, d["flag"])
    if "kept" in d:
        st.kept.pop(d["step"], None)
    if st.status == "draft" and token.id == MAIN:
        st.status = "open"
    leave(st, ev, token, d["trigger"], "done")


def leave(st: CaseState, ev: Event, token: Token, action: str, task_status: str) -> None:
    """Ends a stay: its visit, task, clock and timers; for the main token the correction it waited for."""
    pauses = closed(token.pauses, ev.at)
    st.journal.append(Left(token.id, token.entered_seq, token.entered_at, ev.at, action, ev.actor, pauses))
    for task in [t for t in st.tasks.values() if t.token_id == token.id]:
        end_task(st, task, "cancelled" if task.watch else task_status, ev.at)
    clock = st.step_clock(token)
    if clock is not None:
        stop_clock(st, clock, ev.at)
    for timer in [t for t in st.timers.values() if t.token_id == token.id and not t.key.startswith(OF_THE_CASE)]:
        end_timer(st, timer, "cancelled")
    st.asks.pop(token.id, None)
    if token.id == MAIN:
        st.asks, st.notice = {}, None
    st.tokens[token.id] = token._replace(
        version=token.version + 1, data_rev=st.data_rev, waits_for=None, acted=True, pauses=pauses, confirmed=None
    )


def branch_ended(st: CaseState, ev: Event) -> None:
    """Also for a branch that is not needed, whether it was open, ended or never started."""
    d, id = ev.data, ev.token_id or 0
    token = st.tokens.get(id)
    step = f"{d['branch']}#{d['outcome']}"
    if token is None:
        token = Token(id, "branch", MAIN, d["branch"], step, "ended", None, d["round"], 0, 0, ev.at, ev.seq)
    elif d["outcome"] == "not_needed" and token.status != "ended":
        leave(st, ev, token, "@not_needed", "cancelled")
        token = st.tokens[id]
    st.tokens[id] = token._replace(
        step=step, status="ended", outcome=d["outcome"], round=d["round"], version=token.version + 1,
        data_rev=st.data_rev, waits_for=None, confirmed=None,
    )  # fmt: skip


def branch_cancelled(st: CaseState, ev: Event) -> None:
    token = st.tokens[ev.token_id or 0]
    leave(st, ev, token, "@cancelled", "cancelled")
    token = st.tokens[token.id]
    st.tokens[token.id] = token._replace(status="ended", outcome="cancelled", version=token.version + 1)


def action_confirmed(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    acted(st, d["step"], ev)
    first = (d["trigger"], ev.actor, ev.at, ev.on_behalf_of)
    st.tokens[token.id] = token._replace(
        version=token.version + 1, waits_for="second_person", confirmed=first, data_rev=st.data_rev, acted=True
    )  # fmt: skip
    task = st.task_of(token.id)
    if task is not None:
        st.tasks[task.opened_seq] = task._replace(assignee=None, claimed_at=None)


def token_paused(st: CaseState, ev: Event) -> None:
    token, kind = st.tokens[ev.token_id or MAIN], ev.data["kind"]
    st.tokens[token.id] = token._replace(pauses=(*token.pauses, (ev.at, None, kind)))
    clock = st.step_clock(token)
    if clock is not None:
        st.clocks[clock.key] = paused(clock, ev.at, kind)
    prefix = token.step + ":"
    for name, timer in st.timers.items():
        if timer.token_id == token.id and timer.key.startswith(prefix) and timer.due_at is not None:
            st.timers[name] = timer._replace(due_at=None)


def token_resumed(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    st.tokens[token.id] = token._replace(pauses=closed(token.pauses, ev.at))
    clock = st.step_clock(token)
    if clock is not None:
        st.clocks[clock.key] = clock._replace(
            paused_since=None, pauses=closed(clock.pauses, ev.at), statutory_on=d["due_on"], statutory_at=d["due_at"],
            provisional=d["provisional"],
        )  # fmt: skip
    set_timers(st, d.get("timers", ()), ev.seq)


def answer_kept(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.kept[d["step"]] = Kept(d["step"], d["trigger"], dict(d["result"]), ev.seq)  # a later answer replaces it


def person_invited(st: CaseState, ev: Event) -> None:
    token = st.tokens[ev.token_id or MAIN]
    st.tokens[token.id] = token._replace(person=ev.data["person"], version=token.version + 1)


def branch_suspended(st: CaseState, ev: Event) -> None:
    _set_status(st, ev, "suspended", "waiting", "correction")


def branch_resumed(st: CaseState, ev: Event) -> None:
    _set_status(st, ev, "active", "open", None)


def _set_status(st: CaseState, ev: Event, status: str, task: str, waits_for: str | None) -> None:
    token = st.tokens[ev.token_id or MAIN]
    st.tokens[token.id] = token._replace(status=status, version=token.version + 1, waits_for=waits_for)
    task_status(st, token.id, task)


# -- tasks


def task_claimed(st: CaseState, ev: Event) -> None:
    task = st.tasks[ev.data["task"]]
    st.tasks[task.opened_seq] = task._replace(assignee=ev.actor, claimed_at=ev.at)


def task_assigned(st: CaseState, ev: Event) -> None:
    task = st.tasks[ev.data["task"]]
    st.tasks[task.opened_seq] = task._replace(assignee=ev.data["to"], claimed_at=ev.at)
    st.hands[task.step] = ev.data["to"]


def task_released(st: CaseState, ev: Event) -> None:
    task = st.tasks[ev.data["task"]]
    if ev.actor == "system":  # the account was closed: nothing comes back to it
        st.hands = {step: who for step, who in st.hands.items() if who != ev.data["by"]}
    st.tasks[task.opened_seq] = task._replace(assignee=None, claimed_at=None)


def task_escalated(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.tasks[ev.seq] = Task(
        ev.seq,
        ev.token_id or MAIN,
        d["step"],
        d["role"],
        d["department"],
        None,
        None,
        ev.at,
        "waiting",
        True,
        f"limit:{d['limit']}" if "limit" in d else None,
    )
