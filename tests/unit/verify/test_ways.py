"""Reaching, ending, standing still, running in circles: each fault is told at its line with a shortest run."""

from __future__ import annotations

from tests.unit.verify.conftest import SOUND, Check, Refused


def test_the_sound_definition_has_no_finding(check: Check) -> None:
    assert check() == []


def test_a_step_nobody_leads_to(refused: Refused) -> None:
    go = "{go: {to: done, label: {en: Go, zh: 去}}}"
    lonely = f"  lonely:\n    title: {{en: L, zh: 孤}}\n    kind: human\n    owner: head\n    actions: {go}\n"
    found = refused("E-UNREACHABLE", "  issue:\n", f"{lonely}  issue:\n", at="lonely:")
    assert found.step == "lonely"


def test_a_step_of_a_branch_nobody_leads_to(refused: Refused) -> None:
    found = refused(
        "E-UNREACHABLE", "start: papers", "start: site", "{to: papers, reason", "{to: site, reason", at="papers:"
    )
    assert found.step == "review.food.papers"


def test_a_step_only_the_clock_leads_to_is_reached(check: Check) -> None:
    """Unreachable counts every edge, lapses too; able to end does not."""
    done = "  done: {kind: end, outcome: granted}\n"
    late = f"    timers: [{{at: 30d, do: lapse, to: lapsed}}]\n{done}  lapsed: {{kind: end, outcome: lapsed}}\n"
    assert check(done, late) == []


def test_a_step_that_leads_nowhere_although_one_may_withdraw(refused: Refused) -> None:
    """Withdrawal made every deadlock look completable: it does not count."""
    circle = "approve: {to: desk, reason: true, label: {en: A, zh: 甲}}"
    cut = [
        "approve: {to: issue, marks: decided, not_same_as: [review.food.site], label: {en: Approve, zh: 准予}}", circle,
        "refuse: {to: refused, reason: true, marks: decided, label: {en: Refuse, zh: 不予}}", "",
        "decline: {to: refused, reason: true, marks: decided, label: {en: Decline, zh: 不予受理}}", "",
        '      - {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}\n',
        '      - {if: "any(rejected)", to: decision, siblings: cancel}\n',
        "  issue:\n    title: {en: Issue, zh: 发证}\n    kind: auto\n    do: {call: document.issue}\n    answers:\n"
        "      ok: {to: done, marks: delivered}\n      fail: {to: decision}\n", "",
        "  done: {kind: end, outcome: granted}\n  refused: {kind: end, outcome: refused}\n", "",
    ]  # fmt: skip
    found = refused("E-NO-COMPLETION", *cut, at="desk:", also=("W-LIMIT-UNUSED",))
    assert found.trace == ("draft", "desk")
    assert "circle" in found.message


def test_a_branch_that_has_no_outcome_ahead(refused: Refused) -> None:
    stuck = "pass: {to: wait, label: {en: Pass, zh: 通过}}"
    stay = "{stay: {correction: true, label: {en: S, zh: 留}}}"
    head = "          wait:\n            title: {en: W, zh: 等}\n            kind: applicant\n"
    wait = f"{head}            actions: {stay}\n      fire:\n"
    found = refused(
        "E-NO-COMPLETION", "pass: {to: site, label: {en: Pass, zh: 通过}}", stuck, "      fire:\n", wait,
        "{to: papers, reason: true", "{to: wait, reason: true",
        "    join:\n", "    correction: {within: 10wd, lapse_to: withdrawn}\n    join:\n", at="wait:",
        also=("E-UNREACHABLE", "W-VACUOUS-FOUR-EYES"),
    )  # fmt: skip
    assert found.trace == ("draft", "desk", "review", "review.food.papers", "review.food.wait")


def test_every_action_guarded_and_no_timer(refused: Refused) -> None:
    guarded = 'pass: {to: site, guard: "premises.area > 5.0", label: {en: Pass, zh: 通过}}'
    found = refused("E-MAY-STALL", "pass: {to: site, label: {en: Pass, zh: 通过}}", guarded, at="papers:")
    assert found.trace[-1] == "review.food.papers"


def test_a_timer_that_acts_or_one_open_action_is_enough(check: Check) -> None:
    guarded = 'pass: {to: site, guard: "premises.area > 5.0", label: {en: Pass, zh: 通过}}'
    was = "pass: {to: site, label: {en: Pass, zh: 通过}}"
    assert (
        check(was, guarded, "          site:\n", "            timers: [{at: 100%limit, do: pass}]\n          site:\n")
        == []
    )
    ask = "ask: {correction: true, reason: true, label: {en: Ask, zh: 补正}}"
    policy = "    correction: {within: 10wd, lapse_to: withdrawn}\n    join:\n"
    assert check(was, f"{guarded}\n              {ask}", "    join:\n", policy) == []


def test_a_warning_timer_does_not_act(check: Check) -> None:
    guarded = 'pass: {to: site, guard: "premises.area > 5.0", label: {en: Pass, zh: 通过}}'
    found = check(
        "pass: {to: site, label: {en: Pass, zh: 通过}}", guarded,
        "          site:\n", "            timers: [{at: 100%limit, do: warn}]\n          site:\n",
    )  # fmt: skip
    assert [f.code for f in found] == ["E-MAY-STALL"]


def test_auto_steps_that_lead_back_to_each_other(refused: Refused) -> None:
    found = refused("E-AUTO-CYCLE", "fail: {to: decision}", "fail: {to: issue}", at="issue:")
    assert found.trace == ("issue", "issue")


def test_a_block_whose_branches_may_all_be_skipped_runs_by_itself(refused: Refused) -> None:
    """issue fails -> review (both branches not needed) -> issue: nobody ever stops it."""
    found = refused(
        "E-AUTO-CYCLE", "fail: {to: decision}", "fail: {to: review}",
        "        owner: food\n", '        owner: food\n        when: "shop.seats > 0"\n',
        'not_needed)", to: decision}', 'not_needed)", to: issue}',
        "      again: {to: review", "      again: {to: desk",
        at="review:", also=("E-UNREACHABLE", "E-LIMIT-OPEN"),
    )  # fmt: skip
    assert set(found.trace) == {"review", "issue"}


def test_a_loop_of_people_needs_a_reason_a_limit_or_an_applicant(refused: Refused) -> None:
    free = ["    limit: 4wd\n    actions:\n      approve", "    actions:\n      approve", "    limit: 6wd\n", ""]
    found = refused("E-LOOP", *free, "again: {to: review, reason: true,", "again: {to: review,", at="review:")
    assert set(found.trace) == {"review", "decision"}
    assert found.trace[0] == found.trace[-1]


def test_such_loops_are_allowed(check: Check) -> None:
    assert check("again: {to: review, reason: true,", "again: {to: review,") == []  # the steps have limits
    free = ["    limit: 4wd\n    actions:\n      approve", "    actions:\n      approve", "    limit: 6wd\n", ""]
    assert check(*free) == []  # the way back asks for a reason
    assert check("again: {to: review, reason: true,", "again: {to: draft,") == []  # the applicant is in it


def test_people_would_read_ids(refused: Refused) -> None:
    assert refused("W-NO-TITLE", "    title: {en: Desk, zh: 受理}\n", "", at="desk:").step == "desk"
    assert refused("W-NO-TITLE", "            title: {en: Site, zh: 现场}\n", "", at="site:").step == "review.food.site"
    assert refused("W-NO-TITLE", "        title: {en: Fire, zh: 消防}\n", "", at="fire:").step == "review.fire"


def test_a_parallel_step_of_one_branch(check: Check) -> None:
    before, rest = SOUND.split("      fire:\n")
    text = before + "    join:\n" + rest.split("    join:\n")[1]
    assert [(f.code, f.step) for f in check(text=text)] == [("W-ONE-BRANCH", "review")]
