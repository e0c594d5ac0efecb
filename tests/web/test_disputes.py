"""Pages of a dispute: the person says what is wrong, the register's owner answers, the person reads the answer."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import select

from govservice.models.accounts import Role, User
from govservice.models.cases import Case
from govservice.models.exchange import DataAccess
from govservice.models.reliance import Dispute
from govservice.operations import filing
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.web.test_relied import Room, room

__all__ = ["_sandbox_process", "room", "sandbox"]
OWNER = "guizhou.natural_resources"


def test_from_the_complaint_to_the_answer(room: Room) -> None:
    citizen = room.stage.client_as("wang.fang")
    address = f"/my/cases/{room.number}/wrong"
    page = citizen.get(address).get_data(as_text=True)
    assert "A register is wrong about me" in page
    empty = citizen.send(address, {"fact": "menu.seats", "claimed": "", "reason": ""})
    assert empty.status_code == 422
    assert "Choose what is wrong" in empty.get_data(as_text=True)
    said = {"fact": "premises.area", "claimed": "520 平方米", "reason": "变更登记回执"}
    assert citizen.send(address, said).status_code == 303
    page = citizen.get(address).get_data(as_text=True)
    assert "Unanswered" in page
    assert "520 平方米" in page
    head = room.stage.client_as("he.tao")
    desk = head.get(f"/clerk/cases/{room.number}").get_data(as_text=True)
    assert "The applicant says that this is wrong" in desk, "before somebody decides, not after the refusal"
    assert "<h3>Floor area</h3>" in desk, "which entry, not only of which register"
    assert "its keeper answers by" in desk
    assert "no decision against the applicant until then" in desk

    with room.play.rt.write() as session:
        user = session.scalars(select(User).where(User.login == "zhou.jie")).one()
        session.add(Role(user_id=user.id, role="steward", department_id=OWNER))
        id = session.scalars(select(Dispute.id)).one()
    owner = room.stage.client_as("zhou.jie")
    assert "Entries said to be wrong" in owner.get("/registers/disputes").get_data(as_text=True)
    one = f"/registers/disputes/{id}"
    assert "520 平方米" in owner.get(one).get_data(as_text=True)
    assert owner.send(one, {"verdict": "perhaps", "words": ""}).status_code == 422
    assert owner.send(one, {"verdict": "rejected", "words": "档案无误"}).status_code == 303
    answered = head.get(f"/clerk/cases/{room.number}").get_data(as_text=True)
    assert "The applicant says that this is wrong" not in answered
    for history in (answered, citizen.get(f"/my/cases/{room.number}").get_data(as_text=True)):
        assert "Said to be wrong in a register: Floor area" in history
        assert "The register stays as it is: Floor area" in history
    other = room.stage.client_as("li.na")
    assert other.get(one).status_code == 404
    elsewhere = room.stage.client_as("gu.wen")  # looks after other registers
    assert elsewhere.get("/registers/disputes").status_code == 200
    assert elsewhere.get(one).status_code == 404
    assert citizen.get(one).status_code == 404

    letter = citizen.get(f"/my/cases/{room.number}/notices/disputed/1").get_data(as_text=True)
    assert "档案无误" in letter
    citizen.set_cookie("language", "zh")
    chinese = citizen.get(f"{address}?lang=zh").get_data(as_text=True)
    assert re.search("未更正", chinese)
    with room.play.rt.read() as session:
        reads = session.scalars(select(DataAccess).where(DataAccess.department_id == OWNER)).all()
    assert {tuple(read.what) for read in reads} == {("person.name", "premises.area")}


def test_taken_back(room: Room) -> None:
    citizen = room.stage.client_as("wang.fang")
    address = f"/my/cases/{room.number}/wrong"
    citizen.send(address, {"fact": "premises.area", "claimed": "520", "reason": "x"})
    with room.play.rt.read() as session:
        id = session.scalars(select(Dispute.id)).one()
    stranger = room.stage.client_as("chen.wei")
    assert stranger.send(f"{address}/{id}/withdraw", page="/my/cases").status_code == 404
    assert citizen.send(f"{address}/{id}/withdraw", page=address).status_code == 303
    assert "Taken back" in citizen.get(address).get_data(as_text=True)
    assert "Not said to be wrong any more: Floor area" in citizen.get(f"/my/cases/{room.number}").get_data(as_text=True)


def test_my_data_as_a_file(room: Room) -> None:
    citizen = room.stage.client_as("wang.fang")
    citizen.send(f"/my/cases/{room.number}/wrong", {"fact": "premises.area", "claimed": "520", "reason": "回执"})
    assert "my/data/export.json" in citizen.get("/my/data").get_data(as_text=True)
    found = citizen.get("/my/data/export.json").get_json()
    (case,) = found["cases"]
    assert case["number"] == room.number
    assert case["facts"]["premises"]["registry"] == "real_estate"
    assert case["facts"]["premises"]["values"]["premises.area"]
    assert [(d["about"], d["claimed"], d["state"]) for d in case["disputes"]] == [("premises.area", "520", "sent")]
    assert {read["purpose"] for read in found["reads"]} >= {"registry_fetch"}
    stranger = room.stage.client_as("chen.wei").get("/my/data/export.json").get_json()
    assert stranger["cases"] == []
    assert room.number not in str(stranger)
    assert room.stage.client_as("he.tao").get("/my/data/export.json").status_code == 404


def test_what_cannot_be_sent_says_why_before_it_is_tried(room: Room) -> None:
    """A move to the district where one is registered: no button, but the reason and the way to the answer."""
    actor = replace(room.play.citizen("liu.yang"), organisation_id=None, mandate_id=None)
    number = filing.start(room.play.rt, actor, "household_move", idem=room.play.key(), now=room.play.now)
    with room.play.rt.read() as session:
        room.play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    room.play.agree("liu.yang")
    room.play.answer("liu.yang", reason={"move.reason": "own_home"})
    room.play.agree("liu.yang")
    citizen = room.stage.client_as("liu.yang")
    address = f"/my/cases/{number}/check"
    page = citizen.get(address).get_data(as_text=True)
    assert "You are registered in the district that you chose." in page
    assert f"/my/cases/{number}/pages/place" in page
    assert 'name="rev"' not in page, "no button"
    tried = citizen.send(address, {"rev": "3"}, page=f"/my/cases/{number}")
    assert tried.status_code == 409
    assert "<title>Error: " in tried.get_data(as_text=True)
