"""The pages that no story passes: information, registration, the account, lists, letters, refusal and withdrawal."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.portal import Portal
from tests.support.visitor import Stage, Visitor

pytestmark = pytest.mark.browser
INFORMATION = ("/life/start_business", "/help", "/accessibility", "/privacy", "/complaints", "/register",
               "/search?q=passport", f"/services/{story.SERVICE}")  # fmt: skip
OWN = ("/account", "/account/password", "/account/sessions", "/account/acting-for", "/my/messages", "/my/data",
       "/my/cases", f"/services/{story.SERVICE}/start")  # fmt: skip
WATCHED = ("/supervisor/late", "/supervisor/workload", "/supervisor/steps", "/supervisor/cases?show=open",
           f"/supervisor/?service={story.SERVICE}&period=30", "/account")  # fmt: skip


def visit(who: Visitor, paths: tuple[str, ...]) -> None:
    for path in paths:
        who.open(path)
        who.look(f"{path} as {who.login or 'anybody'}")


def test_pages_outside_a_case(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()
    with Stage(browser, portal, eyes=eyes) as stage:
        anybody = stage.person("", "zh")
        visit(anybody, INFORMATION)
        anybody.open("/register")
        anybody.press("Register")
        anybody.reads("There is a problem")
        anybody.look("registration with everything missing", again=False)
        visit(stage.person("wang.fang", "zh"), OWN)
        visit(stage.person("chen.wei", "en"), ("/my/cases", "/account/acting-for"))
        visit(stage.person("liu.yang", "en"), (f"/services/{story.SERVICE}/start", "/my/cases", "/my/data"))
        visit(stage.person("zhao.lei", "en"), WATCHED)
        visit(stage.person("li.na", "zh"), ("/clerk/", "/clerk/search?q=餐", "/account"))
    assert eyes.faults == []


def test_refused_at_the_window_with_reasons_and_remedies(browser: Browser, portal: Portal) -> None:
    eyes, reason = Eyes(), "经营场所的房产用途不是商业服务。"
    with Stage(browser, portal, eyes=eyes) as stage:
        wang, li = stage.person("wang.fang", "zh"), stage.person("li.na", "en")
        number = story.start(wang)
        wang.open("/my/cases")
        wang.look("list of cases with a draft")
        wang.open(f"/my/cases/{number}")
        wang.look("case that was not sent")
        wang.open(f"/my/cases/{number}/tasks")
        story.answer(wang)
        story.send(wang)
        wang.open(f"/my/cases/{number}/everything")
        wang.look("everything that was sent")
        story.open_task(li, number)
        li.follow("Do not accept")
        li.look("refusing")
        li.press("Do not accept")
        li.reads("Write the reason")
        li.type("Reason", reason)
        li.press("Do not accept")
        li.reads("Recorded")  # not "done": the case has ended with a refusal
        letter = wang.main.locator(".gs-side").get_by_role("link", name=wang.t["Notice of non-acceptance"])
        story.until(wang, number, letter)
        wang.look("case that was refused")
        with wang.page.expect_navigation():
            letter.click()
        wang.reads(reason, "行政复议", "行政诉讼", "花溪区")
        wang.look("notice of refusal")
    assert eyes.faults == []


def test_withdrawn_by_the_applicant(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()
    with Stage(browser, portal, eyes=eyes) as stage:
        wang = stage.person("wang.fang", "en")
        number = story.file(wang)
        receipt = wang.main.get_by_role("link", name=re.compile("^" + re.escape(wang.t["Receipt"]))).first
        story.until(wang, number, receipt)
        with wang.page.expect_navigation():
            receipt.click()
        wang.look("receipt to print")
        wang.page.emulate_media(media="print")
        expect(wang.page.locator(".gs-paged > thead")).to_contain_text(number)
        expect(wang.page.locator(".gs-nav")).to_be_hidden()
        wang.page.emulate_media(media="screen")
        wang.open(f"/my/cases/{number}/withdraw")
        wang.look("withdrawing")
        wang.press("Withdraw the application")
        wang.reads("Your application is withdrawn.")
        wang.look("case that was withdrawn")
        wang.open(f"/my/cases/{number}/withdraw")  # once only, and a sentence instead of a fault
        wang.reads("This is not possible any more: the case has moved on. Here is how it stands.")
    assert eyes.faults == []
