"""How far a clerk sees: canaries in every value, files, words of other departments, notes; and what every look leaves
behind for the applicant; and that what people typed is never run."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from sqlalchemy import select

from govservice.models.accounts import Role, User
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case
from govservice.models.work import CaseNote
from tests.web.conftest import Stage
from tests.web.desks import CANARIES, PDF, READS, SHOWN, Desks, words

LOGINS = {"food": "zhang.qiang", "fire": "zhou.jie", "urban": "sun.min"}
SCOPES = {"food": "review.food", "fire": "review.fire", "urban": "review.sign"}


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def everything_of(desks: Desks, login: str, number: str) -> Iterator[tuple[str, str]]:
    """(address, page) of all that a clerk can get about a case: pages, lists, forms, wrong forms, refusals."""
    client = desks.at(login)
    for address in (f"/clerk/cases/{number}", "/clerk/", f"/clerk/?q={number}", f"/clerk/search?q={number}"):
        yield address, words(client.get(address))
    for token in desks.state(number).tokens.values():
        for action in ("pass", "fail", "ask", "approve", "accept", "reopen"):
            address = f"/clerk/cases/{number}/{token.id}/{action}"
            yield address, words(client.get(address))
            yield f"POST {address}", words(desks.post(login, address, token_version="1", data_rev="1", seen="1"))
            wrong = {"token_version": str(token.version), "data_rev": str(desks.state(number).data_rev)}
            if action in ("fail", "ask"):
                yield f"POST {address}", words(desks.post(login, address, **wrong))


@pytest.mark.parametrize("role", ["food", "fire", "urban"])
def test_a_branch_sees_what_it_reads_and_nothing_else(desks: Desks, role: str) -> None:
    number = desks.reviewed()
    pages = dict(everything_of(desks, LOGINS[role], number))
    case = pages[f"/clerk/cases/{number}"]
    for name, forms in SHOWN.items():
        if name in READS[role]:
            assert any(form in case for form in forms), f"{name} is missing"
            continue
        for form in forms:
            said = re.compile(rf"(?<![0-9A-Za-z_-]){re.escape(form)}(?![0-9A-Za-z_-])")  # not inside a random key
            leaks = [address for address, page in pages.items() if said.search(page)]
            assert leaks == [], f"{name} leaks"
    assert "You see what your step needs." in case


def test_the_window_and_the_decision_see_all(desks: Desks) -> None:
    number = desks.filed()
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    for name, forms in SHOWN.items():
        if name != "person.national_id":
            assert any(form in page for form in forms), f"{name} is missing"
    assert CANARIES["person.national_id"] not in page, "personal numbers are masked"
    assert "Huaxi District" in page.partition("District of the premises")[2][:300], "an area by its name"
    assert "Your draft" not in page, "the applicant's words for it"


def test_a_step_of_the_case_itself_sees_what_it_reads(desks: Desks) -> None:
    """services: "verification results visible only to E/A": the window of the subdistrict looks whether all is there,
    what registers say of a household's means is the examiners'."""
    answers = {
        "person.name": "CANARY-name", "person.district": "huaxi", "household.size": 2, "need.reason": "illness",
        "need.urgent": False, "payment.account": "CANARY-account", "means.income": "4711.25",
        "home.address": "CANARY-home", "health.costs": "8211.75", "allowance.standard": "785.00",
    }  # fmt: skip
    number = desks.submitted("liu.yang", "minimum_living_allowance", "huaxi", answers, for_organisation=False)
    window = staff_with(desks, "township_window")
    path = f"/clerk/cases/{number}/{desks.token(number)}/correct"
    for page in (words(desks.at(window).get(f"/clerk/cases/{number}")), words(desks.at(window).get(path))):
        assert not any(value in page for value in ("4711.25", "4,711.25", "CANARY-home", "8211.75", "8,211.75"))
    assert "item-payment-account" in page
    assert "item-means-income" not in page
    assert "CANARY-name" in words(desks.at(window).get(f"/clerk/cases/{number}"))
    seen = {name for _, what, _, _ in desks.reads("liu.yang") for name in what}
    assert seen >= {"person.name", "payment.account"}
    assert not any(name.startswith(("means", "home", "health", "income")) for name in seen)
    asked = {"reason": "CANARY-words", "item-payment-account": "y", "note-payment-account": "?"}
    desks.send(window, number, "", "correct", **asked)
    assert desks.state(number).notice is not None
    assert "CANARY-words" in words(desks.at(window).get(f"/clerk/cases/{number}")), "what they wrote themselves"


def staff_with(desks: Desks, role: str) -> str:
    with desks.database.read() as session:
        held = select(User.login).join(Role, Role.user_id == User.id)
        return (
            session.scalars(
                held.where(Role.role == role, Role.department_id == "huaxi.township").order_by(User.login)
            ).first()
            or ""
        )


def test_every_open_of_a_case_is_a_read_that_names_what_was_seen(desks: Desks) -> None:
    number = desks.reviewed()
    for login, role in (("sun.min", "urban"), ("zhou.jie", "fire")):
        before = len(desks.reads("wang.fang"))
        desks.at(login).get(f"/clerk/cases/{number}")
        desks.at(login).get(f"/clerk/cases/{number}")
        rows = desks.reads("wang.fang")[before:]
        assert len(rows) == 2, "each open is a row"
        for purpose, what, case_id, actor in rows:
            assert (purpose, case_id, actor) == ("task", desks.id_of(number), desks.actor(login).id)
            assert set(what) - {"premises.district"} == READS[role]


def test_a_persons_name_on_the_page_of_an_action_is_a_read(desks: Desks) -> None:
    number = desks.submitted("liu.yang", "open_restaurant", "huaxi", for_organisation=False)
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}/1/correct"))
    assert "刘洋" in page
    li_na = desks.actor("li.na").id
    assert desks.reads("liu.yang") == [("task", ("person.name",), desks.id_of(number), li_na)]
    refused = desks.post("li.na", f"/clerk/cases/{number}/1/accept", idem="k", token_version="0", data_rev="1")
    assert refused.status_code == 409
    assert "刘洋" in words(refused)
    assert len(desks.reads("liu.yang")) == 2


# -- files


def statuses(desks: Desks, file_id: str) -> dict[str, int]:
    return {login: desks.at(login).get(f"/clerk/files/{file_id}").status_code for login in LOGINS.values()}


def test_files_open_only_for_steps_that_read_them(desks: Desks) -> None:
    number = desks.reviewed()
    files = desks.files(number)
    assert statuses(desks, files["layout"]) == {"zhang.qiang": 200, "zhou.jie": 200, "sun.min": 404}
    assert statuses(desks, files["rules"]) == {"zhang.qiang": 200, "zhou.jie": 404, "sun.min": 404}
    for login in ("he.tao", "ma.jun", "zhao.lei", "wang.fang"):
        assert desks.at(login).get(f"/clerk/files/{files['layout']}").status_code == 404, login
    assert desks.at("li.na").get(f"/clerk/files/{files['rules']}").status_code == 200


def test_a_download_is_never_shown_inside_and_is_a_read(desks: Desks) -> None:
    number = desks.reviewed()
    answer = desks.at("zhou.jie").get(f"/clerk/files/{desks.files(number)['layout']}")
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''CANARY-layout.pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.headers["Cache-Control"] == "no-store"
    last = desks.reads("wang.fang")[-1]
    assert last == ("download", ("layout",), desks.id_of(number), desks.actor("zhou.jie").id)


@pytest.mark.parametrize(
    "name", ["平面图 (一).pdf", 'a"; filename="x.exe.pdf', "图; X-Evil=1.pdf", "../../etc/plan.pdf"]
)
def test_names_of_files_break_no_header(desks: Desks, name: str) -> None:
    number = desks.reviewed()
    site = desks.token(number, "review.food")
    desks.do("zhang.qiang", number, "pass", site)
    sent = desks.send("zhang.qiang", number, "review.food", "pass", file_site_report=(io.BytesIO(PDF), name))
    assert sent.status_code == 302, words(sent)
    answer = desks.at("wu.gang").get(f"/clerk/files/{desks.files(number)['site_report']}")
    value = answer.headers["Content-Disposition"]
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9%._~-]+", value), value
    assert "X-Evil" not in answer.headers
    assert quote("/", safe="") not in value


def test_a_report_is_for_its_own_branch_and_the_decision(desks: Desks) -> None:
    number = desks.reviewed()
    food = desks.token(number, "review.food")
    desks.do("zhang.qiang", number, "pass", food)
    desks.send("zhang.qiang", number, "review.food", "pass", file_site_report=(io.BytesIO(PDF), "CANARY-report.pdf"))
    report = desks.files(number)["site_report"]
    assert statuses(desks, report) == {"zhang.qiang": 200, "zhou.jie": 404, "sun.min": 404}
    assert desks.at("wu.gang").get(f"/clerk/files/{report}").status_code == 200
    assert "CANARY-report" not in words(desks.at("zhou.jie").get(f"/clerk/cases/{number}"))
    assert "CANARY-report" in words(desks.at("wu.gang").get(f"/clerk/cases/{number}"))


def test_what_the_applicant_only_prepares_is_not_seen(desks: Desks) -> None:
    """A correction that was begun and not sent: neither the new answer nor the new file."""
    number = desks.reviewed()
    token = desks.token(number, "review.fire")
    desks.do("zhou.jie", number, "ask", token, reason="r", data={"items": {"layout": "n"}})
    desks.do("zhang.qiang", number, "ask", desks.token(number, "review.food"), reason="r",
             data={"items": {"menu.seats": "n"}})  # fmt: skip
    desks.do("sun.min", number, "pass", desks.token(number, "review.sign"))
    new = desks.file(number, "layout", "CANARY-unsent.pdf")
    with desks.database.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        form = read_form(session, case.applicant_id, case.id).with_answers({"menu.seats": 4999}, "you")
        form = type(form)(
            **{**{k: getattr(form, k) for k in form.__dataclass_fields__}, "materials": {"layout": (new,)}}
        )
        write_form(session, case.applicant_id, case.id, form, "test", desks.stage.wall.now())
    for login in ("zhou.jie", "zhang.qiang", "li.na"):
        page = words(desks.at(login).get(f"/clerk/cases/{number}"))
        assert "CANARY-unsent" not in page
        assert "4999" not in page
        assert desks.at(login).get(f"/clerk/files/{new}").status_code == 404


def test_what_a_correction_changed_stands_on_top(desks: Desks) -> None:
    number = desks.reviewed()
    for login, scope in (("zhang.qiang", "review.food"), ("zhou.jie", "review.fire")):
        item = "menu.seats" if login == "zhang.qiang" else "layout"
        desks.do(login, number, "ask", desks.token(number, scope), reason="r", data={"items": {item: "n"}})
    desks.do("sun.min", number, "pass", desks.token(number, "review.sign"))
    desks.pass_time(days=1)
    desks.resubmitted(number, menu__seats=4801)
    page = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    top = page.partition("Facts and where they come from")[0]
    assert "1 change since the correction" in top
    assert re.search(r"<s>4,?729</s>", top)
    assert re.search(r"<strong>4,?801</strong>", top)
    assert "3 March" in page, "the answer has the date of the correction"
    assert "since the correction" not in words(desks.at("sun.min").get(f"/clerk/cases/{number}")), "nothing of its own"


# -- words and notes


def test_words_of_other_departments_are_for_the_decision(desks: Desks) -> None:
    number = desks.reviewed()
    said = {"zhang.qiang": "CANARY-said-food", "zhou.jie": "CANARY-said-fire"}
    for login, scope in (("zhang.qiang", "review.food"), ("zhou.jie", "review.fire")):
        desks.do(login, number, "pass", desks.token(number, scope), data={"opinion": said[login]})
    pages = {
        login: words(desks.at(login).get(f"/clerk/cases/{number}")) for login in (*LOGINS.values(), "wu.gang", "li.na")
    }
    assert {who for who, page in pages.items() if said["zhang.qiang"] in page} == {"zhang.qiang", "wu.gang", "li.na"}
    assert {who for who, page in pages.items() if said["zhou.jie"] in page} == {"zhou.jie", "li.na"}


def test_why_a_case_was_sent_back_is_read_by_those_it_was_sent_to(desks: Desks) -> None:
    number = desks.reviewed()
    food = desks.token(number, "review.food")
    desks.do("zhang.qiang", number, "pass", food)
    for login in ("zhang.qiang", "wu.gang"):
        desks.do(login, number, "pass", food, attachments=("site_report",))
    desks.do("zhou.jie", number, "pass", desks.token(number, "review.fire"))
    desks.do("sun.min", number, "pass", desks.token(number, "review.sign"))
    desks.do("he.tao", number, "reopen", reason="CANARY-look-again")
    for login in LOGINS.values():
        assert "CANARY-look-again" in words(desks.at(login).get(f"/clerk/cases/{number}")), login


def test_notes_stay_in_the_department(desks: Desks) -> None:
    number = desks.reviewed()
    kept = desks.post("zhang.qiang", f"/clerk/cases/{number}/notes", text="CANARY-note", idem="n1")
    assert kept.location.endswith("done=note")
    desks.post("zhang.qiang", f"/clerk/cases/{number}/notes", text="CANARY-note", idem="n1")
    page = words(desks.at("wu.gang").get(f"/clerk/cases/{number}"))
    assert page.count("CANARY-note") == 1, "sent twice, kept once"
    for login in ("zhou.jie", "sun.min", "li.na"):
        assert "CANARY-note" not in words(desks.at(login).get(f"/clerk/cases/{number}")), login
    assert "CANARY-note" not in words(desks.at("wang.fang").get(f"/my/cases/{number}"))
    assert "CANARY-note" not in words(desks.at("zhao.lei").get(f"/supervisor/cases/{number}"))
    with desks.database.read() as session:
        rows = session.scalars(select(CaseNote)).all()
    assert [r.department_id for r in rows] == ["huaxi.market_reg"]
    assert b"CANARY" not in (rows[0].text_enc or b""), "sealed"


def test_an_empty_and_an_endless_note(desks: Desks) -> None:
    number = desks.reviewed()
    assert desks.post("zhang.qiang", f"/clerk/cases/{number}/notes", text="  ").status_code == 302
    long = desks.post("zhang.qiang", f"/clerk/cases/{number}/notes", text="话" * 4001)
    assert long.status_code == 422
    assert "话话话" in words(long)
    with desks.database.read() as session:
        assert session.scalars(select(CaseNote)).all() == []


def test_two_of_one_name_are_two(desks: Desks) -> None:
    """Words are shown by the step they were written at, not by the name of who wrote them."""
    from govservice.models.accounts import User

    with desks.database.write() as session:
        for user in session.scalars(select(User).where(User.login.in_(("zhang.qiang", "sun.min")))):
            user.name = {"en": "Li Lei", "zh": "李雷"}
    number = desks.reviewed()
    desks.do("zhang.qiang", number, "pass", desks.token(number, "review.food"), data={"opinion": "CANARY-same-name"})
    assert "CANARY-same-name" not in words(desks.at("sun.min").get(f"/clerk/cases/{number}"))


# -- what people typed is text


PAYLOADS = [
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'-alert(1)-'", "javascript:alert(1)",
    "</textarea><svg onload=alert(1)>", "{{7*7}}", "${7*7}", "%(name)s", "{0.__class__}", "<b>bold</b>",
    "<!--", "&lt;script&gt;", "\u202etxt.exe", "]]><x>",
]  # fmt: skip


def handlers(page: str) -> list[str]:
    """What a browser would run: event handlers, addresses that are scripts, scripts in the page."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            given = dict(attrs)
            bad = [n for n, v in given.items() if n.startswith("on") or (v or "").lower().startswith("javascript:")]
            bad = [n for n in bad if n != "value"]
            found.extend(f"<{tag} {n}>" for n in bad)
            if tag == "script" and "src" not in given:
                found.append("<script>")

    Reader().feed(page)
    return found


def test_what_people_typed_is_never_run(desks: Desks) -> None:
    everything = " ".join(PAYLOADS)
    number = desks.filed(answers={"signage.text": everything, "premises.address": everything, "org.name": everything})
    desks.do("li.na", number, "accept", data={"opinion": everything})
    desks.do("zhang.qiang", number, "ask", desks.token(number, "review.food"), reason=everything,
             data={"items": {"menu.seats": everything}})  # fmt: skip
    desks.post("li.na", f"/clerk/cases/{number}/notes", text=everything)
    pages = {}
    for login in ("li.na", *LOGINS.values()):
        address = f"/clerk/cases/{number}"
        pages[login] = desks.at(login).get(address).get_data(as_text=True)
    late = desks.post("li.na", f"/clerk/cases/{number}/1/accept", idem="k", token_version="1", data_rev="1",
                      seen="1", opinion=everything)  # fmt: skip
    pages["conflict"] = late.get_data(as_text=True)
    pages["search"] = desks.at("li.na").get("/clerk/search", query_string={"q": everything}).get_data(as_text=True)
    query = dict.fromkeys(("q", "step", "service", "due", "with", "after"), everything)
    pages["list"] = desks.at("li.na").get("/clerk/", query_string=query).get_data(as_text=True)
    for where, page in pages.items():
        body = page.partition("<main")[2]
        for tag in ("<script>alert", "<img", "<svg onload", "<b>bold", "</textarea><svg", "<x>"):
            assert tag not in body, (where, tag)
        assert " 49 " not in body, where
        assert handlers(page) == [], where
    assert "&lt;script&gt;alert(1)" in pages["sun.min"], "shown as text"
    assert "{{7*7}}" in pages["sun.min"]
    assert "&lt;script&gt;alert(1)" in pages["conflict"]


def test_no_page_of_the_desk_holds_an_id_of_a_person(desks: Desks) -> None:
    number = desks.reviewed()
    person = desks.actor("wang.fang").person_id
    assert person is not None
    for login in ("li.na", *LOGINS.values()):
        for address, page in everything_of(desks, login, number):
            assert person not in page, (login, address)


def test_scopes_are_those_of_the_definition(desks: Desks) -> None:
    """The table of this file against the definition: a new field must be put into it."""
    compiled = desks.stage.runtime.definitions.current("open_restaurant")
    plain = {"premises.district", "org.discredited"}  # no words of their own to look for; seen by their first part
    assert set(compiled.service.fields) <= set(SHOWN) | plain
    assert {b.scope for b in compiled.blocks["review"].branches} == set(SCOPES.values())
