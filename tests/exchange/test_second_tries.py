"""A second try beside or after the first, within a tenth of the calls; a registry's pace; a dataset in quarantine."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_registry import Limits
from govservice.exchange import hedging, log, quarantine
from govservice.exchange.connectors.base import Answer
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import Outcome
from govservice.exchange.pace import KEPT, Paces
from govservice.models.base import new_id
from govservice.models.exchange import DatasetFaults
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY

LOGGED: dict[str, Any] = {
    "registry_code": "tax", "dataset": "income/1", "case_id": None, "fact": None, "subject_id": None, "actor": "x",
    "trigger": "prefill", "grant_id": None, "purpose": "LICENSE", "legal_basis": None, "attempt": 1, "http_status": 200,
    "fields": [], "request_sha": "0" * 64, "response_sha": None, "at": MONDAY,
}  # fmt: skip


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as made:
        yield made


class Line:
    """Answers in turn, each after its own time."""

    def __init__(self, *answers: tuple[float, Outcome, str]) -> None:
        self.answers, self.sent = list(answers), []
        self.over = threading.Event()

    def send(self, number: str) -> Answer:
        seconds, outcome, detail = self.answers[len(self.sent)]
        self.sent.append(number)
        self.over.wait(seconds)
        return Answer(outcome, detail=detail)


def tried(line: Line, pool: ThreadPoolExecutor, budget: int = 1, seconds: float = 3.0) -> list[tuple[str, Outcome]]:
    left = [f"second-{n}" for n in range(budget)]

    def another() -> str | None:
        return left.pop() if left else None

    found = hedging.ask(line.send, "first", another, 0.05, time.monotonic() + seconds, pool)
    line.over.set()
    return [(each.number, each.answer.outcome) for each in found]


def test_a_slow_call_is_hedged_and_the_first_answer_wins(pool: ThreadPoolExecutor) -> None:
    line = Line((30, Outcome.OK, ""), (0, Outcome.OK, ""))
    began = time.monotonic()
    assert tried(line, pool) == [("first", Outcome.TIMEOUT), ("second-0", Outcome.OK)]  # both are in the log
    assert time.monotonic() - began < 2


def test_without_budget_there_is_no_second_try(pool: ThreadPoolExecutor) -> None:
    line = Line((30, Outcome.OK, ""))
    assert tried(line, pool, budget=0, seconds=0.2) == [("first", Outcome.TIMEOUT)]


def test_a_broken_connection_is_tried_once_more_and_only_once(pool: ThreadPoolExecutor) -> None:
    line = Line((0, Outcome.UNAVAILABLE, ""), (0, Outcome.UNAVAILABLE, ""), (0, Outcome.OK, ""))
    assert [outcome for _n, outcome in tried(line, pool, budget=5)] == [Outcome.UNAVAILABLE] * 2
    assert len(line.sent) == 2


@pytest.mark.parametrize("outcome", [Outcome.DENIED, Outcome.SCHEMA_VIOLATION, Outcome.RATE_LIMITED, Outcome.NO_RECORD])
def test_what_another_try_cannot_mend_is_not_tried_again(outcome: Outcome, pool: ThreadPoolExecutor) -> None:
    line = Line((0, outcome, ""))
    assert tried(line, pool) == [("first", outcome)]


def test_a_registry_that_announces_maintenance_is_not_tried_again_at_once(pool: ThreadPoolExecutor) -> None:
    line = Line((0, Outcome.UNAVAILABLE, "maintenance"))
    assert tried(line, pool) == [("first", Outcome.UNAVAILABLE)]


def test_second_tries_are_at_most_a_tenth_of_the_calls(database: Database) -> None:
    paces, taken = Paces({"tax": 1000}), 0
    assert not paces.second(database, "tax"), "nothing was earned yet"
    for call in range(1, 201):
        paces.lease(database, {"tax": 1})
        paces.called("tax")
        taken += paces.second(database, "tax")
        assert taken <= call / 10
    assert taken == 20
    for _ in range(1000):
        paces.called("tax")
    assert sum(paces.second(database, "tax") for _ in range(110)) <= 100
    for _ in range(1000):
        paces.called("tax")
    paces.lease(database, {"tax": 1000})
    assert sum(paces.second(database, "tax") for _ in range(40)) == 20, "what is saved up is bounded"


def test_a_registry_is_asked_no_faster_than_it_allows(database: Database) -> None:
    paces = Paces({"tax": 20})
    began = time.monotonic()
    taken = sum(paces.take(database, "tax") for _ in range(100))
    assert 20 <= taken <= 21 + 20 * (time.monotonic() - began)
    time.sleep(0.3)
    again, waited = sum(paces.take(database, "tax") for _ in range(100)), time.monotonic() - began
    assert 5 <= again <= 21 * waited


def test_what_two_processes_ask_comes_out_of_one_row(database: Database) -> None:
    """Each believes to be alone; a slice that nobody used is lost, so that it cannot be saved up."""
    one, other = Paces({"tax": 20}), Paces({"tax": 20})
    began = time.monotonic()
    taken = sum(paces.take(database, "tax") for _ in range(60) for paces in (one, other))
    assert 18 <= taken <= 21 + 20 * (time.monotonic() - began)
    time.sleep(1.1)
    one.lease(database, {"tax": 5})
    time.sleep(KEPT + 0.05)
    assert not one.taken("tax")


def test_a_slice_costs_one_statement_for_all_registries_that_are_asked(database: Database) -> None:
    paces, statements = Paces({"tax": 50, "population": 100}), []
    with listening(statements):
        paces.lease(database, {"tax": 2, "population": 3})
        assert [paces.taken(code) for code in ("tax", "tax", "population", "population", "population")] == [True] * 5
        paces.lease(database, {"tax": 1})
        assert paces.taken("tax")
    assert len(statements) == 1


@contextlib.contextmanager
def listening(statements: list[str]) -> Iterator[None]:
    """What is done in passing."""
    done = Database.in_passing

    def heard(self: Database, statement: str, values: dict[str, object]) -> list[tuple[Any, ...]]:
        statements.append(statement)
        return done(self, statement, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Database, "in_passing", heard)
        yield


def test_after_too_many_it_is_left_alone_by_all_and_then_asked_more_slowly(database: Database) -> None:
    paces, other = Paces({"tax": 100}), Paces({"tax": 100})
    paces.lease(database, {"tax": 1})
    paces.told(database, "tax", 0.3)
    assert not paces.take(database, "tax")
    assert not other.take(database, "tax")
    time.sleep(0.35)
    assert paces.take(database, "tax")
    began = time.monotonic()
    time.sleep(0.2)
    taken, waited = sum(paces.take(database, "tax") for _ in range(100)), time.monotonic() - began
    assert taken <= 2 + 60 * (waited + 0.1)  # half the rate, and not a whole second's worth saved up


def test_a_second_call_goes_out_at_the_registrys_own_p95(database: Database) -> None:
    """By the log, the newest calls alone, those that were really made; what the file says until there are enough."""
    limits = Limits(hedge_after_ms=300)

    def took(*latencies: int, outcome: str = "ok") -> float:
        with database.write() as session:
            log.append(session, [{**LOGGED, "id": new_id(), "latency_ms": ms, "outcome": outcome} for ms in latencies])
        with database.read() as session:
            return hedging.usual(session, "tax", limits)

    assert took(*[20] * 19) == 0.3, "too few to say"
    assert took(20) == 0.15, "never sooner than the floor"
    assert took(*[5000] * 50, outcome="breaker_open") == 0.15, "no call was made"
    assert took(*range(1, 201)) == 0.191
    assert took(*[40] * 180, *[700] * 20) == 0.7


def test_too_many_is_said_without_a_call_until_the_time_named(
    sqlite_database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled
) -> None:
    """The sandbox asks us to come again in seven seconds."""
    filed = file_draft(sqlite_database, open_restaurant, citizen("wang.fang"))
    sandbox.fault("real_estate", "status_429")
    assert prefill(sqlite_database, gateway, open_restaurant, filed).facts["premises"].outcome == "rate_limited"
    sandbox.fault("real_estate", None)
    assert prefill(sqlite_database, gateway, open_restaurant, filed).facts["premises"].outcome == "rate_limited"
    assert sandbox.calls()["real_estate"] == 1


def test_five_answers_of_another_shape_end_the_asking_until_somebody_looked(
    database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled, wang_fang: Filed
) -> None:
    sandbox.fault("real_estate", "wrong_schema")
    for _ in range(7):
        found = prefill(database, gateway, open_restaurant, wang_fang)
        assert found.facts["premises"].outcome == "schema_violation"
    assert sandbox.calls()["real_estate"] == 5
    sandbox.fault("real_estate", None)
    assert not prefill(database, gateway, open_restaurant, wang_fang).facts["premises"].filled
    with database.write() as session:
        assert quarantine.release(session, "real_estate/1", MONDAY)
    assert prefill(database, gateway, open_restaurant, wang_fang).facts["premises"].filled
    with database.write() as session:
        assert not quarantine.release(session, "real_estate/1", MONDAY)


def test_a_good_answer_in_between_and_a_refused_grant_are_no_quarantine(database: Database) -> None:
    ends = [Outcome.SCHEMA_VIOLATION] * 4 + [Outcome.OK] + [Outcome.SCHEMA_VIOLATION] * 4 + [Outcome.DENIED] * 9
    for outcome in ends:
        with database.write() as session:
            quarantine.count(session, [("population/2", outcome)], MONDAY)
    with database.read() as session:
        assert quarantine.quarantined(session, {"population/2"}) == frozenset()
        row = session.get_one(DatasetFaults, "population/2")
        assert (row.shape, row.denied, row.in_a_row) == (8, 9, 4)


def test_a_healthy_dataset_costs_no_row(database: Database) -> None:
    with database.write() as session:
        quarantine.count(session, [("population/2", Outcome.OK), ("population/2", Outcome.TIMEOUT)], MONDAY)
    with database.read() as session:
        assert session.get(DatasetFaults, "population/2") is None


def test_a_hanging_call_of_a_real_registry_is_hedged_within_the_budget(
    sqlite_database: Database, make_gateway: Callable[..., Gateway], catalogue: Catalogue, sandbox: Sandbox,
    open_restaurant: Compiled,
) -> None:  # fmt: skip
    """The first call hangs: with what earlier calls have saved up, a second one is made and brings the value."""
    limits = catalogue.registries["real_estate"].limits.model_copy(update={"hedge_after_ms": 100})
    registry = catalogue.registries["real_estate"].model_copy(update={"limits": limits})
    quick = dataclasses.replace(catalogue, registries={**catalogue.registries, "real_estate": registry})
    gateway = make_gateway(catalogue=quick)
    for _ in range(20):
        gateway.line("real_estate").called()
    filed = file_draft(sqlite_database, open_restaurant, citizen("wang.fang"))
    sandbox.script("real_estate", "hang", None, seconds=20)
    found = prefill(sqlite_database, gateway, open_restaurant, filed)
    assert found.facts["premises"].filled
    calls = next(result for result in found.results if result.wanted.name == "premises").calls
    assert [call.outcome for call in calls] == [Outcome.TIMEOUT, Outcome.OK]
    assert calls[0].id != calls[1].id


def test_a_reset_connection_is_replaced_at_once(
    sqlite_database: Database, gateway: Gateway, sandbox: Sandbox, open_restaurant: Compiled
) -> None:
    for _ in range(20):
        gateway.line("real_estate").called()
    filed = file_draft(sqlite_database, open_restaurant, citizen("wang.fang"))
    sandbox.script("real_estate", "reset", None)
    assert prefill(sqlite_database, gateway, open_restaurant, filed).facts["premises"].filled
    assert sandbox.calls()["real_estate"] == 2
