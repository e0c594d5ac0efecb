"""Clause "Bundles": one timeline with the critical path on the citizen's parent case page; what the one form saves."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from govservice.engine import Actor
from govservice.models.cases import Case
from govservice.operations import filing
from tests.operations.test_bundles import COMPANY, Life
from tests.web.conftest import Browser, Stage

IDEM = "one-key-of-this-form"


class Filed(Life):
    """A founder's bundle, filed without registries: what they would have said is declared."""

    def __init__(self, stage: Stage) -> None:
        super().__init__(stage.runtime, stage.wall)
        self.stage = stage

    def founder(self) -> Actor:
        return self.citizen("liu.yang")

    def file(self) -> Browser:
        actor = self.founder()
        number = filing.start(self.rt, actor, "open_business", idem=self.key(), now=self.now)
        with self.rt.read() as session:
            self.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
        self.number = number
        filing.agree(self.rt, actor, self.case_id, declined=("owner",), now=self.now)
        declared = {"person.name": "刘洋", "person.national_id": "990111199502280415"}
        pages = {"parts": {"needs.staff": False, "needs.fund": False}, **COMPANY, "founder": declared}
        self.answer("liu.yang", **{k: v for k, v in pages.items() if k not in ("staff", "fund")})
        for slot in ("articles", "premises_proof"):
            self.attach("liu.yang", slot)
        self.submit("liu.yang")
        self.deliver()
        return self.stage.client_as("liu.yang")

    def page(self, browser: Browser, language: str = "en") -> str:
        answer = browser.get(f"/my/cases/{self.number}", headers={"Accept-Language": language})
        assert answer.status_code == 200
        return answer.get_data(as_text=True)


@pytest.fixture
def filed(make_stage: Callable[..., Stage]) -> Filed:
    return Filed(make_stage())


def test_the_service_page_says_what_the_one_form_saves(filed: Filed) -> None:
    page = filed.stage.client().get("/services/open_business").get_data(as_text=True)
    assert "One form instead of 6" in page
    assert "54 fields" in page
    assert "there are 21" in page
    assert "61% less" in page
    assert "after: Registration of a company" in page
    assert "One form instead" not in filed.stage.client().get("/services/seal_filing").get_data(as_text=True)


def test_one_timeline_with_the_critical_path(filed: Filed) -> None:
    browser = filed.file()
    page = filed.page(browser)
    parts = page[page.index('id="parts"') : page.index("</table>", page.index('id="parts"'))]
    assert "0 of 3 parts are done." in parts
    assert parts.count("Critical path") == 2  # the registration, and the one after it that ends last
    assert "after: Registration of a company" in parts
    assert parts.count("Not needed") == 3
    assert parts.count("gs-bar__rest") == 3
    filed.decide("enterprise_registration", "registrar", "register")
    page = filed.page(browser)
    assert "1 of 3 parts are done." in page
    child = filed.child("seal_filing")
    assert f"/my/cases/{child.number}" in page
    inside = browser.get(f"/my/cases/{child.number}").get_data(as_text=True)
    assert filed.number in inside  # the way back to the whole
    cases = browser.get("/my/cases").get_data(as_text=True)
    assert filed.number in cases
    assert child.number not in cases  # one thing in the list, not seven


def test_a_refused_part_is_tried_again_from_the_page(filed: Filed) -> None:
    browser = filed.file()
    filed.decide("enterprise_registration", "registrar", "register")
    filed.decide("seal_filing", "seals", "refuse", reason="印章样式不符")
    assert "Try again" in filed.page(browser)
    address, here = f"/my/cases/{filed.number}/parts/seal_filing/again", f"/my/cases/{filed.number}"
    assert browser.send(address, {"idem": IDEM}, page=here).status_code == 303
    filed.deliver()
    assert filed.children()["seal_filing"] == "open"
    answer = browser.send(f"/my/cases/{filed.number}/parts/tax_information/again", {"idem": IDEM + "2"}, page=here)
    assert "not_now" in str(answer.location)  # it runs


def test_the_applicant_chooses_how_it_goes_on(filed: Filed) -> None:
    browser = filed.file()
    filed.decide("enterprise_registration", "registrar", "register")
    filed.decide("seal_filing", "seals", "refuse", reason="印章样式不符")
    filed.decide("tax_information", "tax_clerk", "register")
    page = filed.page(browser)
    assert "Try the rest again" in page
    assert "Leave it at that" in page
    here = f"/my/cases/{filed.number}"
    form = {"action": "finish", "token_version": str(filed.state.main.version), "idem": IDEM + "3"}
    assert browser.send(f"{here}/choose", form, page=here).status_code == 303
    assert filed.state.outcome == "granted"
    assert "2 of 3 parts are done." in filed.page(browser)


def test_nobody_else_sees_or_moves_it(filed: Filed) -> None:
    filed.file()
    other = filed.stage.client_as("wang.fang")
    assert other.get(f"/my/cases/{filed.number}").status_code == 404
    for address in ("choose", "parts/seal_filing/again"):
        answer = other.send(f"/my/cases/{filed.number}/{address}", {"action": "finish"}, page="/my/messages")
        assert answer.status_code == 404


def test_every_notice_of_a_bundle_opens(filed: Filed) -> None:
    browser = filed.file()
    filed.decide("enterprise_registration", "registrar", "register")
    for service, role in (("seal_filing", "seals"), ("tax_information", "tax_clerk")):
        filed.decide(service, role, "register")
    inbox = browser.get("/my/messages").get_data(as_text=True)
    links = {part.split('"')[0] for part in inbox.split('href="')[1:] if "/notices/" in part}
    assert len(links) >= 5
    assert {browser.get(link).status_code for link in links} == {200}
