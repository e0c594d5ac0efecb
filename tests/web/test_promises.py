"""Clause 7 at every desk: a pledge instead of a proof, a document that comes later, the check after the end."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from sqlalchemy import delete, select

from govservice.engine import tick
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement
from govservice.operations.effects import deliver_due
from tests.web.cases import PDF
from tests.web.citizens import ANSWERS, begin, hidden, send, text_of
from tests.web.conftest import Browser, Stage
from tests.web.desks import Desks, told, words

PLEDGE = "I keep food-safety rules that meet them"


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def filled(browser: Browser) -> str:
    """A draft with every question answered and the layout given; rules and health certificates are still asked. The
    register of serious breaches has told that the enterprise is not on it: promises are open."""
    number = begin(browser)
    rt = browser.application.extensions["runtime"]
    with rt.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        session.execute(delete(EvidenceRequirement).where(EvidenceRequirement.name == "standing"))
        told(session, case, rt.now(), "standing", "org.discredited", False)
    for page, answers in ANSWERS.items():
        assert browser.send(f"/my/cases/{number}/pages/{page}", answers).status_code == 303
    for slot in ("layout", "title_deed"):
        given = {"file": (io.BytesIO(PDF), f"{slot}.pdf"), "then": "go"}
        assert browser.send(f"/my/cases/{number}/documents/{slot}", given).status_code == 303
    return number


def choose(browser: Browser, number: str, slot: str, way: str, **more: str) -> Any:
    page = f"/my/cases/{number}/documents/{slot}"
    return browser.send(f"{page}/instead", {"way": way, **more}, page=page)


def promised(browser: Browser) -> str:
    """Sent on a pledge and with a gap."""
    number = filled(browser)
    choose(browser, number, "rules", "pledge", agree="yes", version="1")
    choose(browser, number, "health_certificates", "later")
    sent = send(browser, number)
    assert sent.headers["Location"].endswith("/sent"), words(sent)
    return number


def decided(desks: Desks, number: str) -> None:
    desks.do("li.na", number, "accept")
    desks.do("zhang.qiang", number, "pass", token=desks.token(number, "review.food"))
    for login in ("zhang.qiang", "wu.gang"):
        files = {"attachments": ("site_report",)}
        desks.do(login, number, "pass", token=desks.token(number, "review.food"), **files)
    desks.do("zhou.jie", number, "pass", token=desks.token(number, "review.fire"))
    desks.do("sun.min", number, "pass", token=desks.token(number, "review.sign"))
    desks.do("he.tao", number, "approve")


def delivered(stage: Stage) -> None:
    while deliver_due(stage.runtime, "test", stage.wall.now()):
        pass


def test_choosing_the_pledge_or_the_usual_way(stage: Stage) -> None:
    """ "The pledge text shown whole, agreed to explicitly, or take the normal way"."""
    fang = stage.client_as("wang.fang")
    service = words(fang.get("/services/open_restaurant"))
    assert "A pledge instead; checked within 30 working days of issue" in service
    assert "Below 300 square metres and without raw food you may pledge instead" in service, "and to whom it is open"
    number = filled(fang)
    page = words(fang.get(f"/my/cases/{number}/documents/rules"))
    assert PLEDGE in page
    assert "nobody may refuse you for choosing the usual way" in page
    silent = choose(fang, number, "rules", "pledge", version="1")
    assert silent.status_code == 422
    assert "Tick the box" in words(silent)
    assert 'href="#agree"' in words(silent)
    old = choose(fang, number, "rules", "pledge", agree="yes", version="7")
    assert old.status_code == 422
    assert "The words of this pledge have changed" in words(old)
    assert choose(fang, number, "rules", "pledge", agree="yes", version="1").status_code == 303
    assert "Pledge given on" in words(fang.get(f"/my/cases/{number}/tasks"))
    assert "Or give a pledge instead" not in words(fang.get(f"/my/cases/{number}/documents/rules"))
    assert PLEDGE in words(fang.get(f"/my/cases/{number}/check"))
    assert choose(fang, number, "rules", "usual").status_code == 303
    assert "Pledge given on" not in words(fang.get(f"/my/cases/{number}/tasks"))
    given = {"file": (io.BytesIO(PDF), "rules.pdf"), "then": "go"}
    choose(fang, number, "rules", "pledge", agree="yes", version="1")
    fang.send(f"/my/cases/{number}/documents/rules", given)
    assert "Pledge given on" not in words(fang.get(f"/my/cases/{number}/tasks")), "the proof takes its place"
    for slot, way in (("layout", "pledge"), ("layout", "later"), ("rules", "later")):
        assert choose(fang, number, slot, way, agree="yes", version="1").status_code == 422, (slot, way)
    assert choose(fang, number, "nothing", "later").status_code == 404


def test_nothing_is_promised_while_the_register_of_breaches_is_silent(stage: Stage) -> None:
    """Neither way is offered, nor taken when it is wished for; nobody is asked about their own credit."""
    fang = stage.client_as("wang.fang")
    number = begin(fang)
    for slot, words_of_it, way in (
        ("rules", "Or give a pledge instead", "pledge"), ("health_certificates", "Or bring it later", "later"),
    ):  # fmt: skip
        assert words_of_it not in words(fang.get(f"/my/cases/{number}/documents/{slot}"))
        assert choose(fang, number, slot, way, agree="yes", version="1").status_code == 422
    assert fang.get(f"/my/cases/{number}/pages/applicant").status_code == 303, "no question stands there"


def test_a_document_that_comes_later(stage: Stage, desks: Desks) -> None:
    """The date stands on the receipt, whose turn it is on the case; the licence waits for it."""
    fang = desks.at("wang.fang")
    number = filled(fang)
    page = words(fang.get(f"/my/cases/{number}/documents/health_certificates"))
    assert "Or bring it later" in page
    assert "before the step “Licence being issued”" in page
    choose(fang, number, "rules", "pledge", agree="yes", version="1")
    assert choose(fang, number, "health_certificates", "later").status_code == 303
    assert "Comes later, by" in words(fang.get(f"/my/cases/{number}/tasks"))
    send(fang, number)
    delivered(stage)
    case = words(fang.get(f"/my/cases/{number}"))
    due = re.search(r"Staff health certificates.{0,80}?by (\w+ \d+ \w+ \d{4})", case, re.DOTALL)
    assert due, case
    receipt = re.search(rf"/my/cases/{number}/notices/receipt/\d+", case)
    assert receipt
    letter = words(fang.get(receipt[0]))
    for said in (f"Staff health certificates: by {due[1]}", "You gave a pledge instead of: Food-safety rules"):
        assert said in letter
    decided(desks, number)
    clerk = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    for said in ("Pledges, and documents that come later", PLEDGE, "Comes later", due[1]):
        assert said in clerk
    assert "Pledges, and documents" not in words(desks.at("zhou.jie").get(f"/clerk/cases/{number}"))
    case = words(fang.get(f"/my/cases/{number}"))
    assert "Your turn" in case
    assert f"Bring 1 document by {due[1]}" in case
    assert f"Bring what was put off by {due[1]}" in words(fang.get("/my/cases"))
    bring = f"/my/cases/{number}/bring/health_certificates"
    assert fang.send(bring, {}).status_code == 422
    bad = fang.send(bring, {"file": (io.BytesIO(b"MZ"), "x.pdf")})
    assert bad.status_code == 422
    key = {"idem": "k" * 24}
    sent = [fang.send(bring, {**key, "file": (io.BytesIO(PDF), "健康证.pdf")}, page="/account") for _ in (1, 2)]
    assert {answer.headers["Location"].rpartition("said=")[2] for answer in sent} == {"brought"}
    delivered(stage)
    case = words(fang.get(f"/my/cases/{number}"))
    assert "Granted on" in case
    assert "You brought: Staff health certificates" in case
    assert fang.get(bring).status_code == 303
    assert "健康证.pdf" in words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    assert desks.at("chen.wei").get(bring).status_code == 404, "somebody else's"


def test_what_does_not_come_ends_the_application(stage: Stage, desks: Desks) -> None:
    fang = desks.at("wang.fang")
    number = promised(fang)
    rt = stage.runtime
    for days, kind, said in (
        (13, "gap", "waits for a document that you put off"),
        (4, "terminated", "did not come by its day"),
    ):
        now = desks.pass_time(days=days)
        tick(rt.database, now, rt.definitions, rt.calendars)
        delivered(stage)
        case = words(desks.at("wang.fang").get(f"/my/cases/{number}"))
        letter = re.search(rf"/my/cases/{number}/notices/{kind}/\d+", case)
        assert letter, case
        assert said in words(desks.at("wang.fang").get(letter[0]))
    assert desks.state(number).outcome == "terminated"
    bring = f"/my/cases/{number}/bring/health_certificates"
    assert "said=not_now" in desks.at("wang.fang").get(bring).headers["Location"]


def test_the_check_after_the_end_and_the_revocation(stage: Stage, desks: Desks) -> None:
    """The post-check is in the worklist with its day; overdue it stands with the supervisor; revoking makes the licence
    invalid on its public page with the date and the reason's code."""
    fang = desks.at("wang.fang")
    number = promised(fang)
    fang.send(
        f"/my/cases/{number}/bring/health_certificates", {"file": (io.BytesIO(PDF), "h.pdf"), "idem": "z" * 24},
        page="/account",
    )  # fmt: skip
    decided(desks, number)
    delivered(stage)
    code = re.search(r"/verify/([0-9A-Z-]{19})", words(fang.get(f"/my/cases/{number}/licence")))
    assert code
    public = f"/verify/{code[1]}"
    assert "Valid" in words(stage.client().get(public))
    row = words(desks.at("zhang.qiang").get("/clerk/"))
    assert number in row
    assert "Check of the pledge" in row
    page = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    for said in ("Pledge kept", "Revoke the licence", PLEDGE, "Check of the pledge"):
        assert said in page
    assert "Nothing for you to do" in words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    desks.pass_time(days=60)
    tick(stage.runtime.database, stage.wall.now(), stage.runtime.definitions, stage.runtime.calendars)
    late = words(desks.at("zhao.lei").get("/supervisor/late?period=90"))
    assert number in late.partition("Past the promised date")[0] or number in late
    assert number in words(desks.at("zhao.lei").get("/supervisor/cases?show=late_here&service=open_restaurant"))
    assert number not in words(desks.at("zhao.lei").get("/supervisor/cases?show=revoked&period=90"))
    refused = desks.send("zhang.qiang", number, "post_check", "revoke")
    assert refused.status_code == 422, "a reason is required"
    done = desks.send("zhang.qiang", number, "post_check", "revoke", reason="现场没有任何制度")
    assert done.status_code == 302
    delivered(stage)
    seen = words(stage.client().get(public))
    for said in ("Revoked", "Revoked on", "pledge_broken"):
        assert said in seen
    assert "现场没有任何制度" not in seen, "the clerk's words are the holder's alone"
    case = words(desks.at("wang.fang").get(f"/my/cases/{number}"))
    assert "Licence revoked on" in case
    letter = re.search(rf"/my/cases/{number}/notices/revoked/\d+", case)
    assert letter
    assert "现场没有任何制度" in words(desks.at("wang.fang").get(letter[0]))
    assert number in words(desks.at("zhao.lei").get("/supervisor/cases?show=revoked&period=90"))
    assert desks.state(number).outcome == "granted", "the case stays closed as it was"


def test_a_paper_that_was_not_to_be_sent_may_be_named_and_one_reads_why_there_is_none(stage: Stage) -> None:
    """The pledged one, and the one that a register holds: "you sent nothing" alone would be a riddle."""
    fang, desks = stage.client_as("wang.fang"), Desks(stage)
    number = filled(fang)
    with stage.runtime.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        session.execute(delete(EvidenceRequirement).where(EvidenceRequirement.name == "health"))
        told(session, case, stage.runtime.now(), "health", "staff.certificates", ["JK1 · 王芳 · 2027-01-01"])
    choose(fang, number, "rules", "pledge", agree="yes", version="1")
    assert send(fang, number).headers["Location"].endswith("/sent")
    items = {"rules": "We want to read them.", "health_certificates": "One is missing.", "layout": "Show the exit."}
    desks.do("li.na", number, "correct", reason="Please mend.", data={"items": items})
    address = f"/my/cases/{number}/correct"
    page = words(fang.get(address))
    assert "Nothing: you gave a pledge instead" in page
    assert "Nothing: Health Certificate Register holds it" in page
    assert "Have it put right there and say below that you upload none" in page
    assert page.count("It takes the place of the old one") == 1, "of the layout alone there is an old one"
    assert "I leave this as it is: Layout plan" in page
    assert "I upload no document: Food-safety rules" in page
    form = hidden(text_of(fang.get(address)))
    silent = fang.post(address, data={**form, "as_is": "layout"})
    assert silent.status_code == 422
    assert "Food-safety rules: upload a file, or say that you upload none" in words(silent)
    brought = {"as_is": ["layout", "health_certificates"], "file-rules": (io.BytesIO(PDF), "rules.pdf")}
    answered = fang.post(address, data={**form, **brought})
    assert answered.headers["Location"].endswith("said=corrected"), words(answered)
    changed = words(desks.at("li.na").get(f"/clerk/cases/{number}")).partition("What the applicant corrected")[2]
    row = re.search(r"<tr.*?Food-safety rules.*?rules\.pdf", changed, re.DOTALL)
    assert row
    assert "–" in row[0], "before there was none"
