"""A whole application in few words: filling in whatever is asked, and members of staff by the role they hold."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from playwright.sync_api import expect

from tests.support import story
from tests.support.portal import Portal
from tests.support.visitor import PDF, Stage, Visitor

MOST_PAGES = 25


class Offices:
    """Members of staff of one district, each with a browser of their own from their first act on; they read one
    language."""

    def __init__(self, stage: Stage, district: str, language: str) -> None:
        self.stage, self.district, self.language = stage, district, language
        self.known: dict[str, Visitor] = {}

    def holder(self, role: str, which: int = 0) -> Visitor:
        """Somebody who holds `role` ("window@service_hall") in the district; `which` of them."""
        name, _, kind = role.partition("@")
        login = holders(self.stage.portal)[f"{name}@{self.district}.{kind}"][which]
        if login not in self.known:
            self.known[login] = self.stage.person(login, self.language)
        return self.known[login]

    def decide(self, number: str, role: str, action: str, which: int = 0, *, patience: int = 0) -> Visitor:
        """Opens the case and takes the action; the case moves on. With `patience` the case is opened again so often
        until what the portal's worker does has brought it there."""
        who = self.holder(role, which)
        who.open(f"/clerk/cases/{number}")
        button = who.main.get_by_role("button", name=who.t[action], exact=True)
        for _ in range(patience):
            if button.count():
                break
            who.page.wait_for_timeout(500)
            who.open(f"/clerk/cases/{number}")
        who.press(action)
        story.moved(who)
        return who

    def decide_if_left(self, number: str, role: str, action: str) -> None:
        """The same, where a register that was late on a busy machine has left it to the office."""
        who = self.holder(role)
        who.open("/clerk")
        if who.main.get_by_text(number).count():
            self.decide(number, role, action)

    def say_why(self, number: str, role: str, action: str, reason: str, label: str = "Reason") -> None:
        """An action that wants a reason, or other words under that label."""
        who = self.holder(role)
        who.open(f"/clerk/cases/{number}")
        who.follow(action)
        who.type(label, reason)
        who.press(action)
        story.moved(who)


_STAFF: dict[str, Mapping[str, list[str]]] = {}  # by the portal's address


def holders(portal: Portal) -> Mapping[str, list[str]]:
    """Sign-in names by role and department, those who hold fewest roles first; asked once of each portal."""
    if portal.url not in _STAFF:
        staff: list[dict[str, Any]] = json.loads(portal.flask("users", "list", "--json"))["staff"]
        found: dict[str, list[str]] = {}
        for one in sorted(staff, key=lambda one: len(one["roles"])):
            for role in one["roles"]:
                found.setdefault(role, []).append(str(one["login"]))
        _STAFF[portal.url] = found
    return _STAFF[portal.url]


def apply(who: Visitor, service: str, answers: Mapping[str, str | tuple[str, ...]], *, pledge: bool = False) -> str:
    """From the start to the sent application. `answers` by field: a text, an option, or several options; every
    document is brought, or with `pledge` promised where that may be. Returns the case's number."""
    story.start(who, service)
    who.follow("Go on")
    for page in range(MOST_PAGES):
        if who.main.get_by_role("button", name=who.t["Agree and fetch"], exact=True).count():
            story.agree(who)  # an answer called for another register
        elif who.main.locator("input[type=file]").count():
            _document(who, page, pledge)
        elif not _questions(who, answers):
            break
    who.heading("Check your application before you send it")
    who.press("Send the application")
    who.heading("Your application was sent")
    return who.number


def _questions(who: Visitor, answers: Mapping[str, str | tuple[str, ...]]) -> bool:
    """Answers what this page asks; False where it asks nothing that is known."""
    found = False
    for name, value in answers.items():
        field = who.main.locator(f"[name='{name}']")
        if not field.count():
            continue
        found = True
        kind = field.first.evaluate("it => it.tagName + ':' + it.type")
        if kind.endswith((":radio", ":checkbox")):
            for each in (value,) if isinstance(value, str) else value:
                who.main.locator(f"[name='{name}'][value='{each}']").check()
        elif kind.startswith("SELECT"):
            field.select_option(value)
        else:
            field.fill(str(value))
    if found:
        who.press("Continue")
    return found


def _document(who: Visitor, page: int, pledge: bool) -> None:
    promise = who.main.get_by_role("button", name=who.t["Give the pledge"], exact=True)
    if pledge and promise.count():
        who.tick("I have read the pledge and give it")
        who.press("Give the pledge")
        return
    who.attach(f"材料{page}.pdf", PDF + bytes([page]))
    who.press("Continue")


def pays(who: Visitor, number: str) -> None:
    """The fee, at the payment sandbox: until it has confirmed, nothing is issued."""
    name = who.t["Pay"]
    link = who.main.get_by_role("link", name=name, exact=True).or_(
        who.main.get_by_role("button", name=name, exact=True)
    )
    story.until(who, number, link)
    with who.page.expect_navigation():
        link.first.click()
    who.press("Go on to pay")
    with who.page.expect_navigation():
        who.page.get_by_role("button", name="支付 / Pay").click()


def granted(who: Visitor, number: str) -> None:
    """Waits for the paper, opens it, and anybody's page of it says that it is valid."""
    name = who.t["Open your licence"]
    button = who.main.get_by_role("link", name=name).or_(who.main.get_by_role("button", name=name))
    story.until(who, number, button)
    who.reads("Granted")
    with who.page.expect_navigation():
        button.click()
    href = who.main.locator(".gs-letter__foot a").get_attribute("href") or ""
    who.open("/" + href.split("/", 3)[-1] if "://" in href else href)
    expect(who.main).to_contain_text(who.t["Valid"])
