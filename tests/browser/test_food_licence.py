"""The food-business licence: examined by one, inspected by two others, decided by a third; or on a pledge, inspected
afterwards."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support import offices, story
from tests.support.eyes import Eyes
from tests.support.offices import Offices
from tests.support.portal import Portal
from tests.support.visitor import Stage, Visitor

pytestmark = pytest.mark.browser
SERVICE = "food_business_licence"


def test_from_the_application_to_the_licence(browser: Browser, portal: Portal) -> None:
    eyes = Eyes()
    with Stage(browser, portal, eyes=eyes, service=SERVICE) as stage:
        wang, zhang = stage.person("wang.fang", "zh"), stage.person("zhang.qiang", "zh")
        number = apply(wang)
        story.decide(stage.person("li.na", "zh"), number, "Accept")
        story.decide(zhang, number, "Papers in order")
        story.moved(zhang)
        first, second = (stage.person(login, "en") for login in inspectors(portal))
        story.open_task(first, number, name="inspector")
        first.follow("Inspection passed")
        first.attach("现场核查记录.pdf")
        first.press("Inspection passed")
        first.reads("Done. A second person must confirm it.")
        story.decide(second, number, "Inspection passed")
        story.moved(second)
        story.decide(stage.person("he.tao", "zh"), number, "Approve")
        story.has_licence(wang, number)
    assert eyes.faults == []


def test_on_a_pledge(browser: Browser, portal: Portal) -> None:
    """Decided at once, inspected by two afterwards: the citizen in English, the offices in Chinese."""
    with Stage(browser, portal, service=SERVICE) as stage:
        wang, huaxi = stage.person("wang.fang", "en"), Offices(stage, "huaxi", "zh")
        number = offices.apply(wang, SERVICE, {
            "business.form": "service", "business.items": ("hot",), "manager.name": "王芳", "online.sells": "no",
        }, pledge=True)  # fmt: skip
        huaxi.decide(number, "window@service_hall", "Accept")
        huaxi.decide(number, "head@market_reg", "Approve on the pledge")
        story.has_licence(wang, number)
        first = huaxi.holder("inspector@market_reg")
        first.open(f"/clerk/cases/{number}")
        first.follow("Pledge kept")
        first.attach("现场核查记录.pdf")
        first.press("Pledge kept")
        first.reads("Done. A second person must confirm it.")
        huaxi.decide(number, "inspector@market_reg", "Pledge kept", 1)


def apply(who: Visitor) -> str:
    """Files as the legal representative, and brings every paper. What registers hold of the business (its kind, online
    sales, the examined manager) is not asked again; whatever of it they owe she says."""
    return offices.apply(who, SERVICE, {
        "business.form": "service", "business.items": ("hot",), "manager.name": "王芳", "online.sells": "no",
        # what a register that is late on a busy machine leaves to the citizen
        "org.address": "花溪区清溪路 86 号",
    })  # fmt: skip


def inspectors(portal: Portal) -> list[str]:
    """The sign-in names of two inspectors of Huaxi."""
    found = offices.holders(portal)["inspector@huaxi.market_reg"]
    assert len(found) >= 2, found
    return found[:2]
