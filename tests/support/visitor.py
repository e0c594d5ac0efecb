"""A person at a browser: one context of their own, the words of one language, and eyes for what they see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Locator, Page, Response, expect

from tests.support.eyes import WIDE, Eyes
from tests.support.portal import Portal
from tests.support.tongue import Tongue

PASSWORD = "guiyang-demo"  # of the demonstration, which production refuses
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
NUMBER = re.compile(r"/cases/([0-9A-Z-]{10,})")


@dataclass
class Visitor:
    """`login` is empty for a visitor who did not sign in; `t` translates what they press and read."""

    page: Page
    url: str
    t: Tongue
    eyes: Eyes | None = None
    login: str = ""

    # -- going

    def open(self, path: str, status: int = 200) -> Response:
        """Goes to an address of the portal and expects this status."""
        answer = self.page.goto(self.url + path)
        assert answer is not None
        assert answer.status == status, f"{path} answered {answer.status}"
        return answer

    def press(self, words: str, *, within: Locator | None = None) -> None:
        """Presses the button of this name and waits for the page it leads to."""
        with self.page.expect_navigation():
            self._one(within, "button", words).click()

    def follow(self, words: str, *, within: Locator | None = None) -> None:
        """Follows the link (or the link that looks like a button) of this name."""
        link, button = self._one(within, "link", words), self._one(within, "button", words)
        with self.page.expect_navigation():
            link.or_(button).first.click()

    def _one(self, within: Locator | None, role: Any, words: str) -> Locator:
        return (within or self.page.locator("main")).get_by_role(role, name=self.t[words], exact=True)

    # -- typing

    def type(self, label: str, value: str) -> None:
        self.page.get_by_label(self.t[label], exact=True).fill(value)

    def tick(self, label: str) -> None:
        self.page.get_by_label(self.t[label], exact=True).check()

    def attach(self, name: str, content: bytes = PDF, mime: str = "application/pdf") -> None:
        """Chooses a file in the page's only file input."""
        self.page.locator("input[type=file]").set_input_files({"name": name, "mimeType": mime, "buffer": content})

    # -- reading

    @property
    def path(self) -> str:
        return self.page.url.removeprefix(self.url)

    @property
    def number(self) -> str:
        """The case's number, as the address has it."""
        found = NUMBER.search(self.page.url)
        assert found, self.page.url
        return found.group(1)

    @property
    def main(self) -> Locator:
        return self.page.locator("main")

    def heading(self, words: str, **facts: object) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.t(words, **facts), use_inner_text=True)

    def reads(self, *words: str) -> None:
        """Each of these stands on the page (translated where a translation is known)."""
        for each in words:
            expect(self.main).to_contain_text(self.said(each))

    def said(self, words: str) -> str:
        try:
            return self.t[words]
        except KeyError:
            return words

    def look(self, name: str, *, again: bool = True) -> None:
        """Lets the eyes judge this page, in both languages where it can be opened again."""
        self.page.wait_for_load_state()
        if self.eyes is not None:
            self.eyes.look(self.page, name, self.t.code, again=again)

    # -- who

    def sign_in(self, login: str, password: str = PASSWORD) -> None:
        """Fills in the sign-in page that is open."""
        self.login = login
        self.type("Sign-in name", login)
        self.type("Password", password)
        self.press("Sign in")
        expect(self.page.get_by_role("button", name=self.t["Sign out"])).to_be_visible()


@contextmanager
def visitor(
    browser: Browser, url: str, language: str = "zh", *, service: str = "open_restaurant", login: str = "",
    password: str = PASSWORD, script: bool = True, eyes: Eyes | None = None,
) -> Iterator[Visitor]:  # fmt: skip
    """A person with a browser of their own, signed in where a login is given."""
    context = browser.new_context(viewport=WIDE, java_script_enabled=script, locale=language)  # type: ignore[arg-type]
    context.set_default_timeout(15_000)
    context.add_cookies([{"name": "language", "value": language, "url": url}])
    made = Visitor(context.new_page(), url, Tongue(language, service), eyes)
    if eyes is not None:
        eyes.watch(made.page)
    try:
        if login:
            made.open("/sign-in")
            made.sign_in(login, password)
        yield made
    finally:
        context.close()


class Stage:
    """Opens a browser for each person who comes on, with the words of `service`; closes all of them at the end."""

    def __init__(
        self, browser: Browser, portal: Portal, *, script: bool = True, eyes: Eyes | None = None,
        service: str = "open_restaurant",
    ) -> None:  # fmt: skip
        self.browser, self.portal, self.script, self.eyes, self.service = browser, portal, script, eyes, service
        self.stack = ExitStack()

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *failure: object) -> None:
        self.stack.close()

    def person(self, login: str, language: str, password: str = PASSWORD) -> Visitor:
        """A person, signed in where a login is given."""
        made = visitor(
            self.browser, self.portal.url, language, service=self.service, login=login, password=password,
            script=self.script, eyes=self.eyes,
        )  # fmt: skip
        return self.stack.enter_context(made)
