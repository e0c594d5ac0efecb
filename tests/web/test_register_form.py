"""The registration form: what is wrong is said, what was typed is kept. Read before any database is asked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.web.conftest import Stage
from tests.web.test_accounts import FORM, cn_id


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    return sqlite_url


@pytest.fixture
def portal_page(make_stage: Callable[..., Stage]) -> Stage:
    return make_stage()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Enter the name as it stands in the document."),
        ({"name": "\u200b\u202e "}, "Enter the name as it stands in the document."),
        ({"name": "x" * 150}, "The name is too long."),
        ({"id_number": cn_id(7)[:-1] + ("0" if cn_id(7)[-1] != "0" else "1")}, "One of these characters is wrong."),
        ({"id_number": "123"}, "An identity number has 18 digits"),
        ({"id_number": "990111199002300011"}, "birth date"),
        ({"id_type": "passport", "id_number": "E"}, "A passport number has 5 to 9"),
        ({"id_type": "uscc"}, "Not a valid choice"),
        ({"id_type": ""}, "Choose the kind of document."),
        ({"login": "a"}, "Use 3 to 40 letters and digits"),
        ({"login": "王芳"}, "Use 3 to 40 letters and digits"),
        ({"login": "x' OR 1=1"}, "Use 3 to 40 letters and digits"),
        ({"password": "short"}, "Use at least 10 characters."),
        ({"password": "1234567890"}, "This password is easy to guess."),
        ({"password": "ou.yang 2026"}, "The password must not contain the sign-in name."),
        ({"password": "x" * 900}, "Use at most 200 characters."),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_kept(portal_page: Stage, change: dict[str, str], words: str) -> None:
    answer = portal_page.client().send("/register", {**FORM, **change})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert words in page
    assert "<title>Error: " in page
    assert 'value="one two three four"' not in page, "a password is never drawn"
    if "name" not in change:
        assert 'value="欧阳·娜娜"' in page
