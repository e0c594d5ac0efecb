"""What a decision relies on is asked again before it: real registries that change their minds, both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import Settings
from govservice.errors import Missing, NotAllowed, NotFound, Unverified
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.exchange.snapshot import latest_snapshot, verify_snapshot
from govservice.models.exchange import DataAccess, Exchange, Snapshot
from govservice.models.papers import Message
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.operations import filing, revalidating
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import FACTS, relying_runtime
from tests.support.sandboxes import Sandbox

USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)


@pytest.fixture
def play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Play]:
    rt = relying_runtime(settings, database, clock, sandbox, tmp_path)
    yield Play(rt, clock)
    rt.gateway.close()


def to_the_decision(play: Play) -> None:
    """Everything is agreed to; two days have passed since the registries were asked."""
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.review()
    play.pass_time(days=2)


def found(play: Play) -> dict[str, Revalidation]:
    """The newest row of each fact."""
    with play.rt.read() as session:
        rows = session.scalars(
            select(Revalidation).where(Revalidation.case_id == play.case_id).order_by(Revalidation.at, Revalidation.id)
        )
        return {row.name: row for row in rows}


def results(play: Play) -> dict[str, str]:
    return {name: row.result for name, row in found(play).items()}


def test_what_has_not_changed_is_asked_again_and_decided_on(play: Play) -> None:
    to_the_decision(play)
    play.act("he.tao", "", "approve")
    assert results(play) == {"enterprise": "same", "premises": "same", "health": "same"}
    with play.rt.read() as session:
        snapshots = session.scalars(select(Snapshot).order_by(Snapshot.n)).all()
        assert [s.reason for s in snapshots] == ["submit", "decision"]
        assert snapshots[1].prev_sha256 == snapshots[0].sha256
        assert verify_snapshot(session, snapshots[1]) is not None
        asked = session.scalars(select(Exchange).where(Exchange.trigger == "decision")).all()
        assert {(e.fact, e.outcome) for e in asked} == {(n, "ok") for n in ("enterprise", "premises", "health")}
        told = session.scalars(select(DataAccess.exchange_id).where(DataAccess.exchange_id.in_([e.id for e in asked])))
        assert len(list(told)) == 3, "the applicant sees each of these reads"


def test_what_is_young_enough_is_not_asked_again(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    revalidating.ask_again(play.rt, play.staff("he.tao"), play.case_id, FACTS, now=play.now, trigger="clerk")
    before = sandbox.calls()
    play.act("he.tao", "", "approve")
    assert sandbox.calls() == before


def test_another_way_of_writing_stops_nothing(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    said = _said(play)
    name, area = said["org.name"], said["premises.area"]
    sandbox.change("enterprises", USCC, name=f" {name[:2]}\u3000{name[2:]} ")
    sandbox.change("real_estate", USCC, floor_area_m2=f"{area}0" if "." in area else f"{area}.00")
    play.act("he.tao", "", "approve")
    assert {results(play)[name] for name in ("enterprise", "premises")} == {"immaterial"}


def _said(play: Play) -> dict[str, Any]:
    with play.rt.read() as session:
        return filing.evidence.fact_values(
            filing.evidence.current_facts(session, play.case_id, play.rt.definitions.catalogue)
        )


def test_a_small_change_is_immaterial_by_the_definitions_own_rule(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    area = float(_said(play)["premises.area"])
    sandbox.change("real_estate", USCC, floor_area_m2=f"{area + 0.5:.2f}")
    play.act("he.tao", "", "approve")
    assert results(play)["premises"] == "immaterial"


def test_a_material_change_stops_the_decision_until_a_clerk_settles_it(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    area = float(_said(play)["premises.area"])
    sandbox.change("real_estate", USCC, floor_area_m2=f"{area + 200:.2f}")
    version = play.state.version
    for action, words in (("approve", {}), ("refuse", {"reason": "不符合条件"})):
        with pytest.raises(Unverified) as stopped:
            play.act("he.tao", "", action, **words)
        assert stopped.value.why == {"premises": "changed"}
    assert play.state.version == version
    row = found(play)["premises"]
    assert (row.result, row.resolution) == ("material", None)
    assert row.old_exchange_id not in (None, row.exchange_id)
    with play.rt.read() as session:
        told = session.scalars(select(Message).where(Message.kind == "data_changed")).all()
        assert len(told) == 1, "the applicant is told, once"

    he = play.staff("he.tao")
    with pytest.raises(Missing):
        revalidating.resolve(play.rt, he, play.case_id, row.id, "kept", " ", now=play.now)
    with pytest.raises(NotAllowed):
        revalidating.resolve(play.rt, he, play.case_id, row.id, "verified", "看过原件", now=play.now)
    with pytest.raises(NotFound):
        revalidating.resolve(play.rt, he, "another", row.id, "kept", "x", now=play.now)
    revalidating.resolve(play.rt, he, play.case_id, row.id, "kept", "扩建部分已验收，不影响许可", now=play.now)
    revalidating.resolve(play.rt, he, play.case_id, row.id, "kept", "扩建部分已验收，不影响许可", now=play.now)
    play.act("he.tao", "", "approve")
    assert play.steps == {"": "issue"}


def test_a_difference_that_was_let_stand_is_the_new_ground(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    area = float(_said(play)["premises.area"])
    sandbox.change("real_estate", USCC, floor_area_m2=f"{area + 200:.2f}")
    with pytest.raises(Unverified):
        play.act("he.tao", "", "approve")
    row = found(play)["premises"]
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, row.id, "kept", "已核", now=play.now)
    play.pass_time(days=2)
    play.act("he.tao", "", "approve")
    assert results(play)["premises"] == "same"


def test_a_change_that_is_taken_back_clears_itself(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    area = _said(play)["premises.area"]
    sandbox.change("real_estate", USCC, floor_area_m2=f"{float(area) + 200:.2f}")
    with pytest.raises(Unverified):
        play.act("he.tao", "", "approve")
    sandbox.change("real_estate", USCC, floor_area_m2=area)
    revalidating.ask_again(play.rt, play.staff("he.tao"), play.case_id, ["premises"], now=play.now, trigger="clerk")
    assert results(play)["premises"] == "same"
    play.act("he.tao", "", "approve")


def test_a_record_that_is_gone_stops_the_decision(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.forget("enterprises", USCC)
    with pytest.raises(Unverified) as stopped:
        play.act("he.tao", "", "approve")
    assert stopped.value.why == {"enterprise": "changed"}
    row = found(play)["enterprise"]
    assert row.result == "gone"
    revalidating.resolve(
        play.rt, play.staff("he.tao"), play.case_id, row.id, "kept", "注销登记有误，已函询", now=play.now
    )
    play.act("he.tao", "", "approve")


def test_a_silent_registry_blocks_the_decision(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.fault("enterprises", "status_500")
    with pytest.raises(Unverified) as stopped:
        play.act("he.tao", "", "approve")
    assert stopped.value.why == {"enterprise": "unavailable"}
    calls = sandbox.calls()
    with pytest.raises(Unverified):
        play.act("he.tao", "", "approve")
    assert sandbox.calls() == calls, "who presses the button again does not press on the registry"
    sandbox.fault("enterprises", None)
    play.pass_time(minutes=1)
    play.act("he.tao", "", "approve")


def test_a_grant_may_go_on_with_a_condition_and_a_refusal_never(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.fault("health_certificates", "status_500")
    with pytest.raises(Unverified) as stopped:
        play.act("he.tao", "", "refuse", reason="不符合条件")
    assert stopped.value.why == {"health": "unavailable"}
    play.act("he.tao", "", "approve")
    assert found(play)["health"].resolution == "conditional"


SAID = {
    "premises.title_no": "黔(2020)第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi",
    "premises.area": "120",
}  # fmt: skip


def declared(play: Play, sandbox: Sandbox) -> None:
    """The registry has no record of the premises: the applicant says what they are, and brings the deed."""
    sandbox.forget("real_estate", USCC)
    play.draft()
    play.answer("wang.fang", premises=SAID)
    play.attach("wang.fang", "title_deed")
    play.submit()


def verified(play: Play) -> None:
    revalidating.resolve(
        play.rt, play.staff("li.na"), play.case_id, found(play)["premises"].id, "verified", "核对房产证原件一致",
        now=play.now,
    )  # fmt: skip


def corrected(play: Play, **pages: dict[str, Any]) -> None:
    """The window asks for something; the applicant answers with these pages."""
    names = [name for page in pages.values() for name in page]
    play.act("li.na", "", "correct", reason="请更正", items=dict.fromkeys(names, "请核对"))
    play.answer("wang.fang", **pages)
    filing.resubmit(play.rt, play.citizen("wang.fang"), play.case_id, expected=None, idem=play.key(), now=play.now)


def test_what_the_applicant_gave_instead_may_be_verified_before_the_decision(play: Play, sandbox: Sandbox) -> None:
    """It stands open from its sending on; a decision without it asks the registry once more."""
    declared(play, sandbox)
    row = found(play)["premises"]
    assert (row.result, row.trigger, row.resolution, row.exchange_id) == ("unverified", "submit", None, None)
    assert set(found(play)) == {"premises"}
    verified(play)
    calls = sandbox.calls()
    play.act("li.na", "", "decline", reason="不属于受理范围")
    assert sandbox.calls() == calls, "somebody has looked at the deed: nothing is left to ask"
    assert play.state.outcome == "refused"


def test_what_was_verified_is_so_until_the_applicant_says_something_else(play: Play, sandbox: Sandbox) -> None:
    declared(play, sandbox)
    verified(play)
    corrected(play, premises={"premises.area": "180"})
    row = found(play)["premises"]
    assert (row.result, row.trigger, row.resolution) == ("unverified", "submit", None)
    with pytest.raises(Unverified) as stopped:
        play.act("li.na", "", "decline", reason="不属于受理范围")
    assert stopped.value.why == {"premises": "unverified"}
    assert found(play)["premises"].trigger == "decision", "the registry was asked about what is said now"
    verified(play)
    play.act("li.na", "", "decline", reason="不属于受理范围")


def test_another_paper_for_what_was_verified_is_looked_at_again(play: Play, sandbox: Sandbox) -> None:
    declared(play, sandbox)
    verified(play)
    play.act("li.na", "", "correct", reason="请更正", items={"title_deed": "看不清"})
    play.attach("wang.fang", "title_deed", b"%PDF-1.4\nanother\n%%EOF")
    filing.resubmit(play.rt, play.citizen("wang.fang"), play.case_id, expected=None, idem=play.key(), now=play.now)
    assert found(play)["premises"].resolution is None


def test_a_correction_of_something_else_leaves_what_was_verified_as_it_is(play: Play, sandbox: Sandbox) -> None:
    declared(play, sandbox)
    verified(play)
    corrected(play, menu={"menu.seats": 40})
    assert found(play)["premises"].resolution == "verified"
    play.act("li.na", "", "decline", reason="不属于受理范围")
    assert play.state.outcome == "refused"


def test_what_was_waived_may_be_verified_after_all(play: Play, sandbox: Sandbox) -> None:
    declared(play, sandbox)
    li = play.staff("li.na")
    row = found(play)["premises"]
    revalidating.resolve(play.rt, li, play.case_id, row.id, "waived", "不影响", now=play.now)
    corrected(play, premises={"premises.area": "180"})
    assert found(play)["premises"].resolution == "waived", "this decision does not need it, whatever it is"
    play.pass_time(minutes=1)
    revalidating.ask_again(play.rt, li, play.case_id, ["premises"], now=play.now, trigger="clerk")
    verified(play)
    play.act("li.na", "", "decline", reason="不属于受理范围")


def test_nobody_is_refused_on_what_nobody_verified(play: Play, sandbox: Sandbox) -> None:
    declared(play, sandbox)
    with pytest.raises(Unverified) as stopped:
        play.act("li.na", "", "decline", reason="不属于受理范围")
    assert stopped.value.why == {"premises": "unverified"}
    row = found(play)["premises"]
    revalidating.resolve(
        play.rt, play.staff("li.na"), play.case_id, row.id, "verified", "核对房产证原件一致", now=play.now
    )
    play.act("li.na", "", "decline", reason="不属于受理范围")
    assert play.state.outcome == "refused"
    with play.rt.read() as session:
        sealed = json.loads(verify_snapshot(session, latest_snapshot(session, play.case_id)) or b"{}")
    said = {(one["fact"], one["found"], one["settled"], one["by"]) for one in sealed["settled"]}
    assert ("premises", "unverified", "verified", play.staff("li.na").id) in said, "who let it rest on that is sealed"


def test_what_a_register_is_examining_itself_refuses_nobody_before_somebody_has_looked(
    play: Play, sandbox: Sandbox
) -> None:
    """It grants; a refusal waits for a clerk, who may compare it with an original."""
    sandbox.fault("real_estate", "under_investigation")
    play.draft()
    play.submit()
    for _ in range(2):
        with pytest.raises(Unverified) as stopped:
            play.act("li.na", "", "decline", reason="不属于受理范围")
        assert stopped.value.why == {"premises": "unverified"}
    row = found(play)["premises"]
    assert (row.result, row.outcome, revalidating.ways_of(row)) == (
        "same",
        "under_investigation",
        ("verified", "waived"),
    )
    verified(play)
    play.act("li.na", "", "decline", reason="不属于受理范围")
    assert play.state.outcome == "refused"


def test_what_a_register_is_examining_itself_stops_no_grant(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    sandbox.fault("real_estate", "under_investigation")
    play.act("he.tao", "", "approve")
    assert found(play)["premises"].result == "same"


def test_a_registry_that_says_otherwise_than_the_applicant(play: Play, sandbox: Sandbox) -> None:
    """Declared while the registry was silent; before the decision it is there and says something else."""
    sandbox.fault("real_estate", "status_500")
    play.draft()
    play.answer("wang.fang", premises=SAID)
    play.attach("wang.fang", "title_deed")
    play.submit()
    sandbox.fault("real_estate", None)
    play.pass_time(minutes=2)
    with pytest.raises(Unverified) as stopped:
        play.act("li.na", "", "decline", reason="不属于受理范围")
    assert stopped.value.why == {"premises": "changed"}
    assert found(play)["premises"].old_exchange_id is None


def test_a_join_that_decides_is_held_to_it_too(play: Play, sandbox: Sandbox) -> None:
    """A branch's no refuses the whole case by the join's rule: the registries are asked before that."""
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.pass_time(days=2)
    sandbox.forget("enterprises", USCC)
    with pytest.raises(Unverified) as stopped:
        play.act("zhou.jie", "review.fire", "fail", reason="无第二出口")
    assert stopped.value.why == {"enterprise": "changed"}
    assert play.state.status == "open"


def test_a_correction_takes_the_registrys_new_value_over(play: Play, sandbox: Sandbox) -> None:
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    area = float(_said(play)["premises.area"])
    play.pass_time(days=2)
    sandbox.change("real_estate", USCC, floor_area_m2=f"{area + 200:.2f}")
    with pytest.raises(Unverified):
        play.act("zhou.jie", "review.fire", "fail", reason="无第二出口")
    play.act("zhou.jie", "review.fire", "ask", reason="请核对面积", items={"menu.seats": "面积有变"})
    play.act("zhang.qiang", "review.food", "ask", reason="请核对面积", items={"menu.seats": "面积有变"})
    play.act("sun.min", "review.sign", "pass")
    wang = play.citizen("wang.fang")
    filing.resubmit(play.rt, wang, play.case_id, expected=None, idem=play.key(), now=play.now)
    assert found(play)["premises"].resolution == "corrected"


def test_no_value_is_kept_beside_the_facts(play: Play, sandbox: Sandbox) -> None:
    to_the_decision(play)
    area = float(_said(play)["premises.area"])
    sandbox.change("real_estate", USCC, floor_area_m2=f"{area + 4321.25:.2f}")
    with pytest.raises(Unverified):
        play.act("he.tao", "", "approve")
    with play.rt.read() as session:
        rows = session.execute(select(Revalidation.__table__)).all()
        assert rows
        assert f"{area + 4321.25:.2f}" not in repr(rows)
