"""Clause 4, "piled handling": several like tasks in one go, per case its own command, own event, own refusal."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.web.conftest import Stage
from tests.web.desks import Desks, words

PILE = "/clerk/piled?service=open_restaurant&step=acceptance"


@pytest.fixture
def desks(make_stage: Callable[..., Stage]) -> Desks:
    return Desks(make_stage())


def test_piled_handling_acts_case_by_case_and_tells_each_result(desks: Desks) -> None:
    first, second, third = (desks.filed() for _ in range(3))
    listed = words(desks.at("li.na").get("/clerk/?service=open_restaurant&step=acceptance"))
    assert "Handle several of these at once" in listed
    page = desks.at("li.na").get(PILE).get_data(as_text=True)
    hidden = dict(re.findall(r'name="((?:seen-|idem|action|service|step)[^"]*)" value="([^"]*)"', page))
    assert hidden["action"] == "accept", "the usual act; declining and asking need words and are never piled"
    assert desks.post("li.na", "/clerk/piled", **hidden).status_code == 422
    desks.do("li.na", second, "decline", reason="a colleague was faster")

    form = {**hidden, "case": [first, second, third, "NO-SUCH-CASE"]}
    token = desks.at("li.na").token("/account")
    done = desks.at("li.na").post("/clerk/piled", data={"csrf_token": token, **form})
    told = words(done)
    assert "2 of 4 done" in told
    assert told.count("Not done") == 2
    assert "There is no such case." in told
    assert [desks.state(n).main.step for n in (first, third)] == ["review", "review"]
    assert desks.state(second).outcome == "refused"
    before = desks.fingerprint()
    again = desks.at("li.na").post("/clerk/piled", data={"csrf_token": token, **form})
    assert "2 of 4 done" in words(again), "the same form sent twice is one act"
    assert desks.fingerprint() == before
    refusing = {**hidden, "action": "decline", "case": [first]}
    fourth = desks.filed()
    refusing = {**refusing, "case": [fourth], f"seen-{fourth}": "2.1"}
    refused = words(desks.at("li.na").post("/clerk/piled", data={"csrf_token": token, **refusing}))
    assert "This act asks for words or documents: open the case." in refused
    assert desks.at("zhou.jie").get(PILE).status_code == 200
    assert "Nothing here can be done in one go." in words(desks.at("zhou.jie").get(PILE))
