"""Days that go wrong: a register that is down, forms sent twice or fifty times, two clerks at one task."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, expect

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.portal import Portal
from tests.support.registers import down
from tests.support.visitor import Visitor, visitor

pytestmark = pytest.mark.browser


def test_a_register_that_is_down_leaves_the_question_to_the_citizen(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()
    sentence = "The %(register)s did not answer. You can go on: please give this information yourself."
    with visitor(browser, portal.url, "en", login="wang.fang", eyes=eyes) as wang:
        with down(portal, "real_estate"):
            number = story.start(wang)
            wang.reads(sentence % {"register": "Real Estate Register"}, "Title deed or lease")
            wang.look("list of what is to be done, a register down")
            wang.follow("Go on")
            wang.reads(sentence % {"register": "Real Estate Register"})
            wang.type("Number of the title", "黔（2024）第 1 号")
            wang.type("Address of the premises", "花溪区清溪路 86 号")
            wang.type("Floor area", "３２６．４")
            wang.press("Continue")
            wang.reads("There is a problem")
            expect(wang.page.get_by_label("Floor area")).to_have_value("３２６．４")
            wang.look("question page with a fault", again=False)
            wang.page.get_by_label("District of the premises").select_option(label="Huaxi District")
            wang.press("Continue")
            assert wang.path == f"/my/cases/{number}/pages/menu"
        wang.open(f"/my/cases/{number}/tasks")
        wang.press("Ask again")  # it is back: its answer stands, not what was typed
        expect(wang.page.locator(".gs-known")).to_contain_text("326.40")
        expect(wang.main.get_by_role("link", name="Where the restaurant is")).to_have_count(0)
    assert eyes.faults == []


def post(address: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, str]:
    """Sends a form past the browser, with its cookies; (status, address) of the last answer."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(address, urlencode(form).encode(), headers), timeout=60
        ) as answer:
            return answer.status, answer.url
    except urllib.error.HTTPError as refused:
        return refused.code, refused.url or ""


def hidden_fields(who: Visitor) -> dict[str, str]:
    fields = who.main.locator("form[method=post]").last.locator("input[type=hidden]")
    return {str(f.get_attribute("name")): str(f.get_attribute("value")) for f in fields.all()}


def numbers_of(who: Visitor) -> set[str]:
    """The numbers of one's cases."""
    who.open("/my/cases")
    return set(re.findall(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}\b", who.main.inner_text()))


def test_sent_fifty_times_at_once_it_is_one_case(browser: Browser, portal: Portal) -> None:
    with visitor(browser, portal.url, "zh", login="wang.fang") as wang:
        before = numbers_of(wang)
        wang.open(f"/services/{story.SERVICE}/start")
        started = many(wang, 50)
        assert {status for status, _ in started} == {200}
        assert len({url for _, url in started}) == 1, "one draft"
        wang.page.goto(started[0][1])
        story.agree(wang)
        number = wang.number
        story.answer(wang)
        sent = many(wang, 50)
        assert {status for status, _ in sent} == {200}
        assert {url.partition("?")[0] for _, url in sent} == {f"{wang.url}/my/cases/{number}/sent"}
        assert numbers_of(wang) - before == {number}
    assert "differ" not in portal.flask("cases", "replay", number)


def many(who: Visitor, times: int) -> list[tuple[int, str]]:
    """Sends the page's form so often at once, as one person with one session."""
    address, form = who.page.url, hidden_fields(who)
    cookies = "; ".join(f"{c['name']}={c['value']}" for c in who.page.context.cookies())
    headers = {"Cookie": cookies, "Referer": address, "Origin": who.url}
    with ThreadPoolExecutor(16) as hands:
        return list(hands.map(lambda _: post(address, form, headers), range(times)))


def test_a_double_click_and_the_way_back(browser: Browser, portal: Portal) -> None:
    with visitor(browser, portal.url, "en", login="wang.fang") as wang:
        before = numbers_of(wang)
        number = story.start(wang)
        story.answer(wang)
        with wang.page.expect_navigation():
            wang.main.get_by_role("button", name="Send the application").dblclick()
        wang.heading("Your application was sent")
        wang.page.go_back()
        if wang.path.endswith("/check"):  # the page as the browser kept it: its form is sent once more
            wang.press("Send the application")
        wang.reads("sent already")
        wang.page.reload()
        wang.open(f"/my/cases/{number}/check")
        wang.reads("sent already")
        wang.open(f"/my/cases/{number}/pages/menu")
        wang.reads("sent already")
        assert numbers_of(wang) - before == {number}


def test_of_two_clerks_at_one_task_the_second_sees_who_was_first(browser: Browser, portal: Portal) -> None:
    eyes, words = Eyes(), "餐位数与图纸不符，请核对后重新填写。"
    with (
        visitor(browser, portal.url, "zh", login="wang.fang") as wang,
        visitor(browser, portal.url, "zh", login="li.na") as li,
        visitor(browser, portal.url, "zh", login="zhang.qiang") as zhang,
        visitor(browser, portal.url, "en", login="wu.gang", eyes=eyes) as wu,
    ):
        number = story.file(wang)
        story.decide(li, number, "Accept")
        for clerk in (zhang, wu):
            story.open_task(clerk, number)
            clerk.follow("Ask for a correction")
        story.fill_correction(wu, {"Seats for guests": "图纸为 86 个"}, words)
        story.decide(zhang, number, "Papers in order")
        story.moved(zhang)
        wu.press("Ask for a correction")
        wu.reads("Somebody was first", "Papers on food safety: Papers in order", "Zhang Qiang", words, "图纸为 86 个")
        wu.look("somebody was first", again=False)
        story.open_task(wu, number)
        wu.reads("Site visit")  # nothing of the loser's act was kept: the case is where the winner put it
        story.sees_case(wang, number, "With the departments")
    assert eyes.faults == []
