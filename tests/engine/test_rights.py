"""Who may do what: roles in departments of the case's area, claims, four eyes, two people, the applicant."""

from __future__ import annotations

import pytest

from govservice.engine import MAIN, SYSTEM, Actor
from govservice.errors import Forbidden, Invalid, Missing, NotAllowed
from govservice.models.session import Database
from tests.engine.texts import branch, definition, label, review
from tests.engine.world import ANSWERS, HE, LI, MA, SUN, WU, ZHANG, ZHOU, World, compiled_from, staff

REPORT = {"attachments": ("site_report",), "data": {"files": {"site_report": ["ab"]}}}


def accepted(database: Database) -> World:
    w = World(database)
    w.submit()
    w.do(LI, "accept", MAIN)
    return w


def at_decision(database: Database) -> World:
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHANG, "pass", "review.food", **REPORT)
    w.do(WU, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    return w


def refused(w: World, actor: Actor, trigger: str, token: int | str, code: str, **more: object) -> None:
    with pytest.raises(Forbidden) as caught:
        w.do(actor, trigger, token, **more)
    assert caught.value.code == code


def test_the_role_must_be_held(database: Database) -> None:
    w = accepted(database)
    refused(w, LI, "pass", "review.fire", "role")
    refused(w, ZHANG, "pass", "review.fire", "role")


def test_and_in_the_department_of_the_cases_area(database: Database) -> None:
    w = accepted(database)
    refused(w, MA, "pass", "review.food", "role")  # the same role in another area


def test_the_area_comes_from_the_form(database: Database) -> None:
    w = World(database)
    w.submit({**ANSWERS, "premises.district": "nanming"})
    assert w.state.area == "nanming"
    assert {t.department for t in w.state.tasks.values()} == {"nanming.service_hall"}
    refused(w, LI, "accept", MAIN, "role")


def test_a_registrys_region_code_names_the_area_too(database: Database) -> None:
    w = World(database)
    w.submit({**ANSWERS, "premises.district": "990102"})
    assert w.state.area == "nanming"


@pytest.mark.parametrize("district", ["nowhere", "", None])
def test_a_district_without_departments_is_an_answer_to_mend(database: Database, district: str | None) -> None:
    w = World(database)
    with pytest.raises(Invalid) as caught:
        w.submit({**ANSWERS, "premises.district": district})
    assert set(caught.value.fields) == {"premises.district"}


def test_without_an_area_field_the_departments_own_area_decides(database: Database) -> None:
    steps = f"""
exam:
  kind: human
  owner: head
  actions:
    pass: {{to: done, {label("Pass")}}}
"""
    w = World(database, compiled_from(definition(steps, first="exam")))
    w.open(area=None)
    w.do(w.wang, "submit", MAIN, data={"data_rev": w.answer(1, {})})
    assert w.state.area in {"guizhou", "guiyang", "huaxi", "nanming"}


def test_a_claimed_task_belongs_to_its_taker(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "@claim", "review.food")
    refused(w, WU, "pass", "review.food", "claimed")
    with pytest.raises(NotAllowed) as caught:
        w.do(WU, "@claim", "review.food")
    assert caught.value.facts["by"] == ZHANG.id
    refused(w, WU, "@release", "review.food", "claimed")
    w.do(ZHANG, "@release", "review.food")
    w.do(WU, "pass", "review.food")


def test_claiming_twice_changes_nothing(database: Database) -> None:
    w = accepted(database)
    first = w.do(ZHANG, "@claim", "review.food")
    again = w.do(ZHANG, "@claim", "review.food")
    assert (len(first.events), len(again.events)) == (1, 0)
    assert again.version == first.version
    w.check()


def test_only_holders_of_the_role_claim(database: Database) -> None:
    w = accepted(database)
    refused(w, MA, "@claim", "review.food", "role")
    refused(w, w.wang, "@claim", "review.food", "role")


def test_the_system_may_release_for_somebody_who_is_gone(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "@claim", "review.food")
    w.do(SYSTEM, "@release", "review.food")
    w.do(WU, "@claim", "review.food")
    w.check()


def test_two_people_are_two_people(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHANG, "@claim", "review.food")
    first = w.do(ZHANG, "pass", "review.food", **REPORT)
    assert w.types(first) == ["action.confirmed"]
    token = w.state.token_of("review.food")
    assert token is not None
    assert (token.waits_for, token.status) == ("second_person", "active")
    refused(w, ZHANG, "pass", "review.food", "same_person")
    refused(w, ZHANG, "@claim", "review.food", "same_person")
    w.do(WU, "@claim", "review.food")
    w.do(WU, "pass", "review.food")  # who only confirms brings nothing
    assert w.state.acts["review.food.site"] == (ZHANG.id, WU.id)
    w.check()


def test_another_action_takes_the_first_confirmation_away(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHANG, "pass", "review.food", **REPORT)
    w.do(WU, "fail", "review.food", reason="dirty")
    assert w.state.outcome == "refused"
    w.check()


@pytest.mark.parametrize("examiner", [ZHANG, WU, ZHOU])
def test_who_examined_does_not_decide(database: Database, examiner: Actor) -> None:
    w = at_decision(database)
    both = Actor(examiner.id, "user", HE.roles, None)
    refused(w, both, "approve", MAIN, "four_eyes")
    refused(w, both, "refuse", MAIN, "four_eyes", reason="x")
    w.do(HE, "approve", MAIN)


def test_what_was_not_visited_in_this_round_forbids_nothing(database: Database) -> None:
    branches = branch("food", "food") + branch("fire", "fire", when="menu.seats > 0")
    joins = '- {if: "all(approved, not_needed)", to: decision}\n- {to: refused}\n'
    text = definition(review(branches, joins, correction="within: 5wd"), first="review").replace(
        "approve: {", "approve: {not_same_as: [review.food.desk, review.fire.desk], "
    )
    w = World(database, compiled_from(text))
    w.submit({"menu.seats": 0})
    w.do(ZHANG, "pass", "review.food")
    refused(w, Actor(ZHANG.id, "user", HE.roles, None), "approve", MAIN, "four_eyes")
    w.do(HE, "reopen", MAIN, reason="again")
    w.do(ZHANG, "@release", "review.food")  # it had come back to the same clerk
    w.do(WU, "pass", "review.food")
    w.do(HE, "@release", MAIN)
    w.do(Actor(ZHANG.id, "user", HE.roles, None), "approve", MAIN)


def test_nobody_decides_their_own_application(database: Database) -> None:
    w = World(database)
    w.submit()
    refused(w, Actor("li.na", "user", LI.roles, w.person), "accept", MAIN, "own_case")


def test_only_the_applicant_withdraws(database: Database) -> None:
    w = accepted(database)
    stranger = Actor("liu.yang", "applicant", (), "somebody else")
    refused(w, stranger, "withdraw", MAIN, "not_applicant")
    refused(w, LI, "withdraw", MAIN, "not_applicant")
    w.do(w.wang, "withdraw", MAIN)
    assert w.state.outcome == "withdrawn"


def test_who_acts_for_the_organisation_is_the_applicant(database: Database) -> None:
    from govservice.models.base import new_id
    from govservice.models.people import Organisation

    w, organisation = World(database), new_id()
    with database.write() as session:
        session.add(Organisation(id=organisation, uscc="91X", name="X", created_at=w.now))
    w.open(Actor(w.wang.id, "applicant", (), w.person, organisation), organisation_id=organisation)
    agent = Actor("chen.wei", "applicant", (), "chen", organisation)
    other = Actor("liu.yang", "applicant", (), "liu", new_id())
    rev = w.answer(1, ANSWERS)
    refused(w, other, "submit", MAIN, "not_applicant", data={"data_rev": rev})
    w.do(agent, "submit", MAIN, data={"data_rev": rev})
    assert w.rows("case_events")[-1]["on_behalf_of"] == organisation


@pytest.mark.parametrize("unless", ["draft", "issue"])
def test_withdrawal_ends_where_the_definition_says(database: Database, unless: str) -> None:
    w = at_decision(database) if unless == "issue" else World(database)
    if unless == "issue":
        w.do(HE, "approve", MAIN)
    else:
        w.open()
    with pytest.raises(NotAllowed):
        w.do(w.wang, "withdraw", MAIN)


@pytest.mark.parametrize("who", ["clerk", "applicant"])
@pytest.mark.parametrize("trigger", ["@ok", "@fail"])
def test_the_answers_of_an_auto_step_are_the_systems(database: Database, who: str, trigger: str) -> None:
    w = at_decision(database)
    w.do(HE, "approve", MAIN)
    refused(w, HE if who == "clerk" else w.wang, trigger, MAIN, "not_system")


@pytest.mark.parametrize(
    "trigger", ["@join0", "@lapse", "@timer", "@child", "to_done", "__class__", "done", "approve", ""]
)
def test_forged_triggers_move_nothing(database: Database, trigger: str) -> None:
    w = accepted(database)
    before = w.state
    for actor in (LI, ZHANG, w.wang, SYSTEM):
        with pytest.raises((NotAllowed, Forbidden, Invalid)):
            w.do(actor, trigger, MAIN)
    assert w.state == before


def test_nobody_opens_a_case_for_a_citizen_online(database: Database) -> None:
    w = World(database)
    with pytest.raises(Forbidden):
        w.open(LI)
    w.open(LI, channel="counter")


def test_nobody_opens_a_case_in_anothers_name(database: Database) -> None:
    w = World(database)
    with pytest.raises(Forbidden):
        w.open(Actor("liu.yang", "applicant", (), "somebody else"))
    with pytest.raises(Forbidden):
        w.open(organisation_id="an organisation that she does not act for")
    assert w.rows("cases") == []


def test_what_is_missing_is_told_at_once(database: Database) -> None:
    w = accepted(database)
    w.do(ZHANG, "pass", "review.food")
    with pytest.raises(Missing) as caught:
        w.do(ZHANG, "pass", "review.food")
    assert caught.value.fields == ("site_report",)
    with pytest.raises(Missing) as caught:
        w.do(ZHANG, "fail", "review.food", reason="   ")
    assert caught.value.fields == ("reason",)


def test_a_correction_names_things_of_the_form(database: Database) -> None:
    w = accepted(database)
    with pytest.raises(Missing) as caught:
        w.do(ZHANG, "ask", "review.food")
    assert caught.value.fields == ("reason", "items")
    with pytest.raises(Invalid):
        w.ask(ZHANG, "review.food", "no.such.field")
    w.ask(ZHANG, "review.food", "menu.seats", "layout")


def test_required_form_fields_are_asked_of_the_answers(database: Database) -> None:
    steps = f"""
exam:
  kind: human
  owner: food
  actions:
    pass: {{to: done, requires: {{fields: [sign.text]}}, {label("Pass")}}}
"""
    w = World(database, compiled_from(definition(steps, first="exam")))
    w.submit({"menu.seats": 1})
    with pytest.raises(Missing) as caught:
        w.do(ZHANG, "pass", MAIN)
    assert caught.value.fields == ("sign.text",)


def test_guards_refuse_and_say_what_was_missing(database: Database) -> None:
    steps = f"""
exam:
  kind: human
  owner: food
  actions:
    pass:
      to: [{{guard: "menu.seats > 100", to: refused}}, {{to: done}}]
      guard: 'place.area > 10.0 and actor.department == "huaxi.market_reg"'
      {label("Pass")}
    drop: {{to: refused, reason: true, {label("Drop")}}}
"""
    d = compiled_from(definition(steps, first="exam"))
    w = World(database, d)
    w.submit({"menu.seats": 500})
    with pytest.raises(NotAllowed) as caught:
        w.do(ZHANG, "pass", MAIN)
    assert caught.value.facts["missing"] == ["place.area"]
    w.submit({"menu.seats": 500, "place.area": "11"})
    w.do(ZHANG, "pass", MAIN)
    assert w.state.outcome == "refused"
    w.submit({"menu.seats": 50, "place.area": "11"})
    w.do(ZHANG, "pass", MAIN)
    assert w.state.outcome == "granted"


def test_a_command_without_a_token_must_be_clear(database: Database) -> None:
    w = accepted(database)
    with pytest.raises(NotAllowed):
        w.do(ZHANG, "ask")  # three branches have it
    w.do(w.wang, "withdraw")  # only the main token has it
    assert w.state.status == "closed"


def test_a_role_of_another_department_in_the_same_area_is_not_enough(database: Database) -> None:
    w = accepted(database)
    refused(w, staff("x", "food@fire_rescue"), "pass", "review.food", "role")
