"""Clause 3.6 "Food-business licence", whole: on a pledge the licence is issued and supervision told; two inspectors
look afterwards and may have it revoked. The registries are real processes over HTTP."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from govservice.exchange.evidence import current_facts
from govservice.models.cases import Case
from govservice.models.exchange import DataAccess, Exchange
from govservice.models.papers import IssuedDocument, Message
from govservice.operations import filing
from govservice.operations.promising import give_pledge
from tests.operations.conftest import Play


def apply(play: Play) -> None:
    """Wang Fang applies on a pledge: of her own she types the business, nothing about herself or the enterprise."""
    wang = play.citizen("wang.fang")
    number = filing.start(play.rt, wang, "food_business_licence", idem=play.key(), now=play.now)
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    play.agree("wang.fang")
    play.answer(
        "wang.fang", business={"business.form": "service"}, items={"business.items": ["hot"]},
        manager={"manager.name": "王芳"}, online={"online.sells": False},
    )  # fmt: skip
    play.attach("wang.fang", "layout")
    give_pledge(play.rt, wang, play.case_id, "rules", version=1, now=play.now)
    play.submit()


def licence(play: Play) -> IssuedDocument:
    with play.rt.read() as session:
        return session.scalars(select(IssuedDocument).where(IssuedDocument.case_id == play.case_id)).one()


def inspectors(play: Play) -> list[str]:
    wanted = ("inspector", "huaxi.market_reg")
    return [u.login for u in play.users.values() if any((r.role, r.department_id) == wanted for r in u.roles)]


@pytest.mark.parametrize("kept", [True, False])
def test_on_a_pledge_it_is_issued_handed_to_supervision_and_inspected_afterwards(play: Play, kept: bool) -> None:
    apply(play)
    with play.rt.read() as session:
        facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
    assert facts["standing"].values == {"org.discredited": False}, "the register of serious breaches was asked"
    play.act("li.na", "", "accept")
    play.act("he.tao", "", "approve")
    play.deliver()
    assert (play.state.status, play.state.outcome) == ("closed", "granted")
    with play.rt.read() as session:
        told = session.scalars(
            select(Exchange).where(Exchange.case_id == play.case_id, Exchange.dataset == "licence.hand_over")
        ).all()
        reads = session.scalars(select(DataAccess).where(DataAccess.case_id == play.case_id)).all()
    assert [each.outcome for each in told] == ["ok"]
    assert any("premises.address" in read.what for read in reads if read.registry_code == "licences"), (
        "the applicant sees that supervision was told, and what"
    )
    assert licence(play).revoked_at is None
    words = {"attachments": play.report("inspection_record"), "reason": None if kept else "现场没有食品安全管理制度"}
    first, second = inspectors(play)[:2]
    action = "confirm" if kept else "revoke"
    play.act(first, "post_check", action, **words)
    assert licence(play).revoked_at is None, "one inspector alone changes nothing"
    play.act(second, "post_check", action)
    play.deliver()
    assert (licence(play).revoked_at is None) is kept
    assert licence(play).revoked_reason == (None if kept else "pledge_broken")
    with play.rt.read() as session:
        kinds = set(session.scalars(select(Message.kind).where(Message.case_id == play.case_id)))
    assert ("revoked" in kinds) is not kept
