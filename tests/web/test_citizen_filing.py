"""Filing as a citizen: what is asked, kept, refused and sent once; documents; somebody else's case is not there."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from structlog.testing import capture_logs

from govservice import logs
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case, CaseData
from govservice.models.papers import File
from govservice.operations import filing
from govservice.operations.demo_cast import PASSWORD
from tests.web.cases import PDF, Office
from tests.web.citizens import PARTY, begin, fill, hidden, send, text_of
from tests.web.conftest import Browser, Stage


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def fang(stage: Stage) -> Browser:
    return stage.client_as("wang.fang")


# -- filing ------------------------------------------------------------------------------------------------------------


def test_a_filing_with_every_register_silent(stage: Stage, fang: Browser, office: Office) -> None:
    number = begin(fang)
    tasks = text_of(fang.get(f"/my/cases/{number}/tasks"))
    assert "did not answer. You can go on" in tasks
    assert "Ask again" in tasks
    assert f"/my/cases/{number}/purpose" in tasks
    assert "You can change your choice" in text_of(fang.get(f"/my/cases/{number}/purpose"))
    assert "Cannot start yet" in tasks
    first = text_of(fang.get(f"/my/cases/{number}/pages/premises"))
    assert "did not answer. You can go on" in first  # the question says why it is asked
    assert "take it from your account and your mandate: Name, Identity number" in tasks
    assert fang.get(f"/my/cases/{number}/pages/applicant").status_code == 303  # who applies is asked of nobody
    fill(fang, number)
    check = text_of(fang.get(f"/my/cases/{number}/check"))
    assert "326.40 m²" in check
    assert "Cold dishes" in check
    assert "990111199203042048" not in check  # masked: it comes from the account, nobody typed it
    assert "9901 **** **** **2048" in check
    assert "Your account and mandate" in check
    sent = send(fang, number)
    assert sent.headers["Location"].endswith("/sent")
    done = text_of(fang.get(sent.headers["Location"]))
    assert number in done
    assert "Acceptance by Wednesday 4 March 2026" in done  # two working days after Monday 2 March
    assert "Decision by Wednesday 25 March 2026, if it is accepted in time" in done  # fifteen more
    assert "Your receipt is being made" in done
    with stage.runtime.read() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        assert (case.status, case.area) == ("open", "huaxi")
    page = text_of(fang.get(f"/my/cases/{number}"))
    assert "Answer on acceptance by Wednesday 4 March 2026" in page
    assert "2 of 2 working days left" in page
    office.do("li.na", number, "accept")
    later = text_of(fang.get(f"/my/cases/{number}/sent"))  # the dates of a bookmark do not go away
    assert "Acceptance by Wednesday 4 March 2026" in later
    assert "Decision by Monday 23 March 2026" in later  # now counted from the acceptance itself


FALSE = {
    "person.name": "张三", "person.national_id": "ABC", "org.name": "别人的公司", "org.uscc": "1",
    "org.legal_person": "李四",
}  # fmt: skip


def test_a_value_that_was_not_asked_for_is_not_kept_and_the_try_is_logged(stage: Stage, fang: Browser) -> None:
    """By name: what somebody made up stands in no log."""
    number = begin(fang)
    page = f"/my/cases/{number}/pages/premises"
    made_up = {**FALSE, "person.birth_date-year": "1988"}
    with capture_logs() as lines:
        fang.send(page, made_up)
    (line,) = [each for each in lines if each["event"] == "form.unasked"]
    assert (line["log_level"], line["fields"]) == ("warning", sorted(FALSE))
    assert set(line) - {"event", "log_level"} <= logs.FIELDS
    assert "别人的公司" not in str(lines)
    with stage.runtime.read() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        answers = read_form(session, case.applicant_id, case.id).answers
    assert not FALSE.items() & answers.items()
    with capture_logs() as lines:
        fang.send(page, {})
    assert "form.unasked" not in {each["event"] for each in lines}


def test_nobody_types_who_they_are(stage: Stage, fang: Browser, office: Office) -> None:
    """Declined registers open no way to a licence with another's name: the account and the mandate say who applies,
    and a register that the service needs (`block`) cannot be declined."""
    number = begin(fang)
    purpose = text_of(fang.get(f"/my/cases/{number}/purpose"))
    assert 'value="owner"' in purpose
    assert 'value="enterprise"' not in purpose
    fang.send(f"/my/cases/{number}/purpose", {"declined": ["owner", "enterprise", "health"]})
    assert (
        fang.send(f"/my/cases/{number}/pages/applicant", FALSE, page=f"/my/cases/{number}/purpose").status_code == 303
    )
    tasks = text_of(fang.get(f"/my/cases/{number}/tasks"))
    assert (
        "You chose to give this information yourself, so we did not ask the Health Certificate" in tasks
    )  # each register by name
    assert ": Staff health certificates." in tasks, "and for what"
    fill(fang, number)
    rt = stage.runtime
    with rt.write() as session:  # as an older portal had taken it
        case = session.scalars(select(Case).where(Case.number == number)).one()
        form = read_form(session, case.applicant_id, case.id)
        assert form.declined == ("owner", "health")
        write_form(session, case.applicant_id, case.id, form.with_answers(FALSE, "you"), "test", stage.wall.now())
    assert send(fang, number).headers["Location"].endswith("/sent")
    with rt.read() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        form = read_form(session, case.applicant_id, case.id, case.data_rev)
    assert {name: form.answers[name] for name in FALSE} == {
        "person.name": "王芳", "person.national_id": "990111198803182048", "org.name": "贵阳花溪清味餐饮有限公司",
        "org.uscc": "91990111MA7K2Q5X12", "org.legal_person": "王芳",
    }  # fmt: skip
    assert {form.sources[name] for name in FALSE} == {"account"}
    office.wrong(number, FALSE)
    page = text_of(stage.client_as("li.na").get(f"/clerk/cases/{number}"))
    assert "Differs from the account and the mandate: 王芳" in page
    assert "Differs from the account and the mandate: 贵阳花溪清味餐饮有限公司" in page


def test_an_agent_waits_for_the_register_that_names_the_legal_person(stage: Stage) -> None:
    """What neither a register nor the portal's own record says stays open: it is not typed and not left out."""
    chen = stage.client_as("chen.wei")
    number = begin(chen)
    fill(chen, number)
    tasks = text_of(chen.get(f"/my/cases/{number}/tasks"))
    assert "nobody may type it: Legal representative" in tasks
    check = text_of(chen.get(f"/my/cases/{number}/check"))
    assert "nobody may type it: Legal representative" in check
    assert "Ask again" in check
    rev = stage_rev(stage, number)
    form = {"rev": rev, "idem": "x" * 20, **FALSE}
    assert chen.send(f"/my/cases/{number}/check", form, page=f"/my/cases/{number}/purpose").status_code == 422


def test_sending_twice_going_back_and_a_bookmark(stage: Stage, fang: Browser) -> None:
    number = begin(fang)
    fill(fang, number)
    page = text_of(fang.get(f"/my/cases/{number}/check"))
    again = text_of(fang.get(f"/my/cases/{number}/check"))  # a second window
    first = fang.post(f"/my/cases/{number}/check", data=hidden(page))
    same = fang.post(f"/my/cases/{number}/check", data=hidden(page))
    other = fang.post(f"/my/cases/{number}/check", data=hidden(again))
    assert [a.status_code for a in (first, same, other)] == [303, 303, 303]
    assert "not sent twice" in text_of(fang.get(other.headers["Location"]))
    assert fang.get(f"/my/cases/{number}/check").headers["Location"].endswith("said=sent_already")
    assert fang.get(f"/my/cases/{number}/pages/menu").status_code == 303
    assert fang.get(f"/my/cases/{number}/sent").status_code == 200
    with stage.runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1


def test_the_same_start_form_twice_opens_one_draft(stage: Stage, fang: Browser) -> None:
    page = text_of(fang.get("/services/open_restaurant/start"))
    data = {**hidden(page), "party": PARTY.search(page)[1]}  # type: ignore[index]
    first = fang.post("/services/open_restaurant/start", data=data)
    second = fang.post("/services/open_restaurant/start", data=data)
    assert first.headers["Location"] == second.headers["Location"]
    assert "Go on with it" in text_of(fang.get("/services/open_restaurant"))
    fang.send("/account/acting-for", {"party": "self"}, page="/account/acting-for")
    again = text_of(fang.get("/services/open_restaurant/start"))  # whoever one acts for at the moment
    assert "You have begun already" in again
    assert "Start another application" in again


def test_answers_changed_in_another_window_are_shown_again(fang: Browser) -> None:
    number = begin(fang)
    fill(fang, number)
    page = text_of(fang.get(f"/my/cases/{number}/check"))
    fang.send(f"/my/cases/{number}/pages/menu", {"menu.kind": ["hot"], "menu.seats": "70"})
    answer = fang.post(f"/my/cases/{number}/check", data=hidden(page))
    assert answer.status_code == 409
    assert "changed in another window" in text_of(answer)


def test_an_answer_that_changes_while_it_is_sent_is_shown_first(
    stage: Stage, fang: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another window saves between the look at the page's revision and the sending."""
    number = begin(fang)
    fill(fang, number)
    page = text_of(fang.get(f"/my/cases/{number}/check"))
    other, really = stage.client_as("wang.fang"), filing.submit

    def late(*args: Any, **given: Any) -> filing.Receipt:
        saved = other.send(f"/my/cases/{number}/pages/menu", {"menu.kind": ["hot"], "menu.seats": "70"})
        assert saved.status_code == 303
        return really(*args, **given)

    with monkeypatch.context() as patch:
        patch.setattr(filing, "submit", late)
        answer = fang.post(f"/my/cases/{number}/check", data=hidden(page))
    assert answer.status_code == 409
    assert "changed in another window" in text_of(answer)
    assert send(fang, number).headers["Location"].endswith("/sent")  # seen now, and sent


def test_an_incomplete_application_is_not_sent(stage: Stage, fang: Browser) -> None:
    number = begin(fang)
    page = text_of(fang.get(f"/my/cases/{number}/check"))
    assert "Before you can send it" in page
    rev = stage_rev(stage, number)
    answer = fang.send(f"/my/cases/{number}/check", {"rev": rev, "idem": "x" * 20}, page=f"/my/cases/{number}/purpose")
    assert answer.status_code == 422
    assert "Still missing" in text_of(answer)


def stage_rev(stage: Stage, number: str) -> int:
    with stage.runtime.read() as session:
        joined = select(func.max(CaseData.rev)).join(Case, Case.id == CaseData.case_id).where(Case.number == number)
        return int(session.scalar(joined) or 0)


BAD = (
    "", " ", "-1", "1e9999", "NaN", "六", "9" * 400, "{{7*7}}", "<script>alert(1)</script>", "'; --",
    "\u202e\u200b", "𠮷",
)  # fmt: skip


def test_bad_answers_are_named_kept_and_not_stored(stage: Stage, fang: Browser) -> None:
    number = begin(fang)
    before = stage_rev(stage, number)
    questions = (("menu", "menu.seats"), ("premises", "premises.area"), ("premises", "premises.district"))
    tokens = {page: fang.token(f"/my/cases/{number}/pages/{page}") for page, _name in questions}
    for value in BAD:
        for page, name in questions:
            answer = fang.post(f"/my/cases/{number}/pages/{page}", data={name: value, "csrf_token": tokens[page]})
            shown = text_of(answer)
            assert answer.status_code == 422, (name, value)
            assert "<title>Error: " in shown
            assert f'href="#{name.replace(".", "-")}"' in shown
            assert "<script>alert(1)" not in shown
    assert stage_rev(stage, number) == before


def test_whoever_wants_to_go_on_later_is_let_go(stage: Stage, fang: Browser) -> None:
    """What can be read is kept, what cannot is named."""
    address = f"/my/cases/{begin(fang)}/pages/menu"
    gone = fang.send(address, {"menu.seats": "six", "menu.kind": "cold", "then": "later"})
    assert gone.status_code == 303
    assert "not this, which could not be read: Seats for guests." in text_of(fang.get(gone.headers["Location"]))
    assert re.search(r'value="cold"[^>]*checked', text_of(fang.get(address)))


def test_a_session_that_ends_in_a_form_leads_back_to_it(stage: Stage, fang: Browser) -> None:
    """Back to the page after signing in, and the sign-in page says that the last answer was not kept."""
    address = f"/my/cases/{begin(fang)}/pages/menu"
    token = fang.token(address)
    stage.wall.advance(timedelta(hours=13))
    lost = fang.post(address, data={"menu.seats": "68", "menu.kind": "hot", "csrf_token": token})
    assert lost.status_code == 302
    page = text_of(fang.get(lost.headers["Location"]))
    assert "Your session has ended" in page
    assert "what you sent last was not" in page
    back = fang.send("/sign-in", {"login": "wang.fang", "password": PASSWORD, **hidden(page)}, page="/sign-in")
    assert back.headers["Location"] == address
    assert "what you sent last" not in text_of(stage.client().get("/sign-in?lost=1&next=//evil.example"))


def test_what_was_typed_survives_a_switch_of_language(stage: Stage, fang: Browser) -> None:
    number = begin(fang)
    before = stage_rev(stage, number)
    address = f"/my/cases/{number}/pages/menu"
    answer = fang.send(address, {"menu.seats": "六十八", "menu.kind": "cold", "_language": "zh"})
    page = text_of(answer)
    assert answer.status_code == 200
    assert 'lang="zh-CN"' in page
    assert 'value="六十八"' in page
    assert re.search(r'value="cold"[^>]*checked', page)
    assert stage_rev(stage, number) == before


def test_answers_of_a_hidden_page_are_not_stored(stage: Stage, fang: Browser) -> None:
    number = begin(fang)
    fill(fang, number)
    fang.send(f"/my/cases/{number}/pages/menu", {"menu.kind": ["hot"], "menu.seats": "0"})
    assert "清味小馆" not in text_of(fang.get(f"/my/cases/{number}/check"))
    assert fang.get(f"/my/cases/{number}/pages/sign").status_code == 303


# -- documents ---------------------------------------------------------------------------------------------------------


WRONG_FILES = (
    ("a.pdf", b""), ("a.pdf", b"<html>"), ("a.exe", PDF), ("a.png", PDF), ("..\\..\\x", b"MZ"),
    ("\u202efdp.exe", b"MZ"), ("x" * 400 + ".pdf", b"no"),
)  # fmt: skip


def test_files_that_are_not_accepted(stage: Stage, fang: Browser) -> None:
    address = f"/my/cases/{begin(fang)}/documents/layout"
    for name, content in WRONG_FILES:
        answer = fang.send(address, {"file": (io.BytesIO(content), name), "then": "go"})
        assert answer.status_code == 422, name
        assert "<title>Error: " in text_of(answer)
    with stage.runtime.read() as session:
        assert session.scalar(select(func.count()).select_from(File)) == 0


def test_a_file_with_a_chinese_name_comes_back_as_it_was(stage: Stage, fang: Browser, storage: Path) -> None:
    number = begin(fang)
    address = f"/my/cases/{number}/documents/layout"
    for _twice in range(2):  # a form sent twice leaves one file
        fang.send(address, {"file": (io.BytesIO(PDF), "一层平面图.pdf"), "then": "stay"})
    page = text_of(fang.get(address))
    assert page.count("一层平面图.pdf</a>") == 1
    file_id = re.search(r"/my/files/([^\"]+)", page)[1]  # type: ignore[index]
    got = fang.get(f"/my/files/{file_id}")
    assert got.data == PDF
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert "%E4%B8%80" in got.headers["Content-Disposition"]
    assert PDF not in b"".join(p.read_bytes() for p in storage.rglob("*") if p.is_file())
    assert stage.client_as("liu.yang").get(f"/my/files/{file_id}").status_code == 404
    fang.post(f"{address}/remove", data={"file": file_id, "csrf_token": fang.token(address)})
    assert "一层平面图.pdf</a>" not in text_of(fang.get(address))
    assert fang.get(f"/my/cases/{number}/documents/nothing").status_code == 404


# -- somebody else -----------------------------------------------------------------------------------------------------


def test_another_persons_case_is_not_there(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    other = stage.client_as("liu.yang")
    pages = ("", "/purpose", "/tasks", "/pages/menu", "/documents/layout", "/check", "/sent", "/correct", "/withdraw",
             "/rate", "/licence", "/everything", "/notices/receipt/3")  # fmt: skip
    for page in pages:
        assert other.get(f"/my/cases/{number}{page}").status_code == 404, page
        assert stage.client().get(f"/my/cases/{number}{page}").status_code == 302, page
    before = office.fingerprint()
    assert other.post(f"/my/cases/{number}/withdraw", data={"csrf_token": other.token("/my/cases")}).status_code == 404
    assert office.fingerprint() == before


def test_a_draft_is_thrown_away_with_all_that_was_in_it(
    stage: Stage, fang: Browser, office: Office, storage: Path
) -> None:
    number = office.draft("wang.fang", "open_restaurant", "huaxi")
    office.file(number)
    case_id = office.id_of(number)
    started = text_of(fang.get("/services/open_restaurant/start"))
    assert "you have two" in started, "whoever starts a second one is told"
    assert f"/my/cases/{number}/discard" in started
    asked = text_of(fang.get(f"/my/cases/{number}/discard"))
    assert "Throw this draft away?" in asked
    assert stage.client_as("chen.wei").get(f"/my/cases/{number}/discard").status_code == 404
    for _ in range(2):
        gone = fang.post(f"/my/cases/{number}/discard", data=hidden(asked))
        assert (gone.status_code, gone.headers["Location"]) == (303, "/my/cases?said=discarded")
    shown = text_of(fang.get("/my/cases?said=discarded"))
    assert "Nothing of it was kept." in shown
    assert number not in shown
    for page in ("", "/tasks", "/discard", "/everything"):
        assert fang.get(f"/my/cases/{number}{page}").status_code == 404
    with stage.runtime.read() as session:
        assert session.scalars(select(CaseData.form_enc).where(CaseData.case_id == case_id)).all().count(None) > 0
        assert set(session.scalars(select(CaseData.form_enc).where(CaseData.case_id == case_id))) == {None}
        files = session.scalars(select(File).where(File.case_id == case_id)).all()
    assert files
    assert all(file.removed_at and file.display_name_enc is None for file in files)
    assert not any((storage / f.stored_name[:2] / f.stored_name).exists() for f in files)


def test_what_was_sent_is_not_thrown_away(fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    sent = fang.get(f"/my/cases/{number}/discard")
    assert sent.headers["Location"].endswith("said=sent_already")
