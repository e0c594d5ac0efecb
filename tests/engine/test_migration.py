"""Clause 10: running cases stay pinned; a migration is an event, and whatever cannot move says why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest

from govservice.definitions.compile import canonical_json
from govservice.definitions.compiled import Compiled
from govservice.engine import MAIN, SYSTEM, Actor, Applied, Command
from govservice.engine.decide_migration import attempt
from govservice.engine.types import Ctx
from govservice.errors import Forbidden, NotAllowed, Stale
from govservice.models.cases import Definition
from govservice.models.session import Database
from tests.engine.texts import LIMITS, TOP_CORRECTION, branch, definition, label, review
from tests.engine.world import CALENDARS, CATALOGUE, HE, LI, ZHANG, ZHOU, World, compiled_from, shown, staff

QIAN = staff("qian.yu", "designer@government")
JOIN = '- {if: "any(rejected)", to: refused, siblings: cancel, marks: decided}\n- {if: "all(approved)", to: decision}\n'
DESK = f"""
desk:
  kind: human
  owner: window
  limit: 5wd
  actions:
    accept:  {{to: review, marks: accepted, {label("Yes")}}}
    correct: {{correction: true, reason: true, {label("Fix")}}}
  timers:
    - {{at: 80%limit, do: warn}}
"""


def text(*, desk: str = DESK, food: str = "food", head: str = LIMITS + TOP_CORRECTION, branches: str = "") -> str:
    fork = branch(food, "food", limit="4wd") + branch("fire", "fire") + branches
    correction = "{notice: once, collect_within: 3wd, within: 30wd, lapse_to: withdrawn}"
    return definition(
        desk + review(fork, JOIN, limit="10wd").replace("  join:", f"  correction: {correction}\n  join:"),
        first="desk", head=head,
    )  # fmt: skip


OLD = compiled_from(text())


def publish(world: World, compiled: Compiled, version: int = 2) -> Compiled:
    world.definitions.add(compiled)
    with world.db.write() as session:
        session.add(
            Definition(
                sha=compiled.sha, service=compiled.code, version=version, status="published", source_yaml="",
                canonical_json=canonical_json(compiled.service), published_by="test", published_at=world.now,
            )
        )  # fmt: skip
    return compiled


def migrate(world: World, to: Compiled, actor: Actor = SYSTEM, **maps: Mapping[str, str]) -> Applied:
    return world.do(actor, "@migrate", data={"to": to.sha, **maps})


def why_not(world: World, to: Compiled, **maps: Mapping[str, str]) -> list[str]:
    """Codes of the reasons; the real migration must refuse for the same, and change nothing."""
    state = world.state
    state.ctx = Ctx(CATALOGUE)
    command = Command(state.case_id, "@migrate", "try", world.now, SYSTEM, data={"to": to.sha, **maps})
    refusals, work = attempt(world.definitions.by_sha(state.def_sha), to, state, command, CALENDARS)
    assert (work is None) == bool(refusals)
    before = world.state
    if refusals:
        with pytest.raises(NotAllowed) as refused:
            migrate(world, to, **maps)
        assert refused.value.facts["why"] == [r.code for r in refusals]
        assert world.state == before, "a refused migration changes nothing"
        assert all(r.text for r in refusals), "every reason is a sentence"
    return [r.code for r in refusals]


@pytest.fixture
def world(database: Database) -> World:
    return World(database, OLD)


def test_a_case_moves_to_another_version_and_ends_there(world: World) -> None:
    """Clause 10: "migration as an event"; both databases: tables are the fold, the chain verifies."""
    new = publish(world, compiled_from(text(desk=DESK.replace("desk:", "counter:")).replace("to: desk", "to: counter")))
    world.submit({"menu.seats": 5})
    world.do(LI, "@claim", MAIN)
    before = world.state
    done = migrate(world, new, QIAN, steps={"desk": "counter"})
    assert [e.type for e in done.events] == ["case.migrated"]
    assert done.events[0].actor == "qian.yu"
    state = world.state
    assert (state.def_sha, state.main.step, state.status) == (new.sha, "counter", "open")
    assert state.task_of(MAIN).assignee == "li.na", "whoever had the task still has it"  # type: ignore[union-attr]
    assert state.milestones == before.milestones
    assert set(state.timers) == {"1/counter:0", "1/limit:intake:promised", "1/limit:intake:statutory"}
    world.check()
    (visit,) = [v for v in world.rows("visits") if v["left_at"] is None]
    assert (visit["step"], visit["waited_on"]) == ("counter", "department")
    assert [row["def_sha"] for row in world.rows("cases")] == [new.sha]
    with pytest.raises(Stale):  # the page that was open showed the old version
        world.do(LI, "accept", MAIN, expected=shown(before, MAIN))
    world.do(LI, "accept", MAIN)
    world.do(ZHANG, "pass", "review.food")
    world.do(ZHOU, "pass", "review.fire")
    world.do(HE, "approve", MAIN)
    assert (world.state.status, world.state.outcome) == ("closed", "granted")
    world.check()


def test_branches_outcomes_and_four_eyes_move_along(world: World) -> None:
    """A branch that ended stays ended under its new name, and whoever examined is still known to have."""
    world.submit()
    world.do(LI, "accept", MAIN)
    world.do(ZHANG, "pass", "review.food")
    new = publish(world, compiled_from(text(food="kitchen")))
    assert why_not(world, new) == ["no_branch", "new_branch"]
    migrate(world, new, steps={"review.food.desk": "review.kitchen.desk"})
    state = world.state
    assert state.token_of("review.food") is None
    ended = state.token_of("review.kitchen")
    assert ended is not None
    assert (ended.step, ended.outcome) == ("review.kitchen#approved", "approved")
    assert state.acts["review.kitchen.desk"] == ("zhang.qiang",)
    world.check()
    world.do(ZHOU, "pass", "review.fire")
    assert world.state.main.step == "decision"
    world.check()


def test_consumed_time_is_kept_and_limits_are_counted_anew(world: World) -> None:
    """Clause 10: "timers and clocks re-armed with consumed time kept": same start, same pauses, the new limit."""
    world.submit()
    world.do(LI, "correct", MAIN, reason="x", data={"items": {"menu.seats": "?"}})
    world.at(world.now + timedelta(days=2))
    world.resubmit(2, ["menu.seats"])
    world.do(LI, "accept", MAIN)
    before = world.state.clocks["limit:decision"]
    world.at(world.now + timedelta(days=7))
    longer = LIMITS.replace("statutory: 20wd, promised: 10wd", "statutory: 30wd, promised: 12wd")
    new = publish(world, compiled_from(text(head=longer + TOP_CORRECTION).replace("limit: 10wd", "limit: 12wd")))
    migrate(world, new)
    clock = world.state.clocks["limit:decision"]
    assert (clock.statutory, clock.promised, clock.started_at) == ("30wd", "12wd", before.started_at)
    assert before.promised_on is not None
    assert clock.promised_on > before.promised_on  # type: ignore[operator]
    stay = world.state.step_clock(world.state.main)
    assert stay is not None
    assert (stay.statutory, stay.started_at) == ("12wd", world.state.main.entered_at)
    world.check()
    at = world.state.timers["1/limit:decision:promised"].due_at
    assert at == clock.promised_at


def test_a_limit_that_is_new_runs_from_its_milestone(world: World) -> None:
    first = LIMITS.replace(
        '  intake:   {from: received, to: accepted, statutory: 5wd, promised: 2wd, basis: "art. 32"}\n', ""
    )
    old = publish(world, compiled_from(text(head=first + TOP_CORRECTION)), 3)
    world.d = old
    world.submit()
    assert "limit:intake" not in world.state.clocks
    migrate(world, OLD)
    clock = world.state.clocks["limit:intake"]
    assert clock.started_at == world.state.milestones["received"]
    assert world.state.timers["1/limit:intake:statutory"].due_at == clock.statutory_at
    world.check()
    assert why_not(world, old) == ["limit"], "a limit that runs is never lost"


def test_what_is_paused_stays_paused(world: World) -> None:
    world.submit()
    world.do(LI, "correct", MAIN, reason="x", data={"items": {"menu.seats": "?"}})
    new = publish(world, compiled_from(text(desk=DESK.replace("limit: 5wd", "limit: 6wd"))))
    lapse = world.state.timers["1/correction:lapse"]
    migrate(world, new)
    state = world.state
    assert state.notice is not None
    assert state.timers["1/correction:lapse"] == lapse, "a date that the applicant was told stays"
    assert state.clocks["limit:intake"].paused_since is not None
    assert state.timers["1/desk:0"].due_at is None
    world.check()
    world.resubmit(2, ["menu.seats"])
    assert world.state.timers["1/desk:0"].due_at is not None
    world.check()


WORDS = {
    "no_step": text(desk=DESK.replace("desk:", "counter:")).replace("to: desk", "to: counter"),
    "owner": text(desk=DESK.replace("owner: window", "owner: head")),
    "limit": text(head=LIMITS[: LIMITS.index("  delivery")].replace("intake:", "entry:") + TOP_CORRECTION),
    "not_asked": text(desk=DESK.replace("marks: accepted,", 'guard: "extra.one == 1", marks: accepted,')).replace(
        "      place.area:", "      extra.one: {type: integer, label: {en: N, zh: 新}}\n      place.area:"
    ),
    "kind": text(desk=DESK).replace("kind: human\n    owner: window", "kind: applicant", 1),
}


@pytest.mark.parametrize("code", sorted(WORDS))
def test_a_case_that_cannot_move_says_why_and_stays(database: Database, code: str) -> None:
    """Clause 10: "a dry run that lists every case it cannot move and why"; the real one refuses for the same."""
    world = World(database, OLD)
    world.submit()
    new = publish(world, compiled_from(WORDS[code]))
    assert code in why_not(world, new)
    world.check()
    world.do(LI, "accept", MAIN)  # pinned: it goes on where it is


ONE = "      extra.one: {type: district, label: {en: N, zh: 新}}\n      place.area:"
ASKED = text().replace("      place.area:", ONE)  # asks a question more
TWO_WAYS = 'submit: {to: [{guard: "has(extra.one)", to: desk}, {to: desk}], marks'
SEATED = "window: {department: service_hall, area: form.extra.one}"


def test_what_only_the_drafts_way_reads_keeps_nobody(database: Database) -> None:
    """A window that collects, say, comes into the way before where the case stands: it goes on without."""
    world = World(database, OLD)
    world.submit()
    new = publish(world, compiled_from(ASKED.replace("submit: {to: desk, marks", TWO_WAYS)))
    assert why_not(world, new) == []
    migrate(world, new)
    world.do(LI, "accept", MAIN)
    world.check()


def test_a_role_that_would_sit_elsewhere_keeps_the_case(database: Database) -> None:
    """Where a role sits is settled when a case is sent. Who has nothing to do ahead of the case does not matter."""
    world = World(database, OLD)
    world.submit()
    new = publish(world, compiled_from(ASKED.replace("window: {department: service_hall}", SEATED)))
    assert why_not(world, new) == ["place"]
    world.do(LI, "accept", MAIN)
    assert why_not(world, new) == [], "the window's part is behind it"


def test_what_an_action_ahead_requires_must_have_been_asked(database: Database) -> None:
    """Else nobody could ever take it."""
    world = World(database, OLD)
    world.submit()
    needs = DESK.replace("marks: accepted,", "marks: accepted, requires: {fields: [extra.one]},")
    new = publish(world, compiled_from(text(desk=needs).replace("      place.area:", ONE)))
    assert why_not(world, new) == ["not_asked"]


def test_in_branches_too(database: Database) -> None:
    world = World(database, OLD)
    world.submit()
    world.do(LI, "accept", MAIN)
    more = publish(world, compiled_from(text(branches=branch("sign", "urban"))))
    assert why_not(world, more) == ["new_branch"]
    world.do(ZHANG, "pass", "review.food")
    other = text().replace("pass: {end: approved", "pass: {end: fine").replace("all(approved)", "all(fine)")
    assert why_not(world, publish(world, compiled_from(other), 3)) == ["outcome"]
    early = text().replace('"all(approved)", to: decision', '"any(approved)", siblings: cancel, to: decision')
    assert why_not(world, publish(world, compiled_from(early), 4)) == ["join"]


def test_a_correction_that_is_out_must_be_answerable_there(database: Database) -> None:
    world = World(database, OLD)
    world.submit()
    world.do(LI, "correct", MAIN, reason="x", data={"items": {"menu.seats": "?"}})
    bare = DESK.replace(f"correct: {{correction: true, reason: true, {label('Fix')}}}", "").rstrip(" ")
    new = compiled_from(text(desk=bare, head=LIMITS).replace("menu.seats:", "menu.places:"))
    codes = why_not(world, publish(world, new))
    assert {"correction", "item"} <= set(codes)
    assert "correction" in why_not(world, new, fields={"menu.seats": "menu.places"})
    assert "item" not in why_not(world, new, fields={"menu.seats": "menu.places"})


def test_nothing_happens_at_once(database: Database) -> None:
    """A deemed act whose hour would have passed already is no act of the law: the case does not move."""
    world = World(database, OLD)
    world.submit()
    world.at(world.now + timedelta(days=3))
    deemed = DESK + "    - {at: 1wd, do: accept, note: {en: Silence, zh: 默认}}\n"
    assert why_not(world, publish(world, compiled_from(text(desk=deemed)))) == ["at_once"]
    later = deemed.replace("at: 1wd", "at: 4wd")
    migrate(world, publish(world, compiled_from(text(desk=later)), 3))
    assert world.state.timers["1/desk:1"].due_at is not None
    world.check()


def test_a_timer_that_has_fired_does_not_fire_again(database: Database) -> None:
    world = World(database, OLD)
    world.submit()
    world.tick(world.now + timedelta(days=7))  # the warning at 80 % has gone out
    assert "1/desk:0" not in world.state.timers
    later = DESK.replace("80%limit, do: warn", "90%limit, do: warn") + "    - {at: 20wd, do: escalate, to_role: head}\n"
    migrate(world, publish(world, compiled_from(text(desk=later))))
    assert set(world.state.timers) & {"1/desk:0", "1/desk:1"} == {"1/desk:1"}
    world.check()


def test_only_designers_and_the_system_migrate(database: Database) -> None:
    world = World(database, OLD)
    world.submit()
    new = publish(world, compiled_from(text(desk=DESK.replace("limit: 5wd", "limit: 6wd"))))
    for actor in (LI, HE, world.wang):
        with pytest.raises(Forbidden):
            migrate(world, new, actor)
    other = publish(world, compiled_from(text().replace("service: small", "service: other")), 3)
    assert why_not(world, other) == ["service"]
    migrate(world, new, QIAN)
    assert why_not(world, new) == ["same"]
    world.do(world.wang, "withdraw", MAIN)
    assert why_not(world, OLD) == ["closed"]


def test_back_by_a_map(database: Database) -> None:
    """Clause 10: cases already on the newer version stay, or are migrated back by a map."""
    world = World(database, OLD)
    new = publish(world, compiled_from(text(food="kitchen", desk=DESK.replace("desk:", "counter:")).replace(
        "to: desk", "to: counter")))  # fmt: skip
    world.d = new
    world.submit()
    world.do(LI, "accept", MAIN)
    assert why_not(world, OLD) == ["no_step"]
    migrate(world, OLD, steps={"review.kitchen.desk": "review.food.desk", "counter": "desk"})
    world.check()
    assert world.state.acts == {"desk": ("li.na",)}
    world.do(ZHANG, "pass", "review.food")
    world.do(ZHOU, "pass", "review.fire")
    assert world.state.main.step == "decision"
    world.check()


def test_answers_under_new_names(database: Database) -> None:
    world = World(database, OLD)
    world.submit({"menu.seats": 5})
    new = publish(world, compiled_from(text().replace("menu.seats:", "menu.places:")))
    rev = world.answer(2, {"menu.places": 5})
    done = migrate(world, new, **{"fields": {"menu.seats": "menu.places"}, "data_rev": rev})  # type: ignore[arg-type]
    assert done.state.data_rev == 2
    world.check()


def test_a_consulted_departments_task_moves_with_the_step_that_asked(database: Database) -> None:
    """Clauses 5 and 10: the side step follows; where the new version does not ask, the case stays and says why."""
    asks = f"ask: {{consult: {{departments: [fire_rescue], limit: 2wd}}, {label('Ask')}}}"
    asking = DESK.replace("  timers:", f"    {asks}\n  timers:")
    world = World(database, compiled_from(text(desk=asking)))
    world.submit({"menu.seats": 1})
    world.do(LI, "ask", MAIN, reason="?")
    assert why_not(world, publish(world, compiled_from(text()), 2)) == ["no_step"]
    renamed = compiled_from(text(desk=asking.replace("desk:", "counter:")).replace("to: desk", "to: counter"))
    migrate(world, publish(world, renamed, 3), steps={"desk": "counter"})
    assert world.steps() == ["counter", "counter@ask@fire_rescue"]
    world.check()
    with pytest.raises(NotAllowed):
        world.do(LI, "accept", MAIN)
    world.do(ZHOU, "agree", "counter@ask@fire_rescue")
    world.do(LI, "accept", MAIN)
    world.check()
