"""What was said and brought before is offered on the task list, on the page of a document and in My documents."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import Stage
from tests.web.desks import Desks, words

FIRST = "CANARY-layout.pdf"


@pytest.fixture
def desks(make_stage: Callable[..., Stage]) -> Desks:
    return Desks(make_stage())


def test_one_press_takes_over_answers_and_documents_and_each_says_where_it_came_from(desks: Desks) -> None:
    first, second = desks.filed(), desks.draft("wang.fang", "open_restaurant", "huaxi", for_organisation=True)
    mine = f"/my/cases/{second}"
    assert f"Your application {first} of" in words(desks.at("wang.fang").get(f"{mine}/tasks"))
    done = desks.post("wang.fang", f"{mine}/reuse", **{"from": first})
    assert done.status_code == 303
    assert "taken over. Check each of them before you send" in words(
        desks.at("wang.fang").get(done.headers["Location"])
    )
    check = words(desks.at("wang.fang").get(f"{mine}/check"))
    assert check.count(f"as in your application {first}") == 2, "both documents; the answers were given already"
    assert FIRST in check
    again = desks.post("wang.fang", f"{mine}/reuse", **{"from": first})
    assert again.headers["Location"].endswith("taken=0"), "twice is once"


def test_a_document_given_before_is_used_again_with_one_press_and_nobody_else_gets_it(desks: Desks) -> None:
    first, second = desks.filed(), desks.draft("wang.fang", "open_restaurant", "huaxi", for_organisation=True)
    page = desks.at("wang.fang").get(f"/my/cases/{second}/documents/layout")
    assert "You gave this before" in words(page)
    file = page.text.split('name="file" value="')[1].split('"')[0]
    where = f"/my/cases/{second}/documents/layout/before"
    assert desks.post("wang.fang", where, file="0" * 36).status_code == 404
    assert desks.post("liu.yang", where, file=file).status_code == 404
    assert desks.post("wang.fang", where, file=file).status_code == 303
    used = words(desks.at("wang.fang").get(f"/my/cases/{second}/documents/layout"))
    assert "You gave this before" not in used
    assert FIRST in used
    listed = words(desks.at("wang.fang").get("/my/documents"))
    assert listed.count(FIRST) == 1, "a copy in another draft is no second document"
    assert first in listed
    assert "Nothing yet" in words(desks.at("liu.yang").get("/my/documents"))
