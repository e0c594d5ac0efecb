"""Join rules: what holds for which outcomes, and when a rule can hold early."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from govservice.definitions.expressions import ExpressionError
from govservice.definitions.joins import compile_join

OPEN = None


@pytest.mark.parametrize(
    ("source", "outcomes", "holds"),
    [
        ("any(rejected)", {"a": "rejected", "b": OPEN}, True),
        ("any(rejected)", {"a": "approved", "b": OPEN}, False),
        ("all(approved, not_needed)", {"a": "approved", "b": "not_needed"}, True),
        ("all(approved, not_needed)", {"a": "approved", "b": OPEN}, False),
        ("all(approved)", {"a": "approved", "b": "rejected"}, False),
        ("atleast(2, approved)", {"a": "approved", "b": "approved", "c": OPEN}, True),
        ("atleast(2, approved, conditional)", {"a": "approved", "b": "conditional", "c": OPEN}, True),
        ("atleast(2, approved)", {"a": "approved", "b": "rejected", "c": OPEN}, False),
        ("any(rejected) and atleast(2, approved)", {"a": "rejected", "b": "approved", "c": "approved"}, True),
        ("any(rejected) or all(approved)", {"a": "approved", "b": "approved"}, True),
        (None, {"a": "approved", "b": OPEN}, False),
        (None, {"a": "approved", "b": "rejected"}, True),
    ],
)
def test_when_a_rule_holds(source: str | None, outcomes: Mapping[str, str | None], holds: bool) -> None:
    assert compile_join(source).holds(outcomes) is holds


@pytest.mark.parametrize(
    ("source", "needs_all"),
    [
        (None, True),
        ("all(a)", True),
        ("any(a)", False),
        ("any(a) and all(b)", True),
        ("any(a) or all(b)", False),
        ("all(a) or all(b)", True),
        ("atleast(1, a)", False),
    ],
)
def test_which_rules_wait_for_every_branch(source: str | None, needs_all: bool) -> None:
    assert compile_join(source).needs_all is needs_all


def test_what_a_rule_names() -> None:
    rule = compile_join("any(rejected, returned) or atleast(3, approved)")
    assert rule.outcomes == {"rejected", "returned", "approved"}
    assert rule.atleast == 3


@pytest.mark.parametrize(
    "source",
    ["", "rejected", "not any(rejected)", "any()", "any('rejected')", "atleast(approved)", "atleast(0, approved)",
     "atleast(True, a)", "atleast(1)", "most(approved)", "any(x for x in y)", "any(a) > 1", "all(a=b)", "any(a).b"],
)  # fmt: skip
def test_what_is_no_rule(source: str) -> None:
    with pytest.raises(ExpressionError):
        compile_join(source)


WORDS = st.sampled_from(["approved", "rejected", "not_needed", None])
RULES = ["any(rejected)", "all(approved, not_needed)", "atleast(2, approved)", "any(rejected) or all(approved)",
         "any(approved) and atleast(1, rejected, not_needed)"]  # fmt: skip


@given(st.sampled_from(RULES), st.lists(WORDS, min_size=1, max_size=5), WORDS)
def test_a_rule_that_holds_early_still_holds_when_all_have_ended(
    source: str, first: list[str | None], late: str | None
) -> None:
    rule = compile_join(source)
    now = {str(index): outcome for index, outcome in enumerate(first)}
    later = {name: outcome or late or "approved" for name, outcome in now.items()}
    if not rule.needs_all and rule.holds(now):
        assert rule.holds(later)
    if rule.needs_all and rule.holds(now):
        assert None not in now.values()
