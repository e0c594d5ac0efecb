"""A second try beside or after the first, within a tenth of the calls; a registry's pace; a dataset in quarantine."""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.exchange import hedging, quarantine
from govservice.exchange.connectors.base import Answer
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import Outcome
from govservice.exchange.pace import Pace, RetryBudget
from govservice.models.exchange import DatasetFaults
from govservice.models.session import Database
from tests.exchange.conftest import Filed, Sandbox, citizen, file_draft, prefill
from tests.support.clock import MONDAY


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


def test_second_tries_are_at_most_a_tenth_of_the_calls() -> None:
    budget, taken = RetryBudget(), 0
    for call in range(1, 1001):
        budget.called()
        taken += budget.take()
        assert taken <= call / 10
    assert taken == 100
    for _ in range(1000):
        budget.called()
    assert sum(budget.take() for _ in range(1000)) == 20  # what was saved up is bounded


def test_a_registry_is_asked_no_faster_than_it_allows() -> None:
    pace = Pace(20)
    began = time.monotonic()
    taken = sum(pace.take() for _ in range(1000))
    assert 20 <= taken <= 21 + 20 * (time.monotonic() - began)
    time.sleep(0.3)
    again, waited = sum(pace.take() for _ in range(1000)), time.monotonic() - began
    assert 5 <= again <= 21 * waited


def test_after_too_many_it_is_left_alone_and_then_asked_more_slowly() -> None:
    pace = Pace(100)
    pace.told(0.2)
    assert not pace.take()
    time.sleep(0.25)
    assert pace.take()
    began = time.monotonic()
    time.sleep(0.2)
    taken, waited = sum(pace.take() for _ in range(1000)), time.monotonic() - began
    assert taken <= 2 + 60 * (waited + 0.05)  # half the rate, and not a whole second's worth saved up


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
        gateway.line("real_estate").retries.called()
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
        gateway.line("real_estate").retries.called()
    filed = file_draft(sqlite_database, open_restaurant, citizen("wang.fang"))
    sandbox.script("real_estate", "reset", None)
    assert prefill(sqlite_database, gateway, open_restaurant, filed).facts["premises"].filled
    assert sandbox.calls()["real_estate"] == 2
