"""Clause "Saga": household move: never in zero or two registers; compensation tested by failing each step.

The registers are a real process over HTTP that does what it is told: what is held here is the portal's order of steps.
After every act the register's own journal says where the person was entered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update

from govservice.errors import NotAllowed
from govservice.messaging.outbox import LEASE, Effect, claim
from govservice.models.cases import Case, CaseEvent, Outbox
from govservice.models.exchange import Exchange
from govservice.models.papers import IssuedDocument
from govservice.operations import effects, filing, register_acts
from govservice.operations.clock import fire_due
from govservice.operations.invariants import check_case, staff_actors
from govservice.queries.tracking import CasePage, case_page
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

HUAXI, NANMING = "990111", "990102"
LIU = "990111199502280415"
REST = 400  # hours
ACTS = ("lock", "remove", "enter")
STAFF = {"window": "service_hall", "residence": "public_security", "station": "public_security"}


class Move(Play):
    """Liu Yang moves from Huaxi to Nanming, for a home of his own."""

    registers: Sandbox

    def to(self, step: str) -> None:
        """A new case, brought to the step where the registers begin to act, or before it."""
        self.file()
        self.role("window", "", "accept")
        self.role("residence", "review.papers", "pass")
        if step != "approval":
            self.role("station", "", "approve")
        assert self.state.main.step == step

    def file(self) -> None:
        self.new_case(self.citizen("liu.yang"), "household_move")
        self.agree("liu.yang")
        self.answer("liu.yang", reason={"move.reason": "own_home"})
        self.agree("liu.yang")
        self.answer(
            "liu.yang",
            place={"move.district": "nanming", "move.address": "南明区新华路 105 号 2 单元 301 室"},
        )  # fmt: skip
        self.submit("liu.yang")

    def role(self, role: str, scope: str, action: str, **words: Any) -> None:
        department = f"nanming.{STAFF[role]}"
        login = next(
            u.login
            for u in self.users.values()
            if any((r.role, r.department_id) == (role, department) for r in u.roles)
        )
        self.act(login, scope, action, **words)

    # -- the worker, one act at a time

    def work(self) -> int:
        """What is due now, each case's first effect."""
        return fire_due(self.rt, self.now) + effects.deliver_due(self.rt, "test", self.now)

    def rest(self, hours: int = REST) -> str:
        """Works on until nothing more happens within that time. Returns the step where the case then stands. What was
        tried in vain stands before its last try at once: that what fails fails is not waited for."""
        for _ in range(hours // 6):
            while self.work():
                self.look()
            if self.pending() == 0:
                break
            self.pass_time(hours=6)
            if hours == REST:
                self.use_up()
        return self.state.main.step

    def use_up(self) -> None:
        open_rows = update(Outbox).where(Outbox.case_id == self.case_id, Outbox.done_at.is_(None))
        with self.rt.write() as session:
            session.execute(open_rows.values(attempts=24))

    def pending(self) -> int:
        with self.rt.read() as session:
            open_rows = select(func.count()).where(Outbox.case_id == self.case_id, Outbox.done_at.is_(None))
            return session.scalar(open_rows) or 0

    def due(self) -> Effect:
        """The effect that is next, leased by a worker that is about to die."""
        with self.rt.write() as session:
            (found,) = claim(session, "dying", self.now, wall=self.rt.wall.now())
        return found

    # -- the registers

    def look(self) -> None:
        """Never in two registers; in none only while struck out under a move that somebody still works on."""
        for row in self.registers.registered(LIU)["journal"]:
            assert len(row["in"]) <= 1, row
            assert row["in"] or row["in_transit"], row
        if not self.where():
            assert self.pending() or self.state.main.step == "rescue", "nobody will bring this person anywhere"

    def where(self) -> dict[str, str]:
        found: dict[str, str] = self.registers.registered(LIU)["in"]
        return found

    def acts(self) -> list[tuple[str, str]]:
        return [(row["act"], row["state"]) for row in self.registers.registered(LIU)["journal"]]

    def flags(self) -> list[str]:
        with self.rt.read() as session:
            events = select(CaseEvent.data).where(CaseEvent.case_id == self.case_id).order_by(CaseEvent.seq)
            told = [json.loads(data) for data in session.scalars(events)]
        return [data["flag"] for data in told if "flag" in data]

    def documents(self) -> int:
        with self.rt.read() as session:
            return session.scalar(select(func.count()).where(IssuedDocument.case_id == self.case_id)) or 0

    def moved(self) -> None:
        """Granted, in the new register alone, with one page."""
        assert self.state.outcome == "granted"
        assert self.where() == {NANMING: "entered"}
        assert self.documents() == 1
        self.check()

    def page(self) -> CasePage:
        with self.rt.read() as session:
            case = session.get_one(Case, self.case_id)
            return case_page(session, self.rt.definitions, self.rt.calendars, case, self.now)

    def stayed(self) -> None:
        """Nothing has moved: entered where one was, and free to be moved again; somebody decides what comes next."""
        assert self.state.main.step == "approval"
        assert self.where() == {HUAXI: "entered"}
        assert self.documents() == 0
        self.check()

    def check(self) -> None:
        with self.rt.read() as session:
            case = session.get_one(Case, self.case_id)
            assert list(check_case(self.rt, session, case, staff_actors(session))) == []


@pytest.fixture
def move(runtime: Any, clock: Any, sandbox: Sandbox) -> Iterator[Move]:
    made = Move(runtime, clock)
    made.registers = sandbox
    yield made
    sandbox.reset()


def test_the_way_without_a_fault_is_logged_and_told_to_others(move: Move) -> None:
    move.to("lock")
    assert move.rest() == "done"
    move.moved()
    with move.rt.read() as session:
        (paper,) = session.scalars(select(IssuedDocument).where(IssuedDocument.case_id == move.case_id))
    assert paper.content["rows"][0]["value"] == {"en": "Nanming District", "zh": "南明区"}, "no code of ours"
    assert move.acts() == [("lock", "done"), ("remove", "done"), ("enter", "done")]
    with move.rt.read() as session:
        rows = session.scalars(
            select(Exchange).where(Exchange.case_id == move.case_id, Exchange.trigger == "act")
        ).all()
    assert [(r.dataset, r.outcome, r.grant_id) for r in sorted(rows, key=lambda r: r.id)] == [
        ("register.lock", "ok", "GR-2401"), ("register.remove", "ok", "GR-2401"), ("register.enter", "ok", "GR-2401"),
        ("address.social_insurance", "ok", "GR-2403"), ("address.medical_insurance", "ok", "GR-2404"),
        ("address.housing_fund", "ok", "GR-2408"), ("address.education", "ok", "GR-2411"),
        ("address.traffic", "ok", "GR-2409"),
    ]  # fmt: skip


def test_an_office_that_does_not_acknowledge_the_new_address_is_asked_again_and_undoes_nothing(move: Move) -> None:
    """Clause 3.5 "notify other departments (subscribers acknowledge; outbox with retry)": who is deaf to the last try
    is flagged; the move stands, and the others were told."""
    move.to("lock")
    move.registers.fault("housing", "status_500")
    move.rest(12)
    assert move.state.main.step == "announce", "the housing fund has not acknowledged yet"
    move.registers.fault("housing", None)
    assert move.rest(24) == "done"
    assert move.flags() == []
    move.moved()
    move.registers.reset()
    move.to("lock")
    move.registers.fault("traffic", "refused")
    assert move.rest() == "done"
    assert move.flags() == ["not_told"]
    told = {n.path: (n.by_system, n.failed) for column in move.page().columns for n in column if n.kind == "branch"}
    assert told["announce.traffic"] == (True, True), "what was not done is not shown as done"
    assert told["announce.fund"] == (True, False)
    assert told["review.papers"] == (False, False), "a clerk did that"
    move.moved()


def test_compensation_by_failing_each_step(move: Move) -> None:
    """Refused, or out of order to the last try: what was done is taken back, and the move may be tried again."""
    for act in ACTS:
        for mode in ("refused", "status_500"):
            move.registers.reset()
            move.registers.fault(f"households.{act}", mode)
            move.to("lock")
            assert move.rest() == "approval", (act, mode)
            move.stayed()
            assert move.flags()[-1] == "move_undone", (act, mode)
            assert move.acts()[-1] == ("undo", "done")
    move.registers.fault("households.enter", None)
    move.role("station", "", "approve")
    assert move.rest() == "done", "the same case is moved after all"
    move.moved()


def test_an_act_whose_answer_is_lost_is_never_done_twice(move: Move) -> None:
    """Once lost, it is asked again under the same key. Lost to the last try, it is undone; what cannot be undone any
    more goes on to the end."""
    for act in ACTS:
        move.registers.reset()
        move.registers.fault(f"households.{act}", "lost")
        move.to("lock")
        while (act, "done") not in move.acts():
            move.work()
        move.registers.fault(f"households.{act}", None)
        assert move.rest(12) == "done", act
        move.moved()
        assert [a for a, _ in move.acts()] == list(ACTS), act
        move.registers.reset()
        move.registers.fault(f"households.{act}", "lost")
        move.to("lock")
        if act == "enter":
            assert move.rest() == "done"
            assert move.acts()[-1] == ("undo", "done")
            move.moved()
        else:
            assert move.rest() == "approval"
            move.stayed()


@pytest.mark.parametrize("called", [False, True])
def test_a_crash_between_steps(move: Move, called: bool) -> None:
    """The worker dies before the call, or after it and before anything is written: another one goes on from there."""
    move.to("lock")
    for act in ACTS:
        while move.state.main.step != act or move.pending() == 0:
            move.work()
        effect = notices_first(move, f"register.{act}")
        if called:
            said = register_acts.ask(move.rt, effect, move.now)
            assert said is not None
            assert said.state == "done"
            move.look()
        assert effects.deliver_due(move.rt, "another", move.now) == 0, "it is still the dead worker's"
        move.pass_time(seconds=LEASE.total_seconds() + 1)
        assert effects.deliver_due(move.rt, "another", move.now) == 1
        assert effects.deliver(move.rt, effect, move.now, "dying") is False, "the dead worker comes back too late"
        move.look()
    assert move.rest() == "done"
    move.moved()
    assert [a for a, _ in move.acts()] == list(ACTS), "each was done once"


def notices_first(move: Move, topic: str) -> Effect:
    """The leased effect of that topic; notices before it are delivered."""
    while (effect := move.due()).topic != topic:
        assert effects.deliver(move.rt, effect, move.now, "dying")
    return effect


def test_a_compensation_that_itself_fails_is_retried_until_it_is_done(move: Move) -> None:
    move.registers.fault("households.enter", "refused")
    move.registers.fault("households.undo", "status_500")
    move.to("lock")
    assert move.rest() == "rescue", "its tries are used up: somebody is told"
    assert move.where() == {}
    assert move.registers.registered(LIU)["journal"][-1]["in_transit"], "struck out, not entered, and not forgotten"
    assert move.flags()[-1] == "not_put_back"
    move.role("station", "", "again", reason="登记系统已恢复")
    assert move.rest() == "rescue", "still out of order"
    move.registers.fault("households.undo", "lost")
    move.role("station", "", "again", reason="登记系统已恢复")
    move.rest(24)
    move.registers.fault("households.undo", None)
    assert move.rest(24) == "approval"
    move.stayed()


def test_somebody_at_the_origin_takes_days(move: Move) -> None:
    """`pending` is asked again; after the last try it is taken back."""
    move.registers.fault("households.remove", "pending")
    move.to("lock")
    move.rest(72)
    assert move.state.main.step == "remove"
    assert move.where() == {HUAXI: "locked"}
    move.registers.fault("households.remove", None)
    assert move.rest(24) == "done"
    move.moved()


def test_what_comes_twice_or_late_is_done_once_or_not_at_all(move: Move) -> None:
    """The same message again is answered alike; an older one after a newer one is not done, under whatever key."""
    move.registers.fault("households.enter", "refused")
    move.to("lock")
    assert move.rest() == "approval"
    before = move.acts()
    with move.rt.read() as session:
        rows = session.scalars(select(Outbox).where(Outbox.case_id == move.case_id).order_by(Outbox.seq)).all()
    acts = [row for row in rows if row.topic.startswith("register.")]
    move.registers.fault("households.enter", None)
    for row in acts:
        said = {"subject": LIU, "transfer": move.case_id, "order": row.seq, "from": HUAXI, "to": NANMING}
        url = f"{move.registers.url}/households/v1/entries/{row.topic.partition('.')[2]}"
        late = httpx.post(url, json=said, headers={"Idempotency-Key": f"{row.id}:zombie"}).json()
        assert late == {"state": "refused", "reason": "overtaken"}, row.topic
        if row.topic != "register.enter":
            assert httpx.post(url, json=said, headers={"Idempotency-Key": row.id}).json()["state"] == "done"
    assert move.acts() == before
    move.stayed()


def test_nobody_can_leave_in_the_middle(move: Move) -> None:
    """Withdrawing is refused from the moment the registers act; before it, it is possible."""

    def withdraw() -> None:
        filing.withdraw(move.rt, move.citizen("liu.yang"), move.case_id, reason=None, idem=move.key(), now=move.now)

    move.to("lock")
    for _ in ACTS:
        with pytest.raises(NotAllowed):
            withdraw()
        move.work()
    move.rest()
    move.moved()
