"""What must hold of every state is really looked at: each breach is made by hand and found."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from govservice.engine import MAIN, CaseState
from govservice.engine.invariants import breaches, check
from govservice.errors import Tampered
from tests.engine.test_machine import STAFF, straight_on
from tests.engine.walk import Walk
from tests.engine.world import AREA, SHIPPED

D = SHIPPED.current("open_restaurant")


def state(steps: int) -> CaseState:
    walk = Walk(D, {"premises.district": AREA, "premises.area": "400", "menu.seats": 5})
    for _ in range(steps):
        straight_on(walk, [*STAFF["open_restaurant"], walk.wang])
    return walk.state


def closed_with_a_task(st: CaseState) -> None:
    st.status = "closed"


def no_task(st: CaseState) -> None:
    st.tasks = {}


def branch_outside(st: CaseState) -> None:
    st.tokens[MAIN] = st.tokens[MAIN]._replace(step="decision")


def all_ended(st: CaseState) -> None:
    for id, token in st.tokens.items():
        if token.kind == "branch":
            st.tokens[id] = token._replace(status="ended", outcome="approved")


def nowhere(st: CaseState) -> None:
    st.tokens[MAIN] = st.tokens[MAIN]._replace(step="no.such.step")


@pytest.mark.parametrize("breach", [closed_with_a_task, no_task, branch_outside, all_ended, nowhere])
def test_a_breach_is_found(breach: Callable[[CaseState], None]) -> None:
    st = state(2)
    assert list(breaches(D, st)) == []
    breach(st)
    with pytest.raises(Tampered):
        check(D, st)


def test_a_closed_case_leaves_nothing_behind() -> None:
    st = state(12)
    assert st.status == "closed"
    assert list(breaches(D, st)) == []
    st.tokens[2] = st.tokens[2]._replace(status="active")
    assert list(breaches(D, st)) == ["a token is open in a closed case"]
