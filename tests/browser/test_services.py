"""Clause "end to end, in both languages": each service from filing to issue in the browser, twice: citizens in Chinese
and offices in English, and the other way round. What every page looks like is looked at elsewhere; here it is played as
fast as people could. (`open_restaurant` and `food_business_licence`: test_story.py, test_food_licence.py.)"""

from __future__ import annotations

import httpx
import pytest
from playwright.sync_api import Browser

from tests.support import offices, story
from tests.support.offices import Offices
from tests.support.portal import Portal
from tests.support.visitor import PDF, Stage

pytestmark = pytest.mark.browser
both = pytest.mark.parametrize(("mine", "theirs"), [("zh", "en"), ("en", "zh")])


@both
def test_household_move(browser: Browser, portal: Portal, mine: str, theirs: str) -> None:
    """To Nanming, into another household whose head agrees; three registers acts, then the new page."""
    httpx.delete(f"{portal.environ['SANDBOX_URL']}/_admin/faults").raise_for_status()  # nobody has moved yet
    with Stage(browser, portal, service="household_move") as stage:
        liu, nanming = stage.person("liu.yang", mine), Offices(stage, "nanming", theirs)
        number = offices.apply(liu, "household_move", {
            "move.reason": "family", "move.district": "nanming", "move.address": "南明区遵义路 31 号 1 单元 704 室",
            "move.kin": "parents", "head.national_id": "990102198506150334",
            # what a register that is late on a busy machine leaves to the citizen
            "household.number": "HX0000002", "kin.parents": "990111196604052647",
        })  # fmt: skip
        nanming.decide(number, "window@service_hall", "Accept")
        nanming.decide(number, "residence@public_security", "Conditions met")
        chen = stage.person("chen.wei", mine)
        chen.open(f"/my/requests/{number}")
        chen.press("I agree")
        nanming.decide(number, "station@public_security", "Approve the move")
        offices.granted(liu, number)


@both
def test_building_permit(browser: Browser, portal: Portal, mine: str, theirs: str) -> None:
    """Four of six departments, a pledge for the environment, conditions that stand on the permit, a fee paid at the
    provider's own page."""
    with Stage(browser, portal, service="building_permit") as stage:
        wang, huaxi = stage.person("wang.fang", mine), Offices(stage, "huaxi", theirs)
        number = offices.apply(wang, "building_permit", {
            "project.name": "清味中央厨房", "project.kind": "commerce", "project.area": "6200", "project.height": "36",
            "project.water": "no", "project.neighbours": "no",
        }, pledge=True)  # fmt: skip
        huaxi.decide(number, "window@service_hall", "Accept")
        said = ("退让道路红线不少于二米", "绿地率不低于百分之三十")
        huaxi.say_why(
            number, "planner@natural_resources", "Agree with conditions", "\n".join(said),
            "Conditions, each on a line of its own",
        )  # fmt: skip
        for role in ("shelter@civil_defence", "fire_design@housing_construction", "ecologist@ecology"):
            huaxi.decide(number, role, "Agree")
        huaxi.decide(number, "building_lead@housing_construction", "Propose to approve")
        huaxi.decide(number, "building_head@housing_construction", "Approve")
        offices.pays(wang, number)
        offices.granted(wang, number)
        wang.reads(*said)  # on the public page of the permit


@both
def test_prepackaged_food_filing(browser: Browser, portal: Portal, mine: str, theirs: str) -> None:
    """Two questions, one act, and the record is there: "prepackaged-only = filing, at once"."""
    with Stage(browser, portal, service="prepackaged_food_filing") as stage:
        wang, huaxi = stage.person("wang.fang", mine), Offices(stage, "huaxi", theirs)
        number = offices.apply(wang, "prepackaged_food_filing", {"filing.goods": ("ambient",), "filing.online": "no"})
        huaxi.decide(number, "food@market_reg", "Register")
        offices.granted(wang, number)


@both
def test_minimum_living_allowance(browser: Browser, portal: Portal, mine: str, theirs: str) -> None:
    """Helped first; the other adult authorises the check; each source is compared, two officers visit; somebody objects
    to the notice, and it is granted with the amount that the household falls short of the standard."""
    with Stage(browser, portal, service="minimum_living_allowance") as stage:
        liu, huaxi = stage.person("liu.yang", mine), Offices(stage, "huaxi", theirs)
        number = offices.apply(liu, "minimum_living_allowance", {
            "need.reason": "illness", "need.urgent": "yes", "health.costs": "8200.00",
            # what a register that is late on a busy machine leaves to the citizen
            "household.earners": "1", "payment.bank": "贵阳银行花溪支行", "payment.account": "6222000000000003301",
            "home.address": "花溪区学士路 8 号",
        }, pledge=True)  # fmt: skip
        officer = "township_officer@township"
        huaxi.decide(number, "township_window@township", "Accept")
        first = huaxi.holder(officer)
        first.open(f"/clerk/cases/{number}")
        first.follow("Pay urgent aid now")
        first.attach("先行救助核实记录.pdf", PDF)
        first.press("Pay urgent aid now")
        huaxi.decide(number, officer, "Household established", patience=40)
        mother = stage.person("huang.xiuying", mine)
        mother.open(f"/my/requests/{number}")
        mother.press("I authorise it")
        first.open(f"/clerk/cases/{number}")
        first.follow("In need")
        first.attach("入户调查表.pdf", PDF)
        first.press("In need")
        first.reads("Done. A second person must confirm it.")
        huaxi.decide(number, "community_worker@township", "Neighbours heard")
        huaxi.decide(number, officer, "In need", 1)
        huaxi.decide(number, "verifier@civil_affairs", "Agrees with the registers", patience=40)
        huaxi.decide(number, officer, "Propose to grant")
        huaxi.say_why(number, officer, "Somebody objects", "有邻居反映其子女在外务工，已核实不影响认定。")
        huaxi.decide(number, "relief_head@civil_affairs", "Grant")
        offices.granted(liu, number)
        liu.reads("930.00")  # 785.00 for each of two, less the 640.00 that they have


@both
def test_newborn(browser: Browser, portal: Portal, mine: str, theirs: str) -> None:
    """The bundle of a birth: the father confirms, the registers pass the check, five offices follow each other as their
    numbers come."""
    with Stage(browser, portal, service="newborn") as stage:
        wang, huaxi = stage.person("wang.fang", mine), Offices(stage, "huaxi", theirs)
        number = offices.apply(wang, "newborn", {
            "needs.benefit": "no", "child.name": "刘小溪", "household.of": "mother",
        })  # fmt: skip
        father = stage.person("liu.yang", mine)
        father.open(f"/my/requests/{number}")
        father.press("I confirm")
        huaxi.decide_if_left(number, "births@health_commission", "Records agree")
        for role, title in (
            ("births@health_commission", "Birth certificate"),
            ("household@public_security", "Household registration of a newborn"),
            ("vaccination@health_commission", "Vaccination record"),
            ("enrolment@medical_security", "Medical insurance of a newborn"),
            ("cards@human_resources", "Social-security card of a child"),
        ):  # fmt: skip
            part = wang.main.locator("#parts ~ table").get_by_role("link", name=wang.t[title], exact=True)
            story.until(wang, number, part)
            huaxi.decide((part.get_attribute("href") or "").rpartition("/")[2], role, "Register")
        story.until(wang, number, wang.main.get_by_text(wang.t("%(done)s of %(all)s parts are done.", done=5, all=5)))
