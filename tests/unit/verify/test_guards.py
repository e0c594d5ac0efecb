"""Conditions that no accepted answer can fulfil, and what the interval reasoning must not claim."""

from __future__ import annotations

import pytest

from tests.unit.verify.conftest import Check, Refused

PASS = "pass: {to: site, label: {en: Pass, zh: 通过}}"
ALWAYS = "all: {to: site, label: {en: All, zh: 皆可}}"


def guarded(guard: str) -> tuple[str, str]:
    return PASS, f"pass: {{to: site, guard: '{guard}', label: {{en: Pass, zh: 通过}}}}\n              {ALWAYS}"


UNSAT = [
    "premises.area > 1000.0",  # above the field's max
    "premises.area < 1",
    "premises.area > 10 and premises.area < 10.0",
    "premises.area >= 10 and premises.area <= 10 and premises.area != 10",
    "shop.seats > 10 and shop.seats < 11",  # no whole number between
    "shop.seats > 10 and not shop.seats > 9",
    'shop.kind == "food" and shop.kind == "books"',
    'shop.kind != "food" and shop.kind != "books"',  # no option is left
    'shop.kind not in ["food", "books"]',
    'shop.kind == "food" and shop.kind in ["books"]',
    "has(shop.seats) and not has(shop.seats)",
    "not has(shop.seats) and shop.seats > 3",
    "premises.area > shop.seats and premises.area < shop.seats",
    "premises.area > shop.seats and shop.seats >= premises.area",
    '(shop.kind == "food" or shop.seats > 60) and shop.kind == "books"',
    "abs(premises.area) < 0",
    "False",
    'shop.opened > "2026-01-02" and shop.opened < "2026-01-01"',
    "10 > shop.seats and 20 < shop.seats",
]
SAT = [
    "premises.area >= 1000.0",
    "premises.area > 999.9",
    "premises.area > 10 and premises.area < 10.1",
    "shop.seats > 10 and shop.seats < 12",
    "shop.seats >= 50",
    'shop.kind != "food"',
    "has(shop.seats)",
    "not has(shop.seats)",
    'premises.area > 500.0 or shop.kind == "food"',
    "premises.area > shop.seats and premises.area != shop.seats",
    "premises.area >= shop.seats and shop.seats >= premises.area",
    "premises.area + 1 > 1000.0",  # arithmetic is not reasoned about
    'case.area == "huaxi" and case.number != "x"',
    'shop.opened > "2026-01-01" and shop.opened < "2026-01-03"',
    "size(case.number) == 0",
]


@pytest.mark.parametrize("guard", UNSAT)
def test_a_guard_that_never_holds(refused: Refused, guard: str) -> None:
    found = refused("W-GUARD-UNSAT", *guarded(guard), at="guard:")
    assert found.step == "review.food.papers"
    assert found.trace == ("draft", "desk", "review", "review.food.papers")


@pytest.mark.parametrize("guard", SAT)
def test_a_guard_that_can_hold(check: Check, guard: str) -> None:
    assert check(*guarded(guard)) == []


def test_conditions_elsewhere(refused: Refused) -> None:
    refused("W-GUARD-UNSAT", "premises.area >= 300.0", "premises.area >= 3000.0", at="when:")
    refused("W-GUARD-UNSAT", "shop.seats > 0", "shop.seats > 50", at="show_if:")
    always = ("always:\n  withdraw: {to: withdrawn,", "always:\n  withdraw: {to: withdrawn, guard: 'shop.seats > 50',")
    refused("W-GUARD-UNSAT", *always, at="withdraw:")


def alternatives(*guards: str) -> tuple[str, str]:
    ways = ", ".join(f"{{guard: '{guard}', to: site}}" for guard in guards)
    return PASS, f"pass: {{to: [{ways}, {{to: site}}], label: {{en: Pass, zh: 通过}}}}"


@pytest.mark.parametrize(
    "guards",
    [
        ("premises.area > 100.0", "premises.area > 200.0"),
        ("premises.area > 100.0", "premises.area > 100.0"),
        ('shop.kind == "food"', 'shop.kind in ["food"]'),
        ("premises.area > 100.0", "shop.seats > 1", "premises.area > 300.0 or shop.seats == 7"),
    ],
)
def test_an_alternative_that_an_earlier_one_takes(refused: Refused, guards: tuple[str, ...]) -> None:
    refused("W-GUARD-SHADOWED", *alternatives(*guards), at="to: [")


@pytest.mark.parametrize(
    "guards",
    [
        ("premises.area > 200.0", "premises.area > 100.0"),
        ("premises.area > 100.0", "shop.seats > 1"),
        ("premises.area > 100.0 and shop.seats > 1", "premises.area > 200.0"),
        # the first may be unknown where the second is known
        ("premises.area > 100.0 or shop.seats >= 0", 'shop.kind == "food"'),
    ],
)
def test_alternatives_that_each_have_their_case(check: Check, guards: tuple[str, ...]) -> None:
    assert check(*alternatives(*guards)) == []
