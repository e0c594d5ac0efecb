"""Open a business: one form, three registrations by their departments, one page with all of it; in both languages."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support import story
from tests.support.eyes import Eyes
from tests.support.offices import holders
from tests.support.portal import Portal
from tests.support.tongue import Tongue
from tests.support.visitor import PDF, Stage, Visitor

pytestmark = pytest.mark.browser
SERVICE = "open_business"


@pytest.mark.parametrize(("mine", "theirs"), [("zh", "en"), ("en", "zh")])
def test_from_one_form_to_the_registrations(browser: Browser, portal: Portal, mine: str, theirs: str) -> None:
    eyes = Eyes() if mine == "zh" else None  # the eyes open each page in both languages themselves
    with Stage(browser, portal, eyes=eyes, service=SERVICE) as stage:
        liu = stage.person("liu.yang", mine)
        liu.open(f"/services/{SERVICE}")
        liu.reads("一张表单代替6张" if mine == "zh" else "One form instead of 6", "61%")
        liu.look("service page of a bundle")
        number = apply(liu)
        for role, title, service in (
            ("registrar@huaxi.market_reg", "Registration of a company", "enterprise_registration"),
            ("seals@huaxi.public_security", "Filing of seals", "seal_filing"),
            ("tax_clerk@huaxi.tax", "Tax registration", "tax_information"),
        ):
            part = liu.main.locator("#parts ~ table").get_by_role("link", name=liu.t[title], exact=True)
            story.until(liu, number, part)
            liu.reads("Critical path")
            child = (part.get_attribute("href") or "").rpartition("/")[2]
            clerk = stage.person(holders(portal)[role][0], theirs)
            clerk.t = Tongue(theirs, service)  # each office has a word of its own for it
            story.decide(clerk, child, "Register")
            story.moved(clerk)
        done = liu.main.get_by_text(liu.t("%(done)s of %(all)s parts are done.", done=3, all=3))
        story.until(liu, number, done)
        liu.look("case of a bundle that is done")
    assert eyes is None or eyes.faults == []


def apply(who: Visitor) -> str:
    """Founds a company that employs nobody yet: no page about staff or the housing fund is asked."""
    story.start(who, SERVICE)
    who.follow("Go on")
    who.look("first page of a bundle")
    for name in ("needs.staff", "needs.fund"):
        who.page.locator(f"input[name='{name}'][value=no]").check()
    who.press("Continue")
    fill(who, {"company-name": "贵阳云岭商贸有限公司", "company-capital": "500000", "company-scope": "日用百货零售"})
    who.page.locator("#company-address").fill("花溪区民主路 9 号")
    who.page.locator("#company-district").select_option("huaxi")
    who.press("Continue")
    fill(who, {"contact-name": "刘洋", "contact-phone": "0851-0000-3301"})
    who.page.locator("input[name='seal.kinds'][value=company]").check()
    fill(who, {"seal-count": "1"})
    who.page.locator("input[name='tax.kind'][value=small]").check()
    who.page.locator("input[name='tax.accounts'][value=own]").check()
    fill(who, {"tax-invoices": "25"})
    fill(who, {"account-bank": "贵阳银行花溪支行", "account-number": "6222000000000003301"})
    for n, name in enumerate(("章程.pdf", "住所证明.pdf")):
        who.attach(name, PDF + bytes([n]))
        who.press("Continue")
    who.heading("Check your application before you send it")
    who.look("check answers of a bundle")
    who.press("Send the application")
    return who.number


def fill(who: Visitor, values: dict[str, str]) -> None:
    for id, value in values.items():
        who.page.locator(f"#{id}").fill(value)
    who.press("Continue")
