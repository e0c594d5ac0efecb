"""A decision that rests on data which no register holds: who took it learns what is to be settled, and where or by
whom; whoever settles it has the data and the papers before them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings
from govservice.models.exchange import DataAccess
from govservice.models.session import Database
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_files
from tests.support.sandboxes import Sandbox
from tests.web.conftest import Browser, portal_with
from tests.web.desks import words
from tests.web.test_clerk_page import holder_of
from tests.web.test_relied import HIDDEN, USCC, Room

__all__ = ["_sandbox_process", "sandbox"]
TITLE = "黔（2026）花溪区不动产权第 0099999 号"
LINK = re.compile(r'href="(/clerk/cases/[^"]+/relied/[^"]+)"')


@pytest.fixture
def room(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Room]:
    """A restaurant whose premises no register holds, under review: declared, with the deed."""
    files = relying_files(tmp_path)
    stage = portal_with(settings, database, clock, sandbox, files)
    made = Room(stage, Play(stage.runtime, clock), sandbox)
    sandbox.forget("real_estate", USCC)
    play = made.play
    made.number = play.draft()
    play.answer("wang.fang", premises={
        "premises.title_no": TITLE, "premises.address": "清溪路 90 号", "premises.district": "huaxi",
        "premises.area": "410.5",
    })  # fmt: skip
    play.attach("wang.fang", "title_deed")
    play.submit()
    play.act("li.na", "", "accept")
    yield made
    stage.runtime.gateway.close()


def test_whoever_may_not_see_the_data_is_told_who_does_and_these_see_a_flag(room: Room) -> None:
    room.play.act("zhang.qiang", "review.food", "pass")
    food = room.stage.client_as("zhang.qiang")
    lead = room.stage.client_as(holder_of(room.stage, "lead", "huaxi.market_reg"))
    fire = room.stage.client_as("zhou.jie")
    flag = "Data to be verified before a decision"
    assert flag not in words(fire.get("/clerk/"))
    page = failed(room, food, "review.food")
    assert "Premises held by an enterprise" in page
    assert not LINK.findall(page), "its step does not see the premises"
    assert "Case lead · Huaxi District Administration for Market Regulation" in shown(page)
    assert "Fire inspector · Huaxi District Fire and Rescue Brigade" in shown(page)
    assert "厨房与卫生间相通" in page, "nothing typed is lost"

    assert flag in words(lead.get("/clerk/?due=watched"))
    assert flag in words(fire.get("/clerk/"))
    assert flag not in words(food.get("/clerk/")), "it does not see them there either"
    settle(room, lead)
    assert flag not in words(fire.get("/clerk/"))
    assert room.play.state.status == "open"
    assert failed(room, food, "review.food", status=302) is not None
    assert room.play.state.outcome == "refused"


def test_whoever_sees_the_data_settles_it_from_there_with_the_papers_at_hand(room: Room) -> None:
    fire = room.stage.client_as("zhou.jie")
    page = failed(room, fire, "review.fire")
    (address,) = LINK.findall(page)
    assert "Your step does not see" not in page
    page = fire.get(address).get_data(as_text=True)
    for said in (TITLE, "清溪路 90 号", "410.5", "Title deed or lease"):
        assert said in page, said
    deed = re.search(r'href="(/clerk/files/[^"]+)"', page)
    assert deed
    assert fire.get(deed[1]).status_code == 200
    with room.play.rt.read() as session:
        reads = session.scalars(select(DataAccess.what).where(DataAccess.at == room.play.now)).all()
    assert any("title_deed" in str(read) and "premises.area" in str(read) for read in reads), "the applicant sees it"
    assert fire.send(address, {"how": "verified", "reason": "原件"}).status_code == 302
    page = words(fire.get(f"/clerk/cases/{room.number}"))
    assert "Verified by a member of staff" in page
    assert "Not verified by a register" not in page
    assert failed(room, fire, "review.fire", status=302) is not None


def failed(room: Room, browser: Browser, scope: str, status: int = 409) -> str:
    token = room.play.state.token_of(scope)
    assert token is not None
    address = f"/clerk/cases/{room.number}/{token.id}/fail"
    hidden = dict(HIDDEN.findall(browser.get(address).get_data(as_text=True)))
    answer = browser.post(address, data={**hidden, "reason": "厨房与卫生间相通"})
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.get_data(as_text=True)


def settle(room: Room, browser: Browser) -> None:
    (address,) = LINK.findall(browser.get(f"/clerk/cases/{room.number}").get_data(as_text=True))
    assert browser.send(address, {"how": "verified", "reason": "原件"}).status_code == 302


def shown(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())
