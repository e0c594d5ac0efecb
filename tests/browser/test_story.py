"""The whole story in a real Chromium, against a running portal and the registries as a process of their own."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.portal import Portal
from tests.support.visitor import Visitor, visitor

pytestmark = pytest.mark.browser
SEATS, LAYOUT = "Seats for guests", "Layout plan"


def test_wang_fang_opens_a_restaurant(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()

    def person(login: str, language: str) -> Visitor:
        return stack.enter_context(visitor(browser, portal.url, language, login=login, eyes=eyes))

    with ExitStack() as stack:
        wang = stack.enter_context(visitor(browser, portal.url, "zh", eyes=eyes))
        story.find(wang, "开餐馆")
        story.begin(wang, "wang.fang")
        story.sees_what_is_held(wang)
        story.answer(wang)
        number = story.send(wang).number
        story.sees_case(wang, number, "With the departments", name="case with the window")

        li, zhang, wu = person("li.na", "zh"), person("zhang.qiang", "zh"), person("wu.gang", "en")
        zhou, sun, he = person("zhou.jie", "en"), person("sun.min", "zh"), person("he.tao", "zh")
        story.decide(li, number, "Accept", name="window")
        story.moved(li)
        story.sees_case(wang, number, name="case with three departments")
        story.ask_for_correction(zhang, number, {SEATS: "图纸为 86 个餐位，申请为 64 个"}, "请核对餐位数。", name="food")
        story.ask_for_correction(zhou, number, {LAYOUT: "请标明两个安全出口"}, "图纸不完整。", name="fire")
        story.sees_case(wang, number, "With the departments")  # not before the third has looked
        story.decide(sun, number, "Agree", name="signs")
        story.correct(wang, number)

        story.decide(zhang, number, "Papers in order", name="food, after the correction")
        story.visit(zhang, number, name="site visit")
        story.decide(wu, number, "Site passed", name="second person")
        story.decide(zhou, number, "Inspection passed")
        story.decide(he, number, "Approve", name="deputy director")
        licence = story.has_licence(wang, number)
        story.rate(wang, number)
        story.sees_readers(wang, number, "李娜", "张强", "吴刚", "周杰", "孙敏", "何涛")

        story.verified_by_anybody(stack.enter_context(visitor(browser, portal.url, "en", eyes=eyes)), licence)
        story.watches(person("zhao.lei", "en"), number)
        stranger = person("ma.jun", "zh")
        stranger.open(f"/clerk/cases/{number}", status=404)
        stranger.look("a case of somebody else")
        stranger.open(f"/supervisor/cases/{number}", status=404)
        stranger.open(f"/my/cases/{number}", status=404)
    assert eyes.faults == []
