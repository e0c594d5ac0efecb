"""The public desk: pages open in both languages, search finds what was meant, anybody verifies a licence."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import select

from govservice.engine import MAIN
from govservice.models.papers import IssuedDocument
from govservice.operations.effects import deliver_due
from tests.web.cases import Office
from tests.web.citizens import text_of
from tests.web.conftest import Browser, Stage


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def fang(stage: Stage) -> Browser:
    return stage.client_as("wang.fang")


# -- the public desk ---------------------------------------------------------------------------------------------------


PUBLIC = (
    "/", "/search", "/search?q=开餐馆", "/life/start_business", "/services/open_restaurant",
    "/services/food_business_licence", "/verify", "/help", "/accessibility", "/privacy", "/complaints",
)  # fmt: skip
MEANT = (
    "restaurant", "open a cafe", "restarant", "resturants", "开餐馆", "我想开一家饭店", "开饭馆怎么办理", "canguan",
    "kai ban can guan", "kbcg", "kaifandian", "kaicanguan",
    "restraunt", "hot pot", "火锅", "开个店", "ＲＥＳＴＡＵＲＡＮＴ", "招牌",
)  # fmt: skip
NOTHING = ("", " ", "zzzzqq", "%", "{{7*7}}", "<script>", "a" * 5000, "𠮷" * 200)
NO_CODES = ("0000-0000-0000-0000", "x", "'; DROP TABLE documents", "１２３４", "a" * 3000, "{x}", "%00")


def test_public_pages_open_in_both_languages(stage: Stage) -> None:
    for language in ("en", "zh-CN"):
        browser = stage.client(HTTP_ACCEPT_LANGUAGE=language)
        for address in PUBLIC:
            answer = browser.get(address)
            assert answer.status_code == 200, address
            assert f'<html lang="{language}"' in text_of(answer)
            assert "%(" not in text_of(answer)


def test_search_finds_what_was_meant_first(stage: Stage) -> None:
    browser = stage.client()
    for query in MEANT:
        page = text_of(browser.get("/search", query_string={"q": query}))
        found = re.findall(r'gs-results__title"><a href="/services/(\w+)"', page)
        assert "All services" not in page, query
        assert found[:1] == ["open_restaurant"], (query, found)


def test_a_search_for_nothing_says_so(stage: Stage) -> None:
    browser = stage.client()
    for query in NOTHING:
        answer = browser.get("/search", query_string={"q": query})
        assert answer.status_code == 200, query
        assert "<script>alert" not in text_of(answer)
        assert "All services" in text_of(answer), query


def test_a_code_that_is_none_is_not_found(stage: Stage) -> None:
    browser = stage.client()
    for code in NO_CODES:
        assert browser.get(f"/verify/{quote(code)}").status_code == 404, code
        assert browser.get("/verify", query_string={"code": code}).status_code in (200, 303), code
    assert browser.get("/services/nothing").status_code == 404
    assert browser.get("/life/nothing").status_code == 404


# -- the licence -------------------------------------------------------------------------------------------------------


def granted(stage: Stage, office: Office) -> str:
    """The number of a case decided in favour: the papers examined, the site inspected by two."""
    number = office.submitted("wang.fang", "food_business_licence", "huaxi")
    office.do("li.na", number, "accept")
    papers, site = MAIN + 1, MAIN + 2  # the two branches, in the order of the definition
    office.do("zhang.qiang", number, "pass", papers)
    staff = inspectors(stage)
    for login in staff[:2]:
        office.do(login, number, "pass", site, attachments=("inspection_record",))
    office.do("he.tao", number, "approve")
    while deliver_due(stage.runtime, "test", stage.wall.now()):
        pass
    return number


def inspectors(stage: Stage) -> list[str]:
    from govservice.models.accounts import Role, User

    with stage.runtime.read() as session:
        rows = session.scalars(
            select(User.login).join(Role, Role.user_id == User.id)
            .where(Role.role == "inspector", Role.department_id == "huaxi.market_reg").order_by(User.login)
        ).all()  # fmt: skip
    return list(rows)


def test_anybody_verifies_a_licence_and_a_forged_one_is_found(stage: Stage, fang: Browser, office: Office) -> None:
    number = granted(stage, office)
    own = text_of(fang.get(f"/my/cases/{number}/licence"))
    code = re.search(r"/verify/([0-9A-Z-]{19})", own)[1]  # type: ignore[index]
    anybody = stage.client()
    page = text_of(anybody.get(f"/verify/{code}"))
    assert "Valid" in page
    assert "<svg" in page
    typed = anybody.get("/verify", query_string={"code": code.lower().replace("-", " ").replace("0", "o")})
    assert typed.headers["Location"] == f"/verify/{code}"
    with stage.runtime.write() as session:
        document = session.scalars(select(IssuedDocument)).one()
        until = document.valid_until
        document.valid_until = stage.wall.now().date() - timedelta(days=1)
    assert "it has expired" in text_of(anybody.get(f"/verify/{code}"))
    with stage.runtime.write() as session:
        document = session.scalars(select(IssuedDocument)).one()
        document.valid_until, document.revoked_at = until, stage.wall.now()
    assert "This licence was revoked" in text_of(anybody.get(f"/verify/{code}"))
    with stage.runtime.write() as session:
        document = session.scalars(select(IssuedDocument)).one()
        document.content = {**document.content, "holder": "somebody else"}
    assert "does not match its seal" in text_of(anybody.get(f"/verify/{code}"))


def test_a_service_page_tells_the_usual_way_and_asks_for_nothing_that_the_case_brings_forth(stage: Stage) -> None:
    """The exception (urgent aid, a pledge) is no step of everybody's; what the system does is not the paper; what the
    decision computes is nothing to prepare."""
    anybody = stage.client()
    allowance = text_of(anybody.get("/services/minimum_living_allowance"))
    assert "Monthly allowance" not in allowance
    assert "Urgent aid being paid" not in allowance
    assert "The system does this by itself" in allowance
    licence = text_of(anybody.get("/services/food_business_licence"))
    assert "Decision on the pledge" not in licence
    assert "2 examinations run at the same time" in licence
    assert "Handed to supervision" not in licence
    assert "You are told what is due, and pay online." in text_of(anybody.get("/services/building_permit"))
