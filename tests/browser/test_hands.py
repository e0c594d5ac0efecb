"""People who do not use a mouse, and people who change the language in the middle."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support import story
from tests.support.portal import Portal
from tests.support.visitor import PASSWORD, Visitor, visitor

pytestmark = pytest.mark.browser


def reach(who: Visitor, words: str, stops: int = 60) -> None:
    """Tabs on until the control with these words has the focus, which must be seen."""
    for _ in range(stops):
        who.page.keyboard.press("Tab")
        focused = who.page.locator(":focus")
        name = focused.evaluate("e => (e.labels && e.labels[0] ? e.labels[0].innerText : e.innerText).trim()")
        if name == words:
            assert focused.evaluate(FOCUS_SHOWS), f"the focus on {words!r} cannot be seen"
            return
    raise AssertionError(f"{words!r} was not reached with the Tab key")


FOCUS_SHOWS = """e => {
  const s = getComputedStyle(e), label = e.labels && e.labels[0] && getComputedStyle(e.labels[0], '::before')
  return s.outlineStyle !== 'none' || s.boxShadow !== 'none' || Boolean(label && label.boxShadow !== 'none') }"""


def test_signing_in_and_a_question_page_with_the_keyboard_alone(browser: Browser, portal: Portal) -> None:
    with visitor(browser, portal.url, "en") as wang:
        keys = wang.page.keyboard
        wang.open(f"/sign-in?next=/services/{story.SERVICE}/start")
        reach(wang, "Sign-in name")
        keys.type("wang.fang")
        reach(wang, "Password")
        keys.type(PASSWORD)
        with wang.page.expect_navigation():
            keys.press("Enter")
        for words in (story.go_on_words(wang), "Agree and fetch", "Go on"):
            reach(wang, words)
            with wang.page.expect_navigation():
                keys.press("Enter")
        reach(wang, "Hot dishes")
        keys.press("Space")
        reach(wang, "Seats for guests")
        keys.type("0")
        with wang.page.expect_navigation():
            keys.press("Enter")  # sends the form, and is not taken for the language switch above it
        assert "/documents/layout" in wang.path, "nobody eats on the premises: no question about the sign"
        wang.page.go_back()
        expect(wang.page.get_by_label("Hot dishes")).to_be_checked()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_the_language_changes_in_the_middle_and_nothing_is_lost(browser: Browser, portal: Portal, script: bool) -> None:
    with visitor(browser, portal.url, "en", login="wang.fang", script=script) as wang:
        number = story.start(wang)
        wang.follow("Go on")
        wang.tick("Cold dishes")
        wang.type("Seats for guests", "8 6?")
        with wang.page.expect_navigation():
            wang.page.get_by_role("button", name="中文").click()
        expect(wang.page.get_by_label("冷食类")).to_be_checked()
        expect(wang.page.get_by_label("热食类")).not_to_be_checked()
        expect(wang.page.get_by_label("餐位数")).to_have_value("8 6?")
        assert wang.page.url.endswith(f"/my/cases/{number}/pages/menu")
        wang.page.get_by_role("button", name="继续", exact=True).click()
        expect(wang.main).to_contain_text("错误")  # it was not sent before, and it is judged in Chinese now
        expect(wang.page.get_by_label("餐位数")).to_have_value("8 6?")
        with wang.page.expect_navigation():
            wang.page.get_by_role("button", name="English").click()  # back, for the next who signs in with this account
        expect(wang.page.get_by_label("Seats for guests")).to_have_value("8 6?")
