"""`on_change`: what a material change does to a case on its way: a correction, a role's task, a pause.

Real registries that change their minds, both databases.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import Settings
from govservice.engine import CaseState, Command, apply, rebuild
from govservice.errors import Forbidden, NotAllowed, Unverified
from govservice.exchange.queries import Trigger
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.cases import Case, CaseEvent, Task
from govservice.models.papers import Message
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.operations import clock as clocks
from govservice.operations import filing, revalidating
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_runtime
from tests.support.sandboxes import Sandbox

USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)
MakePlay = Callable[..., Play]
LOOK = "data@premises"


@pytest.fixture
def make_play(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[MakePlay]:
    made = []

    def make(**facts: str) -> Play:
        made.append(relying_runtime(settings, database, clock, sandbox, tmp_path, **facts))
        return Play(made[-1], clock)

    yield make
    for rt in made:
        rt.gateway.close()


def changed(play: Play, sandbox: Sandbox, trigger: Trigger = "clerk", area: str = "999.50") -> None:
    """The register has another floor area, and somebody looks."""
    sandbox.change("real_estate", USCC, floor_area_m2=area)
    play.pass_time(hours=1)
    revalidating.ask_again(
        play.rt, play.staff("he.tao"), play.case_id, ["premises"], now=play.now, trigger=trigger
    )  # fmt: skip


def notices(play: Play) -> list[str]:
    play.deliver()
    with play.rt.read() as session:
        rows = session.scalars(select(Message.kind).where(Message.case_id == play.case_id).order_by(Message.created_at))
        return [kind for kind in rows if kind in ("correction", "data_changed", "pause")]


def told(play: Play, type: str) -> list[dict[str, Any]]:
    with play.rt.read() as session:
        found = select(CaseEvent.data).where(CaseEvent.case_id == play.case_id, CaseEvent.type == type)
        return [json.loads(data) for data in session.scalars(found.order_by(CaseEvent.seq))]


def newest(play: Play) -> Revalidation:
    with play.rt.read() as session:
        rows = select(Revalidation).where(Revalidation.name == "premises").order_by(Revalidation.at.desc())
        return session.scalars(rows.limit(1)).one()


def folded(play: Play) -> CaseState:
    with play.rt.read() as session:
        return rebuild(session, play.case_id)


# -- correct


def test_correct_asks_the_applicant_once_for_what_changed(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: correct")
    play.draft()
    play.submit()
    changed(play, sandbox)
    assert notices(play) == ["correction"], "one notice, which names the change"
    (notice,) = told(play, "correction.notified")
    assert notice["items"] == ["premises.area", "title_deed"], "what changed, and the paper that proves it"
    assert notice["lapse_on"]
    changed(play, sandbox)
    changed(play, sandbox, area="777.00")
    assert notices(play) == ["correction"], "a correction that is out is not asked for twice"
    assert play.state.main.waits_for == "correction"
    assert folded(play) == play.state
    play.attach("wang.fang", "title_deed")
    filing.resubmit(play.rt, play.citizen("wang.fang"), play.case_id, expected=None, idem=play.key(), now=play.now)
    assert newest(play).resolution == "corrected"
    play.act("li.na", "", "accept")
    assert "review.fire" in play.steps
    assert folded(play) == play.state


def test_correct_in_a_parallel_step_is_asked_by_the_branch_that_reads_it(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: correct")
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    changed(play, sandbox)
    asking, other = play.state.token_of("review.fire"), play.state.token_of("review.food")
    assert asking is not None
    assert other is not None
    assert (asking.waits_for, other.status) == ("correction_notice", "active")
    changed(play, sandbox, area="777.00")
    assert len(told(play, "correction.asked")) == 1, "no other department asks for the same"
    play.act("zhang.qiang", "review.food", "ask", reason="r", items={"menu.seats": "图纸为 86 个"})
    play.act("sun.min", "review.sign", "pass")
    (notice,) = told(play, "correction.notified")
    assert {"premises.area", "menu.seats"} <= set(notice["items"]), "one notice for what people and registers found"
    assert folded(play) == play.state


# -- task


def test_a_task_for_the_role_with_an_owner_and_a_due_date(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: {task: fire, within: 2wd}")
    play.draft()
    play.submit()
    changed(play, sandbox)
    with play.rt.read() as session:
        task = session.scalars(select(Task).where(Task.case_id == play.case_id, Task.step == LOOK)).one()
        assert (task.role, task.status) == ("fire", "open")
        assert task.department_id.endswith("fire_rescue")
        assert task.due_at is not None
    assert play.steps == {"": "acceptance", LOOK: LOOK}, "the case itself goes on meanwhile"
    changed(play, sandbox, area="888.00")
    assert len(told(play, "consult.opened")) == 1, "somebody looks at it already"
    with pytest.raises(Forbidden):
        play.act("li.na", LOOK, "looked", reason="x")
    play.act("zhou.jie", LOOK, "looked", reason="面积变更属实，按新面积核查")
    assert play.steps == {"": "acceptance"}
    assert folded(play) == play.state


def test_a_task_ends_with_the_settling_of_the_change(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: {task: head}")
    play.draft()
    play.submit()
    changed(play, sandbox)
    revalidating.resolve(
        play.rt, play.staff("he.tao"), play.case_id, newest(play).id, "kept", "面积变化不影响许可", now=play.now
    )  # fmt: skip
    assert play.steps == {"": "acceptance"}
    assert folded(play) == play.state


def test_a_task_ends_where_the_applicant_takes_the_change_over(make_play: MakePlay, sandbox: Sandbox) -> None:
    """Nobody is left to look at a difference that a correction has settled."""
    play = make_play(premises="on_change: {task: head}")
    play.draft()
    play.submit()
    changed(play, sandbox)
    play.act("li.na", "", "correct", reason="请核对", items={"title_deed": "面积不符"})
    play.attach("wang.fang", "title_deed")
    filing.resubmit(play.rt, play.citizen("wang.fang"), play.case_id, expected=None, idem=play.key(), now=play.now)
    assert newest(play).resolution == "corrected"
    assert play.steps == {"": "acceptance"}
    assert folded(play) == play.state


def test_a_task_ends_with_the_case(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: {task: head}")
    play.draft()
    play.submit()
    changed(play, sandbox)
    filing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, reason="不开了", idem=play.key(), now=play.now)
    assert play.steps == {}
    assert folded(play) == play.state


# -- pause


def test_a_pause_of_a_listed_kind_with_a_notice_and_an_end(make_play: MakePlay, sandbox: Sandbox) -> None:
    """The service's limits list hearings; the law's list of kinds is closed (art. 45)."""
    play = make_play(premises="on_change: {pause: hearing, length: 5wd}")
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    changed(play, sandbox)
    assert "pause" in notices(play)
    (begun,) = told(play, "pause.begun")
    assert (begun["kind"], begun["length"]) == ("hearing", "5wd")
    assert play.state.clocks["limit:decision"].paused_since is not None
    changed(play, sandbox, area="888.00")
    assert len(told(play, "pause.begun")) == 1
    play.clock.advance(timedelta(days=10))
    clocks.fire_due(play.rt, play.now)
    assert told(play, "pause.ended")[0]["how"] == "timer"
    assert play.state.clocks["limit:decision"].paused_since is None
    assert folded(play) == play.state


def test_a_pause_ends_when_the_change_is_settled(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: pause")
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    changed(play, sandbox)
    assert play.state.holds
    row = newest(play)
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, row.id, "kept", "已核对", now=play.now)
    assert play.state.holds == ()
    assert told(play, "pause.ended")[0]["how"] == "settled"
    assert folded(play) == play.state


def test_two_changes_that_stop_the_clock_are_both_settled_before_it_runs_on(
    make_play: MakePlay, sandbox: Sandbox
) -> None:
    play = make_play(premises="on_change: pause", enterprise="on_change: pause")
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    sandbox.change("enterprises", USCC, name="另一家店")
    revalidating.ask_again(
        play.rt, play.staff("he.tao"), play.case_id, ["enterprise"], now=play.now, trigger="clerk"
    )  # fmt: skip
    changed(play, sandbox)
    assert len(play.state.holds) == 1
    with play.rt.read() as session:
        rows = session.scalars(select(Revalidation).where(Revalidation.result == "material").order_by(Revalidation.at))
        first, second = rows.all()
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, first.id, "kept", "已核对", now=play.now)
    assert len(play.state.holds) == 1, "the other change has not been looked at"
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, second.id, "kept", "已核对", now=play.now)
    assert play.state.holds == ()
    assert folded(play) == play.state


def test_settling_what_a_due_timer_has_overtaken_leaves_that_to_the_worker(
    make_play: MakePlay, sandbox: Sandbox
) -> None:
    """The applicant has let the time for the correction pass: the case is over as soon as its timer acts. Whoever
    settles the change before that settles the change, and nothing else stays of what was refused."""
    play = make_play(premises="on_change: correct")
    play.draft()
    play.submit()
    changed(play, sandbox)
    before = play.state.seq
    play.pass_time(days=60)
    row = newest(play)
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, row.id, "kept", "已核对", now=play.now)
    assert newest(play).resolution == "kept"
    assert (play.state.seq, play.state.status) == (before, "open")
    clocks.fire_due(play.rt, play.now)
    assert play.state.status == "closed"
    assert folded(play) == play.state


def test_a_hearing_that_an_officer_holds_does_not_end_with_the_settling(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: {pause: hearing, length: 5wd}")
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.review()
    play.act("he.tao", "", "hear")
    held = play.state.holds
    assert [hold.kind for hold in held] == ["hearing"]
    changed(play, sandbox)
    row = newest(play)
    revalidating.resolve(play.rt, play.staff("he.tao"), play.case_id, row.id, "kept", "已核对", now=play.now)
    assert play.state.holds == held, "the hearing goes on, and the limit stands still for it"
    play.act("he.tao", "", "heard")
    assert play.state.holds == ()
    assert folded(play) == play.state


# -- and never more than that


def test_what_does_not_matter_leads_to_nothing(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: correct")
    play.draft()
    play.submit()
    with play.rt.read() as session:
        area = filing.evidence.fact_values(
            filing.evidence.current_facts(session, play.case_id, play.rt.definitions.catalogue)
        )["premises.area"]
    changed(play, sandbox, area=f"{float(area) + 0.4:.2f}")
    assert told(play, "data.changed") == []
    assert notices(play) == []


def test_a_change_found_when_deciding_asks_and_nothing_is_decided(make_play: MakePlay, sandbox: Sandbox) -> None:
    play = make_play(premises="on_change: {task: head}")
    play.draft()
    play.submit()
    sandbox.change("real_estate", USCC, floor_area_m2="999.50")
    play.pass_time(days=2)
    with pytest.raises((Unverified, NotAllowed)):
        play.act("li.na", "", "decline", reason="不符合条件")
    assert play.state.status == "open"
    with play.rt.read() as session:
        assert session.get_one(Case, play.case_id).closed_at is None


def test_only_the_system_says_that_a_register_changed(make_play: MakePlay) -> None:
    play = make_play(premises="on_change: correct")
    play.draft()
    play.submit()
    said = (("@data", {"facts": ["premises"], "why": "found"}), ("@settled", {"facts": ["premises"]}))
    for actor in (play.citizen("wang.fang"), play.staff("he.tao")):
        for trigger, data in said:
            command = Command(play.case_id, trigger, play.key(), play.now, actor, data=data)
            with pytest.raises((Forbidden, NotAllowed)), play.rt.write() as session:
                apply(session, command, play.rt.definitions, play.rt.calendars)
    assert told(play, "data.changed") == []
