"""The one door to registries: granted, bounded, parallel, checked, logged.

`fetch` asks all wanted facts at once and returns within its budget whatever the other side does: a late answer is
abandoned. Calls hold no transaction; what they brought is recorded afterwards in one (`recording.record`).
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import Grant, RegistryFile
from govservice.exchange import breaker, hedging, quarantine, recording
from govservice.exchange.comparing import alike
from govservice.exchange.connectors import connector_of, vault
from govservice.exchange.connectors.base import Answer, Connector, Query
from govservice.exchange.grants import ASKED, asked_grants, covering, revoked_grants
from govservice.exchange.hedging import Tried
from govservice.exchange.line import Line, Lines
from govservice.exchange.mapping import Mapper, Reading
from govservice.exchange.outcomes import ALARMS, SAYS_NOTHING, Outcome
from govservice.exchange.predicates import Predicates
from govservice.exchange.queries import Call, FactResult, Wanted
from govservice.exchange.weighing import SETTLES, better
from govservice.models.base import new_id
from govservice.models.exchange import VAULT
from govservice.models.session import Database
from govservice.worktime.duration import Duration

BUDGET = 1.0  # seconds for all registries together
MAX_THREADS = 64
Connect = Callable[[RegistryFile, str], Connector]
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class _Round:
    """What all calls of one `fetch` share. `deadline` is an instant of `time.monotonic()`."""

    began: float
    deadline: float
    shut_out: frozenset[str]  # registries
    revoked: frozenset[str]  # grants
    quarantined: frozenset[str] = frozenset()  # datasets
    database: Database | None = None
    elected: frozenset[str] = frozenset()  # registries that this round tries, by one call each
    tries: dict[str, bool] = field(default_factory=dict)  # of those the ones that are still to be tried
    asked: Mapping[str, Grant] = field(default_factory=dict)  # grants that stand in no file
    alone: bool = False  # one after the other in the caller's thread, without second tries


class _Asked:
    """One wanted fact while it is being asked; its thread notes calls here, the caller may stop listening."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self.calls: list[Call] = []
        self.under_way: list[Call] = []
        self.lock = threading.Lock()
        self.abandoned = False

    def begins(self, call: Call) -> bool:
        """Notes a call that is about to be made; False where nobody listens any more."""
        with self.lock:
            if not self.abandoned:
                self.under_way.append(call)
            return not self.abandoned


@dataclass(frozen=True, slots=True)
class _End:
    """A call, what came back, what it says; `seconds` where it was really made."""

    call: Call
    answer: Answer
    reading: Reading
    seconds: float | None = None


class Gateway:
    """Made once per process; thread-safe. Threads and connections come into being at the first call, after a fork.

    `endpoints` is the deployment's allow-list (endpoint key -> address). `connect` makes a connector of a registry.
    """

    paced = True  # whether registries are asked no faster than they allow

    def __init__(self, catalogue: Catalogue, endpoints: Mapping[str, str], *, connect: Connect = connector_of) -> None:
        self.catalogue = catalogue
        self._endpoints = dict(endpoints)
        self._connect = connect
        self._lock = threading.Lock()
        self._executors: tuple[ThreadPoolExecutor, ThreadPoolExecutor] | None = None
        self._connectors: dict[str, Connector] = {}
        self._lines = Lines(catalogue.registries, paced=self.paced)
        predicates = Predicates(catalogue)
        self._mappers = {
            ref: Mapper(dataset, catalogue.area_of_region, predicates) for ref, dataset in catalogue.datasets.items()
        }

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
                results = recording.record(session, self.catalogue, results)
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
        futures = [self._pools()[0].submit(self._answer_to, each, around) for each in asked]
        wait(futures, timeout=max(around.deadline - time.monotonic(), 0))
        return [self._harvest(each, future, around) for each, future in zip(asked, futures, strict=True)]

    def ask_in_turn(self, wanted: Sequence[Wanted], budget: float = BUDGET) -> list[FactResult]:
        """Asks without threads and without looking at breakers and revoked grants: for registries in memory."""
        began = time.monotonic()
        around = _Round(began, began + budget, frozenset(), frozenset(), alone=True)
        return [self._answer_to(_Asked(each), around) for each in wanted]

    def close(self) -> None:
        """Lets the threads and connections go; calls under way end by their own timeouts."""
        with self._lock:
            executors, self._executors = self._executors, None
        # Not under the lock: a thread that is about to call would wait for it, and this for the thread.
        for executor in executors or ():
            executor.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            connectors, self._connectors = self._connectors, {}
        for connector in connectors.values():
            connector.close()

    # -- before the calls

    def _round(self, database: Database, wanted: Sequence[Wanted], budget: float) -> _Round:
        now = max(each.at for each in wanted)
        began = time.monotonic()
        sources = [source for each in wanted for source in each.sources]
        codes = {self.catalogue.registry_of(dataset) for dataset, _grant in sources} - {None}
        breakers = {code: self.catalogue.registries[code].breaker for code in codes if code}
        with database.read() as session:
            revoked = revoked_grants(session, (grant for _dataset, grant in sources), now)
            unfit = quarantine.quarantined(session, {dataset for dataset, _grant in sources})
            numbers = {grant for _dataset, grant in sources if grant.startswith(ASKED)}
            asked = asked_grants(session, numbers) if numbers else {}
            self._lines.measure(session, breakers)
        shut, elected = breaker.shut_out(database, breakers, now)
        first = [self.catalogue.registry_of(each.sources[0][0]) for each in wanted]
        self._lines.lease(database, Counter(code for code in first if code and code not in shut))
        tries = dict.fromkeys(elected, True)
        return _Round(began, began + budget, shut, revoked, unfit, database, elected, tries, asked)

    def _pools(self) -> tuple[ThreadPoolExecutor, ThreadPoolExecutor]:
        """The threads that settle a fact each, and those that make its calls (a fact may need two at once)."""
        with self._lock:
            if self._executors is None:
                most = min(sum(r.limits.max_inflight for r in self.catalogue.registries.values()), MAX_THREADS)
                size = max(most, 1)
                self._executors = (
                    ThreadPoolExecutor(size, thread_name_prefix="fact"),
                    ThreadPoolExecutor(2 * size, thread_name_prefix="registry"),
                )
            return self._executors

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
        """Asks the sources in order until one answers without a reservation. What is stale or being examined stands
        where no later source says more; two that do not agree are a conflict."""
        best, settled = Reading(Outcome.NO_RECORD), ""
        for dataset, grant in asked.wanted.sources:
            end = self._call(asked, dataset, grant, around)
            stands = better(best, end.reading, self._differs)
            if stands is not best:  # of a conflict the source that comes first is told
                best, settled = stands, settled if stands.outcome is Outcome.CONFLICT else end.call.id
            if best.outcome in SETTLES:
                break
        if best.outcome in SAYS_NOTHING and asked.wanted.trigger != "decision":
            for name, max_age in asked.wanted.vault:
                end = self._out_of_vault(asked, name, max_age, around)
                if end.reading.outcome is Outcome.OK:
                    best, settled = end.reading, end.call.id
                    break
        calls = sorted(asked.calls, key=lambda call: call.id == settled)  # the one that settled it stands last
        values = {asked.wanted.known_as(name): value for name, value in best.values.items()}
        return FactResult(
            asked.wanted, best.outcome, tuple(calls), values, best.record_id, best.updated_at,
            assurance=best.assurance,
        )  # fmt: skip

    def _out_of_vault(self, asked: _Asked, name: str, max_age: Duration | None, around: _Round) -> _End:
        """What the portal holds already. It needs no grant and leaves its line in the log like every source."""
        call = Call(new_id(), VAULT, f"vault/{name}", None, None, Outcome.NO_RECORD, None, 0, ())
        if around.database is None or not asked.begins(call):
            return _end(call, Outcome.NO_RECORD)
        with around.database.read() as session:
            reading = vault.look(session, self.catalogue, asked.wanted, name, max_age)
        end = _End(call, Answer(reading.outcome), reading)
        with asked.lock:
            if not asked.abandoned:
                asked.under_way.remove(call)
                asked.calls.append(_ended(end, 0.0))
        return end

    def _differs(self, fact_type: str, one: object, other: object) -> bool:
        return not alike(self.catalogue, fact_type, one, other)

    def _call(self, asked: _Asked, dataset: str, number: str, around: _Round) -> _End:
        call = self._call_of(asked.wanted, dataset, number, around)
        if not asked.begins(call):
            return _end(call, Outcome.TIMEOUT)  # nobody listens any more: the call is not made
        started = time.monotonic()
        ends = self._granted_call(asked, call, around) if call.grant and call.registry else [_end(call, Outcome.DENIED)]
        with asked.lock:
            asked.under_way.clear()
            if not asked.abandoned:
                asked.calls += [_ended(end, time.monotonic() - started) for end in ends]
        return ends[-1]

    def _granted_call(self, asked: _Asked, call: Call, around: _Round) -> list[_End]:
        """The calls made, the one that counts last."""
        registry, wanted = self.catalogue.registries[call.registry], asked.wanted
        mapper = self._mappers[call.dataset]
        connector = self.connector(registry)
        unfit = mapper.dataset.subject != wanted.subject.kind or mapper.dataset.sharing == "not_shared"
        if unfit or mapper.dataset.status == "retired":
            return [_end(call, Outcome.DENIED)]
        if connector is None:
            return [_end(call, Outcome.UNAVAILABLE)]
        if call.dataset in around.quarantined:
            return [_end(call, Outcome.SCHEMA_VIOLATION)]
        trying = call.registry in around.elected
        if call.registry in around.shut_out or (trying and not around.tries.pop(call.registry, False)):
            return [_end(call, Outcome.BREAKER_OPEN)]
        tried = self._tried(asked, call, connector, _query(call, wanted, mapper, around.deadline), around)
        return [self._read(each, call, wanted, mapper) for each in tried]

    def _tried(
        self, asked: _Asked, call: Call, connector: Connector, query: Query, around: _Round
    ) -> list[Tried]:  # fmt: skip
        line = self._lines[call.registry]

        def send(number: str) -> Answer:
            return line.send(around.database, lambda: connector.fetch(replace(query, idempotency_key=number)))

        def another() -> str | None:
            second = replace(call, id=new_id())
            return second.id if line.second(around.database) and asked.begins(second) else None

        line.called()
        if around.alone or call.registry in around.elected:
            began = time.monotonic()
            return [Tried(call.id, send(call.id), time.monotonic() - began)]
        return hedging.ask(send, call.id, another, line.hedge_after, around.deadline, self._pools()[1])

    def _read(self, tried: Tried, call: Call, wanted: Wanted, mapper: Mapper) -> _End:
        answer, made = tried.answer, replace(call, id=tried.number)
        if answer.outcome is not Outcome.OK:
            return _End(made, answer, Reading(answer.outcome), tried.seconds)
        reading = mapper.read(answer.body, wanted.subject.value, wanted.take, wanted.at, wanted.today)
        return _End(made, answer, reading, tried.seconds)

    # -- after the budget

    def _harvest(self, asked: _Asked, future: Future[FactResult], around: _Round) -> FactResult:
        """The result, or a timeout where the thread is not done: what it still brings is dropped unread."""
        if future.done() and not future.cancelled():
            return future.result()
        future.cancel()
        with asked.lock:
            asked.abandoned = True
            calls = list(asked.calls)
            calls += [_late(call, Outcome.TIMEOUT, around) for call in asked.under_way]
        if calls:
            return FactResult(asked.wanted, Outcome.TIMEOUT, tuple(calls))
        dataset, number = asked.wanted.sources[0]
        call = _late(self._call_of(asked.wanted, dataset, number, around), Outcome.RATE_LIMITED, around)
        return FactResult(asked.wanted, Outcome.RATE_LIMITED, (call,))  # no thread was free: our own limit, no fault

    def _call_of(self, wanted: Wanted, dataset: str, number: str, around: _Round) -> Call:
        """A call about to be made. `grant` is None where nothing covers it: it will be refused."""
        grant = covering(self.catalogue, wanted, dataset, number, around.revoked, around.asked)
        code, basis = self.catalogue.registry_of(dataset) or "", grant.basis["en"] if grant else None
        return Call(new_id(), code, dataset, number if grant else None, basis, Outcome.TIMEOUT, None, 0, ())

    def line(self, code: str) -> Line:
        """The bounds of the calls to one registry from this process."""
        return self._lines[code]


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
        as_of=wanted.as_of,
    )


def _end(call: Call, outcome: Outcome) -> _End:
    """How a call ends that is not made."""
    return _End(call, Answer(outcome), Reading(outcome))


def _ended(end: _End, seconds: float) -> Call:
    answer = end.answer
    return replace(
        end.call, outcome=end.reading.outcome, status=answer.status, latency_ms=round((end.seconds or seconds) * 1000),
        fields=tuple(end.reading.values), request_sha=answer.request_sha, response_sha=answer.response_sha,
        proofs=answer.transport,
    )  # fmt: skip


def _late(call: Call, outcome: Outcome, around: _Round) -> Call:
    return replace(call, outcome=outcome, latency_ms=round((time.monotonic() - around.began) * 1000))


def _log(result: FactResult) -> None:
    """One line per call, identifiers only. Somebody else's record, or a forged answer, is an alarm."""
    for call in result.calls:
        loud = call.outcome in ALARMS or (call.grant is None and call.registry != VAULT)
        (log.warning if loud else log.info)(
            "registry_call", registry=call.registry, dataset=call.dataset, outcome=call.outcome.value,
            exchange=call.id, ms=call.latency_ms, case_id=result.wanted.case_id,
        )  # fmt: skip
