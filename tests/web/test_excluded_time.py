"""Excluded time and the extension of a limit, seen by everybody: clerk, government office, applicant, supervisor."""

from __future__ import annotations

import pytest

from govservice.engine import tick
from govservice.operations.effects import deliver_due
from tests.web.conftest import Stage
from tests.web.desks import Desks, words


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


def decided_on(desks: Desks) -> str:
    """A case that waits for the decision: a small place without guests, so that only food safety looks."""
    number = desks.reviewed(answers={"premises.area": "80", "menu.seats": 0})
    desks.do("zhang.qiang", number, "pass", desks.token(number, "review.food"))
    for who in ("wu.gang", "zhang.qiang"):
        desks.do(who, number, "pass", desks.token(number, "review.food"), attachments=("site_report",))
    assert desks.state(number).main.step == "decision"
    return number


def letters(desks: Desks, number: str, kind: str) -> dict[str, str]:
    """The letter of a kind in both languages, as the applicant reads it."""
    rt = desks.stage.runtime
    while deliver_due(rt, "w", rt.now()):
        pass
    browser = desks.at("wang.fang")
    found = {}
    for language in ("en", "zh"):
        browser.get(f"/language/{language}")
        page = words(browser.get(f"/my/cases/{number}"))
        address = next(part.split('"')[0] for part in page.split('href="') if f"/notices/{kind}/" in part.split('"')[0])
        found[language] = page + words(browser.get(address))
    browser.get("/language/en")
    return found


def test_a_hearing_stops_the_clock_and_everybody_is_told(desks: Desks) -> None:
    number = decided_on(desks)
    page = words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    assert "Hold a hearing" in page
    assert "The hearing is over" in page, "and why it is not possible"
    ask = words(desks.at("he.tao").get(f"/clerk/cases/{number}/1/hear"))
    assert "It runs on by itself after 20 working days at the latest. You have the right to be heard" in ask
    assert desks.send("he.tao", number, "", "hear").status_code == 302
    page = words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    assert "The clock stands still until" in page
    assert "The clock stands still: hearing, 20 working days at most" in page
    assert "The clock stands still" in words(desks.at("zhao.lei").get(f"/supervisor/cases/{number}"))
    assert desks.send("he.tao", number, "", "heard").status_code == 302
    assert "The clock runs on: hearing is over" in words(desks.at("he.tao").get(f"/clerk/cases/{number}"))
    page = letters(desks, number, "pause")
    assert "Notice of excluded time" in page["en"]
    assert "It is expected to take 20 working days, until" in page["en"]
    assert "The clock stopped, until" in page["en"]
    assert "特别程序告知书" in page["zh"]
    assert "需要进行听证，预计需20个工作日" in page["zh"].replace(" ", "")


def test_the_office_named_extends_the_limit_once_and_the_applicant_reads_why(desks: Desks) -> None:
    number = decided_on(desks)
    address = f"/clerk/cases/{number}/1/@extend:decision"
    assert desks.at("fang.rui").get(address).status_code == 404, "the case is not brought to the office yet"
    desks.pass_time(days=56)
    while tick(desks.database, desks.stage.wall.now(), desks.stage.runtime.definitions, desks.stage.runtime.calendars):
        pass
    assert number in words(desks.at("fang.rui").get("/clerk/?due=watched")), "four fifths of 45 working days are used"
    page = words(desks.at("fang.rui").get(f"/clerk/cases/{number}"))
    assert "Extend the limit" in page
    assert "whoever may extend it was shown the case" in page
    ask = words(desks.at("fang.rui").get(address))
    assert "The limit by law is 45 working days. It becomes longer by 15 working days, once." in ask
    assert desks.send("fang.rui", number, "", "@extend:decision").status_code == 422, "without reasons"
    sent = desks.send("fang.rui", number, "", "@extend:decision", reason="The expert was ill.")
    assert sent.status_code == 302, words(sent)
    assert desks.at("he.tao").get(address).status_code == 409, "it is not the deputy director's, and done already"
    page = letters(desks, number, "extension")
    assert "The expert was ill." in page["en"]
    assert "was extended by 15 working days and is now 60 working days" in page["en"]
    assert "Fang Rui" in page["en"]
    assert "The limit set by law was extended by 15 working days" in page["en"]
    assert "延长办理期限告知书" in page["zh"]
    assert "延长后为60个工作日" in page["zh"].replace(" ", "")
