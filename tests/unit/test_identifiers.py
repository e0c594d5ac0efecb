"""Identifiers of people and organisations: normalised, checked, masked."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govservice import identifiers as ids

GOOD = [
    ("cn_id", "11010519491231002X", "11010519491231002X"),  # the example of GB 11643
    ("cn_id", "１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"),
    ("cn_id", " 110105 19491231-002x\u200b", "11010519491231002X"),
    ("cn_id", "990111198803182048", "990111198803182048"),
    ("uscc", "91350100m000100y43", "91350100M000100Y43"),  # the example of GB 32100
    ("passport", "e 12345678", "E12345678"),
    ("hk_macau_permit", "h12345678", "H12345678"),
    ("taiwan_permit", "１２３４５６７８", "12345678"),
]
BAD = [
    ("cn_id", "110105194912310021", ids.WRONG_CHECK),
    ("cn_id", "110105194902300020", ids.WRONG_DATE),
    ("cn_id", "11010519491231002", None),
    ("cn_id", "", None),
    ("cn_id", "٩٩٠١١١١٩٨٨٠٣١٨٢٠٤٨", None),  # digits, but of another script
    ("uscc", "91350100M000100Y44", ids.WRONG_CHECK),
    ("uscc", "91350100I000100Y43", None),  # the letter I does not occur
    ("passport", "ABCDEFGH", None),
    ("hk_macau_permit", "T12345678", None),
    ("taiwan_permit", "1234567", None),
]


@pytest.mark.parametrize(("kind", "typed", "value"), GOOD)
def test_what_people_type_is_normalised(kind: ids.IdKind, typed: str, value: str) -> None:
    assert ids.parse(kind, typed) == value


@pytest.mark.parametrize(("kind", "typed", "message"), BAD)
def test_wrong_identifiers_are_refused_with_a_reason(kind: ids.IdKind, typed: str, message: str | None) -> None:
    with pytest.raises(ids.WrongIdentifier) as refused:
        ids.parse(kind, typed)
    assert typed == "" or typed not in str(refused.value)
    if message is not None:
        assert str(refused.value) == message


def test_the_mask_shows_what_a_person_recognises() -> None:
    assert ids.mask("cn_id", "990111198803182048") == "9901 **** **** **2048"
    assert ids.mask("uscc", "91990111MA7K2Q5X12") == "9199 0111 MA7K 2Q5X 12"
    assert ids.mask("passport", "E12345678") == "E1*****78"


def test_the_birth_date_is_read() -> None:
    assert ids.birth_date("990111198803182048") == date(1988, 3, 18)


@given(st.integers(0, 16), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(place: int, change: int) -> None:
    """What ISO 7064 MOD 11-2 promises: every single error shows."""
    good = "990111198803182048"
    wrong = good[:place] + str((int(good[place]) + change) % 10) + good[place + 1 :]
    assert ids.problem("cn_id", wrong) is not None


@given(st.integers(0, 16), st.integers(1, 30))
def test_one_wrong_character_of_a_credit_code_is_always_found(place: int, change: int) -> None:
    good, alphabet = "91990111MA7K2Q5X12", "0123456789ABCDEFGHJKLMNPQRTUWXY"
    other = alphabet[(alphabet.index(good[place]) + change) % 31]
    assert ids.problem("uscc", good[:place] + other + good[place + 1 :]) is not None


@given(st.text(max_size=40))
def test_no_text_breaks_the_checks(text: str) -> None:
    for kind in ids.KINDS:
        ids.problem(kind, ids.normalise(text))
