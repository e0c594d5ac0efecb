"""Clause 5, ad hoc: "`consult` another department with a limit": a side token for each department, its opinion, what
silence means, and that no clock stands still for it (Administrative Licensing Law art. 45 has a closed list)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from govservice.engine import MAIN, available
from govservice.engine.types import Ctx
from govservice.errors import Forbidden, Missing, NotAllowed, PortalError
from govservice.models.session import Database
from tests.engine.texts import LIMITS, branch, definition, label, review
from tests.engine.world import CATALOGUE, HE, LI, MONDAY, SUN, ZHANG, ZHOU, World, compiled_from, data_of, staff

ZHAO = staff("zhao.lei", "supervisor@government")
ASKING = """
desk:
  kind: human
  owner: window
  limit: 5wd
  actions:
    ask_both: {consult: {departments: [fire_rescue, urban_mgmt], limit: 3wd, on_timeout: %s, blocking: %s}, %s}
    accept:   {to: review, marks: accepted, %s}
    decline:  {to: refused, reason: true, marks: decided, %s}
  timers:
    - {at: 100%%limit, do: accept}
"""
FIRE, URBAN = "desk@ask_both@fire_rescue", "desk@ask_both@urban_mgmt"


def world(database: Database, on_timeout: str = "no_objection", blocking: str = "true") -> World:
    asking = ASKING % (on_timeout, blocking, label("Ask"), label("Accept"), label("Decline"))
    joins = '- {if: "any(rejected)", to: refused, marks: decided, siblings: cancel}\n- {to: decision}'
    text = definition(asking + review(branch("food", "food") + branch("sign", "urban"), joins),
                      first="desk", head=LIMITS)  # fmt: skip
    w = World(database, compiled_from(text))
    w.submit({"menu.seats": 1})
    return w


def test_consult_asks_each_department_waits_for_their_opinions_and_no_clock_stands_still(database: Database) -> None:
    w = world(database)
    before = w.state.clocks["limit:intake"]
    with pytest.raises(Missing):
        w.do(LI, "ask_both", MAIN)
    asked = w.do(LI, "ask_both", MAIN, reason="Is the yard wide enough for an engine?")
    assert data_of(asked, "consult.asked")["asks"] == [FIRE, URBAN]
    assert "wide" not in str(asked.events)
    assert w.steps() == ["desk", FIRE, URBAN]
    held = {t.step: (t.role, t.department) for t in w.state.tasks.values()}
    assert held[FIRE] == ("fire", "huaxi.fire_rescue"), "the first role of the department answers"
    assert w.state.clocks["limit:intake"] == before, "the law excludes no time for what authorities ask of each other"
    assert w.state.tokens[MAIN].pauses == ()
    with pytest.raises(NotAllowed) as refused:
        w.do(LI, "accept", MAIN)
    assert refused.value.facts["why"] == "consulted"
    with pytest.raises(NotAllowed):
        w.do(LI, "ask_both", MAIN, reason="again")
    for somebody in (LI, HE, ZHANG, staff("far", "fire@fire_rescue", area="nanming"), w.wang):
        with pytest.raises(Forbidden):
            w.do(somebody, "agree", FIRE)
    with pytest.raises(Missing):
        w.do(ZHOU, "object", FIRE)
    w.do(ZHOU, "@claim", FIRE)
    answered = w.do(ZHOU, "agree_if", FIRE, reason="with a second door")
    assert data_of(answered, "consult.ended")["outcome"] == "conditional"
    with pytest.raises(NotAllowed):
        w.do(LI, "accept", MAIN)
    w.do(SUN, "agree", URBAN)
    w.check()
    w.do(LI, "accept", MAIN)
    assert {t.outcome for t in w.state.tokens.values() if t.kind == "consult"} == {"agreed", "conditional"}
    assert {v["department_id"] for v in w.rows("visits") if "@" in v["step"]} == {
        "huaxi.fire_rescue", "huaxi.urban_mgmt",
    }, "the time that a consulted department took is its own"  # fmt: skip
    w.check()


def test_consult_silence_counts_as_no_objection_where_it_is_declared(database: Database) -> None:
    w = world(database)
    w.do(LI, "ask_both", MAIN, reason="?")
    w.do(SUN, "object", URBAN, reason="the sign hides the monument")
    w.tick(MONDAY + timedelta(days=2, hours=22))
    assert w.steps() == ["desk", FIRE], "warned at four fifths, nothing decided before the end of the third day"
    w.tick(MONDAY + timedelta(days=4))
    token = w.state.token_of(FIRE)
    assert token is not None
    assert (token.open, token.outcome) == (False, "no_answer")
    with w.db.read() as session:
        from govservice.engine.store import Store

        left = [e for e in Store(session).events(w.case_id) if e.type == "step.left" and e.data["step"] == FIRE][0]
    assert (left.actor, left.data["deemed"]) == ("system", True)
    w.do(LI, "accept", MAIN)
    w.check()


def test_consult_silence_is_brought_to_who_asked_and_the_question_may_be_taken_back(database: Database) -> None:
    w = world(database, on_timeout="escalate")
    w.do(LI, "ask_both", MAIN, reason="?")
    w.do(SUN, "agree", URBAN)
    w.tick(MONDAY + timedelta(days=4))
    watching = [t for t in w.state.tasks.values() if t.watch and t.step == FIRE]
    assert [(t.role, t.department) for t in watching] == [("window", "huaxi.service_hall")]
    with pytest.raises(NotAllowed):
        w.do(LI, "accept", MAIN)
    for somebody in (ZHOU, HE):
        with pytest.raises(Forbidden):
            w.do(somebody, "@cancel", FIRE, reason="x")
    with pytest.raises(Missing):
        w.do(LI, "@cancel", FIRE)
    w.do(LI, "@cancel", FIRE, reason="we went there ourselves")
    w.check()
    w.do(LI, "ask_both", MAIN, reason="once more")
    w.do(ZHAO, "@cancel", FIRE, reason="supervision may too")
    w.do(SUN, "agree", URBAN)
    w.do(LI, "decline", MAIN, reason="x")
    w.check()


def test_consult_what_is_not_waited_for_lives_on_until_the_case_ends(database: Database) -> None:
    w = world(database, on_timeout="escalate", blocking="false")
    w.do(LI, "ask_both", MAIN, reason="?")
    w.do(LI, "accept", MAIN)
    assert {FIRE, URBAN} <= set(w.steps())
    w.do(ZHOU, "agree", FIRE)
    w.do(ZHANG, "fail", "review.food", reason="x")
    assert w.state.status == "closed"
    token = w.state.token_of(URBAN)
    assert token is not None
    assert (token.open, token.outcome) == (False, "cancelled")
    w.check()


def test_consult_ends_with_the_step_that_waits_for_it(database: Database) -> None:
    w = world(database)
    w.do(LI, "ask_both", MAIN, reason="?")
    w.do(w.wang, "withdraw", MAIN)
    assert w.state.status == "closed"
    assert not w.state.tasks
    assert all(not t.open for t in w.state.tokens.values())
    w.check()


def test_consult_a_deemed_act_waits_for_nobody_and_ends_the_question(database: Database) -> None:
    """What the law lets silence do at its hour happens, whoever was asked; then nobody need answer any more."""
    w = world(database, on_timeout="escalate")
    w.do(LI, "ask_both", MAIN, reason="?")
    w.tick(MONDAY + timedelta(days=8))
    assert w.state.main.step == "review"
    assert {t.outcome for t in w.state.tokens.values() if t.kind == "consult"} == {"cancelled"}
    w.check()


def test_consult_within_a_branch_belongs_to_that_branch(database: Database) -> None:
    asks = f"ask_fire: {{consult: {{departments: [fire_rescue], limit: 2wd}}, {label('Ask')}}}"
    food = branch("food", "food", ask=False) + f"        {asks}\n"
    joins = '- {if: "any(rejected)", to: refused, siblings: cancel}\n- {to: decision}'
    text = definition(review(food + branch("sign", "urban"), joins), first="review")
    w = World(database, compiled_from(text))
    w.submit({"menu.seats": 1})
    w.do(ZHANG, "ask_fire", "review.food", reason="?")
    with pytest.raises(NotAllowed):
        w.do(ZHANG, "pass", "review.food")
    offers = [o for o in available(w.d, w.state, ZHOU, Ctx(CATALOGUE)) if o.allowed]
    assert {o.action for o in offers} == {"agree", "agree_if", "object", "@claim"}
    w.do(SUN, "fail", "review.sign", reason="no")
    assert w.state.status == "closed"
    assert all(not t.open for t in w.state.tokens.values())
    with pytest.raises(PortalError):
        w.do(ZHOU, "agree", "review.food.desk@ask_fire@fire_rescue")
    w.check()
