"""Four eyes and staffing, asking once only; the shipped services are sound and checked fast."""

from __future__ import annotations

from pathlib import Path
from time import thread_time

import pytest

from config import ROOT
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.loader import load_file
from govservice.definitions.verify import Staffing, verify
from tests.unit.verify.conftest import Check, Refused

NOT_SAME = "not_same_as: [review.food.site]"
TWO = frozenset({"a", "b"})


def staffing(**more: frozenset[str]) -> Staffing:
    """Two holders of every role in each area; `food_huaxi=...` says otherwise for one."""
    kinds = {"window": "service_hall", "food": "market_reg", "fire": "fire_rescue", "head": "market_reg"}
    found = {
        (role, f"{area}.{kind}"): frozenset({f"{role}1_{area}", f"{role}2_{area}"})
        for role, kind in kinds.items()
        for area in ("huaxi", "nanming")
    }
    for key, people in more.items():
        role, area = key.split("_")
        found[role, f"{area}.{kinds[role]}"] = people
    return found


def test_a_step_that_never_comes_before(refused: Refused) -> None:
    once = ("again: {to: review, reason: true,", "again: {correction: true, reason: true,")
    found = refused(
        "W-VACUOUS-FOUR-EYES",
        "accept: {to: review,",
        "accept: {to: review, not_same_as: [decision],",
        *once,
        at="accept:",
    )
    assert found.step == "desk"


@pytest.mark.parametrize(
    "named", ["review.food.papers", "review.fire.check", "desk", "decision", "review.food.papers, desk"]
)
def test_steps_that_may_come_before(check: Check, named: str) -> None:
    assert check(NOT_SAME, f"not_same_as: [{named}]") == []


def test_a_sibling_branch_may_come_before(check: Check) -> None:
    assert (
        check("pass: {end: approved, two_people: true,", "pass: {end: approved, not_same_as: [review.fire.check],")
        == []
    )


def test_enough_people_everywhere(check: Check) -> None:
    assert check(staffing=staffing()) == []


def test_a_role_that_nobody_holds(refused: Refused) -> None:
    found = refused("E-NO-STAFF", at="fire: {department", staffing=staffing(fire_nanming=frozenset()))
    assert "Nanming" in found.message


def test_a_role_that_only_an_escalation_names(check: Check) -> None:
    timer = "            limit: 2wd\n            timers: [{at: 100%limit, do: escalate, to_role: boss}]\n"
    boss = "  head: {department: market_reg, title: {en: Head, zh: 局长}}\n  boss: {department: market_reg}\n"
    head = "  head: {department: market_reg, title: {en: Head, zh: 局长}}\n"
    found = check("            limit: 2wd\n", timer, head, boss, staffing=staffing())
    assert [f.code for f in found] == ["E-NO-STAFF"] * 2


def test_two_people_need_two(refused: Refused) -> None:
    refused("E-FOUR-EYES", at="two_people", staffing=staffing(food_huaxi=frozenset({"a"})))


def test_four_eyes_that_leave_nobody(refused: Refused) -> None:
    """Both heads must examine on site together: whoever approves has examined."""
    both = staffing(food_huaxi=TWO, head_huaxi=TWO)
    two = ("back: {to: papers, reason: true,", "back: {to: papers, reason: true, two_people: true,")
    more = ("fail: {end: rejected, reason: true,", "fail: {end: rejected, reason: true, two_people: true,")
    found = refused("E-FOUR-EYES", *two, *more, at="approve:", staffing=both)
    assert "Huaxi" in found.message


def test_four_eyes_that_may_leave_nobody(refused: Refused) -> None:
    shared = staffing(food_huaxi=frozenset({"a", "b", "c", "d"}), head_huaxi=TWO)
    refused("W-FOUR-EYES", at="approve:", staffing=shared)


def test_one_shared_holder_is_no_trouble(check: Check) -> None:
    assert check(staffing=staffing(food_huaxi=frozenset({"a", "c"}), head_huaxi=frozenset({"a", "b"}))) == []


def test_four_eyes_over_several_steps_are_weighed_together(check: Check, refused: Refused) -> None:
    """Each of the two steps leaves somebody over; whoever did neither is a third person, and there are only two."""
    site = ("pass: {end: approved, two_people: true,", "pass: {end: approved, not_same_as: [review.food.papers],")
    both = (NOT_SAME, "not_same_as: [review.food.papers, review.food.site]")
    two = staffing(food_huaxi=TWO, head_huaxi=TWO)
    assert "Huaxi" in refused("E-FOUR-EYES", *site, *both, at="approve:", staffing=two).message
    three = staffing(food_huaxi=TWO, head_huaxi=frozenset({"a", "b", "c"}))
    assert check(*site, *both, staffing=three) == []
    one_aside = staffing(food_huaxi=frozenset({"a", "b", "c"}), head_huaxi=TWO)
    assert [f.code for f in check(*site, *both, staffing=one_aside)] == ["W-FOUR-EYES"]


def test_a_role_that_nobody_holds_is_told_with_a_run_to_where_it_is_needed(refused: Refused) -> None:
    found = refused("E-NO-STAFF", at="fire: {department", staffing=staffing(fire_huaxi=frozenset()))
    assert found.step == "review.fire.check"
    assert found.trace[-1] == "review.fire.check"


# --- once only


def test_asking_for_what_a_registry_holds(refused: Refused) -> None:
    sign = "shop.sign: {type: text, label: {en: Sign, zh: 招牌}}"
    asked = f"{sign}\n      org.name: {{type: text, label: {{en: Name, zh: 名称}}}}"
    found = refused("E-ONCE-ONLY", sign, asked, at="org.name:")
    assert "enterprises/1" in found.message


def test_asking_for_a_paper_that_a_registry_replaces(refused: Refused) -> None:
    deed = "  plan: {label: {en: Plan, zh: 平面图}}\n  title_deed: {label: {en: Deed, zh: 房产证}}\n"
    refused("E-ONCE-ONLY", "  plan: {label: {en: Plan, zh: 平面图}}\n", deed, at="title_deed:")


def test_a_paper_that_its_fact_replaces_may_be_listed(check: Check) -> None:
    plan = "  plan: {label: {en: Plan, zh: 平面图}}\n"
    deed = "  title_deed: {replaced_by: premises, label: {en: Deed, zh: 房产证}}\n"
    assert check(plan, plan + deed) == []


# --- what a decision goes by


GOES_BY = (
    "approve: {to: issue,",
    'approve: {to: [{guard: "premises.area > 500.0", to: review}, {to: issue}], reason: true,',
)


def test_a_decision_goes_by_a_registrys_word_that_is_not_asked_again(refused: Refused) -> None:
    found = refused("E-REVALIDATE", *GOES_BY, at="approve:")
    assert "premises.area" in found.message
    assert "'premises'" in found.message


def test_a_decision_goes_by_what_is_asked_again_before_it(check: Check) -> None:
    again = "    fallback: [declare]\n    revalidate: {before: decided, within: 1d, material: any}\n"
    assert check(*GOES_BY, "    fallback: [declare]\n", again) == []


SILENT = "    limit: 4wd\n    actions:\n      approve"


def test_silence_refuses_nobody(refused: Refused) -> None:
    by_clock = "    limit: 4wd\n    timers: [{at: 100%limit, do: refuse}]\n    actions:\n      approve"
    found = refused("E-REVALIDATE", SILENT, by_clock, at="timers:")
    assert "silence would decide against the applicant ('refuse')" in found.message


def test_silence_may_grant(check: Check) -> None:
    by_clock = "    limit: 4wd\n    timers: [{at: 100%limit, do: approve}]\n    actions:\n      approve"
    assert check(SILENT, by_clock) == []


# --- the shipped services

SERVICES = sorted((ROOT / "workflows" / "services").glob("*.yaml"))
FULL = ROOT / "tests" / "unit" / "definitions" / "data" / "open_restaurant_full.yaml"


@pytest.mark.parametrize("path", [*SERVICES, FULL], ids=lambda p: p.stem)
def test_what_we_ship_is_sound_and_checked_within_five_milliseconds(path: Path, catalogue: Catalogue) -> None:
    loaded = load_file(path)
    compiled = compile_service(loaded.service, catalogue=catalogue)
    assert verify(compiled, loaded, catalogue) == []
    best = 1.0
    for _ in range(20):  # of the processor: others may be at work on the machine
        begin = thread_time()
        verify(compiled, loaded, catalogue)
        best = min(best, thread_time() - begin)
    assert best < 0.005


def test_a_service_of_the_province_is_staffed_in_the_province(catalogue: Catalogue) -> None:
    """Its cases lie in the area of the department that answers for it: nobody has to sit in each district."""
    loaded = load_file(ROOT / "workflows" / "services" / "data_sharing_request.yaml")
    compiled = compile_service(loaded.service, catalogue=catalogue)
    people = {(role, f"guizhou.{node.department}"): TWO for role, node in loaded.service.roles.items()}
    assert verify(compiled, loaded, catalogue, people) == []
    del people["holder_tax_service", "guizhou.tax_service"]
    (found,) = verify(compiled, loaded, catalogue, people)
    assert (found.code, "Guizhou Province" in found.message) == ("E-NO-STAFF", True)


ASKED_AGAIN = {
    "open_restaurant": {"enterprise", "premises"}, "food_business_licence": {"enterprise", "premises"},
    "prepackaged_food_filing": {"enterprise"},
    "building_permit": {"enterprise", "land", "planning", "project", "structure", "design", "fire_review"},
    "household_move": {"mover"}, "minimum_living_allowance": {"standard", "household", "means"},
    "household_registration": {"birth"}, "birth_certificate": {"birth"}, "maternity_benefit": {"birth"},
    "resident_medical_insurance": {"birth"},
}  # fmt: skip


@pytest.mark.parametrize("service", ASKED_AGAIN)
def test_what_a_shipped_decision_rests_on_is_asked_again_before_it(service: str) -> None:
    facts = load_file(ROOT / "workflows" / "services" / f"{service}.yaml").service.facts
    again = {name for name, fact in facts.items() if fact.revalidate and fact.revalidate.before == "decided"}
    assert again == ASKED_AGAIN[service]
