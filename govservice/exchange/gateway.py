"""The one door to registries: granted, bounded, parallel, checked, logged.

`fetch` asks all wanted facts at once and returns within its budget whatever the other side does: a late answer is
abandoned. Calls hold no transaction; what they brought is recorded afterwards in one (`recording.record`).
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange import breaker, recording
from govservice.exchange.connectors.base import Answer, Connector, Query
from govservice.exchange.connectors.http_json import HttpJson
from govservice.exchange.grants import covering, revoked_grants
from govservice.exchange.mapping import Mapper, Reading
from govservice.exchange.outcomes import GIVES_VALUES, Outcome
from govservice.exchange.queries import Call, FactResult, Wanted
from govservice.models.base import new_id
from govservice.models.session import Database

BUDGET = 1.0  # seconds for all registries together
MAX_THREADS = 64
Connect = Callable[[RegistryFile, str], Connector]
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Round:
    """What all calls of one `fetch` share. `deadline` is an instant of `time.monotonic()`."""

    began: float
    deadline: float
    shut_out: frozenset[str]
    revoked: frozenset[str]


class _Asked:
    """One wanted fact while it is being asked; its thread notes calls here, the caller may stop listening."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.calls: list[Call] = []
        self.under_way: Call | None = None
        self.lock = threading.Lock()
        self.abandoned = False


class Gateway:
    """Made once per process; thread-safe. Threads and connections come into being at the first call, after a fork.

    `endpoints` is the deployment's allow-list (endpoint key -> address). `connect` makes a connector of a registry.
    """

    def __init__(self, catalogue: Catalogue, endpoints: Mapping[str, str], *, connect: Connect = HttpJson) -> None:
        self.catalogue = catalogue
        self._endpoints = dict(endpoints)
        self._connect = connect
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._connectors: dict[str, Connector] = {}
        self._bulkheads = {
            code: threading.BoundedSemaphore(registry.limits.max_inflight)
            for code, registry in catalogue.registries.items()
        }
        self._mappers = {ref: Mapper(dataset, catalogue.area_of_region) for ref, dataset in catalogue.datasets.items()}

    def fetch(
        self,
        database: Database,
        wanted: Sequence[Wanted],
        budget: float = BUDGET,
        *,
        settled: Sequence[FactResult] = (),
        then: Callable[[Session, Sequence[FactResult]], None] | None = None,
    ) -> list[FactResult]:
        """Asks for every wanted fact at once and records what came. Results in the order of `wanted`, then `settled`.

        `budget` in seconds bounds the time spent waiting for registries. `settled` needs no call (declined, refused)
        and is recorded in the same transaction, in which `then` may note what follows. Never raises for the registries'
        faults.
        """
        results = [*self.ask(database, wanted, budget), *settled]
        if results:
            with database.write() as session:
                recording.record(session, self.catalogue, results)
                if then is not None:
                    then(session, results)
        for result in results:
            _log(result)
        return results

    def ask(self, database: Database, wanted: Sequence[Wanted], budget: float = BUDGET) -> list[FactResult]:
        """Asks without recording anything: what `fetch` does before it writes."""
        if not wanted:
            return []
        around = self._round(database, wanted, budget)
        asked = [_Asked(each) for each in wanted]
        futures = [self._pool().submit(self._answer_to, each, around) for each in asked]
        wait(futures, timeout=max(around.deadline - time.monotonic(), 0))
        return [self._harvest(each, future, around) for each, future in zip(asked, futures, strict=True)]

    def ask_in_turn(self, wanted: Sequence[Wanted], budget: float = BUDGET) -> list[FactResult]:
        """Asks without threads and without looking at breakers and revoked grants: for registries in memory."""
        began = time.monotonic()
        around = _Round(began, began + budget, frozenset(), frozenset())
        return [self._answer_to(_Asked(each), around) for each in wanted]

    def close(self) -> None:
        """Lets the threads and connections go; calls under way end by their own timeouts."""
        with self._lock:
            if self._executor is not None:
                self._executor.shutdown(wait=True, cancel_futures=True)
            for connector in self._connectors.values():
                connector.close()
            self._executor, self._connectors = None, {}

    # -- before the calls

    def _round(self, database: Database, wanted: Sequence[Wanted], budget: float) -> _Round:
        now = max(each.at for each in wanted)
        began = time.monotonic()
        sources = [source for each in wanted for source in each.sources]
        codes = {self.catalogue.registry_of(dataset) for dataset, _grant in sources} - {None}
        breakers = {code: self.catalogue.registries[code].breaker for code in codes if code}
        with database.read() as session:
            revoked = revoked_grants(session, (grant for _dataset, grant in sources), now)
        return _Round(began, began + budget, breaker.shut_out(database, breakers, now), revoked)

    def _pool(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._executor is None:
                size = min(sum(r.limits.max_inflight for r in self.catalogue.registries.values()), MAX_THREADS)
                self._executor = ThreadPoolExecutor(max(size, 1), thread_name_prefix="registry")
            return self._executor

    def connector(self, registry: RegistryFile) -> Connector | None:
        """The registry's connector; None where the deployment gives no address for its endpoint key."""
        endpoint = self._endpoints.get(registry.endpoint)
        if endpoint is None:
            return None
        with self._lock:
            if registry.registry not in self._connectors:
                self._connectors[registry.registry] = self._connect(registry, endpoint)
            return self._connectors[registry.registry]

    # -- in a thread of the pool

    def _answer_to(self, asked: _Asked, around: _Round) -> FactResult:
        """Asks the sources in order; the first that gives values wins."""
        reading = Reading(Outcome.NO_RECORD)
        for dataset, grant in asked.wanted.sources:
            reading = self._call(asked, dataset, grant, around)
            if reading.outcome in GIVES_VALUES:
                break
        return FactResult(
            asked.wanted, reading.outcome, tuple(asked.calls), reading.values, reading.record_id, reading.updated_at
        )

    def _call(self, asked: _Asked, dataset: str, number: str, around: _Round) -> Reading:
        wanted, started = asked.wanted, time.monotonic()
        call = self._call_of(wanted, dataset, number, around)
        with asked.lock:
            if asked.abandoned:
                return Reading(Outcome.TIMEOUT)  # nobody listens any more: the call is not made
            asked.under_way = call
        answer, reading = self._granted_call(call, wanted, around) if call.grant and call.registry else _denied()
        with asked.lock:
            asked.under_way = None
            if not asked.abandoned:
                asked.calls.append(_ended(call, answer, reading, time.monotonic() - started))
        return reading

    def _granted_call(self, call: Call, wanted: Wanted, around: _Round) -> tuple[Answer, Reading]:
        registry = self.catalogue.registries[call.registry]
        mapper = self._mappers[call.dataset]
        connector = self.connector(registry)
        if mapper.dataset.subject != wanted.subject.kind or mapper.dataset.status == "retired":
            return _denied()
        if connector is None:
            return _ends(Outcome.UNAVAILABLE)
        if call.registry in around.shut_out:
            return _ends(Outcome.BREAKER_OPEN)
        with self.place(call.registry) as free:
            if not free:
                return _ends(Outcome.RATE_LIMITED)
            answer = connector.fetch(_query(call, wanted, mapper, around.deadline))
        if answer.outcome is not Outcome.OK:
            return answer, Reading(answer.outcome)
        return answer, mapper.read(answer.body, wanted.subject.value, wanted.take)

    # -- after the budget

    def _harvest(self, asked: _Asked, future: Future[FactResult], around: _Round) -> FactResult:
        """The result, or a timeout where the thread is not done: what it still brings is dropped unread."""
        if future.done() and not future.cancelled():
            return future.result()
        future.cancel()
        with asked.lock:
            asked.abandoned = True
            calls = list(asked.calls)
            if asked.under_way is not None:
                calls.append(_late(asked.under_way, Outcome.TIMEOUT, around))
        if calls:
            return FactResult(asked.wanted, Outcome.TIMEOUT, tuple(calls))
        dataset, number = asked.wanted.sources[0]
        call = _late(self._call_of(asked.wanted, dataset, number, around), Outcome.RATE_LIMITED, around)
        return FactResult(asked.wanted, Outcome.RATE_LIMITED, (call,))  # no thread was free: our own limit, no fault

    def _call_of(self, wanted: Wanted, dataset: str, number: str, around: _Round) -> Call:
        """A call about to be made. `grant` is None where nothing covers it: it will be refused."""
        grant = covering(self.catalogue, wanted, dataset, number, around.revoked)
        code, basis = self.catalogue.registry_of(dataset) or "", grant.basis["en"] if grant else None
        return Call(new_id(), code, dataset, number if grant else None, basis, Outcome.TIMEOUT, None, 0, ())

    @contextlib.contextmanager
    def place(self, code: str) -> Iterator[bool]:
        """A place among the calls that one registry may hold up at once; False where all are taken."""
        bulkhead = self._bulkheads[code]
        free = bulkhead.acquire(blocking=False)
        try:
            yield free
        finally:
            if free:
                bulkhead.release()


def _query(call: Call, wanted: Wanted, mapper: Mapper, deadline: float) -> Query:
    return Query(
        dataset=call.dataset,
        subject=wanted.subject,
        fields=mapper.source_fields(wanted.take),
        purpose=wanted.purpose,
        legal_basis=call.legal_basis or "",
        actor=wanted.actor,
        case_ref=wanted.case_id,
        deadline=deadline,
        idempotency_key=call.id,
    )


def _ends(outcome: Outcome) -> tuple[Answer, Reading]:
    return Answer(outcome), Reading(outcome)


def _denied() -> tuple[Answer, Reading]:
    return _ends(Outcome.DENIED)


def _ended(call: Call, answer: Answer, reading: Reading, seconds: float) -> Call:
    return Call(
        call.id, call.registry, call.dataset, call.grant, call.legal_basis, reading.outcome, answer.status,
        round(seconds * 1000), tuple(reading.values), answer.request_sha, answer.response_sha,
    )  # fmt: skip


def _late(call: Call, outcome: Outcome, around: _Round) -> Call:
    return replace(call, outcome=outcome, latency_ms=round((time.monotonic() - around.began) * 1000))


def _log(result: FactResult) -> None:
    """One line per call, identifiers only. An identity mismatch is an alarm: somebody else's record came back."""
    for call in result.calls:
        loud = call.outcome is Outcome.IDENTITY_MISMATCH or call.grant is None
        (log.warning if loud else log.info)(
            "registry_call", registry=call.registry, dataset=call.dataset, outcome=call.outcome.value,
            exchange=call.id, ms=call.latency_ms, case_id=result.wanted.case_id,
        )  # fmt: skip
