"""Clause 3.5 "Household move": the situation tree (own house, rented, relatives, job, talent, study) changes what is
asked, and the head of the household that somebody joins is a second citizen who agrees."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from govservice.errors import Forbidden
from govservice.exchange.evidence import current_facts
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.operations import deciding, filing
from govservice.operations.completeness import missing_items, open_slots, visible_pages
from tests.operations.conftest import Play

PLACE = {"move.district": "nanming", "move.address": "南明区遵义路 31 号 1 单元 704 室"}
CHEN = "990102198506150334"
ALWAYS = ["mover", "reason", "place"]
TREE: dict[str, tuple[str, list[str], set[str]]] = {  # kin, further pages, what a registry may fill there
    "own_home": ("", ["own_home"], {"home.title_no", "home.address", "home.district"}),
    "rented": ("", ["rented"], {"rental.number", "rental.address", "rental.district"}),
    "spouse": ("spouse", ["family", "spouse"], {"spouse.name", "spouse.national_id"}),
    "parents": ("parents", ["family", "kinship"], {"kin.parents", "kin.children"}),
    "child": ("child", ["family", "kinship"], {"kin.parents", "kin.children"}),
    "job": ("", ["work"], {"work.employer", "work.insured_months"}),
    "talent": ("", ["degree"], {"education.level", "education.institution", "education.graduated"}),
    "study": ("", ["study"], {"study.school", "study.since"}),
}


def begin(play: Play, situation: str) -> None:
    number = filing.start(play.rt, play.citizen("liu.yang"), "household_move", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree("liu.yang")
    kin = TREE[situation][0]
    play.answer("liu.yang", reason={"move.reason": "family" if kin else situation}, place=PLACE)
    if kin:
        play.answer("liu.yang", family={"move.kin": kin, "head.national_id": CHEN})


def looked_at(play: Play) -> tuple[Form, list[str], list[str]]:
    """The form, the pages that it shows, and what is still missing."""
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        compiled = play.rt.definitions.by_sha(case.def_sha)
        facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
        form = read_form(session, case.applicant_id, case.id)
        slots = open_slots(session, case, compiled, facts)
        return form, visible_pages(compiled, form), missing_items(compiled, facts, form, slots)


@pytest.mark.parametrize("situation", sorted(TREE))
def test_the_situation_decides_what_is_asked(play: Play, situation: str) -> None:
    """Only the pages of the situation are shown, what the registers hold stands there, and nothing of the others is
    kept."""
    begin(play, situation)
    _kin, pages, names = TREE[situation]
    form, shown, missing = looked_at(play)
    assert [p for p in shown if p not in ALWAYS] == pages
    others = {name for _, _, some in TREE.values() for name in some} - names
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


def test_the_head_of_the_other_household_agrees_in_person(play: Play) -> None:
    """Nobody else can agree for them, not even the applicant."""
    begin(play, "parents")
    play.submit("liu.yang")
    clerk = next(u.login for u in play.users.values() if ("window", "nanming.service_hall") in
                 {(r.role, r.department_id) for r in u.roles})  # fmt: skip
    play.act(clerk, "", "accept")
    play.deliver()
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
