"""The story of "Wang Fang opens a restaurant", act by act, as people play it in a browser.

Each act is a function over visitors and says what is seen on the way; the tests put the acts together.
"""

from __future__ import annotations

import re
from urllib.parse import urljoin

import segno
from playwright.sync_api import Locator, expect

from govservice.operations.demo_cast import CAST
from tests.support.visitor import PDF, Visitor

SERVICE = "open_restaurant"
ENTERPRISE = "贵阳花溪清味餐饮有限公司"
FIELDS, HELD = 12, 9  # answers of the form, and those that registers give
SEATS = {"wrong": "64", "right": "86"}

NAMES = {member.login: {"en": member.en, "zh": member.zh} for member in CAST}


# -- the citizen files -------------------------------------------------------------------------------------------------


def find(who: Visitor, query: str) -> None:
    """From the home page by search to the service's page."""
    who.open("/")
    who.look("home")
    who.page.get_by_role("searchbox").fill(query)
    who.press("Search")
    who.look("search")
    first = who.main.locator(".gs-results li").first.get_by_role("link")
    expect(first).to_have_text(who.t["Open a restaurant"])
    with who.page.expect_navigation():
        first.click()
    who.reads("What you bring", "We hold it already", "How long it takes", "Fee")
    who.look("service page, nobody signed in")


def begin(who: Visitor, login: str) -> None:
    """Start, sign in on the way, agree to the purpose page."""
    who.follow("Start")
    who.look("sign-in on the way")
    who.sign_in(login)
    who.look("before the start")
    who.press(go_on_words(who))
    agree(who)


def go_on_words(who: Visitor) -> str:
    """The button of the page before the start: where a draft is kept already it says that this is another one."""
    another = who.main.get_by_role("button", name=who.t["Start another application"], exact=True)
    return "Start another application" if another.count() else "Continue"


def start(who: Visitor, service: str = SERVICE) -> str:
    """A draft of somebody who is signed in already, with what the registers gave. Returns its number."""
    who.open(f"/services/{service}/start")
    who.press(go_on_words(who))
    agree(who)
    return who.number


def file(who: Visitor) -> str:
    """An application for a restaurant, sent. Returns its number."""
    start(who)
    answer(who)
    return send(who)


def agree(who: Visitor) -> None:
    who.heading("What we fetch for you")
    who.reads("Kept by", "By which law", "Agree and fetch")
    who.look("purpose page")
    for asked in who.main.locator("input[id^='agree-']").all():  # registers that are asked with consent only
        asked.check()
    who.press("Agree and fetch")


def sees_what_is_held(who: Visitor) -> None:
    """The facts stand there with source and date; only what nobody holds is asked."""
    expect(who.main.locator(".gs-receipt__figure strong")).to_have_text(str(HELD))
    known = who.page.locator(".gs-known")
    for value in (ENTERPRISE, "326.40", "王芳"):
        expect(known).to_contain_text(value)
    notes = known.locator(".gs-ticks__note").all_inner_texts()
    assert notes
    assert any("2026" in note for note in notes), notes
    who.look("list of what is to be done")


def answer(who: Visitor, sign: str = "清味小馆", *, pledge: bool = False) -> None:
    """What only she knows, then the two documents; `pledge`: instead of the second one."""
    who.follow("Go on")
    who.look("question page with several questions")
    who.tick("Hot dishes")
    who.tick("Cold dishes")
    who.type("Seats for guests", SEATS["wrong"])
    who.press("Continue")
    who.look("question page with one question")
    who.page.get_by_label(who.t["Words on the sign"]).fill(sign)
    who.press("Continue")
    who.look("document to upload")
    who.attach("平面布局图.pdf")
    who.press("Continue")
    if pledge:
        give_pledge(who)
        return
    who.attach("食品安全制度.pdf", PDF + b"rules")
    who.press("Continue")


def give_pledge(who: Visitor) -> None:
    """The words stand there whole; without the tick nothing is given."""
    who.reads("Or give a pledge instead")
    who.look("document or pledge")
    who.press("Give the pledge")
    who.reads("There is a problem")
    who.look("pledge not agreed to", again=False)
    who.tick("I have read the pledge and give it")
    who.press("Give the pledge")


def send(who: Visitor) -> str:
    """The last look, and the case's number."""
    who.heading("Check your application before you send it")
    expect(who.main.locator(".gs-receipt__figure")).to_contain_text(re.compile(rf"{HELD}\s*/\s*{FIELDS}"))
    who.reads(SEATS["wrong"], "平面布局图.pdf", "326.40", "清味小馆")
    who.look("check answers")
    who.press("Send the application")
    who.heading("Your application was sent")
    who.look("sent")
    number = who.main.locator(".gs-done__number strong").inner_text()
    assert re.search(r"20\d\d", who.main.inner_text()), "the promise has a date"
    return number


def sees_case(who: Visitor, number: str, *words: str, name: str = "") -> None:
    """The citizen's page of the case says all of these."""
    who.open(f"/my/cases/{number}")
    who.reads(*words)
    if name:
        who.look(name)


def until(who: Visitor, number: str, shown: Locator, patience: int = 30) -> None:
    """Opens the case again, as people do, until what the portal's worker makes is there."""
    for _ in range(patience):
        sees_case(who, number)
        if shown.count():
            return
        who.page.wait_for_timeout(500)
    expect(shown).not_to_have_count(0)


# -- the departments ---------------------------------------------------------------------------------------------------


def open_task(who: Visitor, number: str, name: str = "") -> None:
    """From the worklist to the case, in one click."""
    who.open(f"/clerk/?q={number}")
    row = who.main.locator("tbody tr", has_text=number)
    expect(row).to_have_count(1)
    if name:
        who.look(f"worklist of the {name}")
    with who.page.expect_navigation():
        row.get_by_role("link").first.click()
    who.reads(number, "Facts and where they come from")
    if name:
        who.look(f"case, {name}")


def decide(who: Visitor, number: str, action: str, opinion: str = "", name: str = "") -> None:
    """The usual outcome: open, press."""
    open_task(who, number, name)
    if opinion:
        who.page.get_by_label(who.t["Opinion (optional)"]).first.fill(opinion)
    who.press(action)


def moved(who: Visitor) -> None:
    who.reads("Done. The case has moved on.")


def ask_for_correction(who: Visitor, number: str, wrong: dict[str, str], reason: str, name: str = "",
                       action: str = "Ask for a correction") -> None:  # fmt: skip
    """Ticks what is wrong, says why, sends it."""
    open_task(who, number, name)
    who.follow(action)
    who.look("asking for a correction")
    fill_correction(who, wrong, reason)
    who.press(action)
    who.reads("Done. The request for a correction is kept.")


def fill_correction(who: Visitor, wrong: dict[str, str], reason: str) -> None:
    for label, note in wrong.items():
        item = who.main.locator(".gs-item", has=who.page.get_by_label(who.t[label], exact=True))
        item.get_by_role("checkbox").check()
        item.get_by_role("textbox").fill(note)
    who.type("Words to the applicant", reason)


def visit(who: Visitor, number: str, name: str = "") -> None:
    """A site visit needs its report: without one the page says so and keeps the opinion."""
    open_task(who, number, name)
    who.follow("Site passed")
    who.look("action that needs a file")
    who.type("Opinion (optional)", "现场整洁，符合要求。")
    who.press("Site passed")
    who.reads("There is a problem")
    expect(who.page.get_by_label(who.t["Opinion (optional)"])).to_have_value("现场整洁，符合要求。")
    who.look("action with a file missing", again=False)
    who.attach("现场核查记录.pdf")
    who.press("Site passed")
    who.reads("Done. A second person must confirm it.")


def may_not_decide(who: Visitor, number: str) -> None:
    """Who examined the case finds no button to decide it, but the reason why; a forged form changes nothing."""
    open_task(who, number)
    expect(who.main.get_by_role("button", name=who.t["Approve"], exact=True)).to_have_count(0)
    reason = who.main.locator(".gs-decide__side p", has_text=who.t["Approve"])
    expect(reason.first).to_be_visible()
    who.look("case that the reader examined")


# -- she corrects ------------------------------------------------------------------------------------------------------


def correct(who: Visitor, number: str) -> None:
    """One notice; only the two named things are open."""
    notices = who.main.locator(".gs-side").get_by_role("link", name=who.t["Notice of correction"])
    until(who, number, notices)
    who.reads("Your turn", "图纸为 86 个餐位", "请标明两个安全出口")
    who.look("case that waits for the applicant")
    expect(notices).to_have_count(1)
    with who.page.expect_navigation():
        notices.click()
    who.reads("图纸为 86 个餐位", "请标明两个安全出口")
    who.look("notice of correction")
    who.open(f"/my/cases/{number}/correct")
    expect(who.main.locator(".gs-correct")).to_have_count(2)
    inputs = who.main.locator("form#page-form input:not([type=hidden])")
    expect(inputs.and_(who.page.locator(":not([name=as_is])"))).to_have_count(2)
    expect(inputs.and_(who.page.locator("[name=as_is]"))).to_have_count(2)  # each may be left as it is, if one says so
    who.look("correcting")
    who.type("Seats for guests", "many")
    who.press("Send the corrections")
    who.reads("There is a problem")
    expect(who.page.get_by_label(who.t["Seats for guests"], exact=True)).to_have_value("many")
    assert who.page.title().startswith(who.t["Error: "])
    who.look("correcting, with a fault", again=False)
    answer_the_notice(who)
    who.look("case after the correction")


def answer_the_notice(who: Visitor) -> None:
    """Puts right what was named, on the page that is open."""
    who.type("Seats for guests", SEATS["right"])
    who.attach("平面布局图（修改）.pdf", PDF + b"two exits")
    who.press("Send the corrections")
    who.reads("Your corrections were sent. The clock runs on.")


# -- the licence -------------------------------------------------------------------------------------------------------


def has_licence(who: Visitor, number: str) -> str:
    """Waits for the portal to issue it; opens it. Returns the address that its QR leads to."""
    button = who.main.get_by_role("link", name=who.t["Open your licence"]).or_(
        who.main.get_by_role("button", name=who.t["Open your licence"])
    )
    until(who, number, button)
    who.reads("Granted")
    who.look("case that was granted")
    with who.page.expect_navigation():
        button.click()
    who.reads(ENTERPRISE)
    who.look("licence")
    href = urljoin(who.page.url, who.main.locator(".gs-letter__foot a").get_attribute("href") or "")
    assert same_code(who, href), "the QR leads to the licence's public page"
    return href


def same_code(who: Visitor, href: str) -> bool:
    """Whether the page's QR is the one of this address: drawn anew, it has the same modules."""
    shown = who.main.locator(".gs-qr svg path").last.get_attribute("d")
    drawn = segno.make(href, error="m", micro=False).svg_inline()
    return shown is not None and shown.partition("h")[2] in drawn  # what comes before "h" is the margin


def verified_by_anybody(who: Visitor, href: str) -> None:
    """Nobody signed in: the QR's address, and the code typed by hand."""
    assert href.startswith(who.url)
    who.open(href.removeprefix(who.url))
    who.reads("Valid", ENTERPRISE)
    who.look("public page of a licence")
    code = href.rstrip("/").rpartition("/")[2]
    who.open("/verify")
    who.look("verify a licence")
    who.type("Code of the licence", f" {code[:4].lower()}-{code[4:]} ")
    who.press("Verify")
    who.reads("Valid", ENTERPRISE)
    who.open("/verify")
    who.type("Code of the licence", "0000 0000 0000 0000")
    who.press("Verify")
    who.reads("There is a problem")
    who.look("verify a licence that is not there")


def revoke(who: Visitor, number: str) -> None:
    """The check of the pledge is in the worklist after the case has closed; it was broken."""
    open_task(who, number, "check of the pledge")
    who.reads("Pledges, and documents that come later")
    who.follow("Revoke the licence")
    who.type("Reason", "现场核查未见任何食品安全管理制度。")
    who.press("Revoke the licence")
    moved(who)


def sees_revocation(who: Visitor, number: str, anybody: Visitor, href: str) -> None:
    """The holder has the reasons in a notice; everybody else the date and a code."""
    notice = who.main.locator(".gs-side").get_by_role("link", name=who.t["Notice of revocation"])
    until(who, number, notice)
    who.look("case whose licence was revoked")
    with who.page.expect_navigation():
        notice.click()
    who.reads("现场核查未见任何食品安全管理制度。")
    who.look("notice of revocation")
    anybody.open(href.removeprefix(anybody.url))
    anybody.reads("Revoked", "Revoked on", "pledge_broken")
    anybody.look("public page of a revoked licence")


def rate(who: Visitor, number: str) -> None:
    who.open(f"/my/cases/{number}/rate")
    who.look("rating")
    who.page.get_by_label(re.compile("^" + re.escape(who.t["Very satisfied"]))).check()
    who.type("In your own words (optional)", "一次办成，谢谢。")
    who.press("Send the rating")
    who.reads("Thank you. Your judgement is kept, and the clerks do not see your name beside it.")


def sees_readers(who: Visitor, number: str, *logins: str) -> None:
    """Who looked: each of these people stands there with this case."""
    who.open(f"/my/data/reads?case={number}&period=all")
    for login in logins:
        expect(who.main.locator("tbody tr", has_text=NAMES[login][who.t.code]).first).to_contain_text(number)
    who.look("who looked at my data")


# -- the supervisor ----------------------------------------------------------------------------------------------------


def watches(who: Visitor, number: str) -> None:
    """The bottleneck stands above the fold; the case is among the decided ones."""
    who.open(f"/supervisor/?service={SERVICE}")
    headline = who.page.get_by_role("heading", level=1)
    expect(headline).to_contain_text(who.t("%(step)s is the bottleneck.", step=who.t["Fire inspection"]))
    box = headline.bounding_box()
    assert box is not None
    assert box["y"] + box["height"] < 768, "above the fold"
    who.look("overview of the supervisor")
    who.open(f"/supervisor/cases?show=decided&service={SERVICE}&period=30")
    expect(who.main.locator("tbody tr", has_text=number)).to_have_count(1)
    who.look("list of decided cases")
    with who.page.expect_navigation():
        who.main.locator("tbody tr", has_text=number).get_by_role("link").first.click()
    who.reads(number, "What has happened")
    who.look("case, supervisor")


def sees_nothing(who: Visitor, number: str) -> None:
    """Another area's case, and no case at all, look alike."""
    who.open(f"/clerk/?q={number}")
    expect(who.main.locator("tbody tr")).to_have_count(0)
    who.look("worklist with nothing found")
    for path in (f"/clerk/cases/{number}", "/clerk/cases/AAAAA-AAAAA-AAAAA", f"/supervisor/cases/{number}",
                 f"/my/cases/{number}", f"/my/cases/{number}/licence"):  # fmt: skip
        who.open(path, status=404)
    who.look("a page that is not there")
