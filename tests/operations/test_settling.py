"""A registry is silent when cases are sent: none is lost, and it is asked again until it answers."""

from __future__ import annotations

import time
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.exchange import EvidenceRequirement, Exchange, RegistryHealth
from govservice.models.papers import Message
from govservice.models.reliance import Revalidation
from govservice.operations import settling
from govservice.operations.settling import LEASE, Settler
from tests.operations.conftest import Play
from tests.support.sandboxes import Sandbox

USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)
PREMISES = {
    "premises.title_no": "黔(2020)第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi",
    "premises.area": "120",
}  # fmt: skip


def sent_in_silence(play: Play, sandbox: Sandbox, **answers: Any) -> None:
    sandbox.fault("real_estate", "status_500")
    play.draft()
    play.answer("wang.fang", premises={**PREMISES, **answers})
    play.attach("wang.fang", "title_deed")
    play.submit()


def need(play: Play, name: str = "premises") -> EvidenceRequirement:
    with play.rt.read() as session:
        return session.scalars(
            select(EvidenceRequirement).where(
                EvidenceRequirement.case_id == play.case_id, EvidenceRequirement.name == name
            )
        ).one()


def well(play: Play) -> None:
    """The breaker has closed."""
    with play.rt.write() as session:
        for row in session.scalars(select(RegistryHealth)):
            session.delete(row)


def test_what_was_given_instead_and_when_it_is_asked_again(play: Play, sandbox: Sandbox) -> None:
    sent_in_silence(play, sandbox)
    row = need(play)
    assert (row.state, row.tries) == ("declared", 1)
    assert row.next_try_at is not None
    assert timedelta(seconds=15) <= row.next_try_at - play.now <= timedelta(seconds=30)


def test_a_late_answer_that_agrees_settles_it(play: Play, sandbox: Sandbox) -> None:
    """Everything is as the registry has it: nobody need look."""
    play.draft()
    with play.rt.read() as session:
        from govservice.exchange.evidence import current_facts

        said = current_facts(session, play.case_id, play.rt.definitions.catalogue)["premises"].values
    sent_in_silence(play, sandbox, **said)
    sandbox.fault("real_estate", None)
    well(play)
    assert Settler(play.rt).settle_due(play.now) == 0, "not before its time"
    play.pass_time(seconds=31)
    assert Settler(play.rt).settle_due(play.now) == 1
    row = need(play)
    assert (row.state, row.next_try_at) == ("available", None)
    with play.rt.read() as session:
        assert session.scalars(select(Revalidation).where(Revalidation.trigger == "retry")).one().result in (
            "same",
            "immaterial",
        )
        assert session.scalars(select(Message).where(Message.kind == "data_changed")).first() is None
    assert Settler(play.rt).settle_due(play.now) == 0


def test_a_late_answer_that_says_otherwise_is_shown_and_told(play: Play, sandbox: Sandbox) -> None:
    sent_in_silence(play, sandbox)
    sandbox.fault("real_estate", None)
    well(play)
    play.pass_time(seconds=31)
    assert Settler(play.rt).settle_due(play.now) == 1
    row = need(play)
    assert (row.state, row.next_try_at) == ("contradicted", None)
    with play.rt.read() as session:
        found = session.scalars(select(Revalidation).where(Revalidation.trigger == "retry")).one()
        assert (found.result, found.old_exchange_id, found.trigger) == ("material", None, "retry")
        assert session.scalars(select(Message).where(Message.kind == "data_changed")).one()


def test_further_and_further_apart_and_not_for_ever(play: Play, sandbox: Sandbox) -> None:
    sent_in_silence(play, sandbox)
    gaps, settler = [], Settler(play.rt)
    for _ in range(200):
        row = need(play)
        if row.next_try_at is None:
            break
        gaps.append((row.next_try_at - play.now).total_seconds())
        play.clock.set(row.next_try_at)
        well(play)
        asked = settler.settle_due(play.now)
        for _ in range(100):  # a quick machine outruns the registry's rate, which is held on the wall's clock
            if asked:
                break
            time.sleep(0.05)
            asked = settler.settle_due(play.now)
        assert asked == 1
    assert gaps[0] <= 30
    assert gaps[1] <= 120
    assert max(gaps) <= 3600
    assert need(play).next_try_at is None, "given up after three days"
    assert play.state.status == "open", "and the case is still there"


def test_a_registry_that_is_shut_out_is_not_called(play: Play, sandbox: Sandbox) -> None:
    sent_in_silence(play, sandbox)
    play.pass_time(seconds=31)
    with play.rt.write() as session:
        session.merge(RegistryHealth(
            registry_code="real_estate", state="open", since=play.now, next_probe_at=play.now + timedelta(minutes=5),
            failures=20, successes=0,
        ))  # fmt: skip
    before = sandbox.calls()
    assert Settler(play.rt).settle_due(play.now) == 0
    assert sandbox.calls() == before
    row = need(play)
    assert row.next_try_at is not None
    assert row.next_try_at >= play.now + timedelta(minutes=5)


def test_two_workers_ask_once(play: Play, sandbox: Sandbox) -> None:
    sent_in_silence(play, sandbox)
    sandbox.fault("real_estate", None)
    well(play)
    play.pass_time(seconds=31)
    first, second = Settler(play.rt), Settler(play.rt)
    taken = first._claimed(play.now)
    assert len(taken) == 1
    assert second._claimed(play.now) == []
    assert second._claimed(play.now + LEASE) == taken, "a worker that died lets it go"


def test_the_jitter_is_the_portals_own_chance(play: Play, sandbox: Sandbox) -> None:
    """The same seed, the same instants: tests and simulations replay."""
    found = []
    for seed in (7, 7, 8):
        play.rt.random.seed(seed)
        sent_in_silence(play, sandbox)
        found.append(need(play).next_try_at)
    assert found[0] == found[1]
    assert found[0] != found[2], "two cases of one moment do not come back at one moment"
    assert isinstance(play.rt.random, Random)


@pytest.mark.parametrize("cases", [12])
def test_the_backlog_is_drained_within_the_registrys_rate(
    play: Play, sandbox: Sandbox, cases: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rate = play.rt.definitions.catalogue.registries["real_estate"].limits.rate_rps
    monkeypatch.setattr(settling, "SHARE", 4 / float(rate))  # four a second
    for _ in range(cases):
        sent_in_silence(play, sandbox)
    sandbox.fault("real_estate", None)
    well(play)
    play.pass_time(seconds=31)
    settler = Settler(play.rt)
    done = settler.settle_due(play.now)
    assert 1 <= done <= 4, "a second's share at once, whatever is due"
    until = time.monotonic() + 60
    while done < cases and time.monotonic() < until:
        time.sleep(0.1)
        done += settler.settle_due(play.now)
    assert done == cases
    with play.rt.read() as session:
        asked = session.scalar(select(func.count()).select_from(Exchange).where(Exchange.trigger == "retry",
                                                                               Exchange.at == play.now))  # fmt: skip
    assert asked == cases, "each once"


def test_after_hours_of_silence_the_first_answer_brings_all_the_others_at_once(play: Play, sandbox: Sandbox) -> None:
    """After the recovery nobody waits out the hour that the last try in vain has earned."""
    for _ in range(6):
        sent_in_silence(play, sandbox)
    settler = Settler(play.rt)
    for _ in range(90):  # an hour and a half in vain
        well(play)
        settler.settle_due(play.now)
        play.pass_time(minutes=1)
    with play.rt.read() as session:
        waiting = session.scalars(select(EvidenceRequirement.next_try_at)).all()
    assert sum(at is not None and at > play.now + timedelta(minutes=10) for at in waiting) >= 3, "most wait long"
    sandbox.fault("real_estate", None)
    well(play)
    recovered = play.now
    while any(need is not None for need in _next_tries(play)):
        play.pass_time(seconds=20)
        settler.settle_due(play.now)
        assert play.now - recovered <= timedelta(minutes=10)


def _next_tries(play: Play) -> list[Any]:
    with play.rt.read() as session:
        return list(session.scalars(select(EvidenceRequirement.next_try_at)))


def test_while_a_registry_is_silent_one_need_in_five_minutes_asks_how_it_is(play: Play, sandbox: Sandbox) -> None:
    for _ in range(3):
        sent_in_silence(play, sandbox)
    with play.rt.write() as session:
        for row in session.scalars(select(EvidenceRequirement)):
            if row.next_try_at is not None:
                row.next_try_at = play.now + timedelta(hours=1)
    before, settler = sandbox.calls().get("real_estate", 0), Settler(play.rt)
    for _ in range(21):
        well(play)
        settler.settle_due(play.now)
        play.pass_time(minutes=1)
    asked = sandbox.calls().get("real_estate", 0) - before
    assert 4 <= asked <= 12, "one each five minutes, and what its own next try brings"
