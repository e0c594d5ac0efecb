"""After it was sent: corrections, withdrawal, notices, rating, and what every state says."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import func, select

from govservice.models.accounts import User
from govservice.models.base import new_id
from govservice.models.cases import Case, CaseData
from govservice.models.exchange import DataAccess
from govservice.models.papers import File, Message, Rating
from govservice.models.people import Mandate
from govservice.operations.effects import deliver_due
from govservice.queries.tracking import CasePage, Happening
from govservice.web.citizen import story
from tests.support.rows import end_mandate
from tests.web.cases import PDF, Office
from tests.web.citizens import hidden, text_of
from tests.web.conftest import Browser, Stage


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def fang(stage: Stage) -> Browser:
    return stage.client_as("wang.fang")


def test_what_lives_on_after_the_case_may_have_no_last_day(stage: Stage) -> None:
    """A step after the close need not have a limit; the applicant's page tells of it all the same."""
    compiled = stage.runtime.definitions.current("minimum_living_allowance")
    begun = SimpleNamespace(data={"step": "change_review", "materials": [], "kind": "human"})
    with stage.app.test_request_context(headers={"Accept-Language": "en"}):
        told = story._checked(cast(CasePage, SimpleNamespace(compiled=compiled)), cast(Happening, begun))
    assert told["title"] == "A register tells of a change"


# -- after it was sent -------------------------------------------------------------------------------------------------


def test_only_what_the_notice_names_can_be_corrected(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    office.file(number)
    items = {"menu.seats": "The plan shows 86 seats. <b>Correct</b> it."}
    office.do("li.na", number, "correct", reason="Seats and plan differ.", data={"items": items})
    page = text_of(fang.get(f"/my/cases/{number}"))
    assert "Your turn" in page
    assert "The plan shows 86 seats. &lt;b&gt;Correct&lt;/b&gt; it." in page
    address = f"/my/cases/{number}/correct"
    form = text_of(fang.get(address))
    assert 'name="menu.seats"' in form
    assert 'name="premises.area"' not in form
    assert "Seats for guests is still as you sent it" in text_of(
        fang.post(address, data={**hidden(form), "menu.seats": "20"})
    )
    wrong = fang.post(address, data={**hidden(form), "menu.seats": "many"})
    assert wrong.status_code == 422
    assert 'value="many"' in text_of(wrong)
    stale = fang.post(address, data={**hidden(form), "token": "999", "menu.seats": "86"})
    assert stale.headers["Location"].endswith("said=not_now")
    refused = text_of(fang.get(stale.headers["Location"]))
    assert "This is not possible any more" in refused
    assert "govuk-notification-banner--success" not in refused, "nothing was done"
    sent = fang.post(address, data={**hidden(form), "menu.seats": "８６", "premises.area": "1"})
    assert sent.headers["Location"].endswith("said=corrected"), text_of(sent)
    earlier = text_of(fang.get(f"/my/cases/{number}/everything")).partition("As you sent it on")[2]
    assert "Seats for guests" in earlier
    assert "20" in earlier
    assert "86" not in earlier.replace(number, ""), "what it says now stands above"
    assert "Floor area" not in earlier, "only what was changed"
    everything = text_of(fang.get(f"/my/cases/{number}/everything"))
    assert "86" in everything
    assert "326.40 m²" in everything  # a forged value for what is closed is not looked at
    assert fang.get(address).headers["Location"].endswith("said=not_now")


def test_a_correction_that_shows_another_page_asks_its_questions_too(
    stage: Stage, fang: Browser, office: Office
) -> None:
    """No seats, no sign. Corrected to twenty seats, the sign's text is needed: silence on it would count as agreed."""
    number = office.submitted("wang.fang", "open_restaurant", "huaxi", {"menu.seats": 0, "signage.text": None})
    office.do(
        "li.na", number, "correct", reason="There are seats.", data={"items": {"menu.seats": "The plan shows 20."}}
    )
    address = f"/my/cases/{number}/correct"
    form = text_of(fang.get(address))
    assert 'name="signage.text"' not in form
    asked = fang.post(address, data={**hidden(form), "menu.seats": "20"})
    page = text_of(asked)
    assert asked.status_code == 422
    assert "Enter an answer: Words on the sign" in page
    assert "Your corrected answers make this necessary" in page
    assert 'name="signage.text"' in page
    assert 'value="20"' in page
    again = text_of(fang.get(address))
    assert 'name="signage.text"' in again
    back = fang.post(address, data={**hidden(again), "menu.seats": "0", "signage.text": ""})
    assert "Seats for guests is still as you sent it" in text_of(back), "the other answer may be taken back"
    closed = text_of(fang.get(address))
    assert 'name="signage.text"' not in closed
    fang.post(address, data={**hidden(closed), "menu.seats": "20"})
    sent = fang.post(address, data={**hidden(again), "menu.seats": "20", "signage.text": "王记小馆"})
    assert sent.headers["Location"].endswith("said=corrected"), text_of(sent)
    assert "王记小馆" in text_of(fang.get(f"/my/cases/{number}/everything"))
    office.do("li.na", number, "accept")
    assert office.state(number).token_of("review.sign").open


def test_what_was_sent_does_not_show_what_is_only_kept(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    items = {"menu.seats": "Count again.", "layout": "It is unreadable.", "signage.text": "Is it?"}
    office.do("li.na", number, "correct", reason="Seats and plan differ.", data={"items": items})
    form = text_of(fang.get(f"/my/cases/{number}/correct"))
    plan = (io.BytesIO(b"<html>"), "plan.pdf")
    kept = fang.post(f"/my/cases/{number}/correct", data={**hidden(form), "menu.seats": "4729", "file-layout": plan})
    assert kept.status_code == 422  # the plan is none; the new number of seats is kept, not sent
    for page in ("", "/correct"):  # the officer's words to the applicant as a whole, with the department
        shown = text_of(fang.get(f"/my/cases/{number}{page}"))
        assert "Seats and plan differ." in shown
        assert re.search(r"Li Na, [^<]+ writes:", shown)
    assert "4729" in text_of(fang.get(f"/my/cases/{number}/correct"))
    everything = text_of(fang.get(f"/my/cases/{number}/everything"))
    assert not re.search(r"(?<![0-9A-Za-z_-])4,?729(?![0-9A-Za-z_-])", everything)
    assert "326.40 m²" in everything
    given = {**hidden(form), "menu.seats": "4729", "signage.text": "Qingwei"}
    half = fang.post(f"/my/cases/{number}/correct", data={**given, "file-layout": (io.BytesIO(PDF), "plan.pdf")})
    assert half.status_code == 422  # two things changed, one not: it may be a slip
    assert "Words on the sign is still as you sent it" in text_of(half)
    sent = fang.post(f"/my/cases/{number}/correct", data={**given, "as_is": "signage.text"})
    assert sent.headers["Location"].endswith("said=corrected"), text_of(sent)
    desk = text_of(stage.client_as("li.na").get(f"/clerk/cases/{number}"))
    assert "the applicant answered that it stays as it is: Words on the sign." in desk


def test_the_very_file_that_was_found_wrong_corrects_nothing_and_is_not_lost(
    stage: Stage, fang: Browser, office: Office
) -> None:
    number = office.draft("wang.fang", "open_restaurant", "huaxi", for_organisation=True)
    upload, address = f"/my/cases/{number}/documents/layout", f"/my/cases/{number}/correct"
    fang.post(upload, data={**hidden(text_of(fang.get(upload))), "file": (io.BytesIO(PDF), "plan.pdf")})
    applicant = office.actor("wang.fang", for_organisation=True)
    with office.database.read() as session:
        rev = session.scalar(select(func.max(CaseData.rev)).where(CaseData.case_id == office.id_of(number)))
    office.do(applicant, number, "submit", data={"data_rev": rev})
    office.do("li.na", number, "correct", reason="No exit.", data={"items": {"layout": "Show the exit."}})
    form = hidden(text_of(fang.get(address)))
    again = fang.post(address, data={**form, "file-layout": (io.BytesIO(PDF), "plan.pdf")})
    assert again.status_code == 422
    assert "this file was found wrong" in text_of(again)
    kept = fang.post(address, data={**form, "as_is": "layout", "file-layout": (io.BytesIO(PDF), "plan.pdf")})
    assert kept.headers["Location"].endswith("said=corrected"), text_of(kept)
    assert "plan.pdf" in text_of(fang.get(f"/my/cases/{number}/everything"))


def test_withdrawing_asks_first_and_happens_once(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    before = office.fingerprint()
    form = text_of(fang.get(f"/my/cases/{number}/withdraw"))
    assert "cannot be undone" in form
    assert office.fingerprint() == before
    data = {**hidden(form), "reason": "改主意了"}
    assert fang.post(f"/my/cases/{number}/withdraw", data=data).headers["Location"].endswith("said=withdrawn")
    assert fang.post(f"/my/cases/{number}/withdraw", data=data).headers["Location"].endswith("said=not_now")
    page = text_of(fang.get(f"/my/cases/{number}?said=withdrawn"))
    assert "Apply again" in page
    assert office.state(number).outcome == "withdrawn"


def test_notices_appear_once_they_are_delivered(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    office.do("li.na", number, "decline", reason="Not our matter: <i>ask</i> the province.")
    assert "No notices yet" in text_of(fang.get("/my/messages"))
    while deliver_due(stage.runtime, "test", stage.wall.now()):
        pass
    with stage.runtime.read() as session:
        notices = {m.kind: m.seq for m in session.scalars(select(Message))}
    assert set(notices) >= {"receipt", "refusal"}
    refusal = text_of(fang.get(f"/my/cases/{number}/notices/refusal/{notices['refusal']}"))
    assert "Not our matter: &lt;i&gt;ask&lt;/i&gt; the province." in refusal
    assert "reconsideration within 60 days" in refusal
    assert "People's Court" in refusal.replace("&#39;", "'")
    receipt = text_of(fang.get(f"/my/cases/{number}/notices/receipt/{notices['receipt']}"))
    assert "Wednesday 4 March 2026" in receipt
    for wrong in ("refusal/1", "grant/1", "nothing/1", f"receipt/{10**30}"):
        assert fang.get(f"/my/cases/{number}/notices/{wrong}").status_code == 404
    inbox, page = text_of(fang.get("/my/messages")), text_of(fang.get(f"/my/cases/{number}"))
    assert "Notice of non-acceptance" in inbox  # never accepted is another thing than refused
    assert "Notice of refusal" not in inbox + page
    picture = page.partition('id="where"')[2].partition("</section>")[0]
    assert "Not accepted" in picture
    assert "Refused" not in picture
    assert "Acceptance" not in picture, "it did not take place"
    assert picture.count("2 March") == 2  # received, not accepted: each day once
    fang.send("/my/messages")
    with stage.runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Message).where(Message.read_at.is_(None))) == 0


def test_the_inbox_is_the_enterprises_and_ends_with_the_mandate(stage: Stage, office: Office) -> None:
    """Who acts for the enterprise gets its notices, whoever filed. With the mandate that ends, for the filer too."""
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    while deliver_due(stage.runtime, "test", stage.wall.now()):
        pass
    with stage.runtime.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        chen = session.scalars(select(User).where(User.login == "chen.wei")).one()
        fellow = Mandate(
            id=new_id(), person_id=chen.person_id, organisation_id=case.organisation_id, kind="agent", source="demo",
            valid_from=stage.wall.now().date(), created_at=stage.wall.now(),
        )  # fmt: skip
        session.add(fellow)
    filer, agent = stage.client_as("wang.fang"), stage.client_as("chen.wei")
    assert number in text_of(filer.get("/my/messages"))
    assert number not in text_of(agent.get("/my/messages")), "not while acting for oneself"
    agent.send("/account/acting-for", {"party": fellow.id})
    assert number in text_of(agent.get("/my/messages"))
    reads = select(DataAccess).where(DataAccess.subject_id == case.applicant_id, DataAccess.role == "fellow")
    with stage.runtime.read() as session:
        assert session.scalars(reads).all() == []
    agent.get(f"/my/cases/{number}")
    with stage.runtime.read() as session:
        assert [r.case_id for r in session.scalars(reads)] == [case.id], "a fellow's look is a read that the filer sees"
    for mandate, client in ((fellow.id, agent), (case.mandate_id, filer)):
        end_mandate(stage.runtime, mandate, stage.wall.now())
        assert number not in text_of(client.get("/my/messages"))
        client.send("/my/messages")
    with stage.runtime.read() as session:
        assert session.scalars(select(Message.read_at)).all() == [None], "nobody marks what they may not see"


def test_what_staff_attached_and_what_was_taken_away_is_not_fetched(
    stage: Stage, fang: Browser, office: Office
) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    mine, theirs = office.file(number), office.file(number, "site_report", "report.pdf")
    with stage.runtime.write() as session:
        session.get_one(File, theirs).kind = "attachment"
    assert fang.get(f"/my/files/{mine}").status_code == 200
    assert fang.get(f"/my/files/{theirs}").status_code == 404
    with stage.runtime.write() as session:
        session.get_one(File, mine).removed_at = stage.wall.now()
    assert fang.get(f"/my/files/{mine}").status_code == 404


def test_a_closed_case_is_rated_once(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    address = f"/my/cases/{number}/rate"
    assert fang.get(address).status_code == 303  # it still runs
    office.do("li.na", number, "decline", reason="No.")
    for stars in ("", "0", "6", "9" * 30, "x", "４"):
        assert fang.send(address, {"stars": stars, "comment": "好"}).status_code == 422
    token = fang.token(address)
    for _twice in range(2):
        assert fang.post(address, data={"stars": "4", "comment": "好", "csrf_token": token}).status_code == 303
    with stage.runtime.read() as session:
        rating = session.scalars(select(Rating)).one()
        assert rating.stars == 4
        assert "好".encode() not in (rating.comment_enc or b"")


def test_every_state_says_whose_turn_and_by_when(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")

    def says(*words: str) -> None:
        page = text_of(fang.get(f"/my/cases/{number}"))
        for word in words:
            assert word in page, (word, page.partition("<main")[2][:3000])

    says("Answer on acceptance by Wednesday 4 March 2026", "nobody has taken it yet", "Withdraw the application")
    office.do("li.na", number, "accept")
    says(
        "Decision by Monday 23 March 2026",
        "3 departments",
        "15 of 15 working days left",
        "Accepted: the 15 working days",
    )
    food, fire, sign = sorted(t.id for t in office.state(number).tokens.values() if t.kind == "branch")
    office.do("zhang.qiang", number, "ask", food, reason="Seats?", data={"items": {"menu.seats": "Count again."}})
    says("Has a question", "Decision by Monday 23 March 2026")  # the notice waits for the other departments
    office.do("zhou.jie", number, "pass", fire)
    office.do("sun.min", number, "pass", sign)
    says("Your turn", "Correct 1 thing by", "Stopped", "If you answer today", "Count again.", "Waits for you")
    form = text_of(fang.get(f"/my/cases/{number}/correct"))
    fang.post(f"/my/cases/{number}/correct", data={**hidden(form), "menu.seats": "30"})
    says("You sent your corrections", "Decision by Monday 23 March 2026")
    office.do("zhang.qiang", number, "pass", food)
    office.do("zhang.qiang", number, "pass", food, attachments=("site_report",))
    says("the first of two people has confirmed")
    office.do("wu.gang", number, "pass", food, attachments=("site_report",))
    says("Decision by Monday 23 March 2026", "Deputy director")
    office.do("he.tao", number, "approve")
    says("With the portal", "can no longer be withdrawn")
    while deliver_due(stage.runtime, "test", stage.wall.now()):
        pass
    says("Granted on 2 March 2026", "Open your licence", "Rate this service", "0 working days")


def test_how_long_it_took_leaves_out_the_time_that_the_clock_stood_still(stage: Stage, office: Office) -> None:
    """Accepted and asked on Monday, answered a week later, decided the day after that: one working day."""
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    office.do("li.na", number, "accept")
    food, fire, sign = sorted(t.id for t in office.state(number).tokens.values() if t.kind == "branch")
    office.do("zhang.qiang", number, "ask", food, reason="Seats?", data={"items": {"menu.seats": "Count again."}})
    office.do("zhou.jie", number, "pass", fire)
    office.do("sun.min", number, "pass", sign)
    stage.wall.advance(timedelta(days=7))
    wang = office.actor("wang.fang", for_organisation=True)
    office.do(wang, number, "@resubmit", data={"data_rev": 1, "changed": []})
    stage.wall.advance(timedelta(days=1))
    office.do("zhang.qiang", number, "pass", food)
    office.do("zhang.qiang", number, "fail", food, reason="No.")
    page = text_of(stage.client_as("wang.fang").get(f"/my/cases/{number}"))
    assert "From acceptance to decision" in page
    assert re.search(r"From acceptance to decision.{0,200}?>\s*1 working day\s*<", page, re.DOTALL), page


def test_what_a_colleague_did_is_not_told_as_ones_own(stage: Stage, office: Office) -> None:
    """Who acts for the enterprise too reads that somebody else sent it; the filer reads "you"."""
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    with stage.runtime.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        chen = session.scalars(select(User).where(User.login == "chen.wei")).one()
        fellow = Mandate(
            id=new_id(), person_id=chen.person_id, organisation_id=case.organisation_id, kind="agent", source="demo",
            valid_from=stage.wall.now().date(), created_at=stage.wall.now(),
        )  # fmt: skip
        session.add(fellow)
    agent = stage.client_as("chen.wei")
    agent.send("/account/acting-for", {"party": fellow.id})
    theirs, own = (text_of(who.get(f"/my/cases/{number}")) for who in (agent, stage.client_as("wang.fang")))
    assert "You sent your application" in own
    assert "You sent your application" not in theirs
    assert "The application was sent" in theirs
    assert "somebody else who acts for" in theirs
