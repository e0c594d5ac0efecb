"""The whole story in a real Chromium, against a running portal and the registries as a process of their own."""

from __future__ import annotations

import secrets

import pytest
from playwright.sync_api import Browser

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.portal import Portal
from tests.support.visitor import Stage, Visitor

pytestmark = pytest.mark.browser
SEATS, LAYOUT = "Seats for guests", "Layout plan"


def with_two_roles(stage: Stage, language: str) -> Visitor:
    """A member of staff who examines and could decide, though never the same case."""
    login = f"gao.{secrets.token_hex(4)}"
    made = stage.portal.flask(
        "users", "create", login, "--name-zh", "高原", "--name-en", "Gao Yuan",
        "--role", "food@huaxi.market_reg", "--role", "head@huaxi.market_reg",
    )  # fmt: skip
    return stage.person(login, language, password=made.split()[-1])


def play(stage: Stage, first: str, second: str, query: str) -> None:
    """The story. The citizen and half of the staff read `first`, the others `second`."""
    wang = stage.person("", first)
    story.find(wang, query)
    story.begin(wang, "wang.fang")
    story.sees_what_is_held(wang)
    story.answer(wang, pledge=True)
    number = story.send(wang)
    story.sees_case(wang, number, "With the departments", name="case with the window")

    li, zhang, wu = (stage.person(*who) for who in (("li.na", first), ("zhang.qiang", first), ("wu.gang", second)))
    zhou, sun, he = (stage.person(*who) for who in (("zhou.jie", second), ("sun.min", first), ("he.tao", first)))
    story.decide(li, number, "Accept", name="window")
    story.moved(li)
    story.sees_case(wang, number, name="case with three departments")
    story.ask_for_correction(zhang, number, {SEATS: "图纸为 86 个餐位，申请为 64 个"}, "请核对餐位数。", name="food")
    story.ask_for_correction(zhou, number, {LAYOUT: "请标明两个安全出口"}, "图纸不完整。", name="fire")
    story.sees_case(wang, number, "With the departments")  # one notice, not before the third has looked
    story.decide(sun, number, "Agree", name="signs")
    story.correct(wang, number)

    gao = with_two_roles(stage, second)
    story.decide(gao, number, "Papers in order", name="food, after the correction")
    story.visit(zhang, number, name="site visit")
    story.decide(wu, number, "Site passed", name="second person")
    story.decide(zhou, number, "Inspection passed")
    story.may_not_decide(gao, number)
    story.decide(he, number, "Approve", name="deputy director")
    licence = story.has_licence(wang, number)
    story.rate(wang, number)
    story.sees_readers(wang, number, "li.na", "zhang.qiang", "wu.gang", "zhou.jie", "sun.min", "he.tao")

    anybody = stage.person("", second)
    story.verified_by_anybody(anybody, licence)
    story.revoke(zhang, number)
    story.sees_revocation(wang, number, anybody, licence)
    story.watches(stage.person("zhao.lei", second), number)
    story.sees_nothing(stage.person("ma.jun", first), number)


def test_the_story(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()
    with Stage(browser, portal, eyes=eyes) as stage:
        play(stage, "zh", "en", "开餐馆")
    assert eyes.faults == []


def test_the_story_without_javascript(browser: Browser, portal: Portal) -> None:
    with Stage(browser, portal, script=False) as stage:
        play(stage, "en", "zh", "restaurant")
