"""Clause 3, "excluded time by kind with notice": `pause: KIND` and `resume: KIND`, their length, their timer, and what
happens where pauses overlap (Administrative Licensing Law art. 45)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from govservice.engine import MAIN
from govservice.errors import Invalid, Missing, NotAllowed
from govservice.models.session import Database
from govservice.worktime.duration import Duration
from govservice.worktime.limits import Pause, due_on
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import AREA, CALENDARS, HE, LI, MONDAY, ZHANG, ZHOU, World, as_json, compiled_from, data_of

DAY = timedelta(days=1)
CAL = CALENDARS.for_area(AREA)
NOTICE = "notice: {en: A hearing will be held., zh: 将举行听证。}"
HEARING = LIMITS.replace("pauses: [correction]", "pauses: [correction, hearing]")
PAUSES = f"""
      hear: {{pause: hearing, length: 5wd, {NOTICE}, {label("Hear")}}}
      heard: {{resume: hearing, {label("Heard")}}}
      test: {{pause: test, {label("Test")}}}
"""
ONE = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept:  {{to: decision, marks: accepted, {label("Accept")}}}
    correct: {{correction: true, reason: true, {label("Ask")}}}
decision:
  kind: human
  owner: head
  limit: 3wd
  actions:
      approve: {{to: done, marks: decided, {label("Yes")}}}
      back:    {{to: acceptance, reason: true, {label("Back")}}}
      ask:     {{correction: true, reason: true, {label("Ask")}}}
{PAUSES}
  timers:
    - {{at: 80%limit, do: warn}}
"""


def one(database: Database) -> World:
    w = World(database, compiled_from(definition(ONE, first="acceptance", head=HEARING + TOP_CORRECTION)))
    w.submit({"menu.seats": 1})
    w.do(LI, "accept", MAIN)
    return w


def clock(w: World, name: str = "limit:decision") -> Any:
    return w.state.clocks[name]


def due(start: datetime, limit: str, *spans: tuple[datetime, datetime]) -> str:
    pauses = [Pause(a, b, "x") for a, b in spans]
    return due_on(CAL, start, Duration.parse(limit), pauses).isoformat()


def test_excluded_time_stops_the_limits_that_list_its_kind_with_a_notice_of_its_length(database: Database) -> None:
    w = one(database)
    told = data_of(w.at(MONDAY + DAY).do(HE, "hear", MAIN), "pause.begun")
    assert (told["kind"], told["length"], told["until_on"]) == ("hearing", "5wd", "2026-03-10")
    assert w.topics().count("notice.pause") == 1
    stopped, stay = clock(w), w.state.step_clock(w.state.main)
    assert (stopped.paused_since is None, stay is not None and stay.paused_since is None) == (False, False)
    assert clock(w, "limit:intake").stopped_at is not None
    assert [t.due_at for t in w.state.timers.values() if t.key == "decision:0"] == [None], "its warning waits too"
    assert w.state.tasks, "the task stays: whoever holds the hearing has it"
    w.check()
    ended = w.at(MONDAY + 4 * DAY).do(HE, "heard", MAIN)
    assert data_of(ended, "pause.ended")["how"] == "action"
    assert clock(w).statutory_on == due(MONDAY, "20wd", (MONDAY + DAY, MONDAY + 4 * DAY))
    assert clock(w).promised_on == due(MONDAY, "10wd", (MONDAY + DAY, MONDAY + 4 * DAY))
    assert not [t for t in w.state.timers.values() if t.key.startswith("@pause")]
    w.check()


def test_a_timer_ends_a_pause_nobody_ended_with_its_last_day(database: Database) -> None:
    w = one(database)
    w.at(MONDAY + DAY).do(HE, "hear", MAIN)
    w.tick(datetime.fromisoformat("2026-03-10T15:59:00+00:00"))
    assert clock(w).paused_since is not None, "23:59 of the last day"
    w.tick(datetime.fromisoformat("2026-03-10T16:00:00+00:00"))
    assert w.state.holds == ()
    assert clock(w).paused_since is None
    pauses = as_json(w.rows("clocks", "WHERE key = 'limit:decision'")[0]["pauses"])
    assert len(pauses) == 1, "Wednesday the 11th counts again: five working days were left out"
    days = (date.fromisoformat(clock(w).statutory_on) - date(2026, 3, 2)).days
    assert clock(w).statutory_on == due(MONDAY, "25wd"), days
    w.check()


def test_only_the_listed_kinds_pause_and_a_length_must_be_said(database: Database) -> None:
    w = one(database)
    with pytest.raises(Missing) as missing:
        w.do(HE, "test", MAIN)
    assert sorted(missing.value.fields) == ["length", "reason"], "without the definition's words and length"
    for wrong in ("x", "0wd", "900wd", "4wh", "80%limit", "2y"):
        with pytest.raises(Invalid):
            w.do(HE, "test", MAIN, reason="a test", data={"length": wrong})
    w.do(HE, "test", MAIN, reason="a test", data={"length": "10wd"})
    assert clock(w).paused_since is None, "no limit lists tests"
    stay = w.state.step_clock(w.state.main)
    assert stay is not None
    assert stay.paused_since is not None, "the step's own limit stands still"
    w.check()


def test_a_pause_begins_once_and_ends_only_where_it_began(database: Database) -> None:
    w = one(database)
    with pytest.raises(NotAllowed):
        w.do(HE, "heard", MAIN)
    w.do(HE, "hear", MAIN)
    with pytest.raises(NotAllowed):
        w.do(HE, "hear", MAIN)
    w.at(MONDAY + 2 * DAY).do(HE, "back", MAIN, reason="look again")
    assert (w.state.holds, clock(w).paused_since) == ((), None), "leaving the step ends its pause"
    assert [t for t in w.state.timers.values() if t.key.startswith("@pause")] == []
    w.check()


def test_overlapping_pauses_of_one_step_count_once(database: Database) -> None:
    w = one(database)
    w.at(MONDAY + DAY).do(HE, "hear", MAIN)
    w.at(MONDAY + 2 * DAY).ask(HE, MAIN, "menu.seats")
    w.at(MONDAY + 3 * DAY)
    w.tick(datetime.fromisoformat("2026-03-11T02:00:00+00:00"))  # the hearing's five days are over, the answer is not
    assert clock(w).pauses[-1][1:] == (None, "correction")
    assert w.state.main.paused
    w.resubmit(2, ["menu.seats"], {"menu.seats": 2})
    spans = (MONDAY + DAY, datetime.fromisoformat("2026-03-11T02:00:00+00:00"))
    assert clock(w).statutory_on == due(MONDAY, "20wd", spans)
    assert [kind for _, _, kind in clock(w).pauses] == ["hearing", "correction"], "shown by kind"
    w.check()


INSIDE = "      actions:" + PAUSES.rstrip().replace("\n      ", "\n        ") + "\n"
BOTH = "".join(branch(name, name).replace("      actions:\n", INSIDE) for name in ("food", "fire"))
POLICY = "notice: once\ncollect_within: 3wd\nwithin: 30wd\nlapse_to: withdrawn"


def test_overlapping_pauses_of_branches_and_a_correction_count_once(database: Database) -> None:
    joins = '- {if: "all(approved, rejected)", to: decision}'
    accept = ONE.partition("decision:")[0].replace("to: decision", "to: review")
    text = definition(
        accept + review(BOTH, joins, correction=POLICY, limit="10wd"),
        first="acceptance", head=HEARING + TOP_CORRECTION,
    )  # fmt: skip
    w = World(database, compiled_from(text))
    w.submit({"menu.seats": 1})
    w.do(LI, "accept", MAIN)
    w.at(MONDAY + DAY).do(ZHANG, "hear", "review.food")
    assert w.state.main.paused, "the parallel step's own limit stands still with it"
    w.at(MONDAY + 2 * DAY).do(ZHOU, "hear", "review.fire")
    w.at(MONDAY + 3 * DAY).do(ZHANG, "heard", "review.food")
    assert clock(w).paused_since is not None, "the other hearing goes on"
    w.ask(ZHANG, "review.food", "menu.seats")
    w.ask(ZHOU, "review.fire", "menu.seats")
    assert w.state.notice is not None
    w.at(MONDAY + 8 * DAY).tick()
    assert clock(w).paused_since is not None
    w.resubmit(2, ["menu.seats"], {"menu.seats": 2})
    assert (clock(w).pauses[-1][1:], w.state.main.paused) == ((None, "hearing"), True), "the second hearing goes on"
    w.check()
    w.at(MONDAY + 10 * DAY).tick()
    assert (w.state.holds, w.state.main.paused) == ((), False)
    assert clock(w).statutory_on == due(MONDAY, "20wd", (MONDAY + DAY, MONDAY + 9 * DAY))
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    w.check()
    assert w.steps() == ["decision"]
