"""Clause 3, "Clocks", where the words of the clause span several parts: the written rounding rule, provisional dates,
the escalation chain, the time split by who held the case; and of clause 4 the authority limits, of clause 5 the
withdrawal from any step."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from config import ROOT
from govservice.engine import MAIN
from govservice.errors import NotAllowed
from govservice.models.session import Database
from govservice.worktime.duration import Duration
from govservice.worktime.limits import fraction
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import AREA, CALENDARS, HE, LI, MONDAY, SUN, ZHANG, ZHOU, World, compiled_from

DAY = timedelta(days=1)
ONE = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept:  {{to: decision, marks: accepted, {label("Accept")}}}
    correct: {{correction: true, reason: true, {label("Ask")}}}
decision:
  kind: human
  owner: food
  limit: 5wd
  actions:
    small:   {{to: done, marks: decided, guard: "place.area < 500.0", {label("Small")}}}
    approve: {{to: done, marks: decided, by: head, {label("Yes")}}}
  timers:
    - {{at: 80%limit, do: warn}}
    - {{at: 100%limit, do: escalate, to_role: head}}
"""


def world(database: Database, area: str = "100") -> World:
    w = World(database, compiled_from(definition(ONE, first="acceptance", head=LIMITS + TOP_CORRECTION)))
    w.submit({"place.area": area, "menu.seats": 1})
    return w


def test_the_written_rounding_rule_for_a_share_of_days_is_what_is_computed() -> None:
    text = (ROOT / "docs" / "legal-clock.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+\w+) \| (\w+) \| (\w+) \| (\w+) \|$", text, re.MULTILINE)
    assert len(rows) >= 12
    for limit, *shares in rows:
        found = [str(fraction(Duration.parse(limit), percent)) for percent in (50, 80, 100)]
        assert found == shares, limit


def test_years_whose_makeup_days_are_not_announced_give_provisional_dates(database: Database) -> None:
    assert CALENDARS.for_area(AREA).announced_to == 2026
    w = world(database)
    w.do(LI, "accept", MAIN)
    assert not w.state.clocks["limit:decision"].provisional
    late = World(database, w.d)
    late.at(datetime(2026, 12, 21, 2, tzinfo=UTC)).submit({"place.area": "100", "menu.seats": 1})
    late.do(LI, "accept", MAIN)
    clock = late.state.clocks["limit:decision"]
    assert (clock.provisional, clock.statutory_on[:4]) == (True, "2027")  # type: ignore[index]
    row = late.rows("clocks", f"WHERE case_id = '{late.case_id}' AND key = 'limit:decision'")[0]
    assert bool(row["provisional"]), "and so the pages read it"


def test_escalation_chain_at_80_and_at_100_per_cent(database: Database) -> None:
    w = world(database)
    w.do(LI, "accept", MAIN)
    w.tick(datetime(2026, 3, 6, 15, 59, tzinfo=UTC))
    assert not _fired(w), "four of five working days are not over"
    w.tick(datetime(2026, 3, 6, 16, 0, tzinfo=UTC))
    assert _fired(w) == [("warn", "decision")]
    w.tick(datetime(2026, 3, 9, 16, 0, tzinfo=UTC))
    assert _fired(w) == [("warn", "decision"), ("escalate", "decision")]
    assert [(t.role, t.watch) for t in w.state.tasks.values()] == [("food", False), ("head", True)]
    w.check()


def _fired(w: World) -> list[tuple[str, str]]:
    with w.db.read() as session:
        from govservice.engine.store import Store

        events = list(Store(session).events(w.case_id))
    return [(e.data["do"], e.data["step"]) for e in events if e.type == "timer.fired" and "step" in e.data]


def test_deemed_consent_of_a_branch_only_where_the_definition_declares_it(database: Database) -> None:
    """Two departments with the same limit, both silent: the one that declares it has consented, the other has not."""
    declares = (
        "      timers:\n        - {at: 100%limit, do: pass, note: {en: No objection in time, zh: 逾期视为同意}}\n"
    )
    escalates = "      timers:\n        - {at: 100%limit, do: escalate, to_role: head}\n"
    branches = branch("sign", "urban", limit="3wd") + declares + branch("fire", "fire", limit="3wd") + escalates
    joins = '- {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}\n- {to: decision}'
    w = World(database, compiled_from(definition(review(branches, joins), first="review")))
    w.submit({"menu.seats": 1})
    w.tick(datetime(2026, 3, 5, 15, 59, tzinfo=UTC))
    assert w.steps() == ["review", "review.sign.desk", "review.fire.desk"], "the third day is not over"
    w.tick(MONDAY + 90 * DAY)
    assert w.steps() == ["review", "review.fire.desk"], "silence alone decides nothing, however long"
    assert [t.role for t in w.state.tasks.values() if t.watch] == ["head"], "somebody is told of it"
    sign = w.state.token_of("review.sign")
    assert sign is not None
    assert (sign.open, sign.outcome) == (False, "approved")
    left = [row for row in w.rows("case_events") if row["type"] == "step.left" and "review.sign.desk" in row["data"]]
    assert [row["actor"] for row in left] == ["system"], "an act of the law, not of a person"
    assert '"deemed":true' in left[0]["data"]
    assert str(left[0]["at"])[:16].replace(" ", "T") == "2026-03-05T16:00", "at its hour, however late the worker"
    w.check()


def test_time_is_split_by_who_held_the_case(database: Database) -> None:
    w = world(database)
    w.at(MONDAY + DAY).ask(LI, MAIN, "menu.seats", trigger="correct")
    w.at(MONDAY + 3 * DAY).resubmit(2, ["menu.seats"], {"place.area": "100", "menu.seats": 2})
    w.at(MONDAY + 4 * DAY).do(LI, "accept", MAIN)
    visits = {row["step"]: row for row in w.rows("visits")}
    assert {step: row["waited_on"] for step, row in visits.items()} == {
        "draft": "applicant", "acceptance": "department", "decision": "department",
    }  # fmt: skip
    day = CALENDARS.for_area(AREA).office_day.total_seconds()
    stay = visits["acceptance"]
    assert stay["paused_s"] == 2 * day, "the applicant had it from Tuesday to Thursday"
    assert stay["working_s"] == 2 * day, "the window had it on Monday and on Thursday"
    w.check()


def test_authority_limits_decide_who_may_grant(database: Database) -> None:
    small, large = world(database), world(database, area="800")
    for w in (small, large):
        w.do(LI, "accept", MAIN)
    with pytest.raises(NotAllowed):
        large.do(ZHANG, "small", MAIN)
    large.do(HE, "approve", MAIN)
    small.do(ZHANG, "small", MAIN)
    assert (small.state.outcome, large.state.outcome) == ("granted", "granted")


@pytest.mark.parametrize("step", ["acceptance", "review", "decision"])
def test_withdraw_from_any_step_ends_everything(database: Database, step: str) -> None:
    w = World(database)
    w.submit()
    if step != "acceptance":
        w.do(LI, "accept", MAIN)
    if step == "decision":
        w.do(ZHANG, "pass", "review.food")
        for who in (ZHANG, HE_AS_FOOD):
            w.do(who, "pass", "review.food", attachments=("site_report",))
        w.do(ZHOU, "pass", "review.fire")
        w.do(SUN, "pass", "review.sign")
    assert w.state.main.step == step
    w.do(w.wang, "withdraw", MAIN)
    state = w.state
    assert (state.outcome, state.tasks, state.timers) == ("withdrawn", {}, {})
    assert not any(t.open for t in state.tokens.values())
    assert all(c.stopped_at is not None for c in state.clocks.values())
    w.check()


HE_AS_FOOD = HE.__class__("wu.gang", "user", ZHANG.roles, None)
