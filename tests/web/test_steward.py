"""The desk of a registry's owner: how good its data is, who may ask, and what supervision sees of late answers."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import select

from govservice.engine import SYSTEM
from govservice.models.accounts import Role, User
from govservice.models.exchange import Exchange, Grant
from govservice.models.reliance import Dispute, Revalidation
from govservice.operations.revalidating import ask_again
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.web.conftest import Browser
from tests.web.desks import words
from tests.web.test_relied import USCC, Room, room

__all__ = ["_sandbox_process", "room", "sandbox"]
OWNER = "guizhou.natural_resources"


def steward(room: Room, login: str = "zhou.jie", department: str = OWNER) -> Browser:
    with room.play.rt.write() as session:
        user = session.scalars(select(User).where(User.login == login)).one()
        session.add(Role(user_id=user.id, role="steward", department_id=department))
    return room.stage.client_as(login)


def csv_of(browser: Browser) -> list[list[str]]:
    lines = browser.get("/registers/quality.csv").get_data(as_text=True).lstrip("\ufeff").splitlines()
    return [line.split(",") for line in lines]


def test_the_report_is_a_recount_of_what_happened(room: Room) -> None:
    """Calls, answers without a record, answers of another shape, disputes, and what had changed when asked again."""
    owner = steward(room)
    with room.play.rt.read() as session:
        calls = len(session.scalars(select(Exchange.id).where(Exchange.registry_code == "real_estate")).all())
    head, row = csv_of(owner)
    assert (head[0], head[2], row[2], row[3]) == ("Dataset", "Calls", str(calls), str(calls))
    assert row[4:] == ["0"] * 7

    room.sandbox.change("real_estate", USCC, floor_area_m2="520.0")
    ask_again(room.play.rt, SYSTEM, room.play.case_id, ["premises"], now=room.play.now, trigger="clerk")
    with room.play.rt.read() as session:
        found = session.scalars(select(Revalidation).where(Revalidation.name == "premises")).all()
    page = words(owner.get("/registers"))
    assert "Nobody waits for your answer." in page
    assert "Provincial Real Estate Register" in page
    changed = sum(each.result == "material" for each in found)
    assert csv_of(owner)[1][10] == str(changed)

    citizen = room.stage.client_as("wang.fang")
    said = {"fact": "premises.area", "claimed": "520 平方米", "reason": "变更登记回执"}
    assert citizen.send(f"/my/cases/{room.number}/wrong", said).status_code == 303
    assert "1 person says that an entry is wrong." in words(owner.get("/registers"))
    assert csv_of(owner)[1][8:10] == ["1", "0"]
    with room.play.rt.read() as session:
        id = session.scalars(select(Dispute.id)).one()
    assert owner.send(f"/registers/disputes/{id}", {"verdict": "accepted", "words": "已更正"}).status_code == 303
    assert csv_of(owner)[1][8:10] == ["1", "1"]


def test_an_answer_that_lacks_what_was_asked_for_and_one_of_another_shape(room: Room) -> None:
    owner = steward(room)
    room.sandbox.change("real_estate", USCC, floor_area_m2=None)
    before = [int(n) for n in csv_of(owner)[1][2:]]
    ask_again(room.play.rt, SYSTEM, room.play.case_id, ["premises"], now=room.play.now, trigger="clerk")
    room.sandbox.fault("real_estate", "wrong_schema")
    ask_again(room.play.rt, SYSTEM, room.play.case_id, ["premises"], now=room.play.now, trigger="clerk")
    after = [int(n) for n in csv_of(owner)[1][2:]]
    assert [b - a for a, b in zip(before, after, strict=True)][:6] == [2, 1, 0, 0, 1, 1]


def test_who_may_ask_and_until_when(room: Room) -> None:
    owner = steward(room)
    page = words(owner.get("/registers/grants"))
    grants = room.play.rt.definitions.catalogue.registries["real_estate"].grants
    assert all(number in page for number in grants)
    assert "Holds" in page
    number = next(iter(grants))
    with room.play.rt.write() as session:
        session.get_one(Grant, number).revoked_at = room.play.now - timedelta(hours=1)
    assert "Revoked" in words(owner.get("/registers/grants"))
    owner.set_cookie("language", "zh")
    assert "已撤销" in words(owner.get("/registers/grants?lang=zh"))


def test_others_see_nothing_of_it(room: Room) -> None:
    """A steward of one department sees its registries alone; a clerk none; a steward no case."""
    other = room.stage.client_as("gu.wen")
    page = words(other.get("/registers"))
    assert "Provincial Population Register" in page
    assert "Real Estate" not in page
    assert "GR-2033" not in words(other.get("/registers/grants"))
    for path in ("/registers", "/registers/grants", "/registers/quality.csv", "/registers/disputes"):
        assert room.stage.client_as("li.na").get(path).status_code == 404
        assert room.stage.client_as("zhao.lei").get(path).status_code == 404


def test_a_department_without_a_register_is_told_so(room: Room) -> None:
    owner = steward(room, "sun.min", "huaxi.urban_mgmt")
    assert "Your department keeps no register" in words(owner.get("/registers"))
    assert "Nobody may ask" in words(owner.get("/registers/grants"))
    assert "Nothing to answer" in words(owner.get("/registers/disputes"))


def test_supervision_sees_which_answers_are_late(room: Room) -> None:
    citizen, supervisor = room.stage.client_as("wang.fang"), room.stage.client_as("zhao.lei")
    assert "No dispute about an entry is open." in words(supervisor.get("/supervisor/registries"))
    assert "No dispute about an entry is open." in words(supervisor.get("/supervisor/disputes"))
    said = {"fact": "premises.area", "claimed": "520", "reason": "回执"}
    citizen.send(f"/my/cases/{room.number}/wrong", said)
    assert "1 dispute waits for a register's owner" in words(supervisor.get("/supervisor/registries"))
    assert "Every answer is still in time." in words(supervisor.get("/supervisor/disputes"))
    with room.play.rt.read() as session:
        row = session.scalars(select(Dispute)).one()
    room.play.clock.advance(timedelta(days=(row.due_on - room.play.now.date()).days + 3))
    supervisor = room.stage.client_as("zhao.lei")
    assert "1 is late" in words(supervisor.get("/supervisor/registries"))
    page = words(supervisor.get("/supervisor/disputes"))
    assert re.search(r"1 answer is late\..*3 days late", page, re.S)
    assert room.number in page
    assert "520" not in page
