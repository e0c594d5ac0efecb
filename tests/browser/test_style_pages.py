"""Every component in a real browser: both languages, wide and 320 px, with axe, without script, on paper."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from govservice.web.style import PAGES
from scripts.preview_style import make_app

pytestmark = pytest.mark.browser
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


@pytest.fixture(scope="module")
def style_url() -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(), threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def opened(browser: Browser, url: str, language: str, width: int, script: bool = True) -> Page:
    context = browser.new_context(viewport={"width": width, "height": 768}, java_script_enabled=script)
    context.add_cookies([{"name": "language", "value": language, "url": url}])
    return context.new_page()


@pytest.mark.parametrize("name", PAGES)
def test_no_violation_and_no_sideways_scroll(browser: Browser, style_url: str, name: str) -> None:
    for language, tag in (("zh", "zh-CN"), ("en", "en")):
        for width in (1366, 320):
            page = opened(browser, style_url, language, width)
            complaints: list[str] = []
            page.on(
                "console",
                lambda message, kept=complaints: kept.append(message.text) if message.type == "error" else None,
            )
            page.goto(f"{style_url}/_style/{name}")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate("document.documentElement.lang") == tag
            violations = Axe().run(page, options=RULES).response["violations"]
            assert [(found["id"], found["nodes"][0]["target"]) for found in violations] == []
            assert complaints == []  # among others: everything that the content security policy refuses
            page.context.close()


@pytest.mark.parametrize("name", ["worklist", "clerk-case", "supervisor"])
def test_the_dark_desks_keep_their_contrast(browser: Browser, style_url: str, name: str) -> None:
    page = opened(browser, style_url, "en", 1366)
    page.emulate_media(color_scheme="dark")
    page.goto(f"{style_url}/_style/{name}")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 28, 26)"
    violations = Axe().run(page, options=RULES).response["violations"]
    assert [(found["id"], found["nodes"][0]["target"]) for found in violations] == []
    page.context.close()


def test_the_switch_keeps_ticks_without_script(browser: Browser, style_url: str) -> None:
    page = opened(browser, style_url, "en", 1366, script=False)
    page.goto(f"{style_url}/_style/question")
    page.get_by_label("Cold food").check()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("您准备供应什么？")
    expect(page.get_by_label("冷食")).to_be_checked()
    expect(page.get_by_label("热食")).not_to_be_checked()
    assert page.url.endswith("/_style/question")
    page.context.close()


def test_enter_sends_the_form_and_not_the_switch(browser: Browser, style_url: str) -> None:
    page = opened(browser, style_url, "en", 1366, script=False)
    page.goto(f"{style_url}/_style/forms")
    with page.expect_request(lambda request: request.method == "POST") as sent:
        page.get_by_label("Name of the restaurant").press("Enter")
    assert "_language" not in (sent.value.post_data or "")
    page.context.close()


def test_the_keyboard_reaches_the_content_first(browser: Browser, style_url: str) -> None:
    page = opened(browser, style_url, "en", 1366)
    page.goto(f"{style_url}/_style/case")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    expect(focused).to_have_text("Skip to the main content")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.context.close()


def test_paper_carries_the_number_and_no_navigation(browser: Browser, style_url: str) -> None:
    page = opened(browser, style_url, "zh", 1366)
    page.goto(f"{style_url}/_style/notice")
    page.emulate_media(media="print")
    expect(page.locator("header")).to_be_hidden()
    expect(page.locator(".gs-footer")).to_be_hidden()
    expect(page.locator(".gs-paged > thead")).to_contain_text("HX7K-4M9T-QD2R")
    assert page.locator(".gs-paged > thead").evaluate("e => getComputedStyle(e).display") == "table-header-group"
    page.context.close()
