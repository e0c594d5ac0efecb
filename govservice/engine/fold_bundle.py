"""Folds of a bundle's children: planned, asked for, opened, ended."""

from __future__ import annotations

from govservice.engine.state import CaseState, Child
from govservice.engine.types import Event


def child_planned(st: CaseState, ev: Event) -> None:
    d, old = ev.data, st.children.get(ev.data["service"])
    st.children[d["service"]] = Child(d["service"], d["step"], "waiting", None, None, old.attempt if old else 0, ev.at)


def child_asked(st: CaseState, ev: Event) -> None:
    d = ev.data
    st.children[d["service"]] = Child(d["service"], d["step"], "asked", None, None, d["attempt"], ev.at)


def child_opened(st: CaseState, ev: Event) -> None:
    child = st.children[ev.data["service"]]
    st.children[child.service] = child._replace(status="open", case=ev.data["case"], at=ev.at)


def child_ended(st: CaseState, ev: Event) -> None:
    d, old = ev.data, st.children.get(ev.data["service"])
    attempt, case = (old.attempt, old.case) if old else (0, None)
    st.children[d["service"]] = Child(
        d["service"], d["step"], "ended", d.get("case", case), d["outcome"], attempt, ev.at
    )
