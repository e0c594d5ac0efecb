"""What supervision is told without asking: tasks that nobody takes, acts that silence stood for."""

from __future__ import annotations

import pytest

from govservice.operations.clock import fire_due
from tests.web.conftest import Stage
from tests.web.desks import Desks, words


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def listed(desks: Desks, show: str) -> str:
    return words(desks.at("zhao.lei").get(f"/supervisor/cases?show={show}&period=90"))


def test_the_overview_of_every_service_opens(desks: Desks) -> None:
    """A step whose branches are all done by systems has nothing to draw."""
    zhao = desks.at("zhao.lei")
    codes = desks.stage.runtime.definitions.codes()
    assert {code: zhao.get(f"/supervisor/?service={code}").status_code for code in codes} == dict.fromkeys(codes, 200)


def test_unclaimed_task_alarm_after_a_whole_working_day(desks: Desks) -> None:
    number, taken = desks.filed(), desks.filed()
    desks.do("li.na", taken, "@claim")
    desks.pass_time(days=1)  # Tuesday: a whole working day has not passed
    assert number not in listed(desks, "unclaimed")
    desks.pass_time(days=1)
    page = listed(desks, "unclaimed")
    assert (number in page, taken in page) == (True, False)
    late = words(desks.at("zhao.lei").get("/supervisor/late?period=90"))
    assert "Nobody has taken it for a working day" in late


def test_deemed_acceptance_is_told_to_the_supervisor(desks: Desks) -> None:
    number = desks.filed()
    desks.pass_time(days=8)
    rt = desks.stage.runtime
    fire_due(rt, desks.stage.wall.now())
    assert desks.state(number).milestones["accepted"] == desks.state(number).milestones["received"]
    page = listed(desks, "deemed")
    assert number in page
    assert "Cases in which silence counted as an act" in page
    assert number in words(desks.at("zhao.lei").get("/supervisor/late?period=90"))
    desks.at("zhao.lei").get("/language/zh")
    assert "逾期未处理，依法视为办理" in words(desks.at("zhao.lei").get("/supervisor/late?period=90"))
