"""Clause "Saga", before anything runs: what a registry did and can take back is finished or undone on every way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from config import ROOT
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.check import check_bytes
from govservice.definitions.findings import Finding
from govservice.definitions.loader import Rules

TEXT = (ROOT / "workflows" / "services" / "household_move.yaml").read_text(encoding="utf-8")
UNLESS = "unless: [draft, lock, remove, enter, undo, rescue, book, page, announce]"
Found = Callable[..., list[Finding]]


@pytest.fixture(scope="module")
def found() -> Found:
    rules = Rules(load_catalogue(ROOT / "workflows"), publishing=True)

    def check(*changes: str) -> list[Finding]:
        text = TEXT
        for old, new in zip(changes[::2], changes[1::2], strict=True):
            assert old in text
            text = text.replace(old, new)
        return [
            f for f in check_bytes(text.encode(), rules, "household_move.yaml").findings if f.code.startswith("E-SAGA")
        ]

    return check


def test_the_shipped_move_is_sound(found: Found) -> None:
    assert found() == []


@pytest.mark.parametrize(
    ("old", "new", "step", "run"),
    [
        ("fail: {to: undo, flag: not_entered}", "fail: {to: refused, flag: not_entered}", "lock", "refused"),
        ("fail: {to: undo, flag: not_held}", "fail: {to: approval, flag: not_held}", "lock", "refused"),
        (UNLESS, UNLESS.replace("remove, ", ""), "lock", "withdrawn"),
        (UNLESS, UNLESS.replace("undo, ", ""), "lock", "withdrawn"),
        ("fail: {to: rescue, flag: not_put_back}", "fail: {to: approval, flag: not_put_back}", "lock", "refused"),
    ],
)
def test_an_end_while_something_is_open(found: Found, old: str, new: str, step: str, run: str) -> None:
    """Compensation that is missing, that may fail unnoticed, or that withdrawing goes round; told with its run."""
    (first, *_) = found(old, new)
    assert (first.code, first.step) == ("E-SAGA-OPEN", step)
    assert first.trace[-1].endswith(f"[{run}]")
    assert any(f"[{step}]" in line for line in first.trace)


def test_what_is_done_for_good_ends_in_a_grant(found: Found) -> None:
    (one,) = found(UNLESS, UNLESS.replace("page, ", ""))
    assert (one.code, one.step) == ("E-SAGA-SETTLED", "enter")
    assert one.trace[-1].endswith("[withdrawn]")


def test_a_branch_is_no_place_for_it(found: Found) -> None:
    """A join may cancel a branch at any moment."""
    (one,) = found("call: address.social_insurance", "call: register.lock")
    assert (one.code, one.step) == ("E-SAGA-BRANCH", "announce.social.tell")
