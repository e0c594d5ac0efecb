"""This is wrong: nobody decides against a person while they dispute an entry, and a correction reaches every case."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import Settings
from govservice.engine import Actor
from govservice.errors import Invalid, Missing, NotAllowed, NotFound, Unverified
from govservice.exchange.evidence import current_facts, fact_values
from govservice.exchange.requirement import rows_of
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.exchange import UNNEEDED, EvidenceRequirement
from govservice.models.papers import Message
from govservice.models.reliance import Dispute, Revalidation
from govservice.models.session import Database
from govservice.operations import disputing
from govservice.operations.settling import Settler
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_runtime
from tests.support.sandboxes import Sandbox

USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)
OWNER = "guizhou.natural_resources"


@pytest.fixture
def play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Play]:
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path, enterprise="dispute: {hold: all}")
    yield Play(rt, clock)
    rt.gateway.close()


def owner(play: Play) -> Actor:
    return replace(play.staff("zhou.jie"), roles=(("steward", OWNER),))


def say(play: Play, kind: str = "premises.area", **words: Any) -> str:
    given = {"claimed": "520", "reason": "已办理变更登记", **words}
    return disputing.dispute(play.rt, play.citizen("wang.fang"), play.case_id, kind, now=play.now, **given)


def accepted(play: Play) -> None:
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")


def state(play: Play, name: str = "premises") -> str:
    with play.rt.read() as session:
        return session.scalars(
            select(EvidenceRequirement.state).where(
                EvidenceRequirement.case_id == play.case_id, EvidenceRequirement.name == name
            )
        ).one()


def test_no_adverse_decision_while_it_is_open(play: Play) -> None:
    accepted(play)
    id = say(play)
    assert say(play, claimed="521") == id, "said again while it is open"
    assert state(play) == "disputed"
    with pytest.raises(Unverified) as stopped:
        play.act("zhou.jie", "review.fire", "fail", reason="面积不足")
    assert stopped.value.why == {"premises": "disputed"}
    play.act("zhou.jie", "review.fire", "pass")
    disputing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, id, now=play.now)
    disputing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, id, now=play.now)
    assert state(play) == "available"
    play.act("sun.min", "review.sign", "fail", reason="店招不合规")
    assert play.state.outcome == "refused"


def test_hold_all_holds_a_grant_too(play: Play) -> None:
    accepted(play)
    say(play, "org.legal_person", claimed="王小芳")
    play.review()
    with pytest.raises(Unverified) as stopped:
        play.act("he.tao", "", "approve")
    assert stopped.value.why == {"enterprise": "disputed"}


def test_the_owner_answers_by_a_working_day(play: Play) -> None:
    accepted(play)
    id = say(play)
    with play.rt.read() as session:
        row = session.get_one(Dispute, id)
        assert (row.owner_id, row.due_on) == (OWNER, date(2026, 3, 16))  # ten working days after Monday 2 March
        assert "520" not in repr(row.__dict__)
    with pytest.raises(NotFound):
        disputing.answer(play.rt, play.staff("he.tao"), id, "rejected", "x", now=play.now)
    with pytest.raises(Missing):
        disputing.answer(play.rt, owner(play), id, "rejected", "  ", now=play.now)
    disputing.answer(play.rt, owner(play), id, "rejected", "登记档案无误", now=play.now)
    disputing.answer(play.rt, owner(play), id, "rejected", "登记档案无误", now=play.now)
    with pytest.raises(NotAllowed):
        disputing.answer(play.rt, owner(play), id, "accepted", "登记档案无误", now=play.now)
    with pytest.raises(NotAllowed):
        disputing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, id, now=play.now)
    assert state(play) == "available"
    with play.rt.read() as session:
        assert len(session.scalars(select(Message).where(Message.kind == "disputed")).all()) == 1
        said = disputing.said_in(session, session.get_one(Dispute, id))
        assert said is not None
        assert (said.claimed, said.answer) == ("520", "登记档案无误")
    play.act("zhou.jie", "review.fire", "fail", reason="面积不足")


def test_an_accepted_correction_reaches_every_running_case(play: Play, sandbox: Sandbox) -> None:
    accepted(play)
    first = play.case_id
    accepted(play)
    second = play.case_id
    play.draft()
    draft = play.case_id
    play.case_id = first
    id = say(play)
    sandbox.change("real_estate", USCC, floor_area_m2="520.00")
    disputing.answer(play.rt, owner(play), id, "accepted", "已更正", now=play.now)
    with play.rt.read() as session:
        for case_id in (first, second):
            values = fact_values(current_facts(session, case_id, play.rt.definitions.catalogue))
            assert values["premises.area"] == "520.00"
            found = session.scalars(select(Revalidation).where(Revalidation.case_id == case_id)).one()
            assert (found.result, found.trigger) == ("material", "event")
    play.case_id = draft
    assert state(play) == "stale", "a draft asks by itself"
    play.agree("wang.fang")
    with play.rt.read() as session:
        assert fact_values(current_facts(session, draft, play.rt.definitions.catalogue))["premises.area"] == "520.00"


def test_a_correction_reaches_cases_whose_register_was_silent_at_that_moment(play: Play, sandbox: Sandbox) -> None:
    """The owner has answered, the register is just down: the worker asks until it is told."""
    accepted(play)
    id = say(play)
    sandbox.change("real_estate", USCC, floor_area_m2="520.00")
    sandbox.fault("real_estate", "status_500")
    disputing.answer(play.rt, owner(play), id, "accepted", "已更正", now=play.now)
    assert area(play) != "520.00"
    sandbox.fault("real_estate", None)
    for _ in range(40):
        play.pass_time(minutes=3)
        Settler(play.rt).settle_due(play.now)
        if area(play) == "520.00":
            break
    assert area(play) == "520.00"
    with play.rt.read() as session:
        need = session.scalars(
            select(EvidenceRequirement).where(
                EvidenceRequirement.case_id == play.case_id, EvidenceRequirement.name == "premises"
            )
        ).one()
    assert need.next_try_at is None, "nothing is due any more"


def test_a_correction_leaves_alone_what_another_case_does_not_need(play: Play, sandbox: Sandbox) -> None:
    """Its condition does not hold there: no register is asked for it, now or by the worker."""
    accepted(play)
    other = play.case_id
    accepted(play)
    with play.rt.write() as session:
        need = rows_of(session, other, ["premises"])["premises"]
        need.state, need.outcome = UNNEEDED, None
    id = say(play)
    sandbox.change("real_estate", USCC, floor_area_m2="520.00")
    disputing.answer(play.rt, owner(play), id, "accepted", "已更正", now=play.now)
    with play.rt.read() as session:
        need = rows_of(session, other, ["premises"])["premises"]
        assert (need.state, need.next_try_at) == (UNNEEDED, None)


def area(play: Play) -> object:
    with play.rt.read() as session:
        facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
        return fact_values(facts)["premises.area"]


def test_what_cannot_be_disputed(play: Play) -> None:
    accepted(play)
    for words, error in (({"claimed": " "}, Missing), ({"reason": ""}, Missing), ({"claimed": "x" * 501}, Invalid)):
        with pytest.raises(error):
            say(play, **words)
    with pytest.raises(NotAllowed):
        say(play, "menu.seats")
    with pytest.raises(NotFound):
        disputing.dispute(play.rt, play.citizen("chen.wei"), play.case_id, "premises.area", "1", "x", now=play.now)
    with pytest.raises(NotFound):
        disputing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, "nothing", now=play.now)
