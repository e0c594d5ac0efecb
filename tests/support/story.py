"""The story of "Wang Fang opens a restaurant", act by act, as people play it in a browser.

Each act is a function over visitors and says what is seen on the way; the tests put the acts together.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import expect

from tests.support.visitor import PDF, Visitor

SERVICE = "open_restaurant"
ENTERPRISE = "贵阳花溪清味餐饮有限公司"
FIELDS, HELD = 12, 9  # answers of the form, and those that registers give
SEATS = {"wrong": "64", "right": "86"}


@dataclass
class Filed:
    """What the receipt page told: the case's number."""

    number: str


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
    who.press("Continue")
    agree(who)


def agree(who: Visitor) -> None:
    who.heading("What we fetch for you")
    who.reads("Kept by", "By which law", "Agree and fetch")
    who.look("purpose page")
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


def answer(who: Visitor, sign: str = "清味小馆") -> None:
    """What only she knows, then the two documents."""
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
    who.attach("食品安全制度.pdf", PDF + b"rules")
    who.press("Continue")


def send(who: Visitor) -> Filed:
    """The last look, and the number."""
    who.heading("Check your application before you send it")
    expect(who.main.locator(".gs-receipt__figure")).to_contain_text(re.compile(rf"{HELD}\s*/\s*{FIELDS}"))
    who.reads("86" if False else SEATS["wrong"], "平面布局图.pdf", "326.40", "清味小馆")
    who.look("check answers")
    who.press("Send the application")
    who.heading("Your application was sent")
    who.look("sent")
    number = who.main.locator(".gs-done__number strong").inner_text()
    assert re.search(r"20\d\d", who.main.inner_text()), "the promise has a date"
    return Filed(number)
