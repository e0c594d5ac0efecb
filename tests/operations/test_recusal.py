"""Clause 4, "conflict of interest: relative's case by the registry", against the real registries.

In the province Liu Yang is Wang Fang's husband and Huang Xiuying's son; the mother lives with him.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from govservice.engine import MAIN, Actor, Applied
from govservice.errors import Forbidden
from govservice.exchange.sandbox import cast
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case
from govservice.models.exchange import DataAccess, Exchange
from govservice.models.recusals import Kinship
from govservice.operations import absences, deciding, recusal, supervising
from govservice.operations.accounts import set_own_person
from govservice.queries.recusals import conflicts, state_of
from govservice.queries.worklist import Filters, worklist
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

KIN = ("births", "civil_affairs", "households")


@pytest.fixture
def filed(play: Play) -> Play:
    """A case of Wang Fang's that waits at the window."""
    play.draft("wang.fang")
    play.submit("wang.fang")
    return play


def staff(play: Play, login: str, relative: str = "") -> None:
    """Who a member of staff is in private."""
    number = next((p.id for p in cast.PEOPLE if p.pinyin.lower().replace(" ", ".") == relative), None)
    set_own_person(play.rt, login, number)
    with play.rt.read() as session:
        play.users = {u.login: u for u in session.scalars(select(type(play.users[login])))}


def acting(play: Play, login: str) -> Actor:
    return replace(play.staff(login), person_id=play.users[login].own_person_id)


def act(play: Play, login: str, action: str, scope: str = "") -> Applied:
    token = play.state.token_of(scope)
    assert token is not None
    return deciding.act(
        play.rt, acting(play, login), play.case_id, token.id, action, expected=None, idem=play.key(), now=play.now
    )


def claim(play: Play, login: str) -> Applied:
    return deciding.claim(play.rt, acting(play, login), play.case_id, MAIN, idem=play.key(), now=play.now)


def listed(play: Play, login: str) -> bool:
    actor = acting(play, login)
    with play.rt.read() as session:
        calendar = play.rt.calendars.for_area("huaxi")
        rows = worklist(session, actor.roles, actor.ids, Filters(), calendar, play.now).rows
    return play.case_id in {row.case_id for row in rows}


def state(play: Play, login: str) -> str | None:
    with play.rt.read() as session:
        return state_of(session, play.users[login].id, play.case_id)


def test_the_spouse_of_whoever_applies_neither_takes_nor_decides(filed: Play) -> None:
    staff(filed, "li.na", "liu.yang")
    assert listed(filed, "li.na")
    for wish in (lambda: claim(filed, "li.na"), lambda: act(filed, "li.na", "accept")):
        with pytest.raises(Forbidden) as refused:
            wish()
        assert refused.value.code == "relative"
        assert str(refused.value.message) == "Conflict of interest: a relative's case."
    assert state(filed, "li.na") == "kept_away"
    assert not listed(filed, "li.na")
    with filed.rt.read() as session:
        calls = session.scalars(select(Exchange).where(Exchange.trigger == "recusal")).all()
        reads = session.scalars(select(DataAccess).where(DataAccess.purpose == "recusal")).all()
        kept = session.scalars(select(Kinship)).all()
    person = filed.users["li.na"].own_person_id
    assert {(c.registry_code, c.purpose, c.case_id, c.subject_id) for c in calls} == {
        (code, "RECUSAL", None, person) for code in KIN
    }, "each registry once: the second act took what was known"
    assert all(c.grant_id and "art. 74 and 76" in (c.legal_basis or "") for c in calls)
    assert {(r.subject_id, r.actor) for r in reads} == {(person, "portal")}, "the clerk sees whose data was read"
    assert len(kept) == len(KIN)
    assert cast.WANG_FANG.id not in str([row.kin for row in kept])


def test_parents_and_the_household_count_and_strangers_do_not(play: Play) -> None:
    """Chen Wei applies and names Liu Yang in the answers: Liu Yang's mother keeps away, by the births and by the
    household; a stranger does not."""
    play.draft("chen.wei")
    play.submit("chen.wei")
    with play.rt.write() as session:
        applicant = session.get_one(Case, play.case_id).applicant_id
        form = read_form(session, applicant, play.case_id).with_answers({"household.adults": cast.LIU_YANG.id}, "you")
        write_form(session, applicant, play.case_id, form, "test", play.now)
    found = {}
    for login, relative in (("li.na", "huang.xiuying"), ("he.tao", "liu.yang"), ("zhou.jie", "wang.fang")):
        staff(play, login, relative)
        found[login] = bool(recusal.weigh(play.rt, acting(play, login), play.case_id, play.now).recused)
    assert found == {"li.na": True, "he.tao": True, "zhou.jie": True}, "mother, he himself, wife"
    with play.rt.read() as session:
        person = play.users["li.na"].own_person_id
        kin = {row.dataset: row.kin for row in session.scalars(select(Kinship).where(Kinship.person_id == person))}
    son = play.rt.keyring.blind("cn_id", cast.LIU_YANG.id)
    assert {dataset for dataset, indexes in kin.items() if son in indexes} == {"kinship/1", "households/1"}
    staff(play, "sun.min", "wang.fang")
    with play.rt.write() as session:
        form = form.with_answers({"household.adults": None}, "you")
        write_form(session, applicant, play.case_id, form, "test", play.now)
    assert recusal.weigh(play.rt, acting(play, "sun.min"), play.case_id, play.now).recused == ()


def test_the_own_case_has_its_own_words(filed: Play) -> None:
    staff(filed, "li.na", "wang.fang")
    with pytest.raises(Forbidden) as refused:
        claim(filed, "li.na")
    assert refused.value.code == "own_case"


def test_a_task_in_hand_goes_back_and_the_others_may_take_it(filed: Play) -> None:
    """Known only after the task was taken: it is nobody's again; whoever is left of the role may do it."""
    claim(filed, "li.na")
    staff(filed, "li.na", "liu.yang")
    with pytest.raises(Forbidden):
        act(filed, "li.na", "accept")
    task = filed.state.task_of(MAIN)
    assert task is not None
    assert task.assignee is None
    supervisor = filed.staff("zhao.lei")
    with pytest.raises(Forbidden) as refused:
        supervising.do(
            filed.rt, supervisor, filed.case_id, MAIN, "assign", idem=filed.key(), now=filed.now, reason="urgent",
            to=filed.users["li.na"].id,
        )  # fmt: skip
    assert refused.value.code == "assignee"
    with filed.rt.read() as session:
        (shown,) = conflicts(session, ["huaxi"], None, filed.rt.today(filed.now))
    assert shown.state == "kept_away"
    assert shown.others
    assert not shown.urgent
    other = next(
        login for login, u in filed.users.items()
        if login != "li.na" and ("window", "huaxi.service_hall") in {(r.role, r.department_id) for r in u.roles}
    )  # fmt: skip
    act(filed, other, "accept")
    assert filed.state.main.step == "review"


def test_nobody_acts_for_an_absent_colleague_in_a_relatives_case(filed: Play) -> None:
    claim(filed, "li.na")
    staff(filed, "li.na", "liu.yang")
    deputy, today = filed.staff("zhou.jie"), filed.rt.today(filed.now)
    absent = replace(acting(filed, "li.na"), name="Li Na")
    found = recusal.weigh(filed.rt, replace(deputy, deputy_for=(absent,)), filed.case_id, filed.now)
    assert found.recused == ()
    assert found.deputy_for[0].recused == (filed.case_id,)
    assert absences.held_today(filed.users["li.na"], today)


def test_a_silent_registry_holds_nobody_up_and_is_asked_again(filed: Play, sandbox: Sandbox) -> None:
    """The act goes on, supervision sees it, and what comes out later is told."""
    staff(filed, "li.na", "liu.yang")
    for code in KIN:
        sandbox.fault(code, "status_500")
    act(filed, "li.na", "accept")
    assert state(filed, "li.na") == "unchecked"
    with filed.rt.read() as session:
        (shown,) = conflicts(session, ["huaxi"], None, filed.rt.today(filed.now))
        asked = session.scalars(select(Exchange).where(Exchange.trigger == "recusal")).all()
    assert shown.urgent
    assert recusal.look_again(filed.rt, filed.now) == 0
    with filed.rt.read() as session:
        again = session.scalars(select(Exchange).where(Exchange.trigger == "recusal")).all()
    assert len(again) == len(asked), "not within five minutes"
    sandbox.reset()
    filed.pass_time(minutes=40)
    assert recusal.look_again(filed.rt, filed.now) == 1
    assert state(filed, "li.na") == "found_late"
    with filed.rt.read() as session:
        assert conflicts(session, ["huaxi"], None, filed.rt.today(filed.now))[0].urgent


def test_what_turns_out_to_be_nothing_is_cleared(filed: Play, sandbox: Sandbox) -> None:
    staff(filed, "li.na", "chen.wei")
    sandbox.fault("households", "status_500")
    act(filed, "li.na", "accept")
    assert state(filed, "li.na") == "unchecked"
    sandbox.reset()
    filed.pass_time(minutes=40)
    recusal.look_again(filed.rt, filed.now)
    assert state(filed, "li.na") == "cleared"
    with filed.rt.read() as session:
        assert conflicts(session, ["huaxi"], None, filed.rt.today(filed.now)) == []


def test_an_answer_is_asked_for_anew_after_its_freshness(filed: Play) -> None:
    staff(filed, "li.na", "chen.wei")
    claim(filed, "li.na")
    deciding.release(filed.rt, acting(filed, "li.na"), filed.case_id, MAIN, idem=filed.key(), now=filed.now)
    with filed.rt.read() as session:
        first = len(session.scalars(select(Exchange).where(Exchange.trigger == "recusal")).all())
    recusal.weigh(filed.rt, acting(filed, "li.na"), filed.case_id, filed.now + timedelta(days=29))
    recusal.weigh(filed.rt, acting(filed, "li.na"), filed.case_id, filed.now + timedelta(days=31))
    with filed.rt.read() as session:
        assert len(session.scalars(select(Exchange).where(Exchange.trigger == "recusal")).all()) == 2 * first


def test_staff_of_whom_nothing_private_is_known_are_not_asked_about(filed: Play) -> None:
    act(filed, "li.na", "accept")
    with filed.rt.read() as session:
        assert session.scalars(select(Exchange).where(Exchange.trigger == "recusal")).all() == []
