"""The head of a clerk's case page, since when something is late, and what the departments say: words that are true."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from govservice.definitions.questions import Question
from govservice.engine import MAIN
from govservice.models.accounts import Role, User
from govservice.queries.lateness import lateness
from govservice.web.clerk.casefile import otherwise
from govservice.web.words import late_words
from tests.web.cases import Office
from tests.web.conftest import Stage
from tests.web.desks import Desks, words


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Words do not depend on the kind of database."""
    return sqlite_url


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize(
    ("due", "now", "english", "chinese"),
    [
        ("2026-03-03T00:00", "2026-03-02T23:59", None, None),
        ("2026-03-03T00:00", "2026-03-03T10:00", "was due yesterday", "昨天到期，已逾期"),
        ("2026-03-03T16:00", "2026-03-03T17:00", "was due today at 16:00", "今天到期，已超时（16:00 截止）"),
        ("2026-03-03T16:00", "2026-03-04T09:00", "was due yesterday at 16:00", "昨天到期，已逾期（16:00 截止）"),
        ("2026-03-07T00:00", "2026-03-07T09:00", "was due yesterday", "昨天到期，已逾期"),
        ("2026-03-07T00:00", "2026-03-09T09:00", "was due on Friday 6 March", "3月6日（星期五）到期，已逾期"),
        ("2026-03-06T00:00", "2026-03-09T09:00", "late 2 working days", "逾期 2 个工作日"),
    ],
)
def test_since_when_something_is_late(stage: Stage, due: str, now: str, english: str | None, chinese: str) -> None:
    """A limit that passed by some hours is not "1 working day late": the day is named on which it was due."""
    calendar = stage.runtime.calendars.for_area("huaxi")
    zone = stage.runtime.calendars.for_area("huaxi").zone
    at, then = (datetime.fromisoformat(value).replace(tzinfo=zone) for value in (due, now))
    late = lateness(calendar, then, at)
    if late is None:
        assert english is None
        return
    for language, said in (("en", english), ("zh", chinese)):
        with stage.app.test_request_context(headers={"Accept-Language": language}):
            assert late_words(late) == said


def test_the_head_says_which_clock_its_dates_belong_to(desks: Desks) -> None:
    number = desks.filed()
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    assert "Promised: acceptance Wednesday 4 March 2026" in plain(page)
    assert "By law: acceptance" in page
    desks.do("li.na", number, "accept")
    page = words(desks.at("zhou.jie").get(f"/clerk/cases/{number}"))
    assert "Promised: decision" in page
    assert "By law: decision" in page
    assert 'href="#page-form"' in page, "on a narrow screen the decision stands below all evidence"
    desks.pass_time(days=30)
    assert re.search(r"late \d+ working days", words(desks.at("zhou.jie").get(f"/clerk/cases/{number}")))


def test_what_the_departments_say_has_its_author_and_hour(desks: Desks) -> None:
    """The words stand beside whoever said them and when, not beside whoever has the task now."""
    number = desks.reviewed()
    token = desks.token(number, "review.food")
    desks.do("zhang.qiang", number, "pass", token, data={"opinion": "资料齐全。"})
    desks.stage.wall.advance(timedelta(minutes=20))
    desks.do("wu.gang", number, "@claim", token)
    said = plain(words(desks.at("wu.gang").get(f"/clerk/cases/{number}"))).partition("What the departments say")[2]
    assert "资料齐全。 Zhang Qiang · 2 March 2026, 10:00 With Wu Gang now" in said
    assert "Nobody has taken it yet" in said, "the fire inspection"


def test_counts_say_what_they_count(desks: Desks) -> None:
    """Every figure of the overview says in words what it counts; the table's head is
    in the reader's language; the citizen reads how often staff looked and how many they were."""
    number = desks.reviewed()
    desks.pass_time(days=40)
    supervisor = desks.at("zhao.lei")
    page = plain(words(supervisor.get("/supervisor/?service=open_restaurant")))
    assert "1 case is past the limit of a step where it stands. Counted at each of their steps: 3." in page
    assert "Waiting and late count a case at each step where it stands" in page
    supervisor.get("/language/zh?back=/supervisor/")
    assert (
        words(supervisor.get("/supervisor/steps.csv")).lstrip("\ufeff").startswith("事项,环节,部门,等候,超过环节时限")
    )
    for login in ("zhou.jie", "zhang.qiang"):
        desks.at(login).get(f"/clerk/cases/{number}")
    mine = plain(words(desks.at("wang.fang").get("/my/data")))
    assert "Times staff looked 2" in mine
    assert "2 members of staff of 2 departments" in mine


def test_a_refusal_is_not_called_done(desks: Desks) -> None:
    number = desks.filed()
    desks.verified(number)
    moved = desks.send("li.na", number, "", "decline", reason="不属于受理范围")
    page = words(desks.at("li.na").get(moved.location))
    assert "The case is closed: refused." in page
    assert "Recorded" in page
    assert "Done. The case has moved on." not in page


def test_a_condition_in_peoples_words(stage: Stage) -> None:
    """ "More than 0 seats" is a programmer's way to say one or more."""
    page = stage.client().get("/services/open_restaurant", headers={"Accept-Language": "zh"}).get_data(as_text=True)
    assert "大于 0" not in page
    assert re.search(r"餐位数\s*1[^<]*以上", page)


@pytest.mark.parametrize(
    ("kind", "register", "answer", "differs"),
    [("decimal", "785.00", "785", False), ("decimal", "785.00", "786", True), ("integer", 0, 0, False),
     ("text", "785.00", "785", True), ("decimal", None, "785", False), ("decimal", "unknown", "785", True)],
)  # fmt: skip
def test_one_sum_written_in_two_ways_is_no_difference(kind: Any, register: Any, answer: Any, differs: bool) -> None:
    question = Question("a.b", "p", kind, {}, None, None, True, None, None, None, None, None)
    assert otherwise(question, register, answer) is differs


def test_every_parallel_step_so_far_has_its_opinions(stage: Stage) -> None:
    """Who drafts the permit reads what was said about the works as well, not only about the plans."""
    office = Office(stage)
    changes = {"project.water": False, "project.neighbours": False, "site.water": False, "site.heritage": False}
    number = office.submitted("wang.fang", "building_permit", "huaxi", changes)
    office.do("li.na", number, "accept")
    for block in ("plans", "works"):
        assert office.state(number).main.step == block
        for token in [t for t in office.state(number).tokens.values() if t.kind == "branch" and t.open]:
            step = office.state(number).tokens[token.id].step
            task = office.state(number).task_of(token.id)
            assert task is not None, step
            office.do(holder_of(stage, task.role, task.department), number, "pass", token.id)
    assert office.state(number).main.step == "drafting"
    task = office.state(number).task_of(MAIN)
    desk = stage.client_as(holder_of(stage, task.role, task.department))
    said = re.findall(r'gs-opinion__head"><h3>([^<]+)</h3>', desk.get(f"/clerk/cases/{number}").get_data(as_text=True))
    assert {"Planning", "Environment", "Fire-safety design"} <= set(said), said


def test_what_is_not_asked_again_by_itself_is_not_said_to_be(desks: Desks) -> None:
    """The enterprise is looked up again before a decision; the health certificates, which the food examiner sees, are
    not: that page promises no second look."""
    number = desks.filed()
    assert "Asked again by itself before a decision:" in words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    desks.do("li.na", number, "accept")
    page = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    assert "They are asked again when you say so. The applicant sees every time they were asked." in page
    assert "by itself before a decision" not in page


def holder_of(stage: Stage, role: str, department: str) -> str:
    """The login of somebody who holds a role there."""
    with stage.runtime.read() as session:
        held = select(User.login).join(Role, Role.user_id == User.id)
        return session.scalars(held.where(Role.role == role, Role.department_id == department)).first() or ""
