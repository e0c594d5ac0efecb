"""Folds of pledges, of materials that come later, and of work that lives on after the case has closed."""

from __future__ import annotations

from govservice.engine.fold_parts import end_timer, set_timers, unconfirm
from govservice.engine.fold_steps import enter
from govservice.engine.state import CaseState, Gap, Pledged, Token
from govservice.engine.types import MAIN, Event


def pledge_made(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.pledges[d["material"]] = Pledged(d["material"], d["pledge"], d["version"], d["digest"], ev.at, ev.actor)


def pledge_ended(st: CaseState, ev: Event) -> None:
    st.pledges.pop(ev.data["material"], None)


def gap_opened(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.gaps[d["material"]] = Gap(d["material"], ev.at, d["due_on"], d["due_at"], d["provisional"])
    set_timers(st, d["timers"], ev.seq)


def gap_closed(st: CaseState, ev: Event) -> None:
    d, name = ev.data, ev.data["material"]
    st.gaps[name] = st.gaps[name]._replace(closed_at=ev.at)
    if "rev" in d:
        st.data_rev = d["rev"]
        st.changes = (*st.changes, (d["rev"], (name,)))
    unconfirm(st, d["unconfirmed"])
    prefix = f"deferral:{name}:"
    for timer in [t for t in st.timers.values() if t.key.startswith(prefix)]:
        end_timer(st, timer, "cancelled")


def renewal_begun(st: CaseState, ev: Event) -> None:
    set_timers(st, ev.data["timers"], ev.seq)


def step_called(st: CaseState, ev: Event) -> None:
    token = st.tokens[ev.token_id or MAIN]
    st.tokens[token.id] = token._replace(status="active", waits_for=None, version=token.version + 1)


# -- after the case has closed


def after_opened(st: CaseState, ev: Event) -> None:
    id = ev.token_id or 0
    old = st.tokens.get(id)
    version = old.version if old else 0
    step = ev.data["step"]
    enter(st, ev, Token(id, "after", MAIN, step, step, "active", None, 0, version, st.data_rev, ev.at, ev.seq))


def after_ended(st: CaseState, ev: Event) -> None:
    d, token = ev.data, st.tokens[ev.token_id or 0]
    st.tokens[token.id] = token._replace(
        step=f"{d['step']}#{d['outcome']}", status="ended", outcome=d["outcome"], version=token.version + 1
    )
