"""Clause 3, "extension once with reasons by a head": a limit is made longer by the role named, once, with reasons that
the applicant is told (Administrative Licensing Law art. 42)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from govservice.engine import MAIN, available, context
from govservice.errors import Forbidden, Missing, NotAllowed
from govservice.models.session import Database
from tests.engine.texts import LIMITS, TOP_CORRECTION, definition, label
from tests.engine.world import CALENDARS, HE, LEAD, LI, MONDAY, World, compiled_from, data_of, staff

OFFICE = staff("mayor", "office@government")
EXTEND = LIMITS.replace("pauses: [correction]}", "pauses: [correction], extend: {by: 10wd, role: office}}")
ROLE = "  office: {department: government}\n"
STEPS = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept: {{to: decision, marks: accepted, {label("Accept")}}}
decision:
  kind: human
  owner: head
  actions:
    approve: {{to: done, marks: decided, {label("Yes")}}}
    ask: {{correction: true, reason: true, {label("Ask")}}}
  timers:
    - {{at: 80%limit, of: decision, do: warn}}
"""


def world(database: Database) -> World:
    text = definition(STEPS, first="acceptance", head=EXTEND + TOP_CORRECTION)
    w = World(database, compiled_from(text.replace("  urban:  ", ROLE + "  urban:  ")))
    w.submit({"menu.seats": 1})
    w.do(LI, "accept", MAIN)
    return w


def offered(w: World, actor: object) -> list[tuple[str, bool]]:
    with w.db.read() as session:
        ctx = context(session, w.definitions, CALENDARS, w.state)
        return [(o.action, o.allowed) for o in available(w.d, w.state, actor, ctx) if o.kind == "extend"]  # type: ignore[arg-type]


def test_extension_once_with_reasons_by_the_role_named_and_the_applicant_is_told(database: Database) -> None:
    w = world(database)
    before = w.state.clocks["limit:decision"]
    assert (before.statutory_on, before.promised_on) == ("2026-03-30", "2026-03-16")
    assert (offered(w, OFFICE), offered(w, HE)) == ([("@extend:decision", True)], [])
    with pytest.raises(Forbidden):
        w.do(HE, "@extend:decision", MAIN, reason="difficult")
    with pytest.raises(Missing):
        w.do(OFFICE, "@extend:decision", MAIN)
    applied = w.do(OFFICE, "@extend:decision", MAIN, reason="an expert must be heard")
    told = data_of(applied, "clock.extended")
    assert (told["by"], told["statutory"], told["role"]) == ("10wd", "30wd", "office")
    assert "text" in told
    assert "difficult" not in str(applied.events)
    after = w.state.clocks["limit:decision"]
    assert (after.statutory_on, after.promised_on) == ("2026-04-14", "2026-03-16"), "Qingming is no working day"
    assert w.topics()[-1] == "notice.extension"
    timers = {t.key: t.due_at for t in w.state.timers.values()}
    assert timers["decision:0"] == "2026-04-03T16:00:00.000000Z", "80 % of thirty days, not of twenty"
    assert timers["limit:decision:statutory"] == after.statutory_at
    with pytest.raises(NotAllowed):
        w.do(OFFICE, "@extend:decision", MAIN, reason="again")
    assert offered(w, OFFICE) == [("@extend:decision", False)]
    w.check()


def test_extension_is_counted_on_when_a_pause_ends(database: Database) -> None:
    w = world(database)
    w.ask(HE, MAIN, "menu.seats")
    w.at(MONDAY + timedelta(days=3)).do(OFFICE, "@extend:decision", MAIN, reason="difficult")
    assert w.state.clocks["limit:decision"].statutory_on is None
    w.at(MONDAY + timedelta(days=7)).resubmit(2, ["menu.seats"], {"menu.seats": 2})
    assert w.state.clocks["limit:decision"].statutory_on == "2026-04-21"
    w.check()


def test_extension_is_asked_for_in_time_and_too_late_when_the_last_day_is_over(database: Database) -> None:
    w = world(database)
    w.tick(datetime.fromisoformat("2026-03-25T02:00:00+00:00"))
    watched = [(t.role, t.department, t.limit) for t in w.state.tasks.values() if t.watch]
    assert watched == [("office", "huaxi.government", "limit:decision")], "80 % of 20 working days are over"
    w.check()
    w.tick(datetime.fromisoformat("2026-03-31T02:00:00+00:00"))
    with pytest.raises(NotAllowed) as late:
        w.do(OFFICE, "@extend:decision", MAIN, reason="too late")
    assert late.value.facts["why"] == "limit_over"


def test_extension_ends_the_task_that_asked_for_it(database: Database) -> None:
    w = world(database)
    w.tick(datetime.fromisoformat("2026-03-25T02:00:00+00:00"))
    w.do(OFFICE, "@extend:decision", MAIN, reason="difficult")
    assert not [t for t in w.state.tasks.values() if t.watch]
    with pytest.raises(NotAllowed):
        w.do(LEAD, "@extend:intake", MAIN, reason="no")
    with pytest.raises(NotAllowed):
        w.do(LEAD, "@extend:nothing", MAIN, reason="no")
    w.check()
