"""Joins: every combination of outcomes fires a rule; every rule can fire; conditions that exclude each other count."""

from __future__ import annotations

import pytest

from tests.unit.verify.conftest import Check, Refused

RULES = """      - {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}
      - {if: "all(approved, not_needed)", to: decision}
"""


def rules(*lines: str) -> tuple[str, str]:
    return RULES, "".join(f"      - {line}\n" for line in lines)


REJECTED = '{if: "any(rejected)", to: refused, siblings: cancel, marks: decided}'
ALL = '{if: "all(approved, not_needed)", to: decision}'
ELSE = "{to: decision}"
OUTCOMES = ("approved", "rejected", "noted")


def test_a_combination_that_fires_no_rule(refused: Refused) -> None:
    found = refused("E-JOIN-DEADLOCK", *rules(REJECTED, '{if: "all(approved)", to: decision}'), at="join:")
    assert found.trace == ("draft", "desk", "review", "review.food#approved", "review.fire#not_needed")
    assert "food approved, fire not_needed" in found.message


def test_an_outcome_that_the_rules_forgot(refused: Refused) -> None:
    new = ("pass: {end: approved, label: {en: Pass, zh: 通过}}", "pass: {end: conditions, label: {en: Pass, zh: 通过}}")
    found = refused("E-JOIN-DEADLOCK", *new, at="join:")
    assert found.trace[-1] == "review.fire#conditions"


def test_a_rule_that_an_earlier_one_always_takes(refused: Refused) -> None:
    found = refused("W-SHADOWED-RULE", *rules(REJECTED, ALL, ELSE), at="- {to: decision}")
    assert found.step == "review"
    refused("W-SHADOWED-RULE", *rules(REJECTED, '{if: "atleast(2, rejected)", to: refused}', ALL), at="atleast")


def test_a_rule_that_waits_behind_one_that_cancels_earlier(refused: Refused) -> None:
    """Whenever all approve, the first approval has cancelled the others already."""
    early = '{if: "any(approved)", to: decision, siblings: cancel}'
    refused("W-SHADOWED-RULE", *rules('{if: "all(approved)", to: decision}', early, REJECTED), at="all(approved)")
    refused("W-SHADOWED-RULE", *rules('{if: "atleast(2, rejected)", to: refused}', REJECTED, ALL), at="atleast")


def test_more_than_there_are(refused: Refused) -> None:
    refused("E-JOIN-ATLEAST", *rules(REJECTED, '{if: "atleast(3, approved)", to: decision}', ELSE), at="atleast(3",
            also=("W-SHADOWED-RULE",))  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        [REJECTED, ELSE],
        [ALL, ELSE],
        [ALL, REJECTED],  # weighed again when all have ended
        ['{if: "any(rejected)", to: refused}', ALL],  # every department says what it has to say first
        ['{if: "atleast(2, approved)", to: decision, siblings: cancel}', REJECTED, ALL],
        ['{if: "any(rejected) and any(approved)", to: decision}', '{if: "any(rejected)", to: refused}', ALL],
    ],
)
def test_sound_joins(check: Check, lines: list[str]) -> None:
    assert [str(f) for f in check(*rules(*lines)) if f.code not in ("W-LIMIT-UNUSED",)] == []


def test_branches_that_exclude_each_other_need_no_rule_for_both(check: Check, refused: Refused) -> None:
    """Small premises go to one department, large ones to the other; never both, but perhaps neither (unknown area)."""
    small = ("        owner: food\n", '        owner: food\n        when: "premises.area < 300.0"\n')
    one = '{if: "atleast(1, approved) and any(not_needed)", to: decision}'
    none = '{if: "all(not_needed)", to: decision}'
    assert [f.code for f in check(*small, *rules(REJECTED, one, none))] == []
    found = refused("E-JOIN-DEADLOCK", *small, *rules(REJECTED, one), at="join:")
    assert found.trace[-2:] == ("review.food#not_needed", "review.fire#not_needed")
    overlapping = ("        owner: food\n", '        owner: food\n        when: "premises.area <= 300.0"\n')
    assert [f.code for f in check(*overlapping, *rules(REJECTED, one, none))] == ["E-JOIN-DEADLOCK"]


def test_more_combinations_than_can_be_checked(refused: Refused) -> None:
    """Ten departments, each with three outcomes that the rules tell apart."""
    ends = "".join(f"              {o}: {{end: {o}, reason: true, label: {{en: X, zh: 某}}}}\n" for o in OUTCOMES)
    branch = (
        "      bNO:\n        title: {en: B, zh: 乙}\n        owner: fire\n        start: s\n        steps:\n"
        f"          s:\n            title: {{en: S, zh: 步}}\n            actions:\n{ends}"
    )
    many = "".join(branch.replace("NO", str(n)) for n in range(10))
    changed = rules('{if: "any(rejected) or any(noted)", to: refused, siblings: cancel, marks: decided}', ALL)
    refused("E-JOIN-TOO-WIDE", "    join:\n", f"{many}    join:\n", *changed, at="review:")
