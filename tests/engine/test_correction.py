"""The consolidated correction (补正) clause by clause (Administrative Licensing Law art. 32)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from govservice.engine import MAIN, CaseState
from govservice.errors import Forbidden, NotAllowed, Tampered
from govservice.models.session import Database
from tests.engine.corrections import ANSWERS, BRANCHES, DAY, INTAKE, JOINS, POLICY, paused, world
from tests.engine.texts import LIMITS, branch, definition, label, review
from tests.engine.world import LEAD, LI, MONDAY, SUN, ZHANG, ZHOU, World, compiled_from, data_of


def waits(state: CaseState) -> dict[str, str | None]:
    return {t.scope or "main": t.waits_for for t in state.tokens.values() if t.open}


# -- collecting


def test_asks_are_collected_until_every_open_branch_has_acted(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    assert waits(w.state)["review.food"] == "correction_notice"
    assert w.state.notice is None
    w.ask(ZHOU, "review.fire", "plan")
    applied = w.do(SUN, "pass", "review.sign")
    notice = data_of(applied, "correction.notified")
    assert notice["items"] == ["menu.seats", "plan"]
    assert len(notice["texts"]) == 2
    assert waits(w.state) == {"main": None, "review.food": "correction", "review.fire": "correction"}
    assert w.topics().count("notice.correction") == 1
    w.check()


def test_the_last_open_branch_that_asks_sends_it_at_once(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(SUN, "pass", "review.sign")
    applied = w.ask(ZHOU, "review.fire", "plan")
    assert "correction.notified" in w.types(applied)


def test_at_collect_within_the_notice_goes_without_the_others(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    assert w.tick(MONDAY + 3 * DAY + timedelta(hours=13)) >= 0  # Thursday 23:00: the third day is not over
    assert w.state.notice is None
    w.tick(MONDAY + 4 * DAY)
    assert w.state.notice is not None
    assert w.state.notice.at == "2026-03-05T16:00:00.000000Z"  # 24:00 of Thursday in China
    w.check()


def test_the_lead_may_send_it_earlier_and_nobody_else(database: Database) -> None:
    w = world(database)
    with pytest.raises(NotAllowed):
        w.do(LEAD, "@send_notice", MAIN)  # nothing was asked
    w.ask(ZHANG, "review.food", "menu.seats")
    with pytest.raises(Forbidden):
        w.do(ZHOU, "@send_notice", MAIN)
    w.do(LEAD, "@send_notice", MAIN)
    assert w.state.notice is not None
    with pytest.raises(NotAllowed):
        w.do(LEAD, "@send_notice", MAIN)
    w.check()


def test_the_leads_task_is_open_while_a_notice_can_be_sent(database: Database) -> None:
    def lead(w: World) -> str:
        return next(t.status for t in w.state.tasks.values() if t.role == "lead")

    w = world(database)
    assert lead(w) == "waiting"
    w.ask(ZHANG, "review.food", "menu.seats")
    assert lead(w) == "open"
    w.do(LEAD, "@send_notice", MAIN)
    assert lead(w) == "waiting"


def test_notice_each_sends_every_ask_by_itself(database: Database) -> None:
    policy = (POLICY % "pause_any").replace("once", "each")
    text = definition(INTAKE + review(BRANCHES, JOINS, correction=policy), first="acceptance", head=LIMITS)
    w = World(database, compiled_from(text))
    w.submit(ANSWERS)
    w.do(LI, "accept", MAIN)
    first = w.ask(ZHANG, "review.food", "menu.seats")
    second = w.at(MONDAY + DAY).ask(ZHOU, "review.fire", "plan")
    assert data_of(first, "correction.notified")["items"] == ["menu.seats"]
    assert data_of(second, "correction.notified")["items"] == ["plan"]
    notice = w.state.notice
    assert notice is not None
    assert (notice.items, notice.tokens) == (("menu.seats", "plan"), (2, 3))
    w.check()
    w.resubmit(2, ["menu.seats"])
    assert waits(w.state) == {"main": None, "review.food": None, "review.fire": None, "review.sign": None}
    assert w.topics().count("notice.correction") == 2
    w.check()


# -- the answer


def test_only_the_applicant_answers_and_only_a_notice(database: Database) -> None:
    w = world(database)
    with pytest.raises(NotAllowed):
        w.resubmit(2, ["menu.seats"])
    w.ask(ZHANG, "review.food", "menu.seats")
    with pytest.raises(NotAllowed):  # collected, not sent yet
        w.do(w.wang, "@resubmit", data={"data_rev": 2, "changed": []})
    w.do(LEAD, "@send_notice", MAIN)
    with pytest.raises(Forbidden):
        w.do(ZHANG, "@resubmit", data={"data_rev": 2, "changed": []})


def test_the_asking_branch_goes_on_where_it_stood(database: Database) -> None:
    w = world(database)
    w.do(ZHANG, "@claim", "review.food")
    w.ask(ZHANG, "review.food", "menu.seats")
    with pytest.raises(NotAllowed):
        w.do(ZHANG, "pass", "review.food")
    w.do(LEAD, "@send_notice", MAIN)
    w.resubmit(2, ["menu.seats"])
    task = w.state.task_of(2)
    assert task is not None
    assert (task.status, task.assignee) == ("open", ZHANG.id)
    w.do(ZHANG, "pass", "review.food")
    assert w.state.tokens[2].outcome == "approved"
    assert w.state.tokens[2].data_rev == 2


def test_a_finished_branch_reopens_when_what_it_reads_changed(database: Database) -> None:
    w = world(database)
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    w.ask(ZHANG, "review.food", "menu.seats")
    applied = w.resubmit(2, ["menu.seats", "plan"])  # the plan is read by food and fire, not by sign
    reopened = [e.data["branch"] for e in applied.events if e.type == "branch.opened"]
    assert reopened == ["review.fire"]
    assert data_of(applied, "branch.opened")["reopened"] is True
    assert w.steps() == ["review", "review.food.desk", "review.fire.desk"]
    w.do(ZHANG, "pass", "review.food")
    assert w.steps() == ["review", "review.fire.desk"]  # the join does not take the old outcome
    w.do(ZHOU, "pass", "review.fire")
    assert w.steps() == ["decision"]
    w.check()


def test_a_join_refuses_an_outcome_older_than_data_it_read(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Re-opening made blind: the join by itself takes no outcome that was given on answers changed since."""
    monkeypatch.setattr("govservice.engine.decide_correction.weigh_again", lambda *_: None)
    w = world(database)
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    w.ask(ZHANG, "review.food", "menu.seats")
    w.resubmit(2, ["menu.seats", "plan"])  # the plan is read by food and fire, not by sign
    with pytest.raises(Tampered):  # fire has not seen the new plan: no rule fires; a case has a next step
        w.do(ZHANG, "pass", "review.food")
    assert w.steps() == ["review", "review.food.desk"]


def test_every_when_is_weighed_again(database: Database) -> None:
    w = world(database)
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    w.ask(ZHANG, "review.food", "menu.seats")
    w.resubmit(2, ["menu.seats", "place.area"], {"menu.seats": 0, "place.area": "100", "sign.text": "a"})
    outcomes = {t.scope: t.outcome for t in w.state.tokens.values() if t.kind == "branch"}
    assert outcomes == {"review.food": None, "review.fire": "not_needed", "review.sign": "not_needed"}
    w.ask(ZHANG, "review.food", "menu.seats")
    w.resubmit(3, ["place.area"], {"menu.seats": 0, "place.area": "300.0"})
    assert w.steps() == ["review", "review.food.desk", "review.fire.desk"]
    w.check()


def test_an_open_branch_may_turn_out_not_to_be_needed(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.do(ZHOU, "pass", "review.fire")
    w.resubmit(2, ["menu.seats"], {"menu.seats": 0, "place.area": "400"})
    w.do(ZHANG, "pass", "review.food")
    assert w.steps() == ["decision"]
    assert {r["status"] for r in w.rows("tasks", "WHERE role = 'urban'")} == {"cancelled"}
    w.check()


def test_who_asks_while_the_notice_is_out_waits_for_the_next(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.ask(ZHOU, "review.fire", "plan")
    notice = w.state.notice
    assert notice is not None
    assert notice.items == ("menu.seats",)
    assert waits(w.state)["review.fire"] == "correction_notice"
    w.do(SUN, "pass", "review.sign")
    w.at(MONDAY + DAY).resubmit(2, ["menu.seats"])
    assert w.state.notice is None  # food is to look first, so that its wishes go along
    applied = w.ask(ZHANG, "review.food", "menu.seats")
    second = data_of(applied, "correction.notified")
    assert second["items"] == ["menu.seats", "plan"]
    assert second["second_notice"] is True
    w.check()


def test_late_asks_go_at_the_latest_when_their_own_collecting_ends(database: Database) -> None:
    w = world(database)
    w.ask(ZHANG, "review.food", "menu.seats")
    w.do(LEAD, "@send_notice", MAIN)
    w.ask(ZHOU, "review.fire", "plan")
    w.at(MONDAY + DAY).resubmit(2, ["menu.seats"])
    w.tick(MONDAY + 7 * DAY)
    notice = w.state.notice
    assert notice is not None
    assert notice.items == ("plan",)
    w.check()


# -- at a step of the main token


def test_intake_correction_goes_out_at_once_and_gives_a_fresh_check(database: Database) -> None:
    w = world(database, accept=False)
    applied = w.at(MONDAY + DAY).ask(LI, MAIN, "menu.seats", trigger="correct")
    assert "correction.notified" in w.types(applied)
    assert "limit:intake" in paused(w.state)
    w.tick(MONDAY + 9 * DAY)
    assert w.steps() == ["acceptance"]  # nothing is deemed accepted while the applicant is asked
    w.at(MONDAY + 9 * DAY).resubmit(2, ["menu.seats"])  # Wednesday the 11th
    clock = w.state.clocks["limit:intake"]
    assert (clock.started_at[:10], clock.statutory_on, clock.promised_on) == ("2026-03-11", "2026-03-18", "2026-03-13")
    w.check()


def test_deemed_acceptance_then_dates_from_the_resubmission(database: Database) -> None:
    w = world(database, accept=False)
    w.at(MONDAY + DAY).ask(LI, MAIN, "menu.seats", trigger="correct")
    resubmitted = MONDAY + 9 * DAY
    w.at(resubmitted).resubmit(2, ["menu.seats"])
    w.tick(MONDAY + 17 * DAY)
    assert w.steps()[0] == "review"
    assert w.state.milestones["accepted"][:10] == "2026-03-11"
    assert w.state.milestones["received"][:10] == "2026-03-02"
    assert w.state.clocks["limit:decision"].started_at[:10] == "2026-03-11"
    w.check()


def test_a_second_notice_of_the_same_step_is_flagged(database: Database) -> None:
    w = world(database, accept=False)
    first = w.ask(LI, MAIN, "menu.seats", trigger="correct")
    w.resubmit(2, ["menu.seats"])
    second = w.ask(LI, MAIN, "plan", trigger="correct")
    assert "second_notice" not in data_of(first, "correction.notified")
    assert data_of(second, "correction.notified")["second_notice"] is True


def test_the_first_of_two_confirmations_falls_when_what_it_read_changed(database: Database) -> None:
    desk = f"""
food:
  owner: food
  reads: [menu]
  start: desk
  steps:
    desk:
      actions:
        pass: {{end: approved, two_people: true, {label("Pass")}}}
"""
    text = definition(
        review(desk + branch("fire", "fire", reads="place"), JOINS, correction=POLICY % "run"), first="review"
    )
    w = World(database, compiled_from(text))
    w.submit(ANSWERS)
    w.do(ZHANG, "pass", "review.food")
    w.ask(ZHOU, "review.fire", "menu.seats")
    assert w.state.notice is not None
    w.resubmit(2, ["menu.seats"])
    token: Any = w.state.tokens[2]
    assert (token.confirmed, token.waits_for, token.status) == (None, None, "active")
    w.check()
