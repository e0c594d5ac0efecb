"""Clause 3.6 "Food-business licence": "choose route: {pledge -> issue -> post-check within 30 wd -> ok | revoke} |
{normal: examine ∥ site check, two inspectors; fail -> one rectification round -> re-check} -> decide (A ≠ E ≠ I)"."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from govservice.engine import MAIN, SYSTEM, Applied, available, context
from govservice.errors import Forbidden, Invalid, NotAllowed
from govservice.models.session import Database
from tests.engine.world import AREA, CALENDARS, HE, LI, World, data_of, staff

ZHANG = staff("zhang.qiang", "food@market_reg")
WU = staff("wu.gang", "inspector@market_reg", "food@market_reg")
FENG = staff("feng.lei", "inspector@market_reg")
XU = staff("xu.yan", "head@market_reg", "inspector@market_reg")
RECORD = {"attachments": ("inspection_record",)}
ANSWERS = {"premises.district": AREA, "premises.area": "80", "business.form": "service", "org.discredited": False}
PLEDGED = {"pledges": {"rules": 1}}


@pytest.fixture
def world(database: Database) -> World:
    return World(database, "food_business_licence")


def send(w: World, answers: dict[str, Any] = ANSWERS, **promises: Any) -> Applied:
    w.open()
    w.do(w.wang, "submit", MAIN, data={"data_rev": w.answer(1, answers), **promises})
    return w.do(LI, "accept", MAIN)


def inspected(w: World, action: str = "pass") -> None:
    for who in (WU, FENG):
        w.do(who, action, "review.site", reason="r", **RECORD)


def issued(w: World) -> None:
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.main.step == "handover"
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.outcome == "granted"


# -- on a pledge


def test_on_a_pledge_the_licence_comes_first_and_the_inspection_within_30_working_days(world: World) -> None:
    w = world
    send(w, **PLEDGED)
    assert w.steps() == ["pledged"]
    with pytest.raises(Forbidden):
        w.do(LI, "approve", MAIN)
    w.do(HE, "approve", MAIN)
    issued(w)
    (task,) = w.state.tasks.values()
    assert (task.step, task.role) == ("post_check", "inspector")
    clock = w.state.step_clock(w.state.tokens[task.token_id])
    assert clock is not None
    assert clock.statutory == "30wd"
    w.check()


@pytest.mark.parametrize(("action", "outcome"), [("confirm", "confirmed"), ("revoke", "revoked")])
def test_two_inspectors_find_the_pledge_kept_or_revoke(world: World, action: str, outcome: str) -> None:
    w = world
    send(w, **PLEDGED)
    w.do(HE, "approve", MAIN)
    issued(w)
    w.do(WU, action, "post_check", reason="r", **RECORD)
    with pytest.raises(Forbidden):
        w.do(WU, action, "post_check", reason="r")
    said = w.do(FENG, action, "post_check")
    token = w.state.token_of("post_check")
    assert token is not None
    assert token.outcome == outcome
    assert ("document.revoke" in data_of(said, "step.left").get("effects", ())) is (action == "revoke")
    w.check()


LISTED = {**ANSWERS, "org.discredited": True}
UNKNOWN = {name: value for name, value in ANSWERS.items() if name != "org.discredited"}


@pytest.mark.parametrize("answers", [LISTED, UNKNOWN], ids=["listed", "unknown"])
@pytest.mark.parametrize("promise", [PLEDGED, {"deferred": ["health_certificates"]}], ids=["pledge", "deferral"])
def test_neither_pledge_nor_deferral_is_open_to_who_is_on_the_list_of_serious_breaches(
    world: World, answers: dict[str, Any], promise: dict[str, Any]
) -> None:
    """Bad credit is excluded, and so is whoever cannot be looked up."""
    world.open()
    with pytest.raises(Invalid):
        world.do(world.wang, "submit", MAIN, data={"data_rev": world.answer(1, answers), **promise})
    assert world.state.status == "draft"


def test_who_brings_everything_is_inspected_first_whoever_it_is(world: World) -> None:
    send(world, LISTED)
    assert world.steps() == ["review", "review.papers.desk", "review.site.check"]


def test_who_comes_on_the_list_after_sending_is_inspected_first_in_spite_of_a_pledge(world: World) -> None:
    w = world
    w.open()
    w.do(w.wang, "submit", MAIN, data={"data_rev": w.answer(1, ANSWERS), **PLEDGED})
    w.ask(LI, MAIN, "manager.name", trigger="correct")
    w.do(w.wang, "@resubmit", MAIN, data={"data_rev": w.answer(2, LISTED), "changed": ["org.discredited"]})
    w.do(LI, "accept", MAIN)
    assert w.state.main.step == "review"


def test_the_head_may_have_a_pledge_inspected_first(world: World) -> None:
    w = world
    send(w, **PLEDGED)
    w.do(HE, "usual", MAIN, reason="a complaint about these premises")
    assert w.steps() == ["review", "review.papers.desk", "review.site.check"]
    w.check()


# -- the usual way


def test_papers_and_site_are_looked_at_at_once_by_different_people(world: World) -> None:
    """A ≠ E ≠ I, and two inspectors are two."""
    w = world
    send(w)
    w.do(ZHANG, "pass", "review.papers")
    w.do(WU, "pass", "review.site", **RECORD)
    with pytest.raises(Forbidden):
        w.do(WU, "pass", "review.site")
    w.do(XU, "pass", "review.site")
    with pytest.raises(Forbidden):
        w.do(XU, "approve", MAIN)
    w.do(HE, "approve", MAIN)
    issued(w)
    assert not w.state.tasks, "nothing was pledged: nothing is to be checked"
    w.check()


def test_who_examined_the_papers_does_not_inspect(world: World) -> None:
    w = world
    send(w)
    w.do(WU, "pass", "review.papers")
    with pytest.raises(Forbidden):
        w.do(WU, "pass", "review.site", **RECORD)


def test_one_round_to_mend_what_the_inspection_found_and_no_second(world: World) -> None:
    """The applicant's days are not counted, at most ten; then the same desk inspects again."""
    w = world
    send(w)
    w.do(ZHANG, "pass", "review.papers")
    w.ask(WU, "review.site", "photos", trigger="rectify")
    notice = w.state.notice
    assert notice is not None, "the papers were done: the notice goes at once"
    assert w.state.clocks["limit:decision"].paused_since is not None
    w.now += timedelta(days=5)
    w.resubmit(2, ["photos"])
    assert w.state.clocks["limit:decision"].paused_since is None
    with pytest.raises(NotAllowed) as told:
        w.ask(FENG, "review.site", "photos", trigger="rectify")
    assert told.value.facts["why"] == "once"
    with w.db.read() as session:
        offers = available(w.d, w.state, FENG, context(session, w.definitions, CALENDARS, w.state))
    may = {o.action: o.allowed for o in offers if o.step == "review.site.check"}
    assert {action: may[action] for action in ("pass", "rectify", "fail")} == {
        "pass": True, "rectify": False, "fail": True,
    }  # fmt: skip
    inspected(w)
    assert w.state.main.step == "decision"
    w.check()


def test_what_is_not_mended_in_ten_working_days_lapses(world: World) -> None:
    w = world
    send(w)
    w.do(ZHANG, "pass", "review.papers")
    w.ask(WU, "review.site", "photos", trigger="rectify")
    w.tick(w.now + timedelta(days=15))
    assert (w.state.status, w.state.outcome) == ("closed", "withdrawn")
    w.check()


def test_a_failed_inspection_leads_to_a_refusal_with_reasons_by_somebody_else(world: World) -> None:
    w = world
    send(w)
    w.do(ZHANG, "pass", "review.papers")
    inspected(w, "fail")
    assert w.state.main.step == "refusal"
    with pytest.raises(Forbidden):
        w.do(staff("wu.gang", "head@market_reg"), "refuse", MAIN, reason="r")
    said = w.do(HE, "refuse", MAIN, reason="no washing place")
    assert w.state.outcome == "refused"
    assert "notice.refusal" in data_of(said, "step.left").get("effects", ()) or "notice.refusal" in w.topics()
    w.check()


# -- health certificates that come later


def test_the_licence_waits_for_certificates_that_were_put_off(world: World) -> None:
    w = world
    send(w, **PLEDGED, deferred=["health_certificates"])
    w.do(HE, "approve", MAIN)
    assert (w.state.main.step, w.state.main.waits_for) == ("issue", "gaps")
    w.do(w.wang, "@supply", MAIN, data={"data_rev": w.answer(2, ANSWERS), "supplied": ["health_certificates"]})
    assert w.state.main.status == "active"
    issued(w)
    w.check()


def test_certificates_that_never_come_end_the_case(world: World) -> None:
    w = world
    send(w, **PLEDGED, deferred=["health_certificates"])
    w.do(HE, "approve", MAIN)
    w.tick(w.now + timedelta(days=8))
    assert (w.state.status, w.state.outcome) == ("closed", "terminated")
    w.check()


def test_only_the_words_that_were_read_are_pledged(world: World) -> None:
    world.open()
    data = {"data_rev": world.answer(1, ANSWERS), "pledges": {"rules": 2}}
    with pytest.raises(Invalid):
        world.do(world.wang, "submit", MAIN, data=data)


# -- handed to supervision


def test_a_licence_that_supervision_was_not_told_of_is_handed_over_by_hand(world: World) -> None:
    w = world
    send(w, **PLEDGED)
    w.do(HE, "approve", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    w.do(SYSTEM, "@fail", MAIN)
    assert w.state.main.step == "handover_desk"
    w.do(ZHANG, "done", MAIN, reason="told by letter")
    assert w.state.outcome == "granted"
    w.check()
