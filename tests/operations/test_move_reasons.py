"""Clause 3.5 "Household move": the situation tree (own house, rented, relatives, job, talent, study) changes what is
asked, and the head of the household that somebody joins is a second citizen who agrees."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from govservice.errors import Forbidden, Missing, NotAllowed, Unverified
from govservice.exchange.evidence import current_facts
from govservice.exchange.snapshot import latest_snapshot, verify_snapshot
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.exchange import EvidenceRequirement, Exchange
from govservice.operations import deciding, filing
from govservice.operations.completeness import closed_to, missing_items, open_slots, visible_pages
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

PLACE = {"move.district": "nanming", "move.address": "南明区遵义路 31 号 1 单元 704 室"}
CHEN = "990102198506150334"
ALWAYS = ["mover", "reason", "place"]
WHOEVER = {"population/2", "households/1"}
# kin, further pages, the registry that is asked then, what it may fill there
TREE: dict[str, tuple[str, list[str], str, set[str]]] = {
    "own_home": ("", ["own_home"], "dwellings/1", {"home.title_no"}),
    "rented": ("", ["rented"], "tenancies/1", {"rental.number"}),
    "spouse": ("spouse", ["family", "spouse"], "marriages/1", {"spouse.name", "spouse.national_id"}),
    "parents": ("parents", ["family", "kinship"], "kinship/1", {"kin.parents", "kin.children"}),
    "child": ("child", ["family", "kinship"], "kinship/1", {"kin.parents", "kin.children"}),
    "job": ("", ["work"], "employment/1", {"work.employer", "work.insured_months"}),
    "talent": ("", ["degree"], "qualifications/1",
               {"education.level", "education.institution", "education.graduated"}),
    "study": ("", ["study"], "enrolments/1", {"study.school", "study.since"}),
}  # fmt: skip


def begin(play: Play, situation: str, login: str = "liu.yang", place: dict[str, Any] | None = None) -> None:
    play.new_case(replace(play.citizen(login), organisation_id=None, mandate_id=None), "household_move")
    play.agree(login)
    say(play, situation, login)
    if place is None:
        play.answer(login, place=PLACE)


def say(play: Play, situation: str, login: str = "liu.yang") -> None:
    """The reason, and what registers it calls for."""
    kin = TREE[situation][0]
    play.answer(login, reason={"move.reason": "family" if kin else situation})
    if kin:
        play.answer(login, family={"move.kin": kin, "head.national_id": CHEN})
    play.agree(login)


def looked_at(play: Play) -> tuple[Form, list[str], list[str]]:
    """The form, the pages that it shows, and what is still missing."""
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        compiled = play.rt.definitions.by_sha(case.def_sha)
        facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
        form = read_form(session, case.applicant_id, case.id)
        slots = open_slots(session, case, compiled, facts)
        return form, visible_pages(compiled, form), missing_items(compiled, facts, form, slots)


def asked(play: Play) -> set[str]:
    """Which registers were asked about the case."""
    with play.rt.read() as session:
        return set(session.scalars(select(Exchange.dataset).where(Exchange.case_id == play.case_id)))


@pytest.mark.parametrize("situation", sorted(TREE))
def test_the_situation_decides_what_is_asked(play: Play, situation: str) -> None:
    """Only the pages of the situation are shown, only its register is asked, what that holds stands there, and nothing
    of the others is kept."""
    begin(play, situation)
    _kin, pages, dataset, names = TREE[situation]
    form, shown, missing = looked_at(play)
    assert [p for p in shown if p not in ALWAYS] == pages
    assert asked(play) == WHOEVER | {dataset}
    others = {name for *_, some in TREE.values() for name in some} - names
    assert not others & set(form.answers)
    assert set(missing) <= names, "asked is only what this situation rests on and no register told"
    held: dict[str, Any] = {n: form.sources[n] for n in names & set(form.answers)}
    assert all(source.startswith("fact:") for source in held.values())
    assert not set(held) & set(missing)


def test_most_situations_ask_nothing_that_a_register_holds(play: Play) -> None:
    """Of Liu Yang the registers know home, marriage, parents and degree: then nothing is asked but reason and place."""
    for situation in ("own_home", "spouse", "parents", "talent"):
        begin(play, situation)
        assert looked_at(play)[2] == [], situation


def test_before_the_reason_is_known_no_register_of_a_situation_is_asked(play: Play) -> None:
    number = filing.start(play.rt, play.citizen("liu.yang"), "household_move", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree("liu.yang")
    assert asked(play) == WHOEVER
    with play.rt.read() as session:
        assert session.scalars(select(Consent).where(Consent.case_id == play.case_id)).all() == []
    play.answer("liu.yang", reason={"move.reason": "own_home"})
    assert asked(play) == WHOEVER, "nobody was told of the register yet"
    with pytest.raises(Missing) as lacking:
        play.submit("liu.yang")
    assert "home.title_no" in lacking.value.fields


def test_the_new_address_is_the_one_that_the_register_of_the_situation_holds(play: Play) -> None:
    """It stands there with its source until the applicant says something else; then it is their own word."""
    begin(play, "own_home", place={})
    form, _, missing = looked_at(play)
    assert (form.answers["move.address"], form.sources["move.address"]) == (
        "花溪区学士路 8 号 2 单元 301 室", "fact:home",
    )  # fmt: skip
    assert (form.answers["move.district"], form.sources["move.district"]) == ("huaxi", "fact:home")
    assert missing == []
    play.answer("liu.yang", place={"move.district": "huaxi", "move.address": "花溪区学士路 8 号 2 单元 301 室"})
    assert looked_at(play)[0].sources["move.address"] == "fact:home", "sent back unchanged, it stays the register's"
    play.answer("liu.yang", place=PLACE)
    form = looked_at(play)[0]
    assert (form.answers["move.address"], form.sources["move.address"]) == (PLACE["move.address"], "you")
    say(play, "talent")
    assert looked_at(play)[0].answers["move.address"] == PLACE["move.address"]


def test_a_move_within_the_district_is_no_move_and_cannot_be_sent(play: Play) -> None:
    """Liu Yang lives in the home that the register knows: nobody could ever grant a move to where he is registered."""
    begin(play, "own_home", place={})
    form, _, missing = looked_at(play)
    assert (form.answers["move.district"], missing) == (form.answers["person.district"], [])
    with play.rt.read() as session:
        compiled = play.rt.definitions.by_sha(session.get_one(Case, play.case_id).def_sha)
    edge = closed_to(compiled, form)
    assert edge is not None
    assert edge.hint is not None
    with pytest.raises(NotAllowed):
        play.submit("liu.yang")
    play.answer("liu.yang", place=PLACE)
    assert closed_to(compiled, looked_at(play)[0]) is None
    play.submit("liu.yang")


def test_a_tenant_and_an_employee_need_not_type_the_address_either(play: Play) -> None:
    for situation, fact in (("rented", "fact:tenancy"), ("job", "fact:work")):
        begin(play, situation, "chen.wei", place={})
        form, _, missing = looked_at(play)
        assert {form.sources[name] for name in PLACE} == {fact}
        assert missing == []


def test_another_reason_sets_aside_what_the_first_one_called_for(play: Play) -> None:
    """Its values are neither shown nor sent; the decision waits for none of them, and a reason taken back asks anew."""
    begin(play, "own_home", place={})
    say(play, "parents")
    form, _, missing = looked_at(play)
    assert {"home.title_no", "move.address", "move.district"} & set(form.answers) == set()
    assert missing == ["move.district", "move.address"]
    assert asked(play) == WHOEVER | {"dwellings/1", "kinship/1"}
    play.answer("liu.yang", place=PLACE)
    play.submit("liu.yang")
    with play.rt.read() as session:
        sealed = verify_snapshot(session, latest_snapshot(session, play.case_id))
        assert sealed is not None
        assert set(json.loads(sealed)["facts"]) == {"mover", "book", "kinship"}
        needs = {row.name: row.state for row in session.scalars(
            select(EvidenceRequirement).where(EvidenceRequirement.case_id == play.case_id)
        )}  # fmt: skip
    aside = {"home", "marriage", "work", "tenancy", "degree", "enrolment"}
    assert {name for name, state in needs.items() if state == "unneeded"} == aside
    begin(play, "own_home", place={})
    say(play, "talent")
    say(play, "own_home")
    assert looked_at(play)[0].sources["move.address"] == "fact:home"


def test_the_consent_to_a_register_is_given_when_the_reason_calls_for_it(play: Play) -> None:
    """Whoever leaves it out brings it themselves, and the choice about the others stands."""
    begin(play, "own_home")
    kin = {"move.kin": "parents", "head.national_id": CHEN}
    play.answer("liu.yang", reason={"move.reason": "family"}, family=kin)
    filing.agree(
        play.rt, play.citizen("liu.yang"), play.case_id, declined=("kinship",), about=["kinship"], now=play.now
    )
    form, _, _ = looked_at(play)
    assert form.declined == ("kinship",)
    assert "kinship/1" not in asked(play)
    say(play, "parents")
    assert "kinship/1" in asked(play)
    with play.rt.read() as session:
        given = session.scalars(select(Consent.fact).where(Consent.case_id == play.case_id)).all()
    assert given == ["kinship"]


def officer(play: Play, role: str, department: str) -> str:
    """Who holds this role where the new address lies."""
    wanted = (role, f"nanming.{department}")
    return next(u.login for u in play.users.values() if wanted in {(r.role, r.department_id) for r in u.roles})


def accepted(play: Play) -> None:
    begin(play, "parents")
    play.submit("liu.yang")
    play.act(officer(play, "window", "service_hall"), "", "accept")
    play.deliver()


def test_their_no_is_taken_whatever_a_register_owes(play: Play, sandbox: Sandbox) -> None:
    """It rests on them. An officer's no refuses by the same rule of the join, and that waits for the register."""
    accepted(play)
    play.pass_time(days=2)
    sandbox.fault("population", "status_500")
    with pytest.raises(Unverified) as stopped:
        play.act(officer(play, "residence", "public_security"), "review.papers", "fail", reason="不符合条件")
    assert stopped.value.why == {"mover": "unavailable"}
    token = play.state.token_of("review.consent")
    assert token is not None
    deciding.act(
        play.rt, play.citizen("chen.wei"), play.case_id, token.id, "decline", expected=None, idem=play.key(),
        now=play.now, reason="不同意入户",
    )  # fmt: skip
    assert play.state.outcome == "refused"


def test_the_head_of_the_other_household_agrees_in_person(play: Play) -> None:
    """Nobody else can agree for them, not even the applicant."""
    accepted(play)
    token = play.state.token_of("review.consent")
    assert token is not None

    def agree(login: str) -> None:
        deciding.act(
            play.rt, play.citizen(login), play.case_id, token.id, "agree", expected=None, idem=play.key(), now=play.now
        )

    with pytest.raises(Forbidden):
        agree("liu.yang")
    agree("chen.wei")
    ended = play.state.token_of("review.consent")
    assert ended is not None
    assert ended.outcome == "approved"
