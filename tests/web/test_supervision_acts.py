"""Supervisors and leads act: tasks given to somebody, parts ended or looked at again; the pages and what they say."""

from __future__ import annotations

import pytest

from tests.web.conftest import Stage
from tests.web.desks import Desks, inputs, words


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def test_supervisor_reassigns_on_a_page_and_the_clerks_see_it(desks: Desks) -> None:
    number = desks.reviewed(answers={"premises.area": "80"})
    food = desks.token(number, "review.food")
    desks.do("zhang.qiang", number, "@claim", food)
    zhao, address = desks.at("zhao.lei"), f"/supervisor/cases/{number}/{food}/assign"
    page = words(zhao.get(f"/supervisor/cases/{number}"))
    assert "What you may do" in page
    assert address in page
    assert "review.food" not in page, "no path of ours"
    assert f"/{food}/cancel" not in page, "no join rule says what follows"
    form = words(zhao.get(address))
    assert "Wu Gang" in form
    assert "Zhang Qiang" not in form, "who has it already"
    assert "Zhou Jie" not in form, "holds another role"
    wu = desks.actor("wu.gang").id
    given = inputs(form, "page-form")
    assert zhao.post(address, data={**given, "to": wu}).status_code == 422, "without a reason"
    assert zhao.post(address, data={**given, "to": desks.actor("zhou.jie").id, "reason": "x"}).status_code == 422
    sent = zhao.post(address, data={**given, "to": wu, "reason": "CANARY-reason: he is ill"})
    assert (sent.status_code, sent.headers["Location"]) == (303, f"/supervisor/cases/{number}?done=recorded")
    page = words(zhao.get(sent.headers["Location"]))
    assert "It is recorded with the case" in page
    assert "the task was given to Wu Gang" in page
    assert "Zhao Lei · " not in page, "who supervises is of no department of the service"
    assert "CANARY-reason" not in page
    assert "Wu Gang has taken this task" in words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    zhao.get("/language/zh")
    assert "任务已指派给吴刚" in words(zhao.get(f"/supervisor/cases/{number}")).replace(" ", "")
    for who, status in (("li.na", 404), ("wang.fang", 404), ("qian.yu", 404)):
        assert desks.at(who).get(address).status_code == status
    assert zhao.get(f"/supervisor/cases/{number}/{food}/nothing").status_code == 404
    assert zhao.get(f"/supervisor/cases/{number}/99999999999/assign").status_code == 404


def test_supervisor_reopens_on_a_page_with_reason(desks: Desks) -> None:
    number = desks.reviewed(answers={"premises.area": "400"})
    sign, zhao = desks.token(number, "review.sign"), desks.at("zhao.lei")
    desks.do("sun.min", number, "pass", sign)
    address = f"/supervisor/cases/{number}/{sign}/reopen"
    page = words(zhao.get(f"/supervisor/cases/{number}"))
    assert "Shop sign" in page
    assert "review.sign" not in page, "a part that has ended is called by its name"
    form = words(zhao.get(address))
    assert "The part begins anew, with whoever had it." in form
    assert "Shop sign · " in form
    assert "nobody has the task yet" not in form, "that is about giving a task away"
    assert zhao.post(address, data=inputs(form, "page-form")).status_code == 422
    given = {**inputs(form, "page-form"), "reason": "Other words stand there"}
    assert zhao.post(address, data=given).status_code == 303
    task = desks.state(number).task_of(sign)
    assert task.assignee == desks.actor("sun.min").id
    assert "to be looked at again, by supervision" in words(zhao.get(f"/supervisor/cases/{number}"))
    assert zhao.get(address).status_code == 404, "it is open now"


def test_the_lead_gives_out_the_tasks_of_the_branches(desks: Desks) -> None:
    number = desks.reviewed()
    lead = next(login for login, roles in _roles(desks).items() if "lead" in roles)
    food = desks.token(number, "review.food")
    page = words(desks.at(lead).get(f"/clerk/cases/{number}"))
    assert "Give this task to somebody: Papers on food safety" in page
    address = f"/clerk/cases/{number}/{food}/@assign"
    given = inputs(words(desks.at(lead).get(address)), "page-form")
    sent = desks.at(lead).post(address, data={**given, "to": desks.actor("wu.gang").id})
    assert sent.status_code == 303, words(sent)
    assert desks.state(number).task_of(food).assignee == desks.actor("wu.gang").id
    assert desks.at("zhang.qiang").get(address).status_code == 404


def test_whoever_gives_a_task_away_that_was_just_given_out_is_told_by_whom(desks: Desks) -> None:
    number = desks.reviewed()
    lead = next(login for login, roles in _roles(desks).items() if "lead" in roles)
    food = desks.token(number, "review.food")
    pages = {lead: f"/clerk/cases/{number}/{food}/@assign", "zhao.lei": f"/supervisor/cases/{number}/{food}/assign"}
    forms = {who: inputs(words(desks.at(who).get(page)), "page-form") for who, page in pages.items()}
    wu, zhang = desks.actor("wu.gang").id, desks.actor("zhang.qiang").id
    assert desks.at("zhao.lei").post(pages["zhao.lei"], data={**forms["zhao.lei"], "to": wu}).status_code == 303
    for to in (wu, zhang):
        late = desks.at(lead).post(pages[lead], data={**forms[lead], "to": to})
        assert late.status_code == 409
        assert "Zhao Lei" in words(late)
    assert desks.state(number).task_of(food).assignee == wu


def _roles(desks: Desks) -> dict[str, set[str]]:
    from sqlalchemy import select

    from govservice.models.accounts import User

    with desks.database.read() as session:
        users = session.scalars(select(User).where(User.kind == "staff"))
        return {u.login: {r.role for r in u.roles if r.department_id.startswith("huaxi.")} for u in users}
