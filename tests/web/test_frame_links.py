"""No link that the portal shows somebody leads them nowhere: the frame and the first pages, for each of the cast."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.web.conftest import Stage

CAST = ("wang.fang", "liu.yang", "li.na", "he.tao", "zhao.lei", "qian.yu", "ma.jun", "gu.wen", "an.ning", "luo.lan")
PAGES = ("/", "/services/open_restaurant", "/account", "/verify", "/help")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Links do not depend on the kind of database."""
    return sqlite_url


@pytest.mark.parametrize("login", CAST)
def test_no_link_of_the_first_pages_leads_nowhere(stage: Stage, login: str) -> None:
    client = stage.client_as(login)
    landed = client.get("/sign-in").location
    seen: dict[str, str] = {}
    for page in dict.fromkeys((landed, *PAGES)):
        answer = client.get(page)
        assert answer.status_code == 200, page
        for href in re.findall(r'<a [^>]*href="(/[^"#]*)', answer.get_data(as_text=True)):
            seen.setdefault(unescape(href), page)
    lost = {h: p for h, p in seen.items() if "/language/" not in h and client.get(h).status_code not in (200, 302, 303)}
    assert lost == {}


def test_staff_on_a_public_page_find_back_and_are_told_how_to_apply(stage: Stage) -> None:
    page = stage.client_as("zhang.qiang").get("/services/open_restaurant").get_data(as_text=True)
    assert re.search(r'href="/clerk/[a-z]*">Back to your desk</a>', page)
    assert "sign in with your own account" in page
    assert "/services/open_restaurant/start" not in page
    assert "Back to your desk" not in stage.client_as("liu.yang").get("/").get_data(as_text=True)
