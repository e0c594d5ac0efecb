"""A correction and time: which clocks stand still and for how long, what ends without an answer, branches that wait."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from govservice.engine import MAIN
from govservice.errors import NotAllowed
from govservice.models.session import Database
from tests.engine.corrections import ANSWERS, BRANCHES, DAY, INTAKE, JOINS, POLICY, paused, world
from tests.engine.texts import LIMITS, TOP_CORRECTION, definition, review
from tests.engine.world import HE, LEAD, LI, MONDAY, SUN, ZHANG, ZHOU, World, compiled_from

# -- clocks


def test_the_asking_steps_limit_pauses_from_the_ask(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    food = w.state.tokens[2]
    assert paused(w.state) == {f"step:2:{food.entered_seq}"}  # the decision clock runs until the notice
    w.at(MONDAY + DAY).do(LEAD, "@send_notice", MAIN)
    assert "limit:decision" in paused(w.state)
    w.at(MONDAY + 3 * DAY).resubmit(2, ["menu.seats"])
    assert paused(w.state) == set()
    clock = w.state.clocks[f"step:2:{food.entered_seq}"]
    # asked Monday, answered Thursday: Tuesday to Thursday are not counted, so five days end on Thursday the 12th
    assert clock.statutory_on == "2026-03-12"
    w.check()


def test_the_decision_clock_pauses_from_the_notice_to_the_resubmission(database: Database) -> None:
    w = world(database)
    before = w.state.clocks["limit:decision"]
    w.ask(ZHANG, "review.food", "menu.seats")
    w.at(MONDAY + DAY).do(LEAD, "@send_notice", MAIN)
    stopped = w.state.clocks["limit:decision"]
    assert (stopped.statutory_on, stopped.promised_on) == (None, None)
    assert w.rows("cases")[0]["promised_on"] is None
    w.at(MONDAY + 3 * DAY).resubmit(2, ["menu.seats"])
    after = w.state.clocks["limit:decision"]
    assert before.promised_on == "2026-03-16"
    assert after.promised_on == "2026-03-18"  # Wednesday and Thursday do not count
    w.check()


def test_the_parallel_steps_own_limit_pauses_with_it(database: Database) -> None:
    w = world(database)
    key = f"step:1:{w.state.main.entered_seq}"
    w.ask(ZHANG, "review.food", "menu.seats")
    assert w.state.clocks[key].running
    w.do(LEAD, "@send_notice", MAIN)
    assert not w.state.clocks[key].running
    w.at(MONDAY + DAY).resubmit(2, ["menu.seats"])
    assert w.state.clocks[key].statutory_on == "2026-03-17"


def test_two_pauses_add_up(database: Database) -> None:
    """Answered on Wednesday the 4th, asked again on Monday the 9th, answered on Thursday the 12th."""
    w = world(database)
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    w.ask(ZHANG, "review.food", "menu.seats")
    w.at(MONDAY + 2 * DAY).resubmit(2, ["menu.seats"])
    w.at(MONDAY + 7 * DAY).ask(ZHANG, "review.food", "menu.seats")
    w.at(MONDAY + 10 * DAY).resubmit(3, ["menu.seats"])
    clock = w.state.clocks["limit:decision"]
    assert [(a[8:10], (b or "")[8:10]) for a, b, _ in clock.pauses] == [("02", "04"), ("09", "12")]
    assert clock.promised_on == "2026-03-23"  # ten days, without the 3rd, 4th, 10th, 11th and 12th
    w.check()


def test_a_visit_tells_how_long_the_applicant_had_it(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.at(MONDAY + 2 * DAY).resubmit(2, ["menu.seats"])
    w.at(MONDAY + 3 * DAY).do(ZHANG, "pass", "review.food")
    visit = w.rows("visits", "WHERE step = 'review.food.desk'")[0]
    one_day = w.rows("visits", "WHERE step = 'acceptance'")[0]["working_s"] or 0
    assert visit["paused_s"] == 2 * visit["working_s"]
    assert visit["paused_s"] > one_day
    w.check()


def test_clock_run_never_pauses(database: Database) -> None:
    w = world(database, "run")
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    assert paused(w.state) == {f"step:2:{w.state.tokens[2].entered_seq}"}


def test_clock_pause_all_pauses_once_every_open_branch_waits(database: Database) -> None:
    w = world(database, "pause_all")
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    assert "limit:decision" not in paused(w.state)
    w.do(SUN, "pass", "review.sign")
    assert "limit:decision" not in paused(w.state)
    w.do(ZHOU, "pass", "review.fire")
    assert "limit:decision" in paused(w.state)
    w.resubmit(2, ["menu.seats"])
    assert paused(w.state) == set()
    w.check()


# -- no answer


def test_unanswered_the_case_lapses_after_a_warning(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.tick(datetime(2026, 3, 12, 15, 59, tzinfo=UTC))
    assert "notice.warning" not in w.topics(), "eight of ten working days are not over"
    w.tick(datetime(2026, 3, 12, 16, 0, tzinfo=UTC))
    assert w.topics().count("notice.warning") == 1
    assert w.state.status == "open"
    w.tick(MONDAY + 15 * DAY)
    assert w.state.outcome == "withdrawn"
    assert w.topics()[-1] == "notice.lapsed"
    assert w.state.closed_at == "2026-03-16T16:00:00.000000Z"
    w.check()


def test_an_answer_takes_the_lapse_away(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.at(MONDAY + 2 * DAY).resubmit(2, ["menu.seats"])
    w.tick(MONDAY + 30 * DAY)
    assert w.state.status == "open"


def test_a_rejection_while_the_notice_is_out_ends_it(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.do(ZHOU, "fail", "review.fire", reason="x")
    assert w.state.outcome == "refused"
    with pytest.raises(NotAllowed):
        w.resubmit(2, ["menu.seats"])
    w.check()


def test_leaving_by_a_join_while_a_correction_is_out_lets_the_clock_run(database: Database) -> None:
    joins = '- {if: "any(approved)", to: decision, siblings: cancel}\n- {to: refused}\n'
    text = definition(
        INTAKE + review(BRANCHES, joins, correction=POLICY % "pause_any"),
        first="acceptance",
        head=LIMITS + TOP_CORRECTION,
    )
    w = World(database, compiled_from(text))
    w.submit(ANSWERS)
    w.do(LI, "accept", MAIN)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.at(MONDAY + DAY).do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]
    assert w.state.notice is None
    assert paused(w.state) == set()
    w.do(HE, "approve", MAIN)
    w.check()


# -- siblings: suspend


def suspending(database: Database) -> World:
    text = definition(
        INTAKE + review(BRANCHES, JOINS, correction=POLICY % "pause_any" + "siblings: suspend\n", limit="10wd"),
        first="acceptance",
        head=LIMITS + TOP_CORRECTION,
    )
    w = World(database, compiled_from(text))
    w.submit(ANSWERS)
    w.do(LI, "accept", MAIN)
    return w


def test_siblings_suspend_lets_the_other_branches_wait_from_the_notice_to_the_answer(database: Database) -> None:
    w = suspending(database)
    w.do(SUN, "@claim", "review.sign")
    w.ask(ZHANG, "review.food", "menu.seats")
    assert w.state.token_of("review.sign").status == "active", "until the notice they work on"
    w.at(MONDAY + DAY).do(LEAD, "@send_notice", MAIN)
    state = w.state
    assert {t.scope: t.status for t in state.tokens.values() if t.kind == "branch"} == {
        "review.food": "waiting", "review.fire": "suspended", "review.sign": "suspended",
    }  # fmt: skip
    fire = state.token_of("review.fire")
    assert state.step_clock(fire).paused_since is not None, "its own limit stands still"
    assert {t.status for t in state.tasks.values() if not t.watch and t.token_id != MAIN} == {"waiting"}
    for who, branch_ in ((ZHOU, "review.fire"), (SUN, "review.sign")):
        with pytest.raises(NotAllowed) as refused:
            w.do(who, "pass", branch_)
        assert refused.value.facts["why"] == "waiting"
    w.check()
    w.at(MONDAY + 4 * DAY).resubmit(2, ["menu.seats"], {**ANSWERS, "menu.seats": 30})
    assert {t.status for t in w.state.tokens.values() if t.kind == "branch"} == {"active"}
    assert w.state.task_of(w.state.token_of("review.sign").id).assignee == SUN.id, "who had it has it still"
    due = w.state.step_clock(w.state.token_of("review.fire"))
    assert due.statutory_on == "2026-03-12", "five working days, three of them left out"
    w.check()
    for who, branch_ in ((ZHANG, "review.food"), (ZHOU, "review.fire"), (SUN, "review.sign")):
        w.do(who, "pass", branch_)
    assert w.steps() == ["decision"]


def test_siblings_suspend_ends_with_a_branch_that_is_not_needed_any_more_and_with_the_case(database: Database) -> None:
    w = suspending(database)
    w.ask(ZHANG, "review.food", "place.area")
    w.do(LEAD, "@send_notice", MAIN)
    w.resubmit(2, ["place.area"], {**ANSWERS, "place.area": "100"})
    assert w.state.token_of("review.fire").outcome == "not_needed"
    w.check()
    w.ask(SUN, "review.sign", "sign.text")
    w.do(LEAD, "@send_notice", MAIN)
    w.do(w.wang, "withdraw", MAIN)
    assert w.state.outcome == "withdrawn"
    w.check()
