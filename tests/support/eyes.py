"""Looks at pages as a careful person would: axe, no sideways scrolling at 320 px, the right language, no complaints.

Every kind of page is looked at once in each language, under the name that the story gives it. What is wrong is
collected, so that one run of the story tells all of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ConsoleMessage, Page, Response

RULES: dict[str, Any] = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],  # what passed need not be described: several times faster
}
# Contrast takes most of the time, and neither another language nor a narrow window has other colours.
SAME_COLOURS = RULES | {"rules": {"color-contrast": {"enabled": False}}}
AXE = Axe().axe_script
WIDE, NARROW = {"width": 1366, "height": 768}, {"width": 320, "height": 640}
TAGS = {"zh": "zh-CN", "en": "en"}
EXPECTED = ("404 (", "409 (", "422 (", "400 (")  # how Chromium says on the console that a page had that status


class Eyes:
    """What was looked at (name and language) and what was found wrong."""

    def __init__(self) -> None:
        self.seen: set[tuple[str, str]] = set()
        self.faults: list[str] = []

    def watch(self, page: Page) -> None:
        """From now on the console's errors (a refused script or style among them) and answers 5xx are faults."""
        page.on("console", self._said)
        page.on("response", self._answered)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: script error: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(status in message.text for status in EXPECTED):
            self.faults.append(f"{message.location.get('url')}: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.faults.append(f"{response.url}: answered {response.status}")

    def look(self, page: Page, name: str, language: str, *, again: bool = True) -> None:
        """Looks at the page as it is, and where it may be opened again (`again`) in the other language too."""
        self._judge(page, name, language)
        other = "en" if language == "zh" else "zh"
        if not again or (name, other) in self.seen:
            return
        here = page.url
        _read_in(page, other)
        self._judge(page, name, other)
        _read_in(page, language)
        assert page.url == here

    def _judge(self, page: Page, name: str, language: str) -> None:
        if (name, language) in self.seen:
            return
        first = all(known != name for known, _ in self.seen)
        self.seen.add((name, language))
        where = f"{name} ({language})"
        if (tag := page.evaluate("document.documentElement.lang")) != TAGS[language]:
            self.faults.append(f"{where}: lang is {tag}")
        self._axe(page, where, RULES if first else SAME_COLOURS)
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        page.evaluate(WIDEST_NUMBERS)
        if (wide := page.evaluate("document.documentElement.scrollWidth")) > NARROW["width"]:
            self.faults.append(f"{where}: {wide} px wide at 320 px: {page.evaluate(WIDEST)}")
        if language == "zh":  # the narrow page has the same words: one language
            self._axe(page, f"{where} at 320 px", SAME_COLOURS)
        page.evaluate("window.numbers.forEach(([node, text]) => { node.nodeValue = text })")
        page.set_viewport_size(WIDE)  # type: ignore[arg-type]

    def _axe(self, page: Page, where: str, rules: Mapping[str, Any] = RULES) -> None:
        if not page.evaluate("'axe' in window"):  # half a megabyte: once for each page, not once for each width
            page.evaluate(AXE)
        for found in page.evaluate("rules => axe.run(document, rules)", dict(rules))["violations"]:
            self.faults.append(f"{where}: axe {found['id']}: {[node['target'] for node in found['nodes']][:3]}")


# Case numbers are drawn at random, and W is wider than 1: every number is shown at its widest while it is measured.
WIDEST_NUMBERS = r"""() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const found = []
  while (walker.nextNode()) {
    const node = walker.currentNode
    if (/[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}/.test(node.nodeValue)) found.push([node, node.nodeValue])
  }
  found.forEach(([node, text]) => {
    node.nodeValue = text.replace(/[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}/g, 'MWMWM-WMWMW-MWMWM')
  })
  window.numbers = found
}"""
WIDEST = """[...document.querySelectorAll('main *, header *, footer *')]
  .filter(e => e.getBoundingClientRect().right > 321).slice(0, 3).map(e => e.tagName + '.' + e.className).join(' ')"""


def _read_in(page: Page, language: str) -> None:
    """The page once more in a language, as the switch at the top does it."""
    parts = urlsplit(page.url)
    back = parts.path + (f"?{parts.query}" if parts.query else "")
    page.goto(f"{parts.scheme}://{parts.netloc}/language/{language}?back={quote(back, safe='')}")
