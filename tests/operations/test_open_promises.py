"""Clause "people with bad credit record excluded" from pledge and deferral, over the real register of serious breaches:
what is not open is not offered, and a promise made in a draft falls when the register says otherwise."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from govservice.errors import Missing, NotAllowed
from govservice.exchange.sandbox.cast import QINGWEI
from govservice.models.casedata import read_form, write_form
from govservice.models.cases import Case
from govservice.models.exchange import Burden
from govservice.operations.promising import give_pledge, put_off
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

RULES, HEALTH = "rules", "health_certificates"


def begun(play: Play, sandbox: Sandbox, listed: bool | None) -> None:
    """A restaurant, of whose staff no certificate is registered. None: the register of breaches does not answer it."""
    sandbox.change("enterprises", QINGWEI.uscc, listed=listed)
    sandbox.forget("health_certificates", QINGWEI.uscc)
    play.draft(tries=20)  # a busy machine lets registers answer late


def promise(play: Play) -> None:
    wang = play.citizen("wang.fang")
    give_pledge(play.rt, wang, play.case_id, RULES, version=1, now=play.now)
    put_off(play.rt, wang, play.case_id, HEALTH, now=play.now)


def is_refused(play: Play) -> None:
    wang = play.citizen("wang.fang")
    with pytest.raises(NotAllowed):
        give_pledge(play.rt, wang, play.case_id, RULES, version=1, now=play.now)
    with pytest.raises(NotAllowed):
        put_off(play.rt, wang, play.case_id, HEALTH, now=play.now)


def test_who_is_in_good_standing_may_pledge_and_put_off(play: Play, sandbox: Sandbox) -> None:
    begun(play, sandbox, listed=False)
    promise(play)
    play.submit()
    assert set(play.state.pledges) == {RULES}
    assert [gap.material for gap in play.state.open_gaps] == [HEALTH]
    with play.rt.read() as session:
        toll = session.scalars(select(Burden).where(Burden.case_id == play.case_id)).one()
    assert toll.documents_brought == 1, "the layout"
    assert toll.documents == 6, "three that registers hold, the layout, what was pledged and what was put off"


def test_who_is_listed_is_offered_neither_and_brings_everything(play: Play, sandbox: Sandbox) -> None:
    begun(play, sandbox, listed=True)
    is_refused(play)
    play.attach("wang.fang", HEALTH)
    play.submit()
    assert play.state.status == "open"


def test_what_the_applicant_says_of_themselves_opens_nothing(play: Play, sandbox: Sandbox) -> None:
    """The register is silent: nobody vouches for their own credit, and an answer that nobody asked for is not kept."""
    begun(play, sandbox, listed=None)
    wang = play.citizen("wang.fang")
    play.answer("wang.fang", applicant={"org.discredited": False})
    with play.rt.write() as session:  # even where a word of theirs stands in the form
        case = session.get_one(Case, play.case_id)
        form = read_form(session, case.applicant_id, case.id).with_answers({"org.discredited": False}, "you")
        write_form(session, case.applicant_id, case.id, form, wang.id, play.now)
    is_refused(play)


def test_promises_of_a_draft_fall_when_the_register_lists_the_enterprise(play: Play, sandbox: Sandbox) -> None:
    begun(play, sandbox, listed=False)
    promise(play)
    sandbox.change("enterprises", QINGWEI.uscc, listed=True)
    play.pass_time(days=2)  # the word of the register keeps fresh for a day
    play.agree("wang.fang")
    with pytest.raises(Missing) as told:
        play.submit()
    assert HEALTH in told.value.fields
