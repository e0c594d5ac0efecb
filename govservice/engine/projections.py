"""From a decision to rows: which rows of which tables a batch of events adds or changes. Pure.

Parts of a state are immutable, so that `is` tells what changed between the state before and after. Ids of rows are
derived from the case and the event, so that a rebuild finds the same rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from govservice.definitions.compiled import Compiled
from govservice.engine.chain import canonical
from govservice.engine.clocks import case_dates, due_of, used
from govservice.engine.state import (
    CaseState,
    ClockEnd,
    ClockState,
    Left,
    Task,
    TaskEnd,
    TimerEnd,
    TimerState,
    Token,
    Visit,
)
from govservice.engine.types import Event, moment
from govservice.worktime.calendar import Calendar

Row = tuple[Any, ...]

COLUMNS: dict[str, tuple[str, ...]] = {
    "tokens": (
        "case_id", "id", "version", "kind", "parent", "scope", "step", "status", "outcome", "round", "data_rev",
        "entered_at", "waits_for", "person_id",
    ),
    "tasks": (
        "id", "case_id", "token_id", "opened_seq", "service", "area", "step", "department_id", "role", "assignee_id",
        "claimed_at", "opened_at", "step_due_at", "due_at", "due_kind", "status", "done_at",
    ),
    "clocks": (
        "case_id", "key", "token_id", "statutory", "promised", "started_at", "stopped_at", "paused_since", "pauses",
        "statutory_on", "promised_on", "consumed", "provisional", "calendar_version",
    ),
    "timers": ("id", "case_id", "token_id", "key", "clock_key", "due_at", "armed_seq", "status"),
    "visits": (
        "case_id", "token_id", "seq", "service", "area", "step", "department_id", "role", "entered_at", "left_at",
        "action", "actor", "working_s", "elapsed_s", "paused_s", "waited_on",
    ),
    "left": ("case_id", "token_id", "seq", "area", "left_at", "action", "actor", "working_s", "elapsed_s", "paused_s"),
    "outbox": ("id", "case_id", "seq", "topic", "payload", "due_at"),
}  # fmt: skip
OF_A_TOKEN = ("person.invite", "person.remind", "appointment.set")  # they are about one token, which their rows name
CALLING = ("step.entered", "branch.opened", "step.called")  # events by which an auto step's call goes out
CASE_COLUMNS = (
    "def_sha", "area", "version", "head", "last_seq", "data_rev", "status", "outcome", "received_at", "accepted_at",
    "decided_at", "delivered_at", "closed_at", "promised_on", "statutory_on", "places",
)  # fmt: skip


@dataclass(slots=True)
class Rows:
    """Rows by table, in the order of COLUMNS; `left` are stays that end (updates of visits)."""

    tokens: list[Row] = field(default_factory=list)
    tasks: list[Row] = field(default_factory=list)
    clocks: list[Row] = field(default_factory=list)
    timers: list[Row] = field(default_factory=list)
    visits: list[Row] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)


def derived_id(case_id: str, what: str) -> str:
    """A UUID (version 8) that follows from the case and the thing; it starts like the case's own, so that a B-tree
    keeps
    the rows of new cases together."""
    h = hashlib.sha256(f"{case_id}:{what}".encode()).hexdigest()
    return f"{case_id[:13]}-8{h[:3]}-8{h[3:6]}-{h[6:18]}"


def project(d: Compiled, before: CaseState | None, after: CaseState, events: Sequence[Event], cal: Calendar) -> Rows:
    """The rows that change between two states; `after.journal` tells what ended on the way."""
    rows = Rows()
    old = before if before is not None else CaseState()
    rows.tokens = [token_row(after, t) for id, t in after.tokens.items() if old.tokens.get(id) is not t]
    ended: dict[tuple[int, int], Left] = {}
    for entry in after.journal:
        if isinstance(entry, Left):
            ended[(entry.token_id, entry.seq)] = entry
    _journal(rows, old, after, ended, cal)
    rows.left = [left_row(after, left, cal) for left in ended.values()]
    _changed(rows, old, after, cal)
    rows.outbox = [row for event in events for row in outbox_rows(d, after.case_id, event)]
    return rows


def _journal(rows: Rows, old: CaseState, after: CaseState, ended: dict[tuple[int, int], Left], cal: Calendar) -> None:
    stays: dict[tuple[int, int], Visit] = {}
    for entry in after.journal:
        if isinstance(entry, Visit):  # a migration renames a stay that runs: whom it waits on stays
            first = stays.get((entry.token_id, entry.seq))
            stays[(entry.token_id, entry.seq)] = entry._replace(waited_on=first.waited_on) if first else entry
        elif isinstance(entry, TaskEnd):
            due = due_of(old, entry.task) if entry.task.opened_seq in old.tasks else (None, None, None)
            rows.tasks.append(task_row(after, entry.task, due, entry.status, entry.at))
        elif isinstance(entry, ClockEnd):
            rows.clocks.append(clock_row(after, entry.clock, cal, after.last_at))
        elif isinstance(entry, TimerEnd) and entry.timer.name not in after.timers:
            rows.timers.append(timer_row(after, entry.timer, entry.status))
    rows.visits = [visit_row(after, stay, ended.pop(key, None), cal) for key, stay in stays.items()]


def _changed(rows: Rows, old: CaseState, after: CaseState, cal: Calendar) -> None:
    for seq, task in after.tasks.items():
        due = due_of(after, task)
        if old.tasks.get(seq) is not task or due_of(old, task) != due:
            rows.tasks.append(task_row(after, task, due))
    for key, clock in after.clocks.items():
        if old.clocks.get(key) is not clock:
            rows.clocks.append(clock_row(after, clock, cal, after.last_at))
    for name, timer in after.timers.items():
        if old.timers.get(name) is not timer:
            rows.timers.append(timer_row(after, timer, "armed" if timer.due_at else "paused"))
    if len(rows.timers) > 1:  # a timer that was armed anew after it ended shows only as it stands now
        rows.timers = list({row[0]: row for row in rows.timers}.values())


# -- one row each


def token_row(st: CaseState, t: Token) -> Row:
    return (
        st.case_id, t.id, t.version, t.kind, t.parent, t.scope, t.step, t.status, t.outcome, t.round, t.data_rev,
        t.entered_at, t.waits_for, t.person,
    )  # fmt: skip


def task_row(
    st: CaseState, t: Task, due: Sequence[str | None], status: str | None = None, at: str | None = None
) -> Row:
    return (
        derived_id(st.case_id, f"task:{t.opened_seq}"), st.case_id, t.token_id, t.opened_seq, st.service, st.area or "",
        t.step, t.department, t.role, t.assignee, t.claimed_at, t.opened_at, *due, status or t.status, at,
    )  # fmt: skip


def clock_row(st: CaseState, c: ClockState, cal: Calendar, at: str) -> Row:
    return (
        st.case_id, c.key, c.token_id, c.statutory, c.promised, c.started_at, c.stopped_at, c.paused_since,
        [list(p) for p in c.pauses], c.statutory_on, c.promised_on, used(cal, c, at), c.provisional, c.calendar,
    )  # fmt: skip


def timer_row(st: CaseState, t: TimerState, status: str) -> Row:
    return (timer_id(st.case_id, t), st.case_id, t.token_id, t.key, t.clock_key, t.due_at, t.armed_seq, status)


def timer_id(case_id: str, t: TimerState) -> str:
    return derived_id(case_id, f"timer:{t.name}")


def visit_row(st: CaseState, v: Visit, left: Left | None, cal: Calendar) -> Row:
    return (
        st.case_id, v.token_id, v.seq, st.service, st.area, v.step, v.department, v.role, v.entered_at,
        *_ended(left, cal), v.waited_on,
    )  # fmt: skip


def left_row(st: CaseState, left: Left, cal: Calendar) -> Row:
    return (st.case_id, left.token_id, left.seq, st.area, *_ended(left, cal))


def _ended(left: Left | None, cal: Calendar) -> Row:
    """(left_at, action, actor, working seconds, calendar seconds, paused office seconds)."""
    if left is None:
        return (None,) * 6
    entered, until = moment(left.entered_at), moment(left.left_at)
    paused = sum(cal.working_seconds(moment(a), moment(b)) for a, b, _ in left.pauses if b is not None)
    working = cal.working_seconds(entered, until) - paused
    elapsed = int((until - entered).total_seconds())
    return (left.left_at, left.action, left.actor, max(0, working), elapsed, paused)


def outbox_rows(d: Compiled, case_id: str, event: Event) -> Iterable[Row]:
    """One row per effect that the event names. An auto step's call carries its token, so that its answer finds it."""
    for topic in dict.fromkeys(event.data.get("effects", ())):
        payload: dict[str, Any] = {"case_id": case_id, "seq": event.seq}
        step = d.steps.get(event.data.get("step", ""))
        if topic.startswith("bundle."):
            payload |= {k: event.data[k] for k in ("service", "attempt") if k in event.data}
        elif topic in OF_A_TOKEN:
            payload |= {"token_id": event.token_id}
        elif event.type in CALLING and step is not None and step.call == topic:
            payload |= {"token_id": event.token_id, "step": step.path, "retry": dict(step.retry or {})}
        yield (f"{case_id}:{event.seq}:{topic}", case_id, event.seq, topic, canonical(payload), event.at)


def case_row(st: CaseState, head: str) -> Row:
    """The changing columns of a case, as CASE_COLUMNS."""
    marks = st.milestones
    promised_on, statutory_on = case_dates(st)
    return (
        st.def_sha, st.area, st.version, head, st.seq, st.data_rev, st.status, st.outcome, marks.get("received"),
        marks.get("accepted"), marks.get("decided"), marks.get("delivered"), st.closed_at, promised_on, statutory_on,
        canonical(st.places) if st.places else None,
    )  # fmt: skip
