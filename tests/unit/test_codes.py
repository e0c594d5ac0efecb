"""The codes that the portal makes up can be read back from what people type."""

from __future__ import annotations

import pytest

from govservice.codes import ALPHABET, CASE_NUMBER, LICENCE_CODE


def test_a_code_has_its_length_its_groups_and_no_sign_that_is_misread() -> None:
    code = LICENCE_CODE.random()
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert set(code) <= set(ALPHABET) | {"-"}
    assert not set(ALPHABET) & set("ILOU")
    assert len({LICENCE_CODE.random() for _ in range(200)}) == 200


def test_a_keyed_code_is_the_same_for_the_same_message_only() -> None:
    number = CASE_NUMBER.keyed("key", "one")
    assert number == CASE_NUMBER.keyed("key", "one")
    assert len({number, CASE_NUMBER.keyed("key", "two"), CASE_NUMBER.keyed("other", "one")}) == 3
    assert [len(group) for group in number.split("-")] == [5, 5, 5]


TYPED = (
    "0123-4567-89ab-cdef", " 0123 4567 89AB CDEF ", "OL23456789abcdef", "oi234567-89ABCDEF",
    "\uff10\uff11\uff12\uff13\uff14\uff15\uff16\uff17\uff18\uff19\uff41\uff42\uff43\uff44\uff45\uff46",
)  # fmt: skip


@pytest.mark.parametrize("typed", TYPED)
def test_what_was_meant(typed: str) -> None:
    """Groups anywhere, small and full-width letters, O for 0, L for 1."""
    assert LICENCE_CODE.meant(typed) == "0123-4567-89AB-CDEF"


@pytest.mark.parametrize("typed", ["", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEFG", "晨光面馆", "%" * 16, "0" * 500])
def test_another_text_is_no_code(typed: str) -> None:
    assert LICENCE_CODE.meant(typed) is None
