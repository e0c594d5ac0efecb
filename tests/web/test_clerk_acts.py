"""Acting on a case: the usual way, what is missing, what is somebody else's; two people."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select

from govservice.engine import SYSTEM
from govservice.models.casedata import read_form
from govservice.models.cases import Case, CaseData
from govservice.models.session import box_of
from govservice.queries.tracking import CasePage
from govservice.web.clerk.casepage import came_back
from tests.web.clerks import at_site, pdf
from tests.web.conftest import Stage
from tests.web.desks import PDF, Desks, inputs, words


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def at_decision(desks: Desks) -> str:
    number = at_site(desks)
    food = desks.token(number, "review.food")
    for login in ("zhang.qiang", "wu.gang"):
        desks.do(login, number, "pass", food, attachments=("site_report",))
    desks.do("zhou.jie", number, "pass", desks.token(number, "review.fire"))
    desks.do("sun.min", number, "pass", desks.token(number, "review.sign"))
    return number


# -- the usual way


def test_open_and_decide_are_two_clicks(desks: Desks) -> None:
    number = desks.filed()
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    action = f"/clerk/cases/{number}/1/accept"
    moved = desks.at("li.na").post(action, data={**inputs(page, action), "opinion": "材料齐全"})
    assert moved.status_code == 302
    assert moved.location == f"/clerk/cases/{number}?done=moved"
    assert "Done. The case has moved on." in words(desks.at("li.na").get(moved.location))
    assert desks.state(number).main.step == "review"


def test_a_correction_names_what_is_wrong(desks: Desks) -> None:
    number = desks.reviewed()
    form = {
        "item-menu-seats": "y",
        "note-menu-seats": "图纸为 86 个",
        "note-layout": "请标明出口",
        "reason": "与图纸不符",
    }
    done = desks.send("zhang.qiang", number, "review.food", "ask", **form)
    assert done.status_code == 302
    assert "The request for a correction is kept." in words(desks.at("zhang.qiang").get(done.location))
    ask = desks.state(number).asks[desks.token(number, "review.food")]
    assert set(ask.items) == {"menu.seats", "layout"}, "who describes a fault means it, ticked or not"


def sent_with(desks: Desks, number: str, *slots: str, **pledges: str) -> None:
    """The application as if only these papers had been sent, and these pledged."""
    with desks.database.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        sent = read_form(session, case.applicant_id, case.id, case.data_rev)
        given = {slot: {"pledge": pledge, "version": 1} for slot, pledge in pledges.items()}
        form = replace(sent, materials={slot: sent.materials[slot] for slot in slots}, pledges=given)
        box, row = box_of(session, case.applicant_id), session.get_one(CaseData, (case.id, case.data_rev))
        assert box is not None
        row.form_enc = box.seal_json({**form.as_json(), "salt": ""}, f"case_data:{case.id}:{case.data_rev}")


def test_a_department_may_ask_for_a_paper_that_was_pledged(desks: Desks) -> None:
    """Whoever doubts a pledge asks for the paper itself; the applicant may answer without it, and says so."""
    number = desks.reviewed()
    sent_with(desks, number, "layout", rules="food_safety_pledge")
    address = f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/ask"
    assert 'name="item-rules"' in desks.at("zhang.qiang").get(address).text
    asked = {"item-rules": "y", "note-rules": "We would like to read them.", "reason": "Your rules."}
    assert desks.send("zhang.qiang", number, "review.food", "ask", **asked).status_code == 302
    assert set(desks.state(number).asks[desks.token(number, "review.food")].items) == {"rules"}


def test_the_window_may_ask_for_what_was_pledged_and_a_department_for_what_it_reads(desks: Desks) -> None:
    """The window sees everything and reads no paper by name: what nobody had to send it does not ask for."""
    number = desks.filed()
    sent_with(desks, number, rules="food_safety_pledge")
    window = desks.at("li.na").get(f"/clerk/cases/{number}/{desks.token(number)}/correct").text
    assert 'name="item-rules"' in window
    assert 'name="item-layout"' not in window
    desks.do("li.na", number, "accept")
    food = desks.at("zhang.qiang").get(f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/ask").text
    assert 'name="item-layout"' in food


def test_two_people_with_their_report(desks: Desks) -> None:
    number = at_site(desks)
    first = desks.send("zhang.qiang", number, "review.food", "pass", file_site_report=pdf(), opinion="干净")
    assert first.location.endswith("done=first")
    page = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    assert "You have done this. It takes effect when a second person confirms it." in page
    assert "/pass" not in page
    second = words(desks.at("wu.gang").get(f"/clerk/cases/{number}"))
    assert "Zhang Qiang has done this already; a second person must confirm it." in second
    assert "现场.pdf" in second, "the second person reads the report of the first"
    assert "干净" in second, "and the words"
    assert desks.state(number).token_of("review.food").open
    confirmed = desks.send("wu.gang", number, "review.food", "pass")
    assert confirmed.status_code == 302
    assert not desks.state(number).token_of("review.food").open


def test_one_person_is_not_two(desks: Desks) -> None:
    number = at_site(desks)
    desks.send("zhang.qiang", number, "review.food", "pass", file_site_report=pdf())
    address, seen = (
        f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/pass",
        desks.seen(number, "review.food"),
    )
    refused = desks.post("zhang.qiang", address, idem="again", **seen)
    assert refused.status_code == 409
    assert "A second person must confirm it." in words(refused)


def test_a_second_notice_of_the_same_step_is_said_before_it_is_sent(desks: Desks) -> None:
    """The law allows one that names everything (art. 32): who asks again is told so, and the history says it."""
    number = desks.reviewed()
    token = desks.token(number, "review.fire")
    address = f"/clerk/cases/{number}/{token}/ask"
    layout = {"item-layout": "y", "note-layout": "Unreadable.", "reason": "Plan."}
    assert "A second notice" not in words(desks.at("zhou.jie").get(address))
    desks.do("zhang.qiang", number, "pass", desks.token(number, "review.food"))
    desks.send("zhang.qiang", number, "review.food", "pass", file_site_report=pdf())
    assert desks.send("zhou.jie", number, "review.fire", "ask", **layout).status_code == 302
    desks.do("sun.min", number, "pass", desks.token(number, "review.sign"))
    assert desks.state(number).notice is not None
    desks.resubmitted(number, **{"menu.seats": 21})
    again = words(desks.at("zhou.jie").get(address))
    assert "A second notice" in again
    assert "supervision counts it" in again
    history = words(desks.at("wu.gang").get(f"/clerk/cases/{number}"))
    assert "The first of two confirmations rested on what changed" in history


# -- what is missing


def test_a_missing_reason_keeps_what_was_typed(desks: Desks) -> None:
    number = desks.reviewed()
    before = desks.fingerprint()
    answer = desks.send(
        "zhang.qiang", number, "review.food", "ask", **{"item-menu-seats": "y", "note-menu-seats": "写了很久的话"}
    )
    page = words(answer)
    assert answer.status_code == 422
    assert "<title>Error: " in page
    assert "Write the reason" in page
    assert 'href="#reason"' in page
    assert "写了很久的话" in page
    assert "checked" in page
    assert desks.fingerprint() == before


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"reason": "r"}, "Tick at least one thing to correct"),
        ({"reason": "r", "item-menu-seats": "y"}, "Say what is wrong with: Seats for guests"),
        ({"reason": "r", "item-org-name": "y", "note-org-name": "n"}, "Tick at least one thing to correct"),
        ({"reason": "r", "item-signage-text": "y", "note-signage-text": "n"}, "Tick at least one thing to correct"),
        ({"reason": "x" * 2001, "item-menu-seats": "y", "note-menu-seats": "n"}, "Write at most 2000 characters"),
        ({"reason": "r", "item-menu-seats": "y", "note-menu-seats": "n" * 501}, "Write at most 500 characters"),
    ],
    ids=["nothing ticked", "no note", "a registry's value", "not of this step", "long reason", "long note"],
)
def test_a_correction_that_says_too_little(desks: Desks, form: dict[str, str], said: str) -> None:
    number = desks.reviewed()
    answer = desks.send("zhang.qiang", number, "review.food", "ask", **form)
    assert answer.status_code == 422
    assert said in words(answer)
    assert not desks.state(number).asks


def test_what_was_left_empty_may_be_asked_for(desks: Desks) -> None:
    """A question that was shown and not answered can be ticked like an answer that is wrong."""
    number = desks.reviewed(answers={"signage.text": None})
    token = desks.token(number, "review.sign")
    page = words(desks.at("sun.min").get(f"/clerk/cases/{number}/{token}/ask"))
    assert 'name="item-signage-text"' in page
    assert 'name="item-org-name"' not in page


def test_which_office_the_case_is_for_is_not_corrected(desks: Desks) -> None:
    """Another district is another office's case: who sent it to the wrong one is declined, not asked to correct."""
    number = desks.filed()
    desks.wrong(number, {"premises.address": "新华路 1 号", "premises.district": "huaxi"})
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}/{desks.token(number)}/correct"))
    assert 'name="item-premises-address"' in page
    assert 'name="item-premises-district"' not in page


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (None, "Choose a file: Report of the site visit"),
        (("plan.pdf", b""), "The file is empty"),
        (("run.exe", PDF), "not one of the accepted kinds"),
        (("plan.pdf", b"MZ\x90\x00"), "not one of the accepted kinds"),
        (("plan.pdf", PDF + b"PK\x05\x06" + b"\x00" * 18), "not one of the accepted kinds"),
    ],
    ids=["none", "empty", "ending", "content", "two things at once"],
)
def test_a_report_that_is_no_report(desks: Desks, file: Any, said: str) -> None:
    number = at_site(desks)
    form = {"opinion": "写了很久的话"} | ({"file_site_report": pdf(*file)} if file else {})
    answer = desks.send("zhang.qiang", number, "review.food", "pass", **form)
    page = words(answer)
    assert answer.status_code == 422
    assert said in page
    assert "写了很久的话" in page
    assert desks.state(number).token_of("review.food").confirmed is None
    assert "site_report" not in desks.files(number)


def test_a_report_that_is_too_large(desks: Desks) -> None:
    number = at_site(desks)
    address = f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/pass"
    given = inputs(words(desks.at("zhang.qiang").get(address)), "page-form")
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in given.items()]
    head = '--b\r\nContent-Disposition: form-data; name="file_site_report"; filename="big.pdf"\r\n\r\n'
    big = b"%PDF-1.4" + b"\n" * 21 * 1024 * 1024 + b"%%EOF"
    body = "".join([*parts, head]).encode() + big + b"\r\n--b--\r\n"
    answer = desks.at("zhang.qiang").post(address, data=body, content_type="multipart/form-data; boundary=b")
    assert answer.status_code == 422
    assert "larger than 20 MB" in words(answer)


# -- somebody else's


def test_other_areas_and_departments_find_nothing(desks: Desks) -> None:
    number = desks.reviewed()
    food, fire = desks.token(number, "review.food"), desks.token(number, "review.fire")
    before = desks.fingerprint()
    for login in ("ma.jun", "he.tao"):
        for address in (f"/clerk/cases/{number}", f"/clerk/cases/{number}/{food}/pass"):
            assert desks.at(login).get(address).status_code == 404, (login, address)
        assert desks.post(login, f"/clerk/cases/{number}/{food}/pass").status_code == 404
        assert desks.post(login, f"/clerk/cases/{number}/notes", text="x").status_code == 404
    for login, token, action in (("sun.min", food, "pass"), ("zhang.qiang", fire, "pass"), ("li.na", food, "ask")):
        address = f"/clerk/cases/{number}/{token}/{action}"
        assert desks.at(login).get(address).status_code == 404, "another department's part is not there"
        assert desks.post(login, address, reason="r", **desks.seen(number, "review.food")).status_code == 404
    assert desks.fingerprint() == before


def test_a_case_that_came_back_says_what_did_not_succeed(desks: Desks) -> None:
    number = at_decision(desks)
    assert "came back" not in words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    desks.do("he.tao", number, "approve")
    desks.do(SYSTEM, number, "@fail")
    assert desks.state(number).main.step == "decision"
    page = words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    assert "Licence being issued: this did not succeed, so the case came back." in page
    assert "What was recorded: The document could not be issued." in page, "the flag of the answer, in words"
    assert page.count("The document could not be issued") == 2, "and in the history"
    desks.do("he.tao", number, "approve")
    assert "came back" not in words(desks.at("he.tao").get(f"/clerk/cases/{number}"))


def test_what_was_taken_back_again_came_back_too(stage: Stage) -> None:
    """A move that one register did not do and the other took back stands at its approval again, by an act that did
    succeed: the page says of both what was recorded."""
    compiled = stage.runtime.definitions.current("household_move")
    told = (("approval", "approve", ""), ("lock", "@ok", ""), ("remove", "@fail", "not_struck_out"),
            ("undo", "@ok", "move_undone"))  # fmt: skip
    acts = [
        SimpleNamespace(type="step.left", token_id=1, data={"step": step, "trigger": trigger, "flag": flag})
        for step, trigger, flag in told
    ]

    def said(count: int, here: str) -> str:
        with stage.app.test_request_context(headers={"Accept-Language": "en"}):
            return came_back(compiled, cast(CasePage, SimpleNamespace(happenings=acts[:count])), here)

    assert said(4, "approval").split(". ") == [
        "The place of origin strikes the entry out: this did not succeed, so the case came back",
        "What was recorded: The place of origin did not strike the entry out",
        "What was recorded: The move was taken back; the old entry stands again.",
    ]
    assert said(2, "remove") == "", "nothing has failed"
    assert said(4, "announce") == "", "it went on after all"
