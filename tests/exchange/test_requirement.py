"""The machine of one need: every way of the table, and no other."""

from __future__ import annotations

import pytest

from govservice.errors import NotAllowed
from govservice.exchange.outcomes import Outcome
from govservice.exchange.requirement import ANSWERS, STATES, WAYS, answered, moved

TRIGGERS = sorted({trigger for trigger, _from, _to in WAYS})


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_what_the_table_does_not_hold_is_refused(state: str, trigger: str) -> None:
    there = next((to for name, sources, to in WAYS if name == trigger and state in sources), None)
    if there is None:
        with pytest.raises(NotAllowed):
            moved(state, trigger)
    else:
        assert moved(state, trigger) == there


def test_an_unknown_trigger_or_state_is_refused() -> None:
    for state, trigger in (("needed", "become_available"), ("nonsense", "ask"), ("needed", "available")):
        with pytest.raises(NotAllowed):
            moved(state, trigger)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_end_of_a_call_has_its_state(outcome: Outcome) -> None:
    after = answered("needed", outcome, met=False)
    assert after in (*ANSWERS, "refused")
    assert answered("waived", outcome, met=False) == "waived", "what a clerk waived stays so"


def test_silence_leaves_a_need_that_is_met_as_it_is() -> None:
    assert answered("available", Outcome.TIMEOUT, met=True) == "available"
    assert answered("available", Outcome.TIMEOUT, met=False) == "deferred"


def test_every_state_can_be_reached() -> None:
    reached, grown = {"needed"}, True
    while grown:
        more = {to for _t, sources, to in WAYS if reached & set(sources)} - reached
        reached, grown = reached | more, bool(more)
    assert reached == set(STATES)
