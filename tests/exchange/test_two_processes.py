"""Breaker, rate and second tries are those of all processes together: two of them ask one registry."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from typing import Any

import pytest

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.exchange.prefill import needs
from govservice.exchange.queries import Wanted
from govservice.models.exchange import RegistryHealth
from govservice.models.session import Database
from tests.conftest import INDEX_KEY, KEKS
from tests.exchange import asker
from tests.exchange.asker import REGISTRY, Ended
from tests.exchange.conftest import CITIZEN, Sandbox, citizen, file_draft
from tests.support.clock import MONDAY

Ask = Callable[..., list[Ended]]
TRIES = 5  # good ones that close the breaker
NEVER = {"min_calls": 1000}
PATIENT = {"timeout_ms": 5000, "hedge_after_ms": 5000, "max_inflight": 8, "rate_rps": 10_000}


@pytest.fixture
def wanted(database: Database, catalogue: Catalogue, open_restaurant: Compiled) -> Wanted:
    filed = file_draft(database, open_restaurant, citizen("wang.fang"))
    with database.read() as session:
        found, _ = needs(session, catalogue, open_restaurant, filed.case_id, CITIZEN, MONDAY, (), "prefill")
    return next(each for each in found if each.name == "premises")


@pytest.fixture
def ask(database: Database, database_url: str, sandbox: Sandbox, wanted: Wanted) -> Ask:
    """Two processes ask for so many seconds; `meanwhile` is done here once they have begun."""
    spawn = multiprocessing.get_context("spawn")

    def run(seconds: float, limits: Any, breaker: Any, meanwhile: Callable[[], None] = lambda: None) -> list[Ended]:
        barrier, told = spawn.Barrier(3), spawn.Queue()
        given = (database_url, (KEKS, INDEX_KEY), sandbox.endpoints(), ({**PATIENT, **limits}, breaker), wanted)
        processes = [spawn.Process(target=asker.ask, args=(*given, seconds, barrier, told)) for _ in range(2)]
        for process in processes:
            process.start()
        barrier.wait(60)
        meanwhile()
        both = [told.get(timeout=60) for _ in processes]
        for process in processes:
            process.join(60)
        assert all(both), "each of them asked"
        return sorted(each for found in both for each in found)

    return run


def test_two_processes_ask_no_faster_than_the_registry_allows(ask: Ask, sandbox: Sandbox) -> None:
    found = ask(3.0, {"rate_rps": 4}, NEVER)
    took = max(end for _begin, end, _outcome, _calls in found) - found[0][0]
    assert {outcome for _b, _e, outcome, _c in found} == {"ok", "rate_limited"}
    assert 4 <= sandbox.calls()[REGISTRY] <= 4 + 4 * (took + 0.1)


def test_second_tries_of_two_processes_share_a_tenth_of_their_calls(ask: Ask, sandbox: Sandbox) -> None:
    """Every connection breaks: each call would like a second one."""
    sandbox.fault(REGISTRY, "reset")
    found = ask(3.0, {}, NEVER)
    second = sum(calls - 1 for _b, _e, _o, calls in found)
    assert 1 <= second <= len(found) / 10
    assert sandbox.calls()[REGISTRY] == len(found) + second


def test_one_caller_of_all_tries_a_registry_that_was_down(
    ask: Ask, sandbox: Sandbox, database: Database
) -> None:  # fmt: skip
    """Dead for a while, then slow: five good tries one after the other, and nobody else asks meanwhile."""
    sandbox.fault(REGISTRY, "status_500")

    def comes_back() -> None:
        time.sleep(1.5)
        sandbox.fault(REGISTRY, "delay", seconds=0.1)

    found = ask(6.0, {}, {"min_calls": 4, "open_s": 1}, comes_back)
    good = [each for each in found if each[2] == "ok"]
    assert len(good) > TRIES
    last = good[TRIES - 1]
    tries = [each for each in found if each[2] != "breaker_open" and good[0][0] <= each[0] < last[1]]
    assert tries[:TRIES] == good[:TRIES], "only tries"
    assert all(one[1] <= other[0] + 0.02 for one, other in zip(tries, tries[1:TRIES], strict=False)), "one at a time"
    dead = [each for each in found if each[2] == "unavailable"]
    assert 4 <= len(dead) <= 4 + 1 + 3, "four open it (and one under way); then one try a second"
    with database.read() as session:
        assert session.get_one(RegistryHealth, REGISTRY).state == "closed"
