"""The building permit, whole, over HTTP: what the registers around a project hold is not asked for; where one is silent
its paper is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.migrations import Migration
from govservice.engine import MAIN, SYSTEM, Command, apply
from govservice.errors import NotAllowed
from govservice.exchange.evidence import asked_fields, current_facts, materials_asked
from govservice.exchange.sandbox.cast import QINGWEI
from govservice.messaging.outbox import Effect
from govservice.models.cases import Case
from govservice.models.exchange import Burden, Exchange
from govservice.operations import filing
from govservice.operations.issuing import issue_document
from govservice.operations.migrating import migrate, route
from govservice.operations.promising import give_pledge
from govservice.operations.proposing import approve, propose
from govservice.queries.conditions import Condition, dated, set_for
from govservice.queries.licences import of_case
from govservice.worktime.duration import Duration
from govservice.worktime.limits import due_on
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

SERVICE = ROOT / "workflows" / "services" / "building_permit.yaml"
TYPED = {"project.water", "project.neighbours"}  # what no register holds
HELD = {
    "planning": "planning_conditions", "real_estate": "title_deed", "investment": "energy_form",
    "environment": "environment_form",
}  # fmt: skip


def begin(play: Play, login: str = "wang.fang") -> None:
    number = filing.start(play.rt, play.citizen(login), "building_permit", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree(login, tries=20)  # a busy machine lets registers answer late


def asked(play: Play) -> tuple[set[str], set[str]]:
    """The fields and the documents that are left to the applicant."""
    with play.rt.read() as session:
        compiled = play.rt.definitions.by_sha(session.get_one(Case, play.case_id).def_sha)
        facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
    return set(asked_fields(compiled, facts)), set(materials_asked(compiled, facts))


def answers(play: Play) -> dict[str, Any]:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        facts = current_facts(session, case.id, play.rt.definitions.catalogue)
    return {name: value for view in facts.values() for name, value in view.values.items()}


def test_the_registers_fill_the_project_and_spare_the_papers(play: Play) -> None:
    begin(play)
    assert asked(play) == (TYPED, {"environment_form"})
    told = answers(play)
    assert (told["project.kind"], told["project.area"], told["project.height"]) == ("commerce", "6200.00", "36.00")
    assert (told["site.water"], told["site.heritage"]) == (False, False)
    play.answer("wang.fang", surroundings={"project.water": False, "project.neighbours": False})
    give_pledge(play.rt, play.citizen("wang.fang"), play.case_id, "environment_form", version=1, now=play.now)
    play.submit()
    assert set(play.state.pledges) == {"environment_form"}
    with play.rt.read() as session:
        toll = session.scalars(select(Burden).where(Burden.case_id == play.case_id)).one()
        calls = session.scalars(select(Exchange).where(Exchange.case_id == play.case_id)).all()
    assert (toll.fields_typed, toll.documents_brought) == (2, 0)
    assert toll.documents == 10, "nine papers that registers hold, and the one that was pledged"
    assert {call.grant_id for call in calls} >= {f"GR-25{n:02}" for n in range(1, 12)}


@pytest.mark.parametrize("where", ["in_water_zone", "in_heritage_zone", None])
def test_only_projects_of_low_risk_pledge_instead_of_the_environmental_form(
    play: Play, sandbox: Sandbox, where: str | None
) -> None:
    """services: "environmental impact form [D, P for low-risk list]". None: the register is silent, and what the
    applicant says of it opens nothing."""
    if where is None:
        sandbox.forget("planning", QINGWEI.uscc)
    else:
        sandbox.change("planning", QINGWEI.uscc, **{where: True})
    begin(play)
    if where is None:
        play.answer("wang.fang", surroundings={"site.water": False, "site.heritage": False})
    with pytest.raises(NotAllowed):
        give_pledge(play.rt, play.citizen("wang.fang"), play.case_id, "environment_form", version=1, now=play.now)
    play.attach("wang.fang", "environment_form")


@pytest.mark.parametrize("registry", HELD)
def test_where_a_register_holds_nothing_its_paper_is_asked_for(play: Play, sandbox: Sandbox, registry: str) -> None:
    sandbox.forget(registry, QINGWEI.uscc)
    begin(play)
    fields, materials = asked(play)
    assert HELD[registry] in materials
    assert fields >= TYPED
    assert ("project.height" in fields) is (registry == "investment")
    assert ("site.heritage" in fields) is (registry == "planning")


def test_the_drawing_review_and_the_fire_design_are_asked_for_where_the_platform_holds_none(
    play: Play, sandbox: Sandbox
) -> None:
    sandbox.forget("drawing_review", QINGWEI.uscc)
    begin(play)
    assert {"drawings", "structural_review", "fire_design"} <= asked(play)[1]


def test_an_agent_brings_the_owners_authorisation(play: Play, sandbox: Sandbox) -> None:
    """The legal representative needs none; who cannot be looked up is asked for it."""
    begin(play)
    assert "owner_authorisation" not in asked(play)[1]
    begin(play, "chen.wei")
    assert "owner_authorisation" in asked(play)[1]
    sandbox.forget("population", "990111198803182048")
    begin(play)
    assert "owner_authorisation" in asked(play)[1]


def test_a_site_by_a_river_brings_the_water_department_in(play: Play, sandbox: Sandbox) -> None:
    """Water Law art. 38: the place alone is enough, whatever the project itself takes or drains."""
    sandbox.change("planning", QINGWEI.uscc, in_water_zone=True, in_heritage_zone=True)
    accepted(play)
    assert "plans.heritage" in play.steps


def test_a_paper_that_a_register_holds_may_be_named_and_need_not_be_sent(play: Play) -> None:
    """Drawings that nobody had to send are found wrong: the applicant mends them on the platform and says so, or sends
    others."""
    accepted(play)
    play.act(holder(play, "planner"), "plans.planning", "ask", reason="退让不足", items={"drawings": "退让不足"})
    play.act(holder(play, "shelter"), "plans.shelter", "pass")
    assert play.state.notice is not None
    filing.resubmit(play.rt, play.citizen("wang.fang"), play.case_id, expected=None, idem=play.key(), now=play.now)
    assert play.state.notice is None
    assert play.steps["plans.planning"] == "plans.planning.desk"


# -- conditions


CONDITIONS = "退让道路红线不少于二米\n\n  绿地率不低于百分之三十 "


def accepted(play: Play) -> None:
    """Sent, with the papers that no register holds, and accepted."""
    begin(play)
    play.answer("wang.fang", surroundings={"project.water": False, "project.neighbours": False})
    play.attach("wang.fang", "environment_form")
    play.submit()
    play.act("li.na", "", "accept")


def examined(play: Play, planning: str = "terms", words: str = CONDITIONS) -> None:
    """Sent and examined; planning agrees, with conditions unless said otherwise."""
    accepted(play)
    play.act(holder(play, "planner"), "plans.planning", planning, reason=words)
    play.act(holder(play, "shelter"), "plans.shelter", "terms", reason="人防工程与主体工程同步建设")


def holder(play: Play, role: str) -> str:
    held = ((u.login, r) for u in play.users.values() for r in u.roles)
    return next(login for login, r in held if r.role == role and r.department_id.startswith("huaxi."))


def conditions(play: Play) -> list[Condition]:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        return set_for(session, play.rt.definitions, play.rt.definitions.by_sha(case.def_sha), case)


def test_each_department_sets_conditions_one_a_line(play: Play) -> None:
    """ "Conditions list with later inspection tasks": each says who set it and who checks it."""
    examined(play)
    found = conditions(play)
    assert [c.text for c in found] == ["退让道路红线不少于二米", "绿地率不低于百分之三十", "人防工程与主体工程同步建设"]
    assert [c.by["zh"] for c in found] == ["花溪区自然资源局"] * 2 + ["花溪区人民防空办公室"]
    assert {c.checker["en"] for c in found} == {"Case lead for buildings"}


def test_a_department_that_agrees_without_conditions_sets_none(play: Play) -> None:
    examined(play, "pass", "符合规划条件")  # words, but no conditions
    assert [c.text for c in conditions(play)] == ["人防工程与主体工程同步建设"]


def test_conditions_stay_when_the_step_that_set_them_gets_another_name(play: Play) -> None:
    """The case moves to a version in which planning examines at a step with another path."""
    examined(play)
    before = conditions(play)
    head, planning, rest = SERVICE.read_text("utf-8").partition("\n      planning:\n")
    rest = rest.replace("start: desk", "start: table", 1).replace("          desk:", "          table:", 1)
    id = propose(play.rt, play.staff("qian.yu"), head + planning + rest, "n", now=play.now)
    approve(play.rt, play.staff("zhao.lei"), id, now=play.now)
    names = Migration(service="building_permit", steps={"plans.planning.desk": "plans.planning.table"})
    way = route(play.rt, "building_permit", 1, 2, names)
    assert [moved.reasons for moved in migrate(play.rt, play.staff("qian.yu"), way, now=play.now)] == [()]
    assert conditions(play) == before


def test_each_condition_has_the_last_day_of_its_own_check(play: Play) -> None:
    examined(play)
    compiled = play.rt.definitions.current("building_permit")
    other = replace(compiled.steps["conditions_check"], path="other_check", limit=Duration.parse("10wd"))
    compiled = replace(compiled, steps={**compiled.steps, "other_check": other})
    first, *others = conditions(play)
    calendar = play.rt.calendars.for_area("huaxi")
    found = dated(compiled, calendar, [replace(first, check="other_check"), *others], play.now)
    days = [due_on(calendar, play.now, Duration.parse(length)) for length in ("10wd", "60wd", "60wd")]
    assert [each.until for each in found] == days


def test_the_permit_bears_them_with_the_last_day_of_the_check(play: Play) -> None:
    examined(play)
    play.act(holder(play, "fire_design"), "works.fire", "pass")
    play.act(holder(play, "ecologist"), "works.environment", "pass")
    play.act(holder(play, "building_lead"), "", "propose")
    play.act(holder(play, "building_head"), "", "approve")
    with play.rt.write() as session:
        paid = Command(case_id=play.case_id, trigger="@ok", idem=play.key(), now=play.now, actor=SYSTEM, token_id=MAIN)
        apply(session, paid, play.rt.definitions, play.rt.calendars)
        effect = Effect("e-1", play.case_id, 1, "document.issue", {}, 1)
        issue_document(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        permit = of_case(session, play.case_id, play.now.date())
    assert permit is not None
    assert [c.text for c in permit.conditions] == [c.text for c in conditions(play)]
    last = due_on(play.rt.calendars.for_area("huaxi"), play.now, Duration.parse("60wd"))
    assert {c.until for c in permit.conditions} == {last}
    assert permit.state == "valid", "the seal covers them"
