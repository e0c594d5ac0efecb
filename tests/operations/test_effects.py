"""The outbox under test on both databases: leases, order, pauses, workers at once; documents; versions; files kept."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from govservice.errors import NotAllowed, Tampered
from govservice.messaging import outbox
from govservice.messaging.outbox import BACKOFF, LEASE, MAX_ATTEMPTS, Effect
from govservice.models.cases import Outbox
from govservice.models.papers import IssuedDocument, Message
from govservice.operations import effects, issuing
from govservice.operations.runtime import Runtime
from tests.operations.conftest import Play


@pytest.fixture
def rt(runtime: Runtime) -> Runtime:
    return runtime


def put(rt: Runtime, case_id: str, seq: int, topic: str = "notice.receipt", due: datetime | None = None) -> str:
    key = f"{case_id}:{seq}:{topic}"
    with rt.write() as session:
        session.add(Outbox(id=key, case_id=case_id, seq=seq, topic=topic, payload="{}", due_at=due or rt.wall.now()))
    return key


def claimed(rt: Runtime, worker: str, at: datetime | None = None, **more: Any) -> list[str]:
    with rt.write() as session:
        return [e.key for e in outbox.claim(session, worker, at or rt.wall.now(), **more)]


def settle(rt: Runtime, key: str) -> None:
    with rt.write() as session:
        outbox.settle(session, key, rt.wall.now())


def row(rt: Runtime, key: str) -> Outbox:
    with rt.read() as session:
        return session.get_one(Outbox, key)


# -- leases and order


def test_a_lease_ends_and_another_takes_over(rt: Runtime) -> None:
    key, now = put(rt, "case-1", 1), rt.wall.now()
    assert claimed(rt, "one") == [key]
    assert claimed(rt, "two") == []
    assert claimed(rt, "two", now + LEASE) == [], "to the last second"
    assert claimed(rt, "two", now + LEASE + timedelta(seconds=1)) == [key]
    assert row(rt, key).attempts == 2


def test_a_moved_simulated_clock_ends_no_lease(rt: Runtime) -> None:
    key, now = put(rt, "case-1", 1), rt.wall.now()
    assert claimed(rt, "one", now, wall=now) == [key]
    assert claimed(rt, "two", now + timedelta(days=30), wall=now) == []


def test_effects_of_a_case_come_one_after_the_other(rt: Runtime) -> None:
    first, second, other = put(rt, "case-1", 1), put(rt, "case-1", 4), put(rt, "case-2", 2)
    assert sorted(claimed(rt, "one")) == sorted([first, other])
    assert claimed(rt, "two") == [], "the later one waits while the first is in work"
    settle(rt, first)
    assert claimed(rt, "two") == [second]


def test_what_is_not_due_waits_and_holds_the_later_ones(rt: Runtime) -> None:
    put(rt, "case-1", 1, due=rt.wall.now() + timedelta(minutes=5))
    put(rt, "case-1", 2)
    assert claimed(rt, "one") == []


def test_pauses_grow(rt: Runtime) -> None:
    key, now = put(rt, "case-1", 1), rt.wall.now()
    pauses = []
    for _ in range(len(BACKOFF) + 2):
        with rt.write() as session:
            effect = outbox.claim(session, "one", now)[0]
            outbox.put_back(session, effect, now, "OSError")
        found = row(rt, key)
        pauses.append((found.due_at - now).total_seconds())
        assert found.claimed_by is None
        assert found.last_error == "OSError"
        assert claimed(rt, "one", found.due_at - timedelta(seconds=1)) == []
        now = found.due_at
    assert pauses == [*BACKOFF, BACKOFF[-1], BACKOFF[-1]]


def test_an_auto_steps_own_patience() -> None:
    """`retry: {max: 3, backoff: 1m..6m}`: three more tries after the first, after 1, 2, 4 minutes; never over 6."""
    payload = {"retry": {"max": 3, "backoff": "1m..6m"}}
    tries = [Effect("k", "c", 1, "document.issue", payload, n) for n in range(1, 6)]
    assert [t.last_try for t in tries] == [False, False, False, True, True]
    assert [t.pause for t in tries] == [timedelta(minutes=m) for m in (1, 2, 4, 6, 6)]
    assert Effect("k", "c", 1, "t", {"retry": {"max": 0, "backoff": "30s..30s"}}, 1).last_try
    assert Effect("k", "c", 1, "t", {}, MAX_ATTEMPTS).last_try


def test_what_fails_to_the_end_blocks_its_case_no_longer(rt: Runtime) -> None:
    poison, later = put(rt, "case-1", 1, "message.nonsense"), put(rt, "case-1", 2)
    with rt.write() as session:
        session.execute(update(Outbox).where(Outbox.id == poison).values(attempts=MAX_ATTEMPTS - 1))
    assert claimed(rt, "one") == [poison], "its last try"
    assert claimed(rt, "two") == [], "in order while it is in work"
    with rt.write() as session:
        effect = Effect(poison, "case-1", 1, "message.nonsense", {}, MAX_ATTEMPTS)
        outbox.put_back(session, effect, rt.wall.now(), "ValueError")
    assert claimed(rt, "two") == [later]
    assert row(rt, poison).done_at is None, "and it is not forgotten"


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    barrier, results = threading.Barrier(count), [None] * count

    def run(n: int) -> None:
        barrier.wait()
        results[n] = work(n)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def test_two_workers_never_take_one_effect(rt: Runtime) -> None:
    keys = {put(rt, f"case-{n}", 1) for n in range(30)}
    found = at_once(lambda n: claimed(rt, f"worker-{n}", limit=10), 3)
    taken = [key for some in found for key in some]
    assert len(taken) == len(set(taken)), "none twice"
    rest = claimed(rt, "last", limit=50)
    assert {*taken, *rest} == keys


def test_a_slow_worker_leaves_what_another_took(rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lease ran out while it was busy with something else: the handler runs once."""
    play.draft()
    play.submit()
    delivered: list[str] = []
    monkeypatch.setattr(effects, "_notice", lambda _rt, _s, effect, _now: delivered.append(effect.key))
    with rt.write() as session:
        [slow] = outbox.claim(session, "slow", play.now)
    later = play.now + LEASE + timedelta(seconds=1)
    with rt.write() as session:
        [quick] = outbox.claim(session, "quick", later)
    assert quick.key == slow.key
    assert not effects.deliver(rt, slow, later, "slow")
    assert effects.deliver(rt, quick, later, "quick")
    assert not effects.deliver(rt, slow, later, "slow")
    assert delivered == [slow.key]


def test_a_worker_that_fails_late_does_not_take_back_what_is_done(rt: Runtime, play: Play) -> None:
    play.draft()
    play.submit()
    with rt.write() as session:
        [slow] = outbox.claim(session, "slow", play.now)
    later = play.now + LEASE + timedelta(seconds=1)
    assert effects.deliver_due(rt, "quick", later) == 0, "the machine's time has not moved"
    play.clock.set(later)
    assert effects.deliver_due(rt, "quick", later) == 1
    effects.give_up(rt, slow, "OSError", later, "slow")
    assert row(rt, slow.key).done_at is not None


def test_many_workers_deliver_each_notice_once(rt: Runtime, play: Play) -> None:
    numbers = []
    for _ in range(3):
        numbers.append(play.draft())
        play.submit()
    at_once(lambda n: effects.deliver_due(rt, f"worker-{n}", play.now), 4)
    play.deliver()
    with rt.read() as session:
        receipts = session.scalars(select(Message).where(Message.kind == "receipt")).all()
    assert len(receipts) == len({m.case_id for m in receipts}) == 3


# -- documents


def decided(play: Play) -> Effect:
    """A case that was approved; the effect that issues its document, not delivered yet."""
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.review()
    play.deliver()
    play.act("he.tao", "", "approve")
    with play.rt.write() as session:
        found = outbox.claim(session, "test", play.now)
    return next(e for e in found if e.topic == "document.issue")


def test_the_same_effect_twice_is_one_document(play: Play) -> None:
    effect = decided(play)
    for _ in range(2):
        with play.rt.write() as session:
            effects.handler_of(effect.topic)(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        documents = session.scalars(select(IssuedDocument)).all()
    assert len(documents) == 1
    assert documents[0].number == "CGHX2026000001"
    assert play.state.outcome == "granted"


def test_a_case_that_moved_on_gets_no_document(play: Play) -> None:
    """The step was answered `fail` meanwhile: there is no licence that its case does not know."""
    effect = decided(play)
    with play.rt.write() as session:
        assert effects.answer(play.rt, session, effect, "@fail", play.now)
    assert play.steps == {"": "decision"}
    with play.rt.write() as session:
        effects.handler_of(effect.topic)(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        assert session.scalars(select(IssuedDocument)).all() == []
    assert play.steps == {"": "decision"}


def document(play: Play, number: str) -> None:
    """A document of this number, issued before."""
    with play.rt.write() as session:
        session.add(IssuedDocument(
            case_id=play.case_id, kind="restaurant_licence", number=number, verify_code=number, holder="某公司",
            content={}, department_id="huaxi.market_reg", issued_on=play.now.date(), sha256="0" * 64,
            effect_key=number, created_at=play.now,
        ))  # fmt: skip


def test_numbers_count_by_kind_area_and_year(play: Play) -> None:
    play.draft()
    for number in ("CGHX2026000009", "CGHX2025000041", "JYHX2026000099", "CGNM2026000077"):
        document(play, number)
    with play.rt.read() as session:
        assert issuing.next_number(session, "CGHX2026") == "CGHX2026000010"
        assert issuing.next_number(session, "JYNM2026") == "JYNM2026000001"


def test_a_number_taken_at_this_moment_is_not_used_twice(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    effect = decided(play)
    document(play, "CGHX2026000001")
    told = iter(["CGHX2026000001", "CGHX2026000001"])  # as somebody sees it who does not see the other's yet
    real = issuing.next_number
    monkeypatch.setattr(issuing, "next_number", lambda s, prefix: next(told, None) or real(s, prefix))
    with play.rt.write() as session:
        effects.handler_of(effect.topic)(play.rt, session, effect, play.now)
    with play.rt.read() as session:
        numbers = sorted(session.scalars(select(IssuedDocument.number)))
    assert numbers == ["CGHX2026000001", "CGHX2026000002"]
    assert play.state.outcome == "granted"


@pytest.mark.parametrize(
    "error", [Tampered(case_id="c", event="e", seq=1), NotAllowed(topic="t", error="x"), OSError()]
)
def test_an_effect_that_fails_is_put_back_whatever_the_error_says(
    rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    """An error may carry facts named like the log line's own; the others of the batch are delivered all the same."""
    play.draft()
    play.submit()
    good = claimable(rt)
    bad = put(rt, play.case_id, 1, topic="document.issue")

    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setitem(effects.HANDLERS, "document.issue", broken)
    assert effects.deliver_due(rt, "one", play.now) == 0, "rows of one case keep their order"
    assert (row(rt, bad).last_error, row(rt, bad).claimed_by) == (type(error).__name__, None)
    with rt.write() as session:
        session.execute(update(Outbox).where(Outbox.id == bad).values(done_at=play.now))
    assert effects.deliver_due(rt, "one", play.now) == len(good)


def claimable(rt: Runtime) -> list[str]:
    with rt.read() as session:
        return list(session.scalars(select(Outbox.id).where(Outbox.done_at.is_(None))))


def test_what_cannot_be_put_back_keeps_nobody_waiting(rt: Runtime, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    put(rt, "case-a", 1, topic="document.issue")
    play.draft()
    play.submit()

    def gone(*_: Any) -> None:
        raise OSError

    monkeypatch.setitem(effects.HANDLERS, "document.issue", gone)
    monkeypatch.setattr(effects, "give_up", gone)
    assert effects.deliver_due(rt, "one", play.now) == 1
