"""The public and the citizen's desk over HTTP: a filing with every register silent, and what people do wrong."""

from __future__ import annotations

import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import func, select

from govservice.models.accounts import User
from govservice.models.base import new_id
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case, CaseData
from govservice.models.exchange import DataAccess
from govservice.models.papers import File, IssuedDocument, Message, Rating
from govservice.models.people import Mandate
from govservice.operations import filing
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.effects import deliver_due
from govservice.operations.mandates import revoke_mandate
from govservice.web.citizen.data import safe_cell
from tests.web.cases import PDF, Office
from tests.web.conftest import Browser, Stage

INPUT = re.compile(r'<input [^>]*type="hidden"[^>]*>')
PARTY = re.compile(r'name="party"[^>]*value="([^"]+)"')


def text_of(answer: Any) -> str:
    return str(answer.get_data(as_text=True))


def hidden(page: str) -> dict[str, str]:
    """The hidden fields of the page's own form."""
    inputs = [dict(re.findall(r'(\w+)="([^"]*)"', tag)) for tag in INPUT.findall(page.partition("<main")[2])]
    return {each["name"]: each["value"] for each in inputs}


def begin(browser: Browser) -> str:
    """The number of a draft whose purpose page was agreed to; no register answers in these tests."""
    page = text_of(browser.get("/services/open_restaurant/start"))
    party = PARTY.search(page)
    assert party, page
    sent = browser.post("/services/open_restaurant/start", data={**hidden(page), "party": party[1]})
    number = re.search(r"/my/cases/([^/]+)/purpose", sent.headers["Location"])
    assert number, sent.headers
    agreed = browser.send(f"/my/cases/{number[1]}/purpose")
    assert agreed.headers["Location"].endswith("/tasks")
    return number[1]


ANSWERS: dict[str, dict[str, Any]] = {
    "premises": {
        "premises.title_no": "黔（2024）花溪区不动产权第 0012345 号", "premises.address": "花溪区清溪路 86 号",
        "premises.district": "huaxi", "premises.area": "３２６．４０",
    },
    "menu": {"menu.kind": ["cold", "hot"], "menu.seats": " ６８ "},
    "sign": {"signage.text": "清味小馆"},
}  # fmt: skip


def fill(browser: Browser, number: str) -> None:
    for page, answers in ANSWERS.items():
        sent = browser.send(f"/my/cases/{number}/pages/{page}", answers)
        assert sent.status_code == 303, (page, text_of(sent))
    materials = ("layout", "rules", "title_deed", "health_certificates")
    for slot in materials:
        address = f"/my/cases/{number}/documents/{slot}"
        sent = browser.send(address, {"file": (io.BytesIO(PDF), "材料 一.pdf"), "then": "go"})
        assert sent.status_code == 303, (slot, text_of(sent))


def send(browser: Browser, number: str) -> Any:
    page = text_of(browser.get(f"/my/cases/{number}/check"))
    return browser.post(f"/my/cases/{number}/check", data=hidden(page))


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def fang(stage: Stage) -> Browser:
    return stage.client_as("wang.fang")


# -- the public desk ---------------------------------------------------------------------------------------------------


PUBLIC = (
    "/", "/search", "/search?q=开餐馆", "/life/start_business", "/services/open_restaurant",
    "/services/food_business_licence", "/verify", "/help", "/accessibility", "/privacy", "/complaints",
)  # fmt: skip
MEANT = (
    "restaurant", "open a cafe", "restarant", "resturants", "开餐馆", "我想开一家饭店", "开饭馆怎么办理", "canguan",
    "kai ban can guan", "kbcg", "kaifandian", "kaicanguan",
    "restraunt", "hot pot", "火锅", "开个店", "ＲＥＳＴＡＵＲＡＮＴ", "招牌",
)  # fmt: skip
NOTHING = ("", " ", "zzzzqq", "%", "{{7*7}}", "<script>", "a" * 5000, "𠮷" * 200)
NO_CODES = ("0000-0000-0000-0000", "x", "'; DROP TABLE documents", "１２３４", "a" * 3000, "{x}", "%00")


def test_public_pages_open_in_both_languages(stage: Stage) -> None:
    for language in ("en", "zh-CN"):
        browser = stage.client(HTTP_ACCEPT_LANGUAGE=language)
        for address in PUBLIC:
            answer = browser.get(address)
            assert answer.status_code == 200, address
            assert f'<html lang="{language}"' in text_of(answer)
            assert "%(" not in text_of(answer)


def test_search_finds_what_was_meant_first(stage: Stage) -> None:
    browser = stage.client()
    for query in MEANT:
        page = text_of(browser.get("/search", query_string={"q": query}))
        found = re.findall(r'gs-results__title"><a href="/services/(\w+)"', page)
        assert "All services" not in page, query
        assert found[:1] == ["open_restaurant"], (query, found)


def test_a_search_for_nothing_says_so(stage: Stage) -> None:
    browser = stage.client()
    for query in NOTHING:
        answer = browser.get("/search", query_string={"q": query})
        assert answer.status_code == 200, query
        assert "<script>alert" not in text_of(answer)
        assert "All services" in text_of(answer), query


def test_a_code_that_is_none_is_not_found(stage: Stage) -> None:
    browser = stage.client()
    for code in NO_CODES:
        assert browser.get(f"/verify/{quote(code)}").status_code == 404, code
        assert browser.get("/verify", query_string={"code": code}).status_code in (200, 303), code
    assert browser.get("/services/nothing").status_code == 404
    assert browser.get("/life/nothing").status_code == 404


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
    assert "You chose to give this information yourself; the Health Certificate" in tasks  # each register by name
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
    sent = fang.post(address, data={**hidden(form), "menu.seats": "８６", "premises.area": "1"})
    assert sent.headers["Location"].endswith("said=corrected"), text_of(sent)
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
        revoke_mandate(stage.runtime, mandate, now=stage.wall.now())
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


# -- the licence -------------------------------------------------------------------------------------------------------


def granted(stage: Stage, office: Office) -> str:
    """The number of a case decided in favour: below 300 square metres and without seats only food examines it."""
    number = office.submitted("wang.fang", "food_business_licence", "huaxi")
    office.do("li.na", number, "accept")
    office.do("zhang.qiang", number, "pass")
    staff = inspectors(stage)
    for login in staff[:2]:
        office.do(login, number, "pass", attachments=("inspection_record",))
    office.do("he.tao", number, "approve")
    while deliver_due(stage.runtime, "test", stage.wall.now()):
        pass
    return number


def inspectors(stage: Stage) -> list[str]:
    from govservice.models.accounts import Role, User

    with stage.runtime.read() as session:
        rows = session.scalars(
            select(User.login).join(Role, Role.user_id == User.id)
            .where(Role.role == "inspector", Role.department_id == "huaxi.market_reg").order_by(User.login)
        ).all()  # fmt: skip
    return list(rows)


def test_anybody_verifies_a_licence_and_a_forged_one_is_found(stage: Stage, fang: Browser, office: Office) -> None:
    number = granted(stage, office)
    own = text_of(fang.get(f"/my/cases/{number}/licence"))
    code = re.search(r"/verify/([0-9A-Z-]{19})", own)[1]  # type: ignore[index]
    anybody = stage.client()
    page = text_of(anybody.get(f"/verify/{code}"))
    assert "Valid" in page
    assert "<svg" in page
    typed = anybody.get("/verify", query_string={"code": code.lower().replace("-", " ").replace("0", "o")})
    assert typed.headers["Location"] == f"/verify/{code}"
    with stage.runtime.write() as session:
        document = session.scalars(select(IssuedDocument)).one()
        until = document.valid_until
        document.valid_until = stage.wall.now().date() - timedelta(days=1)
    assert "it has expired" in text_of(anybody.get(f"/verify/{code}"))
    with stage.runtime.write() as session:
        document = session.scalars(select(IssuedDocument)).one()
        document.valid_until, document.revoked_at = until, stage.wall.now()
    assert "This licence was revoked" in text_of(anybody.get(f"/verify/{code}"))
    with stage.runtime.write() as session:
        document = session.scalars(select(IssuedDocument)).one()
        document.content = {**document.content, "holder": "somebody else"}
    assert "does not match its seal" in text_of(anybody.get(f"/verify/{code}"))


# -- my data -----------------------------------------------------------------------------------------------------------


def test_every_read_has_its_line(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    assert "Nobody has looked" in text_of(fang.get("/my/data/reads"))
    stage.client_as("li.na").get(f"/clerk/cases/{number}")
    with stage.runtime.read() as session:
        count = session.scalar(select(func.count()).select_from(DataAccess))
    page = text_of(fang.get("/my/data/reads"))
    assert page.count('<tr role="row"') - 1 == count
    assert "Li Na" in page
    assert number in page
    assert "Nobody has looked" in text_of(stage.client_as("liu.yang").get("/my/data/reads"))
    lines = text_of(fang.get("/my/data/reads.csv")).splitlines()
    assert len(lines) == 1 + (count or 0)


NONSENSE = (
    "case=x&period=y&department=z", "before=x", "before=2026-01-01", "before=2026-01-01T00:00:00~",
    "before=9999-12-31T23:59:59%2B00:00~x",
    "before=0001-01-01T00:00:00%2B14:00~x", "before=9999-12-31T23:59:59-14:00~x", "period=" + "9" * 500,
)  # fmt: skip


def test_filters_that_make_no_sense_are_ignored(fang: Browser) -> None:
    for query in NONSENSE:
        assert fang.get(f"/my/data/reads?{query}").status_code == 200, query
        assert fang.get(f"/my/data/reads.csv?{query}").status_code == 200, query


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1"])
def test_no_cell_of_the_list_runs_in_a_spreadsheet(cell: str) -> None:
    assert safe_cell(cell).startswith("'")
    assert safe_cell("王芳") == "王芳"
