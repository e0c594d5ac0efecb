"""Legal clocks, milestones and timers: due dates by the law's own rule, deemed acts, dates missed and told apart."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

from govservice.engine import MAIN, SYSTEM
from govservice.models.cases import Case
from govservice.models.session import Database
from govservice.queries.catalogue import card_of
from govservice.queries.figures import turnaround
from govservice.queries.tracking import case_page
from govservice.queries.turnaround import Scope, decided_cases
from tests.engine.clocked import DAY
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import AREA, CALENDARS, LEAD, LI, MONDAY, ZHANG, ZHOU, World, compiled_from, data_of

STEPS = f"""
acceptance:
  kind: human
  owner: window
  limit: 2wd
  actions:
    accept:  {{to: exam, marks: accepted, {label("Accept")}}}
    decline: {{to: refused, reason: true, marks: decided, {label("No")}}}
  timers:
    - {{at: 80%limit, do: warn}}
    - {{at: 100%limit, of: intake, do: accept, as: received, note: {{en: By law, zh: 视为受理}}}}
exam:
  kind: human
  owner: food
  limit: 10wd
  actions:
    pass:   {{to: issue, marks: decided, {label("Pass")}}}
    refuse: {{to: refused, reason: true, marks: decided, {label("No")}}}
  timers:
    - {{at: 80%limit, do: warn}}
    - {{at: 100%limit, do: escalate, to_role: head}}
issue:
  kind: auto
  do: {{call: document.issue, retry: {{max: 8, backoff: 1m..6h}}}}
  answers:
    ok:   {{to: done, marks: delivered}}
    fail: {{to: exam, flag: issue_failed}}
  timers:
    - {{at: 30d, do: lapse, to: withdrawn}}
"""


def world(database: Database) -> World:
    w = World(database, compiled_from(definition(STEPS, first="acceptance", head=LIMITS)))
    w.submit({})
    return w


def test_a_limit_starts_with_its_milestone_and_the_day_itself_is_not_counted(database: Database) -> None:
    w = world(database)
    intake = w.state.clocks["limit:intake"]
    assert (intake.promised_on, intake.statutory_on) == ("2026-03-04", "2026-03-09")
    assert intake.statutory_at == "2026-03-09T16:00:00.000000Z"  # 24:00 in China
    case = w.rows("cases")[0]
    assert (str(case["promised_on"]), str(case["statutory_on"])) == ("2026-03-04", "2026-03-09")
    w.check()


def test_acceptance_ends_the_intake_and_starts_the_decision(database: Database) -> None:
    w = world(database)
    w.at(MONDAY + DAY).do(LI, "accept", MAIN)
    assert w.state.clocks["limit:intake"].stopped_at == "2026-03-03T02:00:00.000000Z"
    assert w.state.clocks["limit:decision"].promised_on == "2026-03-17"
    assert {t.key for t in w.state.timers.values()} == {
        "limit:decision:promised", "limit:decision:statutory", "exam:0", "exam:1"
    }  # fmt: skip
    w.check()


def test_silence_is_acceptance_as_of_receipt(database: Database) -> None:
    w = world(database)
    w.tick(datetime(2026, 3, 9, 15, 59, tzinfo=UTC))  # the fifth day, 23:59
    assert w.steps() == ["acceptance"]
    w.tick(datetime(2026, 3, 12, tzinfo=UTC))  # the worker comes late
    assert w.steps() == ["exam"]
    assert w.state.milestones["accepted"] == w.state.milestones["received"] == "2026-03-02T02:00:00.000000Z"
    decision = w.state.clocks["limit:decision"]
    assert decision.started_at == "2026-03-02T02:00:00.000000Z"
    assert decision.promised_on == "2026-03-16"
    events = w.rows("case_events")
    left = next(e for e in events if e["type"] == "step.left" and '"accept"' in e["data"])
    assert str(left["at"])[:16].replace(" ", "T") == "2026-03-09T16:00"  # at its hour, not when the worker came
    assert left["actor"] == "system"
    assert '"deemed":true' in left["data"]
    breached = [e for e in events if e["type"] == "clock.breached"]
    assert [("statutory" in e["data"], "promised" in e["data"]) for e in breached] == [(False, True), (True, False)]
    w.check()


def test_a_person_cannot_act_in_a_past_that_the_law_has_closed(database: Database) -> None:
    """The worker was away; the clerk declines a day too late: the deemed acceptance comes first."""
    import pytest

    from govservice.errors import Forbidden, NotAllowed

    w = world(database)
    w.at(datetime(2026, 3, 10, 3, tzinfo=UTC))
    with pytest.raises((NotAllowed, Forbidden)):
        w.do(LI, "decline", MAIN, reason="late")
    assert w.steps() == ["acceptance"]  # rolled back with the refused command; the worker fires it again
    w.tick()
    assert w.steps() == ["exam"]


def test_missed_dates_are_recorded_apart(database: Database) -> None:
    w = world(database)
    w.at(MONDAY + 3 * DAY).do(LI, "accept", MAIN)  # promised Wednesday, accepted on Thursday
    stopped = [e for e in w.rows("case_events") if e["type"] == "clock.stopped"]
    assert '"late":["promised"]' in stopped[0]["data"]
    w.check()


def test_a_refusal_starts_no_delivery(database: Database) -> None:
    w = world(database)
    w.do(LI, "accept", MAIN)
    applied = w.do(ZHANG, "refuse", MAIN, reason="x")
    assert "clock.started" not in w.types(applied)
    assert "limit:delivery" not in w.state.clocks
    assert w.topics()[-1] == "notice.refusal"


def test_declining_tells_the_refusal_and_no_acceptance(database: Database) -> None:
    w = world(database)
    w.do(LI, "decline", MAIN, reason="x")
    assert w.topics() == ["notice.receipt", "notice.refusal"]
    assert all(c.stopped_at for c in w.state.clocks.values())
    w.check()


def test_a_later_mark_replaces_the_earlier_and_the_limits_are_counted_again(database: Database) -> None:
    w = world(database)
    w.do(LI, "accept", MAIN)
    w.at(MONDAY + DAY).do(ZHANG, "pass", MAIN)
    w.at(MONDAY + 2 * DAY).do(SYSTEM, "@fail", MAIN)
    assert w.state.flags == ("issue_failed",)
    assert w.steps() == ["exam"]
    w.at(MONDAY + 3 * DAY).do(ZHANG, "pass", MAIN)
    assert w.state.milestones["decided"][:10] == "2026-03-05"
    assert (w.state.clocks["limit:decision"].stopped_at or "")[:10] == "2026-03-05"
    assert w.state.clocks["limit:delivery"].promised_on == "2026-03-06"
    w.do(SYSTEM, "@ok", MAIN)
    assert all(c.stopped_at for c in w.state.clocks.values())
    w.check()


def test_a_share_of_a_limit_warns_and_the_whole_escalates(database: Database) -> None:
    w = world(database)
    w.do(LI, "accept", MAIN)
    w.tick(MONDAY + 11 * DAY)  # Friday the 13th: nine days
    fired = [e["data"] for e in w.rows("case_events") if e["type"] == "timer.fired"]
    assert [('"do":"warn"' in f) for f in fired] == [True]
    w.tick(MONDAY + 15 * DAY)
    watch = [t for t in w.state.tasks.values() if t.watch]
    assert [(t.role, t.department, t.status) for t in watch] == [("head", f"{AREA}.market_reg", "waiting")]
    w.do(ZHANG, "pass", MAIN)
    assert not [t for t in w.state.tasks.values() if t.watch]
    w.check()


def test_a_timer_from_entry_lapses(database: Database) -> None:
    w = world(database)
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "pass", MAIN)
    w.tick(MONDAY + 29 * DAY)
    assert w.steps() == ["issue"]
    w.tick(MONDAY + 31 * DAY)
    assert w.state.outcome == "withdrawn"
    assert w.topics()[-1] == "notice.lapsed"
    w.check()


def test_dates_into_a_year_without_announced_make_up_days_are_provisional(database: Database) -> None:
    w = World(database, compiled_from(definition(STEPS, first="acceptance", head=LIMITS)))
    w.at(datetime(2026, 12, 28, 2, tzinfo=UTC)).submit({})
    assert w.state.clocks["limit:intake"].provisional
    assert not w.state.clocks["limit:intake"].stopped_at
    w.check()


def test_holidays_and_make_up_days_move_dates(database: Database) -> None:
    """1 to 7 October 2026 are off (and Saturday 10 October is worked, as announced for 2026)."""
    w = World(database, compiled_from(definition(STEPS, first="acceptance", head=LIMITS)))
    w.at(datetime(2026, 9, 30, 2, tzinfo=UTC)).submit({})
    cal_days = w.state.clocks["limit:intake"].statutory_on
    assert cal_days is not None
    assert cal_days > "2026-10-10"


def test_a_month_at_once_equals_thirty_daily_ticks(database: Database) -> None:
    """The same case, once with a worker that looks every day, once with one that was away for a month."""
    daily = World(database, compiled_from(definition(STEPS, first="acceptance", head=LIMITS)))
    daily.submit({})
    for day in range(1, 46):
        daily.tick(MONDAY + day * DAY)
    away = World(database, daily.d)
    away.submit({})
    away.tick(MONDAY + 45 * DAY)

    def told(w: World) -> list[tuple[object, ...]]:
        rows = w.rows("case_events", f"WHERE case_id = '{w.case_id}'")
        return [(r["seq"], str(r["at"]), r["type"], r["token_id"]) for r in rows if r["type"] != "case.opened"]

    assert told(daily) == told(away)
    assert len(told(daily)) > 8
    assert {t.due_at for t in daily.state.timers.values()} == {t.due_at for t in away.state.timers.values()}
    daily.check()
    away.check()


def test_time_never_runs_backwards_in_a_case(database: Database) -> None:
    w = world(database)
    w.at(MONDAY - DAY).do(LI, "accept", MAIN)
    ats = [e["at"] for e in w.rows("case_events")]
    assert all(a <= b for a, b in pairwise(ats))


def test_each_timer_fires_once(database: Database) -> None:
    w = world(database)
    w.tick(MONDAY + 30 * DAY)
    assert w.tick(MONDAY + 30 * DAY) == 0
    keys = [r["idem"] for r in w.rows("commands") if r["actor"] == "system"]
    assert len(keys) == len(set(keys)) > 3


def test_a_timer_whose_action_a_guard_forbids_leaves_a_mark_and_the_case_stands(database: Database) -> None:
    steps = f"""
exam:
  kind: human
  owner: food
  limit: 2wd
  actions:
    pass: {{to: done, guard: "menu.seats > 5", {label("Pass")}}}
    drop: {{to: refused, reason: true, {label("Drop")}}}
  timers:
    - {{at: 100%limit, do: pass}}
"""
    w = World(database, compiled_from(definition(steps, first="exam")))
    w.submit({"menu.seats": 1})
    assert w.tick(MONDAY + 5 * DAY) == 1
    assert w.steps() == ["exam"]
    w.check()


def test_the_worklist_is_due_by_the_earliest_date(database: Database) -> None:
    w = world(database)
    task = w.rows("tasks")[0]
    assert (task["due_kind"], str(task["due_at"])[:10]) == ("step", "2026-03-04")
    w.do(LI, "accept", MAIN)
    task = w.rows("tasks", "WHERE role = 'food'")[0]
    assert (task["due_kind"], str(task["due_at"])[:10]) == ("step", "2026-03-16")


def test_visits_count_office_time(database: Database) -> None:
    w = world(database)
    w.at(MONDAY + DAY).do(LI, "accept", MAIN)
    visit = w.rows("visits", "WHERE step = 'acceptance'")[0]
    cal_day = 8 * 3600
    assert visit["elapsed_s"] == 24 * 3600
    assert 0 < visit["working_s"] <= cal_day + 3600
    assert (visit["action"], visit["actor"], visit["waited_on"]) == ("accept", LI.id, "department")


def test_a_new_calendar_moves_running_dates_by_a_logged_command(database: Database) -> None:
    from dataclasses import replace
    from datetime import date

    from govservice.engine import Command, apply
    from tests.engine.world import CALENDARS

    w = world(database)
    old = CALENDARS.for_area(AREA)
    new = replace(old, version="cn-mended", holidays=old.holidays | {date(2026, 3, 4)})

    class Mended:
        def for_area(self, area: str | None) -> object:
            return new

    command = Command(case_id=w.case_id, trigger="@recalculate", idem="mend", now=w.now, actor=SYSTEM)
    with w.db.write() as session:
        applied = apply(session, command, w.definitions, Mended())  # type: ignore[arg-type]
    moved = data_of(applied, "clock.moved")
    assert (moved["promised_on"], moved["statutory_on"]) == ("2026-03-05", "2026-03-10")
    timers = {t.key: t.due_at for t in w.state.timers.values()}
    assert timers["acceptance:1"] == "2026-03-10T16:00:00.000000Z"
    assert timers["limit:intake:statutory"] == "2026-03-10T16:00:00.000000Z"


def test_a_step_may_lapse_to_two_ends(database: Database) -> None:
    """Its own timer leads to one end, an unanswered correction to another."""
    steps = f"""
exam:
  kind: human
  owner: food
  actions:
    pass: {{to: done, {label("Pass")}}}
    ask:  {{correction: true, reason: true, {label("Ask")}}}
  timers:
    - {{at: 20wd, do: lapse, to: refused}}
"""
    head = "correction: {within: 5wd, lapse_to: withdrawn}\n"
    for ask, outcome, notices in ((True, "withdrawn", ["notice.warning"]), (False, "refused", [])):
        w = World(database, compiled_from(definition(steps, first="exam", head=head)))
        w.submit({})
        if ask:
            w.ask(ZHANG, MAIN, "menu.seats")
        w.tick(MONDAY + 30 * DAY)
        assert w.state.outcome == outcome
        told = w.rows("outbox", f"WHERE case_id = '{w.case_id}'")
        assert [r["topic"] for r in told if r["topic"] == "notice.warning"] == notices
        assert "notice.lapsed" in [r["topic"] for r in told]
        w.check()


JOIN = '- {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}\n- {if: "all(approved)", to: decision}\n'
POLICY = "notice: once\nwithin: 10wd\nlapse_to: withdrawn\nclock: pause_any\n"
REVIEW = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept: {{to: review, marks: accepted, {label("Accept")}}}
"""


def test_a_decision_while_the_clock_stands_still_is_judged_by_the_days_it_had(database: Database) -> None:
    """A date missed before the clock was paused stays missed; one that the pause has moved on is kept."""
    branches = branch("food", "food", reads="menu") + branch("fire", "fire", reads="place")
    steps = REVIEW + review(branches, JOIN, correction=POLICY)
    w = World(database, compiled_from(definition(steps, first="acceptance", head=LIMITS + TOP_CORRECTION)))
    judged: dict[str, list[str]] = {}
    for name, asked_on in (("late", 16), ("in time", 10)):  # promised for Monday the 16th of March
        w.at(MONDAY).submit({"place.area": "400"})
        w.do(LI, "accept", MAIN)
        w.tick(MONDAY + asked_on * DAY)
        w.ask(ZHANG, "review.food", "menu.seats")
        w.do(LEAD, "@send_notice", MAIN)
        applied = w.at(MONDAY + 19 * DAY).do(ZHOU, "fail", "review.fire", reason="x")
        stopped = [e.data for e in applied.events if e.type == "clock.stopped"]
        assert [d["key"] for d in stopped] == ["limit:decision"]
        judged[name] = stopped[0]["late"]
        w.check()
    assert judged == {"late": ["promised"], "in time": []}
    with database.read() as session:
        found = decided_cases(session, Scope(None, MONDAY), w.definitions, CALENDARS)
    assert sorted((d.in_promise, d.in_law) for d in found) == [(False, True), (True, True)]


def test_a_limit_may_bear_any_name(database: Database) -> None:
    """What a limit is for people follows from the milestones that it runs between, not from what it is called."""
    names = {"intake": "check", "decision": "ruling", "delivery": "handing_over"}
    limits = LIMITS
    for kind, name in names.items():
        limits = limits.replace(f"{kind}:", f"{name}:")
    steps = STEPS.replace("of: intake", "of: check")
    w = World(database, compiled_from(definition(steps, first="acceptance", head=limits)))
    assert {kind: w.d.limit(kind).name for kind in names} == names  # type: ignore[arg-type, union-attr]
    assert str(card_of(w.d).promised) == "10wd"
    w.submit({})
    for at, kind, done in ((0, "intake", "accept"), (1, "decision", "pass")):
        with database.read() as session:
            page = case_page(session, w.definitions, CALENDARS, session.get_one(Case, w.case_id), w.now)
        assert page.standing.clock is not None
        assert page.standing.clock.kind == kind
        w.at(MONDAY + at * DAY).do(LI if done == "accept" else ZHANG, done, MAIN)
    with database.read() as session:
        assert len(decided_cases(session, Scope(None, MONDAY), w.definitions, CALENDARS)) == 1
        assert turnaround(session, w.definitions, CALENDARS, w.now, w.d.code).cases == 1
        page = case_page(session, w.definitions, CALENDARS, session.get_one(Case, w.case_id), w.now)
    assert str(page.took) == "1wd"
