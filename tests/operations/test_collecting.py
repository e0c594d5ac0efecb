"""Services "跨省通办": a window of another district than the deciding one collects an application: it looks at identity
and completeness and nothing else, and the deciding office's limit begins with its own acceptance."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from govservice.engine import Applied, recount
from govservice.engine.snapshot import load
from govservice.errors import Forbidden, NotAllowed
from govservice.models.casedata import read_form
from govservice.models.cases import Case, CaseEvent, CaseStateRow, Task, Visit
from govservice.operations import filing
from govservice.operations.clock import fire_due
from govservice.queries.sight import sight_of
from govservice.queries.tracking import case_page
from govservice.queries.way import accepting_role, place_of
from tests.operations.conftest import Play

PLACE = {"move.district": "nanming", "move.address": "南明区新华路 105 号 2 单元 301 室"}


@pytest.fixture
def collected(play: Play) -> Play:
    """Liu Yang moves from Huaxi to Nanming and hands in at the window of Huaxi."""
    return filed(play, "huaxi")


def filed(play: Play, window: str | None) -> Play:
    play.new_case(play.citizen("liu.yang"), "household_move")
    play.agree("liu.yang")
    play.answer("liu.yang", reason={"move.reason": "own_home"})
    play.agree("liu.yang")
    play.answer("liu.yang", place={**PLACE, "move.window": window})
    play.submit("liu.yang")
    return play


def clerk(play: Play, role: str, department: str) -> str:
    return next(
        login for login, user in play.users.items()
        if (role, department) in {(held.role, held.department_id) for held in user.roles}
    )  # fmt: skip


def act(play: Play, role: str, area: str, action: str, **words: Any) -> Applied:
    return play.act(clerk(play, role, f"{area}.service_hall"), "", action, **words)


def open_task(play: Play) -> tuple[str, str, str]:
    with play.rt.read() as session:
        found = session.scalars(select(Task).where(Task.case_id == play.case_id, Task.status == "open")).one()
        return found.step, found.role, found.department_id


def agreed(play: Play) -> list[str]:
    with play.rt.read() as session:
        return recount(session, play.case_id, play.rt.definitions, play.rt.calendars)


def test_the_window_named_collects_and_the_place_moved_to_decides(collected: Play) -> None:
    play = collected
    assert open_task(play) == ("collect", "collector", "huaxi.service_hall")
    assert play.state.area == "nanming"
    act(play, "collector", "huaxi", "pass_on")
    assert open_task(play) == ("acceptance", "window", "nanming.service_hall")
    assert play.state.milestones.keys() == {"received"}, "collecting is no acceptance"
    act(play, "window", "nanming", "accept")
    assert play.state.main.step == "review"
    assert agreed(play) == []


def drawn(play: Play) -> list[tuple[str, str]]:
    """Steps and statuses of the picture that the applicant sees, branches left out."""
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        page = case_page(session, play.rt.definitions, play.rt.calendars, case, play.now)
    return [(node.path, node.status) for column in page.columns for node in column if node.kind == "human"]


def test_the_picture_keeps_the_window_that_collected(collected: Play) -> None:
    """Where a window collected, its step stays in the picture when it is behind the case; others never see it."""
    play = collected
    assert drawn(play)[:2] == [("collect", "here"), ("acceptance", "to_come")]
    act(play, "collector", "huaxi", "pass_on")
    assert drawn(play)[:2] == [("collect", "done"), ("acceptance", "here")]
    act(play, "window", "nanming", "accept")
    assert drawn(play)[:3] == [("collect", "done"), ("acceptance", "done"), ("approval", "to_come")]
    filed(play, None)
    assert drawn(play)[0] == ("acceptance", "here")


def test_no_other_window_may_collect(collected: Play) -> None:
    """Neither that of the deciding district nor, once it is passed on, the collecting one again."""
    play = collected
    before = play.state
    with pytest.raises(Forbidden):
        act(play, "collector", "nanming", "pass_on")
    assert play.state == before
    act(play, "collector", "huaxi", "pass_on")
    li_na = play.users["li.na"]
    assert {(r.role, r.department_id) for r in li_na.roles} >= {("window", "huaxi.service_hall")}
    with pytest.raises((Forbidden, NotAllowed)):
        play.act("li.na", "", "accept")


def test_a_collecting_window_decides_nothing(collected: Play) -> None:
    """It may pass on and ask for what is missing; refusing is not among its actions."""
    compiled = collected.rt.definitions.current("household_move")
    edges = [e for e in compiled.out["collect"] if e.kind == "action" and e.by == "collector"]
    assert {e.name for e in edges} == {"pass_on", "correct"}
    assert not any(e.marks for e in edges)


def test_a_collecting_window_sees_who_applies_and_for_what(collected: Play) -> None:
    """What registers say of relatives, work and home is for the office that decides."""
    compiled = collected.rt.definitions.current("household_move")
    window, residence = sight_of(compiled, ["collect"]), sight_of(compiled, ["review.papers.desk"])
    told = {"kin.parents", "spouse.national_id", "work.employer", "home.title_no", "education.level"}
    assert {name for name in compiled.service.fields if window.sees(name)} >= {
        "person.name",
        "move.reason",
        "move.window",
    }
    assert not any(window.sees(name) for name in told)
    assert not any(window.sees_fact(fact) for fact in ("kinship", "marriage", "work"))
    assert all(residence.sees(name) for name in ("home.title_no", "work.employer"))


@pytest.mark.parametrize("window", [None, "nanming"])
def test_whoever_names_no_window_or_that_of_the_place_itself_is_accepted_there(play: Play, window: str | None) -> None:
    filed(play, window)
    assert open_task(play) == ("acceptance", "window", "nanming.service_hall")
    assert agreed(play) == []


def test_the_receipt_names_the_office_that_accepts(collected: Play) -> None:
    """Not the window that collects, though the law may let its silence count as acceptance."""
    play = collected
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        role = accepting_role(play.rt.definitions.by_sha(case.def_sha))
        assert (role, place_of(case, role)) == ("window", "nanming")
    made = [play.rt.definitions.current(code) for code in play.rt.definitions.codes()]
    assert all(accepting_role(d) in d.service.roles for d in made if d.limit("intake") is not None)


def test_the_limit_of_the_decision_begins_with_the_deciding_office(collected: Play) -> None:
    """Two days at the window are on its account; the decision's days are counted from the acceptance."""
    play = collected
    play.pass_time(days=1)
    act(play, "collector", "huaxi", "pass_on")
    assert "limit:decision" not in play.state.clocks
    play.pass_time(days=1)
    act(play, "window", "nanming", "accept")
    with play.rt.read() as session:
        stays = session.scalars(select(Visit).where(Visit.case_id == play.case_id).order_by(Visit.seq)).all()
        spent = {s.department_id: s.elapsed_s for s in stays if s.step in ("collect", "acceptance")}
        accepted = session.get_one(Case, play.case_id).accepted_at
    day = timedelta(days=1).total_seconds()
    assert spent == {"huaxi.service_hall": pytest.approx(day), "nanming.service_hall": pytest.approx(day)}
    assert play.state.clocks["limit:decision"].started_at == play.state.milestones["accepted"]
    assert accepted is not None


def test_silence_of_the_collecting_window_is_acceptance_as_of_receipt(collected: Play) -> None:
    """The five days of the law run from the receipt, whichever office sleeps."""
    play = collected
    received = play.state.milestones["received"]
    play.pass_time(days=16)
    fire_due(play.rt, play.now)
    assert play.state.main.step == "review"
    assert play.state.milestones["accepted"] == received
    assert agreed(play) == []


def test_a_correction_comes_back_to_the_window_that_asked(collected: Play) -> None:
    play = collected
    act(play, "collector", "huaxi", "correct", reason="地址写到房间号。", items={"move.address": "缺房间号"})
    play.deliver()
    play.answer("liu.yang", place={"move.address": "南明区新华路 105 号 2 单元 302 室"})
    filing.resubmit(
        play.rt, play.citizen("liu.yang"), play.case_id, expected=None, idem=play.key(), now=play.now
    )  # fmt: skip
    assert open_task(play) == ("collect", "collector", "huaxi.service_hall")


def test_where_it_goes_and_where_it_is_collected_stand_once_it_is_sent(collected: Play) -> None:
    """Another district is another office's case (Administrative Licensing Law art. 32(2)): what is asked to correct it
    leaves it, so that an answer and the office that decides on it never differ."""
    play = collected
    wrong = dict.fromkeys(("move.district", "move.window", "move.address"), "不对")
    act(play, "collector", "huaxi", "correct", reason="请核对。", items=wrong)
    play.deliver()
    address = "南明区新华路 105 号 2 单元 302 室"
    play.answer(
        "liu.yang", place={"move.district": "yunyan", "move.window": "yunyan", "move.address": address}
    )  # fmt: skip
    filing.resubmit(play.rt, play.citizen("liu.yang"), play.case_id, expected=None, idem=play.key(), now=play.now)
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        sent = read_form(session, case.applicant_id, case.id, case.data_rev).answers
    assert {name: sent[name] for name in wrong} == {**PLACE, "move.window": "huaxi", "move.address": address}
    assert (play.state.area, play.state.places) == ("nanming", {"collector": "huaxi"})
    act(play, "collector", "huaxi", "pass_on")
    assert agreed(play) == []


def test_the_place_is_in_the_chain_and_in_the_kept_state(collected: Play) -> None:
    """The event says where the role sits; a state that is folded anew and one that was kept agree."""
    play = collected
    with play.rt.read() as session:
        events = session.scalars(select(CaseEvent).where(CaseEvent.case_id == play.case_id)).all()
        told = [json.loads(e.data)["places"] for e in events if "places" in json.loads(e.data)]
        assert told == [{"collector": "huaxi"}]
        assert json.loads(session.get_one(Case, play.case_id).places or "") == {"collector": "huaxi"}
        kept = session.get_one(CaseStateRow, play.case_id).state
    assert load(kept).places == {"collector": "huaxi"}
