"""What registers hold, in the browser: a register that dies in the middle of a form and comes back; an entry that is
wrong, from the citizen to the register's owner and back."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.portal import Portal
from tests.support.registers import down
from tests.support.visitor import visitor

pytestmark = pytest.mark.browser
both = pytest.mark.parametrize(("mine", "theirs"), [("zh", "en"), ("en", "zh")])


@both
def test_a_register_dies_in_the_middle_of_a_form_and_comes_back(
    browser: Browser, portal: Portal, mine: str, theirs: str
) -> None:
    """An answer calls for another register, which is dead by then: the form goes on, and what it tells after its
    recovery stands in the place of the question."""
    eyes = Eyes()
    silent = "The %(registry)s did not answer. You can go on: please give this information yourself."
    with visitor(browser, portal.url, mine, service="household_move", login="liu.yang", eyes=eyes) as liu:
        number = story.start(liu, "household_move")
        liu.follow("Go on")
        with down(portal, "real_estate"):
            liu.main.locator("[name='move.reason'][value='own_home']").check()
            liu.press("Continue")
            story.agree(liu)
            liu.open(f"/my/cases/{number}/tasks")
            liu.reads(liu.t(silent, registry={"en": "Real Estate Register", "zh": "不动产库"}[mine]))
            liu.look("a register has died in the middle of the form")
            title = liu.main.get_by_role("link", name={"en": "Your home there", "zh": "迁入地住房"}[mine])
            expect(title).to_have_count(1)
        liu.press("Ask again")
        expect(liu.page.locator(".gs-known")).to_contain_text("不动产权第")
        expect(title).to_have_count(0)
    assert eyes.faults == []


@both
def test_an_entry_is_wrong_from_the_citizen_to_the_owner_and_back(
    browser: Browser, portal: Portal, mine: str, theirs: str
) -> None:
    """Said on the case, answered by the register's owner, read by the citizen, each in their language."""
    eyes, words = Eyes(), f"曾用名未更正（{mine}）"
    with (
        visitor(browser, portal.url, mine, login="wang.fang", eyes=eyes) as wang,
        visitor(browser, portal.url, theirs, login="gu.wen", eyes=eyes) as owner,
    ):
        number = story.file(wang)
        wang.open(f"/my/cases/{number}/wrong")
        wang.main.locator("[name='fact']").select_option("person.name")
        wang.main.locator("[name='claimed']").fill("王芳芳")
        wang.main.locator("[name='reason']").fill(words)
        wang.press("Send it to the department")
        wang.reads("王芳芳", words, "Answer by")
        wang.look("what is wrong, said")
        owner.open("/registers/disputes")
        owner.look("entries said to be wrong")
        owner.main.locator("table a").first.click()
        owner.reads(words)
        owner.look("an entry said to be wrong")
        owner.main.locator("[name='verdict'][value='rejected']").check()
        owner.main.locator("[name='words']").fill("户籍档案核对无误")
        owner.press("Send the answer")
        wang.page.reload()
        wang.reads("户籍档案核对无误")
        owner.open("/registers")
        owner.look("how good the register's data is")
        owner.open("/registers/grants")
        owner.look("who may ask the register")
    assert eyes.faults == []
