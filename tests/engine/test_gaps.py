"""Documents that come later (容缺受理): what waits for them, what ends without them, who looks at them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from govservice.engine import MAIN, SYSTEM, Applied, available, context
from govservice.engine.invariants import breaches
from govservice.errors import Forbidden, NotAllowed
from govservice.models.session import Database
from tests.engine.promised import DAY, armed, grant, review_it, send, text
from tests.engine.world import CALENDARS, HE, LI, MONDAY, ZHANG, ZHOU, World, compiled_from, data_of, staff

PUT_OFF = {"deferred": ["health_certificates"]}


@pytest.fixture
def world(database: Database) -> World:
    return World(database, compiled_from(text()))


def supply(w: World, rev: int = 2, *names: str) -> Applied:
    rev = w.answer(rev, w.answers)
    return w.do(w.wang, "@supply", data={"data_rev": rev, "supplied": list(names or ("health_certificates",))})


# -- gaps


def test_accepted_with_gaps_waits_at_the_issue_and_closes_when_they_are_filled(world: World) -> None:
    """ "Accepted with gaps closes only when gaps are filled": the issue step waits, it does not fail."""
    w = world
    gap = data_of(send(w, **PUT_OFF), "gap.opened")
    assert (gap["material"], gap["due_on"]) == ("health_certificates", "2026-03-16")
    review_it(w)
    arrived = w.do(HE, "approve", MAIN)
    st = w.state
    assert (st.main.step, st.main.status, st.main.waits_for) == ("issue", "waiting", "gaps")
    assert "document.issue" not in w.topics(), "the call waits"
    assert data_of(arrived, "token.paused")["kind"] == "deferral"
    assert st.clocks["limit:delivery"].paused_since is not None, "the applicant's time is not the authority's"
    with pytest.raises(NotAllowed):
        w.do(SYSTEM, "@ok", MAIN)
    w.check()
    w.at(MONDAY + 2 * DAY)
    came = supply(w)
    assert w.types(came) == ["gap.closed", "token.resumed", "clock.resumed", "step.called"]
    assert w.topics().count("document.issue") == 1
    (call,) = w.rows("outbox", "WHERE topic = 'document.issue'")
    assert '"token_id":1' in call["payload"]
    assert '"step":"issue"' in call["payload"]
    assert w.state.clocks["limit:delivery"].running
    assert not any(key.startswith("deferral") for key in armed(w.state))
    w.check()
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.outcome == "granted"
    assert list(breaches(w.d, w.state)) == []
    w.check()


def test_what_comes_before_the_decision_is_looked_at_by_who_reads_it(world: World) -> None:
    """A finished branch whose reads were touched opens again; the join does not take an outcome older than that."""
    w = world
    send(w, **PUT_OFF)
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "pass", "review.food")
    came = supply(w)
    opened = data_of(came, "branch.opened")
    assert (opened["branch"], opened["reopened"]) == ("review.food", True)
    w.do(ZHOU, "pass", "review.fire")
    assert w.state.main.step == "review"
    w.do(ZHANG, "pass", "review.food")
    assert w.state.main.step == "decision"
    w.do(HE, "approve", MAIN)
    assert "document.issue" in w.topics(), "nothing is left to wait for"
    w.check()


def test_gaps_not_filled_terminate_the_case_wherever_it_is(world: World) -> None:
    """ "... else terminates": reminded at 80 %, ended at the last day, told as terminated and not as lapsed."""
    w = world
    for where in ("acceptance", "review", "issue"):
        w.at(MONDAY)
        send(w, **PUT_OFF)
        if where == "review":
            w.do(LI, "accept", MAIN)
        if where == "issue":
            review_it(w)
            w.do(HE, "approve", MAIN)
        assert w.state.main.step == where
        mine = f"WHERE case_id = '{w.case_id}'"
        w.tick(datetime.fromisoformat("2026-03-12T16:00:00+00:00"))  # the eighth working day is over
        topics = [r["topic"] for r in w.rows("outbox", mine)]
        assert topics.count("notice.gap") == 1
        assert w.state.status == "open"
        w.tick(datetime.fromisoformat("2026-03-16T15:59:59+00:00"))
        assert w.state.status == "open", "the last day runs to midnight"
        w.tick(datetime.fromisoformat("2026-03-16T16:00:00+00:00"))
        assert (w.state.status, w.state.outcome) == ("closed", "terminated")
        topics = [r["topic"] for r in w.rows("outbox", mine)]
        assert "notice.terminated" in topics
        assert "notice.lapsed" not in topics
        assert "document.issue" not in topics
        with pytest.raises(NotAllowed):
            supply(w)
        w.check()


def test_a_correction_may_bring_what_was_put_off(world: World) -> None:
    w = world
    send(w, **PUT_OFF)
    w.do(LI, "accept", MAIN)
    w.ask(ZHANG, "review.food", "health_certificates")
    w.do(ZHOU, "pass", "review.fire")
    rev = w.answer(2, w.answers)
    data = {"data_rev": rev, "changed": ["health_certificates"], "supplied": ["health_certificates", "plan"]}
    w.do(w.wang, "@resubmit", data=data)
    assert w.state.open_gaps == []
    assert w.state.gaps["health_certificates"].closed_at is not None
    w.check()


def test_only_the_applicant_brings_it_and_only_what_is_due(world: World) -> None:
    w = world
    send(w, **PUT_OFF)
    stranger = replace(w.wang, id="other", person_id="other")
    for actor, names, error in (
        (stranger, ["health_certificates"], Forbidden), (LI, ["health_certificates"], Forbidden),
        (w.wang, ["rules"], NotAllowed), (w.wang, [], NotAllowed),
    ):  # fmt: skip
        with pytest.raises(error):
            w.do(actor, "@supply", data={"data_rev": 1, "supplied": names})
    with w.db.read() as session:
        ctx = context(session, w.definitions, CALENDARS, w.state)
        assert "@supply" in [o.action for o in available(w.d, w.state, w.wang, ctx) if o.allowed]
    supply(w)
    with pytest.raises(NotAllowed):
        supply(w, 3)
    w.check()


def test_an_action_may_require_closed_gaps_too(database: Database) -> None:
    w = World(
        database,
        compiled_from(text().replace("approve: {to: issue,", "approve: {to: issue, requires: {gaps: closed},")),
    )
    send(w, **PUT_OFF)
    review_it(w)
    with pytest.raises(NotAllowed) as told:
        w.do(HE, "approve", MAIN)
    assert told.value.facts["why"] == "gaps"
    supply(w)
    w.do(HE, "approve", MAIN)
    assert w.state.main.step == "issue"
    w.check()


def test_ways_lead_nowhere_for_others(world: World) -> None:
    """Who holds the role elsewhere may not check; the applicant may not either."""
    w = world
    grant(w)
    for actor in (w.wang, staff("ma", "food@market_reg", area="nanming"), LI):
        with pytest.raises(Forbidden):
            w.do(actor, "confirm", "post_check")


def test_a_grant_with_an_open_gap_is_a_fault_of_the_engine(world: World) -> None:
    """Whatever a definition lets pass: "closes only when gaps are filled"."""
    w = world
    send(w, **PUT_OFF)
    review_it(w)
    supply(w)
    w.do(HE, "approve", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    st = w.state
    st.gaps["health_certificates"] = st.gaps["health_certificates"]._replace(closed_at=None)
    assert list(breaches(w.d, st)) == ["granted although a deferred material has not come"]
