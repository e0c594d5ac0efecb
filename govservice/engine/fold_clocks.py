"""Folds of corrections, clocks and timers."""

from __future__ import annotations

from govservice.engine.fold_parts import (
    acted,
    closed,
    dated,
    end_task,
    end_timer,
    paused,
    set_timers,
    task_status,
    unconfirm,
)
from govservice.engine.state import Ask, CaseState, ClockState, Hold, Notice
from govservice.engine.types import MAIN, Event

# -- corrections


def correction_asked(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    if "role" in d:
        acted(st, d["step"], ev)
    st.asks[token.id] = Ask(token.id, d["step"], tuple(d["items"]), d.get("text"), ev.seq, False)
    st.tokens[token.id] = token._replace(
        status="waiting", version=token.version + 1, waits_for="correction_notice", acted=True, data_rev=st.data_rev,
        confirmed=None,
    )  # fmt: skip
    task_status(st, token.id, "waiting")
    set_timers(st, d.get("timers", ()), ev.seq)
    if token.id != MAIN:
        task_status(st, MAIN, "open")  # the lead may send the notice now


def correction_notified(st: CaseState, ev: Event) -> None:
    d = ev.data
    tokens, out = tuple(d["tokens"]), st.notice
    items = tuple(sorted({*d["items"], *(out.items if out else ())}))  # `notice: each`: several may be out at once
    st.notice = Notice(ev.seq, ev.at, d["scope"], items, (*(out.tokens if out else ()), *tokens), d["lapse_at"])
    for id in tokens:
        st.asks[id] = st.asks[id]._replace(notified=True)
        st.tokens[id] = st.tokens[id]._replace(waits_for="correction", version=st.tokens[id].version + 1)
    st.noticed = (*st.noticed, *(st.asks[id].step for id in tokens))
    collect = st.timers.get(f"{MAIN}/correction:collect")
    if collect is not None:
        end_timer(st, collect, "cancelled")
    set_timers(st, d["timers"], ev.seq)
    task_status(st, MAIN, "waiting")


def correction_resubmitted(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.data_rev, st.notice = d["rev"], None
    st.changes = (*st.changes, (d["rev"], tuple(d["changed"])))
    for id in d["tokens"]:
        st.asks.pop(id, None)
        token = st.tokens[id]
        st.tokens[id] = token._replace(status="active", waits_for=None, acted=False, version=token.version + 1)
        task_status(st, id, "open")
    unconfirm(st, d["unconfirmed"])
    for timer in [t for t in st.timers.values() if t.key in ("correction:lapse", "correction:warn")]:
        end_timer(st, timer, "cancelled")
    set_timers(st, d.get("timers", ()), ev.seq)
    if st.asks:
        task_status(st, MAIN, "open")


# -- excluded time


def pause_begun(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    if "role" in d:
        acted(st, d["step"], ev)
    st.holds = (*st.holds, Hold(token.id, d["kind"], ev.at, d["until_on"], d["until_at"], d["trigger"]))
    st.tokens[token.id] = token._replace(version=token.version + 1)
    set_timers(st, d["timers"], ev.seq)


def pause_ended(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or MAIN]
    if "role" in d:
        acted(st, d["step"], ev)
    st.holds = tuple(h for h in st.holds if (h.token_id, h.kind) != (token.id, d["kind"]))
    st.tokens[token.id] = token._replace(version=token.version + 1)
    timer = st.timers.get(f"{token.id}/@pause:{d['kind']}")
    if timer is not None:
        end_timer(st, timer, "cancelled")


# -- clocks and timers


def clock_started(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.clocks[d["key"]] = ClockState(
        d["key"], None, d["statutory"], d["promised"], d["started_at"], None, None, (), d["statutory_on"],
        d["statutory_at"], d["promised_on"], d["promised_at"], d["provisional"], d["calendar"],
    )  # fmt: skip
    set_timers(st, d["timers"], ev.seq)


def clock_paused(st: CaseState, ev: Event) -> None:
    key = ev.data["key"]
    st.clocks[key] = paused(st.clocks[key], ev.at, ev.data["kind"])
    for name, timer in st.timers.items():
        if timer.clock_key == key and timer.due_at is not None:
            st.timers[name] = timer._replace(due_at=None)


def clock_resumed(st: CaseState, ev: Event) -> None:
    d = ev.data
    clock = st.clocks[d["key"]]
    st.clocks[d["key"]] = dated(clock, d)._replace(paused_since=None, pauses=closed(clock.pauses, ev.at))
    set_timers(st, d["timers"], ev.seq)


def clock_moved(st: CaseState, ev: Event) -> None:
    d = ev.data
    clock = st.clocks[d["key"]]
    st.clocks[d["key"]] = dated(clock, d)._replace(calendar=d["calendar"])
    set_timers(st, d["timers"], ev.seq)


def clock_extended(st: CaseState, ev: Event) -> None:
    d = ev.data
    clock = st.clocks[d["key"]]
    st.clocks[d["key"]] = dated(clock, d)._replace(statutory=d["statutory"], extended=clock.extended + 1)
    set_timers(st, d["timers"], ev.seq)
    asked = st.timers.get(f"{MAIN}/{d['key']}:extend")
    if asked is not None:
        end_timer(st, asked, "cancelled")
    for task in [t for t in st.tasks.values() if t.watch and t.limit == d["key"]]:
        end_task(st, task, "done", ev.at)


def clock_stopped(st: CaseState, ev: Event) -> None:
    key = ev.data["key"]
    clock = st.clocks[key]
    st.clocks[key] = clock._replace(
        stopped_at=ev.data["stopped_at"], paused_since=None, pauses=closed(clock.pauses, ev.data["stopped_at"])
    )
    for timer in [t for t in st.timers.values() if t.clock_key == key]:
        end_timer(st, timer, "cancelled")


def timers_set(st: CaseState, ev: Event) -> None:
    set_timers(st, ev.data["timers"], ev.seq)


def timer_fired(st: CaseState, ev: Event) -> None:
    timer = st.timers.get(f"{ev.token_id}/{ev.data['key']}")
    if timer is not None:
        end_timer(st, timer, "fired")
