"""Clause 4, "absence with delegation" and "own case", on the pages: declared, acted on, told under both names, over."""

from __future__ import annotations

import html
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from govservice.errors import Invalid, NotFound
from govservice.models.base import new_id
from govservice.models.recusals import Recusal
from govservice.operations import absences, recusal
from govservice.operations.accounts import set_own_person
from tests.web.conftest import Stage
from tests.web.desks import MAIN, Desks, words


@pytest.fixture
def desks(make_stage: Callable[..., Stage]) -> Desks:
    return Desks(make_stage())


def test_absence_the_deputy_acts_under_both_names_until_it_is_over(desks: Desks) -> None:
    rt, today = desks.stage.runtime, date(2026, 3, 2)
    number = desks.reviewed()
    food = desks.token(number, "review.food")
    desks.do("zhang.qiang", number, "@claim", food)
    ids = {login: desks.actor(login).id for login in ("zhang.qiang", "he.tao", "li.na", "zhao.lei", "zhou.jie")}
    page = words(desks.at("zhang.qiang").get("/account/absences"))
    assert "Nobody is away." in page
    form = {"for": ids["zhang.qiang"], "deputy": ids["he.tao"], "from_on": "2026-03-02", "to_on": "2026-03-04"}
    assert desks.post("li.na", "/account/absences", **form).status_code == 404, "not theirs to declare"
    assert desks.post("zhang.qiang", "/account/absences", **{**form, "deputy": ids["zhou.jie"]}).status_code == 422
    assert desks.post("zhang.qiang", "/account/absences", **{**form, "to_on": "2026-03-01"}).status_code == 422
    assert desks.post("zhang.qiang", "/account/absences", **form).status_code == 303
    assert desks.post("zhang.qiang", "/account/absences", **form).status_code == 303, "sent twice"
    with pytest.raises(Invalid):
        absences.declare(
            rt, desks.actor("he.tao"), ids["he.tao"], ids["zhang.qiang"], today, today, now=desks.stage.wall.now()
        )
    with rt.read() as session:
        assert len(absences.shown_to(rt, session, desks.actor("zhao.lei"), today)) == 1, "supervision sees it"

    assert number in words(desks.at("he.tao").get("/clerk/?whose=me")), "the task reaches the deputy"
    assert "You stand in for Zhang Qiang." in words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    sent = desks.send("he.tao", number, "review.food", "pass", opinion="all in order")
    assert sent.status_code == 302, words(sent)
    told = words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    assert "He Tao for Zhang Qiang" in told
    assert "He Tao for Zhang Qiang" in words(desks.at("wang.fang").get(f"/my/cases/{number}"))
    with rt.read() as session:
        from govservice.engine.store import Store

        last = [e for e in Store(session).events(desks.id_of(number)) if e.type == "step.left"][-1]
    assert (last.actor, last.on_behalf_of) in {(ids["he.tao"], ids["zhang.qiang"]), (ids["he.tao"], None)}

    other = desks.reviewed()
    desks.do("zhang.qiang", other, "@claim", desks.token(other, "review.food"))
    desks.pass_time(days=3)
    page = desks.at("he.tao").get(f"/clerk/cases/{other}/{desks.token(other, 'review.food')}/pass")
    assert page.status_code in (404, 409), "the days are over, and with them the right"


def test_absence_is_declared_by_supervision_and_ended_early(desks: Desks) -> None:
    rt, today, now = desks.stage.runtime, date(2026, 3, 2), desks.stage.wall.now()
    zhang, he = desks.actor("zhang.qiang").id, desks.actor("he.tao").id
    assert zhang in words(desks.at("zhao.lei").get("/account/absences"))
    made = absences.declare(rt, desks.actor("zhao.lei"), zhang, he, today, today + timedelta(days=9), now=now)
    with rt.read() as session:
        (absent,) = absences.deputy_for(session, he, today)
        assert absent.id == zhang
        assert absences.deputy_for(session, he, today + timedelta(days=10)) == ()
    with pytest.raises(NotFound):
        absences.end(rt, desks.actor("li.na"), made, now=now)
    assert desks.post("zhao.lei", f"/account/absences/{made}/end").status_code == 303
    with rt.read() as session:
        assert absences.deputy_for(session, he, today) == ()


def test_absence_is_declared_by_the_head_of_the_department(desks: Desks) -> None:
    """The head knows who is ill; the head of another department does not, nor does a colleague."""
    rt, today, now = desks.stage.runtime, date(2026, 3, 2), desks.stage.wall.now()
    assert absences.heads(rt) >= {("head", "market_reg"), ("building_head", "housing_construction")}
    assert not {"building_lead", "lead", "food"} & {role for role, _ in absences.heads(rt)}
    zhang, li, ma = (desks.actor(login).id for login in ("zhang.qiang", "li.na", "ma.jun"))
    page = desks.at("he.tao").get("/account/absences").get_data(as_text=True)
    assert zhang in page
    assert li not in page, "of the service hall"
    assert ma not in page, "of another district"
    assert "/account" in page.split('class="govuk-back-link"')[1][:40]
    form = {"for": zhang, "deputy": desks.actor("wu.gang").id, "from_on": "2026-03-02", "to_on": "2026-03-04"}
    assert desks.post("he.tao", "/account/absences", **form).status_code == 303
    for login in ("zhou.jie", "wu.gang"):
        assert desks.post(login, "/account/absences", **form).status_code == 404, "of another department; no head"
    with rt.read() as session:
        ((absence, _absent, _deputy),) = absences.shown_to(rt, session, desks.actor("he.tao"), today)
        assert len(absences.deputy_for(session, desks.actor("wu.gang").id, today)) == 1
    with pytest.raises(NotFound):
        absences.end(rt, desks.actor("zhou.jie"), absence.id, now=now)
    absences.end(rt, desks.actor("he.tao"), absence.id, now=now)


def test_own_case_reaches_a_clerk_whose_private_person_is_known(desks: Desks) -> None:
    """Staff are citizens too: their own application is nobody's favour."""
    number = desks.filed()
    person = desks.actor("wang.fang").person_id
    from govservice.operations.people import identity_of

    rt = desks.stage.runtime
    with rt.read() as session:
        identity = identity_of(session, person)
    assert identity is not None
    with pytest.raises(Invalid):
        set_own_person(rt, "li.na", "not a number")
    with pytest.raises(NotFound):
        set_own_person(rt, "wang.fang", identity.number)
    set_own_person(rt, "li.na", identity.number)
    refused = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    assert "You may not decide your own application." in refused
    assert desks.at("li.na").get(f"/clerk/cases/{number}/{MAIN}/accept").status_code == 409
    set_own_person(rt, "li.na", None)
    desks.browsers.clear()
    assert desks.at("li.na").get(f"/clerk/cases/{number}/{MAIN}/accept").status_code == 200


def test_a_relatives_case_is_neither_shown_nor_handled(desks: Desks) -> None:
    """What is known of a clerk's relatives closes the case to them: page, files, list, pile; supervision is told."""
    number, other = desks.filed(), desks.filed()
    li, rt = desks.actor("li.na"), desks.stage.runtime
    desks.do("li.na", number, "@claim")
    with rt.write() as session:
        session.add(Recusal(id=new_id(), case_id=desks.id_of(number), user_id=li.id, state="kept_away", at=rt.now()))
    browser = desks.at("li.na")
    for page in (f"/clerk/cases/{number}", f"/clerk/cases/{number}/{MAIN}/accept"):
        refused = browser.get(page)
        assert refused.status_code == 409
        assert "Conflict of interest: a relative&#39;s case." in refused.get_data(as_text=True)
        assert "CANARY" not in words(refused)
        assert "Wang Fang" not in words(refused)
        assert "王芳" not in words(refused)
    shown = words(browser.get("/clerk/"))
    assert number not in shown
    assert other in shown
    piled = {"service": "open_restaurant", "step": "acceptance", "action": "accept", "case": number}
    assert "a relative's case" in html.unescape(words(desks.post("li.na", "/clerk/piled", **piled)))
    late = words(desks.at("zhao.lei").get("/supervisor/late"))
    assert "Conflicts of interest" in late
    assert "Li Na" in late
    recusal.put_back(rt, rt.now())
    assert [task.assignee_id for task in desks.tasks(number)] == [None]
