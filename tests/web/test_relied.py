"""Pages around a decision that relies on registries: the difference, settling it, the notice to the applicant."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.cases import Case
from govservice.models.exchange import Burden, DataAccess
from govservice.models.papers import Message
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.models.signing import check
from govservice.operations.effects import deliver_due
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_files
from tests.support.sandboxes import Sandbox
from tests.web.conftest import Browser, Stage, portal_with

__all__ = ["_sandbox_process", "sandbox"]
HIDDEN = re.compile(r'<input id="\w+" name="([^"]+)" type="hidden" value="([^"]*)"')
USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)


@dataclass
class Room:
    stage: Stage
    play: Play
    sandbox: Sandbox
    number: str = ""

    def row(self) -> Revalidation:
        with self.play.rt.read() as session:
            return session.scalars(select(Revalidation).where(Revalidation.result == "material")).one()


@pytest.fixture
def room(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Room]:
    """A restaurant before the decision; meanwhile the register has another floor area."""
    files = relying_files(tmp_path)
    stage = portal_with(settings, database, clock, sandbox, files)
    play = Play(stage.runtime, clock)
    made = Room(stage, play, sandbox)
    made.number = play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.review()
    play.pass_time(days=2)
    sandbox.change("real_estate", USCC, floor_area_m2="999.50")
    yield made
    stage.runtime.gateway.close()


def decided(room: Room, browser: Browser, action: str = "approve", scope: str = "", **words: str) -> tuple[int, str]:
    token = room.play.state.token_of(scope)
    assert token is not None
    address = f"/clerk/cases/{room.number}/{token.id}/{action}"
    hidden = dict(HIDDEN.findall(browser.get(address).get_data(as_text=True)))
    answer = browser.post(address, data={**hidden, **words})
    return answer.status_code, answer.get_data(as_text=True)


def test_the_difference_is_shown_settled_and_told(room: Room) -> None:
    browser = room.stage.client_as("he.tao")
    case = f"/clerk/cases/{room.number}"
    status, page = decided(room, browser)
    assert status == 409, page
    assert "has changed since it was sent" in page

    page = browser.get(case).get_data(as_text=True)
    assert "What the registers say now" in page
    assert "Asked again by itself before a decision: " in page
    assert "Has changed" in page
    assert "999.50" in page
    held = re.search(
        r"Floor area.*?326.40.*?(\d+ March)", page.partition("Facts and where they come from")[2], re.DOTALL
    )
    assert held
    assert held[1] == "2 March", "the value that was sent is no younger than it is"

    settle = f"{case}/relied/{room.row().id}"
    assert "Register now" in browser.get(settle).get_data(as_text=True)
    empty = browser.send(settle, {"how": "kept", "reason": " "})
    assert empty.status_code == 422
    assert "Write the reason" in empty.get_data(as_text=True)
    wrong = browser.send(settle, {"how": "verified", "reason": "x"})
    assert wrong.status_code == 422
    done = browser.send(settle, {"how": "kept", "reason": "扩建已验收"}, page=settle)
    assert done.status_code == 302
    assert "扩建已验收" in browser.get(case).get_data(as_text=True)
    status, _page = decided(room, browser)
    assert status == 302

    citizen = room.stage.client_as("wang.fang")
    inbox = citizen.get("/my/messages").get_data(as_text=True)
    assert "data about you has changed" in inbox
    letter = citizen.get(f"/my/cases/{room.number}/notices/data_changed/1")
    assert letter.status_code == 200
    assert "999.5" in letter.get_data(as_text=True)
    assert room.stage.client_as("chen.wei").get(f"/my/cases/{room.number}/notices/data_changed/1").status_code == 404


def test_in_chinese(room: Room) -> None:
    browser = room.stage.client_as("he.tao")
    decided(room, browser)
    browser.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh"
    page = browser.get(f"/clerk/cases/{room.number}?lang=zh").get_data(as_text=True)
    assert "登记库最新数据" in page
    citizen = room.stage.client_as("wang.fang")
    citizen.environ_base["HTTP_ACCEPT_LANGUAGE"] = "zh"
    letter = citizen.get(f"/my/cases/{room.number}/notices/data_changed/1?lang=zh").get_data(as_text=True)
    assert "数据变动" in letter


def test_asking_again_at_a_clerks_word(room: Room) -> None:
    """It is logged, the applicant sees it, and it is not to be done twice in half a minute."""
    browser = room.stage.client_as("he.tao")
    address = f"/clerk/cases/{room.number}/recheck"
    before = room.sandbox.calls()
    assert browser.send(address, page=f"/clerk/cases/{room.number}").status_code == 302
    once = room.sandbox.calls()
    assert once != before
    assert browser.send(address, page=f"/clerk/cases/{room.number}").status_code == 302
    assert room.sandbox.calls() == once
    with room.play.rt.read() as session:
        case = session.scalars(select(Case).where(Case.number == room.number)).one()
        reads = session.scalars(select(DataAccess).where(DataAccess.case_id == case.id, DataAccess.at == room.play.now))
        assert sum(read.purpose == "registry_recheck" for read in reads) == 5


def test_who_may(room: Room) -> None:
    browser = room.stage.client_as("he.tao")
    decided(room, browser)
    settle = f"/clerk/cases/{room.number}/relied/{room.row().id}"
    fire = room.stage.client_as("zhou.jie")
    assert fire.send(settle, {"how": "kept", "reason": "x"}, page=f"/clerk/cases/{room.number}").status_code == 404, (
        "has no open task here"
    )
    assert browser.get(f"/clerk/cases/{room.number}/relied/nothing").status_code == 404
    assert room.stage.client_as("wang.fang").get(settle).status_code == 404
    assert room.stage.client().get(settle).status_code == 302
    assert browser.post(settle, data={"how": "kept", "reason": "x"}).status_code == 400


def declared(room: Room, area: str = "320") -> None:
    """A restaurant whose applicant gives the premises in the place of a register, sent."""
    room.number = room.play.draft()
    room.play.answer("wang.fang", premises={
        "premises.title_no": "1", "premises.address": "a", "premises.district": "huaxi", "premises.area": area,
    })  # fmt: skip
    room.play.attach("wang.fang", "title_deed")
    room.play.submit()


def test_what_the_applicant_said_is_there_to_be_verified_before_the_decision(room: Room) -> None:
    room.sandbox.forget("real_estate", USCC)
    declared(room)
    window = room.stage.client_as("li.na")
    page = window.get(f"/clerk/cases/{room.number}").get_data(as_text=True).partition('id="relied"')[2]
    assert "Not verified by a register" in page
    assert "sent on " in page.partition("Settle this")[0]
    address = re.search(r'href="([^"]+/relied/[^"]+)"', page)
    assert address
    assert window.send(address[1], {"how": "verified", "reason": "核对原件"}, page=address[1]).status_code == 302
    status, page = decided(room, window, "decline", reason="不属于受理范围")
    assert status == 302, page


def test_supervision_reads_how_often_what_was_sent_had_changed(room: Room) -> None:
    supervisor = room.stage.client_as("zhao.lei")
    assert "had changed: 0." in supervisor.get("/supervisor/registries").get_data(as_text=True)
    for _ in range(2):
        decided(room, room.stage.client_as("he.tao"))
    page = supervisor.get("/supervisor/registries").get_data(as_text=True)
    assert "in the last 30 days: 3 times" in page
    assert "had changed: 1." in page


def test_what_was_sealed_is_handed_out(room: Room) -> None:
    citizen = room.stage.client_as("wang.fang")
    address = f"/my/cases/{room.number}/seals/1.json"
    answer = citizen.get(address)
    assert answer.status_code == 200
    found = answer.get_json()
    assert hashlib.sha256(found["sealed"].encode()).hexdigest() == found["sha256"]
    assert json.loads(check(found["signature"], found["key"]))["sha256"] == found["sha256"]
    page = citizen.get(f"/my/cases/{room.number}/everything").get_data(as_text=True)
    assert f'href="{address}"' in page, "one finds it beside what was sent"
    for missing in (f"/my/cases/{room.number}/seals/7.json", f"/my/cases/{room.number}/seals/{2**70}.json"):
        assert citizen.get(missing).status_code == 404
    assert room.stage.client_as("chen.wei").get(address).status_code == 404
    assert room.stage.client_as("he.tao").get(address).status_code == 404


def test_the_receipt_says_what_was_not_asked(room: Room) -> None:
    """exchange: receipt "we did not ask you for 14 of 17 fields and 3 of 4 documents", by what the sending counted."""
    while deliver_due(room.stage.runtime, "test", room.stage.runtime.now()):
        pass
    with room.play.rt.read() as session:
        toll = session.scalars(select(Burden).where(Burden.case_id == room.play.case_id)).one()
        seq = session.scalars(
            select(Message.seq).where(Message.case_id == room.play.case_id, Message.kind == "receipt")
        ).one()
    letter = room.stage.client_as("wang.fang").get(f"/my/cases/{room.number}/notices/receipt/{seq}")
    page = letter.get_data(as_text=True)
    assert 0 < toll.fields_typed < toll.fields
    assert f"{toll.fields - toll.fields_typed} of {toll.fields} answers were not asked of you." in page
    spared = toll.documents - toll.documents_brought
    assert f"{spared} of {toll.documents} documents you did not have to bring." in page


def test_a_silent_register_is_said_to_be_waited_for(room: Room) -> None:
    """To the citizen and to the clerk, in both languages; the application goes on."""
    room.sandbox.fault("real_estate", "status_500")
    declared(room, "120")
    citizen, clerk = room.stage.client_as("wang.fang"), room.stage.client_as("li.na")
    for language, words in (("en", "Waiting for a register"), ("zh", "等待登记库响应")):
        citizen.environ_base["HTTP_ACCEPT_LANGUAGE"] = clerk.environ_base["HTTP_ACCEPT_LANGUAGE"] = language
        for browser in (citizen, clerk):
            browser.set_cookie("language", language)
        assert words in citizen.get(f"/my/cases/{room.number}?lang={language}").get_data(as_text=True)
        page = clerk.get(f"/clerk/cases/{room.number}?lang={language}").get_data(as_text=True)
        assert ("Waiting for the register" if language == "en" else words) in page


def test_a_department_that_the_new_value_needs_is_named_and_asked_when_the_case_goes_back(room: Room) -> None:
    """218 square metres needed no fire brigade; before the decision the register says 320. Whoever takes that into
    account is told that nobody from the brigade has looked, and sending back asks it: on the new value."""
    play = room.play
    room.sandbox.change("real_estate", USCC, floor_area_m2="218.00")
    room.number = play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.act("zhang.qiang", "review.food", "pass")
    play.act("zhang.qiang", "review.food", "pass", attachments=play.report())
    play.act("wu.gang", "review.food", "pass")
    play.act("sun.min", "review.sign", "pass")
    assert play.steps == {"": "decision"}
    play.pass_time(days=2)
    room.sandbox.change("real_estate", USCC, floor_area_m2="320.00")
    browser, case = room.stage.client_as("he.tao"), f"/clerk/cases/{room.number}"
    assert decided(room, browser)[0] == 409
    assert 'id="overlooked"' not in browser.get(case).get_data(as_text=True), "nobody has said yet which value counts"
    settle = f"{case}/relied/{room.row().id}"
    assert browser.send(settle, {"how": "kept", "reason": "扩建"}, page=settle).status_code == 302
    page = browser.get(case).get_data(as_text=True)
    assert "Fire safety: not needed on the data as it was sent, needed on the data as it stands now." in page
    assert re.search(r"<s>218.00.*?<strong>320.00", page, re.DOTALL), "both stay side by side"
    assert "What a register says was taken over into the application" in page
    assert decided(room, browser, "reopen", reason="面积超过 300 平方米")[0] == 302
    assert play.steps["review.fire"] == "review.fire.site"
    assert 'id="overlooked"' not in browser.get(case).get_data(as_text=True)
    citizen = room.stage.client_as("wang.fang")
    assert "What the register says was taken over" in citizen.get(f"/my/cases/{room.number}").get_data(as_text=True)
