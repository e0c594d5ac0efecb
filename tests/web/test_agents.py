"""Who acts for an enterprise: appointed by its legal representative in the browser, ended by either side, at once."""

from __future__ import annotations

import html
import re

import pytest

from govservice.exchange.sandbox.cast import CITIZENS
from tests.web.conftest import Browser, Stage

LIU = next(c.person for c in CITIZENS if c.login == "liu.yang")
FORM = {"name": LIU.name, "number": LIU.id, "services": ["open_restaurant"], "valid_to": "2027-03-01"}


def page_of(client: Browser, address: str) -> str:
    return html.unescape(client.get(address).get_data(as_text=True))


def agents_page(stage: Stage, login: str = "wang.fang") -> tuple[Browser, str]:
    client = stage.client_as(login)
    (address,) = set(re.findall(r'href="(/account/agents/[^"]+)"', page_of(client, "/account/acting-for")))
    return client, address


def enterprise(stage: Stage, login: str) -> list[str]:
    """What somebody may act for, as their page says."""
    return re.findall(r'name="party"[^>]*value="([^"]+)"', page_of(stage.client_as(login), "/account/acting-for"))


def test_an_agent_is_appointed_acts_for_what_was_named_and_is_ended(stage: Stage) -> None:
    client, address = agents_page(stage)
    assert "Nobody acts for the enterprise but you." in page_of(client, address)
    assert enterprise(stage, "liu.yang") == ["self"]
    assert client.send(address, FORM).status_code == 303
    assert client.send(address, FORM).status_code == 303, "the same form twice"
    page = page_of(client, address)
    assert page.count(LIU.name) >= 1
    assert page.count("End this mandate") == 1
    mine = stage.client_as("liu.yang")
    (mandate,) = [v for v in enterprise(stage, "liu.yang") if v != "self"]
    assert mine.send("/account/acting-for", {"party": mandate}).status_code == 303
    assert "as its agent" in page_of(mine, "/account")
    assert "only for: Open a restaurant" in page_of(mine, "/account/acting-for")
    assert "To let you act for an enterprise" in page_of(mine, "/my/data/reads"), "who was looked up sees that"
    assert mine.send("/services/open_restaurant/start", {"party": mandate}).status_code == 303
    assert mine.send("/services/food_business_licence/start", {"party": mandate}).status_code == 422, "not named"
    (end,) = re.findall(r'action="(/account/agents/[^"]+/end/[^"]+)"', page)
    assert client.send(end, {}).status_code == 303
    assert client.send(end, {}).status_code == 303, "a second time changes nothing"
    assert "as its agent" not in page_of(mine, "/account"), "at once"
    assert enterprise(stage, "liu.yang") == ["self"]
    assert "Ended on" in page_of(client, address)


def test_everything_that_is_missing_is_said_at_once(stage: Stage) -> None:
    client, address = agents_page(stage)
    answer = client.send(address, {})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    for words in ("Enter the name", "Enter the identity number", "Choose for which services they may act"):
        assert words in page


def test_an_agent_gives_the_mandate_back(stage: Stage) -> None:
    client, address = agents_page(stage)
    client.send(address, FORM)
    mine = stage.client_as("liu.yang")
    (back,) = re.findall(r'action="(/account/acting-for/[^"]+/give-back)"', page_of(mine, "/account/acting-for"))
    assert stage.client_as("chen.wei").send(back, {}).status_code == 404, "nobody else's"
    assert mine.send(back, {}).status_code == 303
    assert enterprise(stage, "liu.yang") == ["self"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"number": "52011219900101001X"}, "There is a problem"),
        ({"name": "王芳"}, "Nobody with this name and number has an account here"),
        ({"name": ""}, "Enter the name as on the identity card"),
        ({"services": []}, "Choose for which services they may act"),
        ({"services": ["minimum_living_allowance"]}, ""),
        ({"valid_to": "2020-01-01"}, "from today on"),
        ({"valid_to": "2050-01-01"}, "at most five years"),
        ({"valid_to": ""}, "from today on"),
    ],
)
def test_a_wrong_form_says_what_is_wrong_and_appoints_nobody(
    stage: Stage, change: dict[str, object], words: str
) -> None:
    client, address = agents_page(stage)
    answer = client.send(address, {**FORM, **change})
    assert answer.status_code == 422
    assert words in html.unescape(answer.get_data(as_text=True))
    assert enterprise(stage, "liu.yang") == ["self"]


def test_the_form_asks_for_the_last_day_that_it_wants(stage: Stage) -> None:
    """A mandate without an end is refused: the hint must not offer one."""
    page = page_of(*agents_page(stage))
    assert "At most five years ahead." in page
    assert "Leave it open" not in page


def test_only_the_legal_representative_appoints_and_ends(stage: Stage) -> None:
    client, address = agents_page(stage)
    own = {**FORM, "name": "王芳", "number": next(c.person.id for c in CITIZENS if c.login == "wang.fang")}
    assert "You represent this enterprise already" in html.unescape(client.send(address, own).get_data(as_text=True))
    client.send(address, FORM)
    (end,) = re.findall(r'action="(/account/agents/[^"]+/end/[^"]+)"', page_of(client, address))
    for login in ("chen.wei", "liu.yang"):
        other = stage.client_as(login)
        assert other.get(address).status_code == 404
        assert other.send(address, FORM).status_code == 404
        assert other.send(end, {}).status_code == 404
    (mandate,) = [v for v in enterprise(stage, "liu.yang") if v != "self"]
    assert stage.client_as("liu.yang").get(f"/account/agents/{mandate}").status_code == 404, "an agent appoints nobody"
