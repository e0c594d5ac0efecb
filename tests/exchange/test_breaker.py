"""A registry that is down is left alone, tried again by one caller, and never takes more than its share of threads."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_registry import Breaker
from govservice.exchange import breaker
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import Outcome
from govservice.exchange.prefill import needs
from govservice.models.exchange import RegistryHealth
from govservice.models.session import Database
from tests.exchange.conftest import CITIZEN, Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY

QUICK = Breaker(window_s=30, min_calls=3, fail_ratio=Decimal("0.5"), open_s=30)
REGISTRY = {"real_estate": QUICK}


@pytest.fixture
def impatient(make_gateway: Callable[..., Gateway], catalogue: Catalogue) -> Gateway:
    """A gateway whose breaker for real estate opens after three calls."""
    registry = catalogue.registries["real_estate"].model_copy(update={"breaker": QUICK})
    return make_gateway(
        catalogue=dataclasses.replace(catalogue, registries={**catalogue.registries, "real_estate": registry})
    )


def ends(database: Database, *outcomes: Outcome, after: float = 0) -> None:
    with database.write() as session:
        breaker.count(session, REGISTRY, [("real_estate", o) for o in outcomes], MONDAY + timedelta(seconds=after))


def out(database: Database, after: float = 0) -> bool:
    shut, _elected = breaker.shut_out(database, REGISTRY, MONDAY + timedelta(seconds=after))
    return "real_estate" in shut


def test_it_opens_after_enough_failures_and_lets_one_try(database: Database) -> None:
    ends(database, Outcome.TIMEOUT, Outcome.UNAVAILABLE)
    assert not out(database)
    ends(database, Outcome.TIMEOUT)
    assert out(database)
    assert out(database, after=29)
    assert not out(database, after=31)  # elected to try
    assert out(database, after=31)  # somebody else is trying
    ends(database, Outcome.TIMEOUT, after=32)
    assert out(database, after=61)  # the try failed: again half a minute
    assert not out(database, after=63)
    for n in range(breaker.PROBES):
        assert stands(database) == ("half_open", n)
        ends(database, Outcome.OK, after=63)
        assert out(database, after=63) is False, "the next one may try at once, or everybody may ask"
    assert stands(database) == ("closed", 0)


def stands(database: Database) -> tuple[str, int]:
    with database.read() as session:
        row = session.get_one(RegistryHealth, "real_estate")
        return row.state, row.successes


def test_a_bad_answer_among_the_tries_opens_it_again_and_they_begin_anew(database: Database) -> None:
    ends(database, *[Outcome.TIMEOUT] * 3)
    ends(database, Outcome.OK, after=5)  # a call that began before it opened says nothing of now
    assert stands(database) == ("open", 0)
    for _ in range(breaker.PROBES - 1):
        assert not out(database, after=31)
        ends(database, Outcome.OK, after=31)
    assert stands(database) == ("half_open", 4)
    assert not out(database, after=32)
    ends(database, Outcome.UNAVAILABLE, after=32)
    assert stands(database) == ("open", 0)
    assert out(database, after=61)
    assert not out(database, after=63)
    ends(database, Outcome.OK, after=63)
    assert stands(database) == ("half_open", 1)


def test_a_round_that_tries_makes_one_call(
    database: Database, impatient: Gateway, sandbox: Sandbox, open_restaurant: Compiled
) -> None:
    """Three facts of one registry, and a slow answer: the try is one call, without a second beside it."""
    filed = file_draft(database, open_restaurant, citizen("wang.fang"))
    with database.read() as session:
        wanted, _settled = needs(
            session, impatient.catalogue, open_restaurant, filed.case_id, CITIZEN, MONDAY, (), "prefill"
        )
    premises = next(each for each in wanted if each.name == "premises")
    ends(database, *[Outcome.TIMEOUT] * 3)
    later = dataclasses.replace(premises, at=MONDAY + timedelta(seconds=31))
    for _ in range(20):
        impatient.line("real_estate").called()
    sandbox.fault("real_estate", "delay", seconds=0.5)
    found = impatient.ask(database, [later] * 3, budget=10)
    assert sorted(each.outcome for each in found) == [Outcome.BREAKER_OPEN, Outcome.BREAKER_OPEN, Outcome.OK]
    assert sandbox.calls()["real_estate"] == 1


def test_of_two_who_see_that_a_try_is_due_one_makes_it(database: Database) -> None:
    ends(database, *[Outcome.TIMEOUT] * 3)
    due = MONDAY + timedelta(seconds=31)
    elected = []
    for _ in range(2):  # both have read the row before either writes
        with database.write() as session:
            elected.append(breaker._elect(session, "real_estate", QUICK, due))
    assert elected == [True, False]


def test_old_failures_are_forgotten(database: Database) -> None:
    ends(database, Outcome.TIMEOUT, Outcome.TIMEOUT)
    ends(database, Outcome.TIMEOUT, after=31)
    assert not out(database, after=31)


def test_answers_that_say_no_are_no_failures(database: Database) -> None:
    ends(database, *[Outcome.NO_RECORD, Outcome.AMBIGUOUS, Outcome.IDENTITY_MISMATCH, Outcome.DENIED] * 5)
    assert not out(database)
    with database.read() as session:
        assert session.get(RegistryHealth, "real_estate") is None  # and a healthy registry costs no row


def test_successes_outweigh_single_failures(database: Database) -> None:
    ends(database, Outcome.TIMEOUT)
    ends(database, *[Outcome.OK] * 9)
    ends(database, Outcome.TIMEOUT)
    assert not out(database)


def test_an_open_breaker_makes_no_call_and_says_so(
    database: Database, impatient: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    sandbox.fault("real_estate", "status_500")
    for _ in range(3):
        prefill(database, impatient, open_restaurant, wang_fang)
    sandbox.fault("real_estate", None)
    found = prefill(database, impatient, open_restaurant, wang_fang)
    assert found.facts["premises"].outcome == "breaker_open"
    assert sandbox.calls()["real_estate"] == 3
    later = MONDAY + timedelta(seconds=31)
    found = prefill(database, impatient, open_restaurant, wang_fang, now=later)
    assert found.facts["premises"].filled
    assert stands(database) == ("half_open", 1)


def test_one_registry_holds_up_only_its_own_places(
    sqlite_database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, sandbox: Sandbox,
    open_restaurant: Compiled,
) -> None:  # fmt: skip
    """The bulkhead: with one place and a hanging registry a second caller is turned away at once."""
    patient = {"max_inflight": 1, "timeout_ms": 10_000}
    limits = catalogue.registries["real_estate"].limits.model_copy(update=patient)
    registry = catalogue.registries["real_estate"].model_copy(update={"limits": limits})
    narrow = dataclasses.replace(catalogue, registries={**catalogue.registries, "real_estate": registry})
    gateway = make_gateway(catalogue=narrow)
    first = file_draft(sqlite_database, open_restaurant, citizen("wang.fang"))
    second = file_draft(sqlite_database, open_restaurant, citizen("chen.wei"))
    sandbox.fault("real_estate", "hang", seconds=4)

    def ask(filed: Filed) -> str | None:
        found = prefill(sqlite_database, gateway, open_restaurant, filed, budget=10)
        return found.facts["premises"].outcome

    with ThreadPoolExecutor(1) as other:
        waiting = other.submit(ask, first)
        while not waiting.done() and "real_estate" not in sandbox.calls():
            time.sleep(0.01)
        assert ask(second) == "rate_limited"
        assert not waiting.done()
        assert waiting.result() == "unavailable"  # the sandbox ends a hanging call with a reset
    assert sandbox.calls()["real_estate"] == 1
