"""Clocks and milestones along every way: sums of limits, double marks, clocks left running at a grant."""

from __future__ import annotations

from tests.unit.verify.conftest import Check, Refused


def test_steps_that_take_longer_than_the_law_allows(refused: Refused) -> None:
    found = refused("E-SLA", "statutory: 20wd, promised: 10wd", "statutory: 9wd", at="decision:")
    assert found.trace == ("review", "decision")
    assert "10 working days" in found.message
    assert "9wd" in found.message
    refused("E-SLA", "    limit: 3wd\n", "    limit: 6wd\n", at="intake:")


def test_steps_that_take_longer_than_promised(refused: Refused) -> None:
    refused(
        "W-SLA",
        "    limit: 4wd\n    actions:\n      approve",
        "    limit: 5wd\n    actions:\n      approve",
        at="promised: 10wd",
    )


def test_a_parallel_step_without_a_limit_counts_its_longest_branch(check: Check, refused: Refused) -> None:
    assert check("    limit: 6wd\n", "") == []
    refused("W-SLA", "    limit: 6wd\n", "", "            limit: 4wd\n", "            limit: 5wd\n", at="decision:")


def test_calendar_days_and_working_days_compare_by_the_week(check: Check) -> None:
    assert check("promised: 10wd", "promised: 14d") == []
    assert [f.code for f in check("promised: 10wd", "promised: 13d")] == ["W-SLA"]


def test_the_applicant_s_time_is_not_counted(check: Check) -> None:
    go = "{go: {to: decision, label: {en: Go, zh: 去}}}"
    mine = f"  mine:\n    title: {{en: M, zh: 我}}\n    kind: applicant\n    limit: 90wd\n    actions: {go}\n  issue:\n"
    assert check('not_needed)", to: decision}', 'not_needed)", to: mine}', "  issue:\n", mine) == []


def test_a_promise_beyond_the_law(refused: Refused) -> None:
    refused("E-PROMISED", "promised: 10wd", "promised: 21wd", at="decision:")


def test_a_block_shorter_than_its_longest_branch(refused: Refused) -> None:
    found = refused("W-BLOCK-LIMIT", "    limit: 6wd\n", "    limit: 5wd\n", at="limit: 5wd")
    assert found.trace == ("review.food.papers", "review.food.site")


def test_a_milestone_marked_twice_on_one_way(refused: Refused) -> None:
    again = ("ok: {to: done, marks: delivered}", "ok: {to: done, marks: decided}")
    found = refused("E-MILESTONE-TWICE", *again, at="ok:", also=("E-LIMIT-OPEN",))
    assert found.trace == ("draft", "desk", "review", "decision", "issue", "done")


def test_in_a_loop_the_last_mark_counts(check: Check) -> None:
    """approve marks decided, issuing fails, refuse marks it again: the way repeats the decision step."""
    assert check("fail: {to: decision}", "fail: {to: decision, flag: issue_failed}") == []


def test_a_grant_while_a_clock_runs(refused: Refused) -> None:
    found = refused("E-LIMIT-OPEN", "ok: {to: done, marks: delivered}", "ok: {to: done}", at="delivery:")
    assert found.trace[-1] == "done"
    refused("E-LIMIT-OPEN", "approve: {to: issue, marks: decided,", "approve: {to: issue,", at="decision:")


def test_a_clock_that_starts_after_its_end_was_marked(check: Check) -> None:
    late = ("accept: {to: review, marks: accepted,", "accept: {to: review, marks: decided,")
    found = check(*late, "approve: {to: issue, marks: decided,", "approve: {to: issue, marks: accepted,")
    assert [(f.code, f.line) for f in found if f.code == "E-LIMIT-OPEN"] == [("E-LIMIT-OPEN", 6)]


def test_a_refusal_may_leave_the_delivery_clock(check: Check) -> None:
    """Declining marks decided, which starts delivery only on the way to a grant."""
    assert check() == []


def test_a_clock_that_never_starts(refused: Refused) -> None:
    refused("W-LIMIT-UNUSED", "marks: received, ", "", at="intake:")
