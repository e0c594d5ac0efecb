"""One run from one seed: the schedule of actors and faults, the looks at the whole, the end at which all must come to
rest."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from govservice.models.session import Database, make_engine
from tests.sim import absences, citizens, clerks, designers, figures, meetings, trespassers, whole
from tests.sim.db import Eye
from tests.sim.faults import Faults, install
from tests.sim.machinery import Machinery
from tests.sim.office import KEYRING, Office, Time, drawn, procedures
from tests.sim.pages import Pages
from tests.sim.reading import Case
from tests.sim.tables import Broken
from tests.sim.till import Till
from tests.sim.world import Sim

LIVE = 24  # cases that run at once
LOOK = 1000  # steps between looks at the whole
KINDS = ("crash", "crash", "crash", "full", "race")


@dataclass
class Report:
    """What a run came to. `broken` is None where every invariant held."""

    seed: int
    steps: int = 0
    committed: int = 0
    events: int = 0
    cases: int = 0
    faulty: int = 0
    seconds: float = 0.0
    broken: Broken | None = None
    digest: str = ""
    count: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)

    def line(self) -> str:
        rate = self.committed / self.seconds if self.seconds else 0
        found = f"BROKEN {self.broken}" if self.broken else "held"
        return (
            f"seed {self.seed}: {self.steps} steps, {self.committed} committed transitions, {self.events} events, "
            f"{self.cases} cases, a fault in {self.faulty * 100 // max(1, self.steps)} % of the steps, "
            f"{self.seconds:.1f} s ({rate:.0f}/s), {found}"
        )


def run(seed: int, steps: int, url: str, committed: int = 0) -> Report:
    """`steps` steps, or as many as it takes for `committed` transitions, then the end. Never raises Broken: the report
    says it."""
    chance, report = random.Random(seed), Report(seed)
    clock = Time()
    engine = make_engine(with_short_waits(url), synchronous="OFF")
    faults = Faults()
    install(engine, faults)
    started, eye = time.monotonic(), Eye(url)
    try:
        with drawn(random.Random(seed + 1), clock):
            office = Office(Database(engine, KEYRING), chance, procedures(), Till(chance), clock)
            sim = Sim(office, eye, faults)
            _play(sim, report, steps, committed)
    finally:
        report.seconds = time.monotonic() - started
        eye.close()
        engine.dispose()
    return report


def with_short_waits(url: str) -> str:
    """On PostgreSQL nobody waits long for a lock: a second actor is in the same thread."""
    return url if url.startswith("sqlite") else f"{url}{'&' if '?' in url else '?'}options=-c%20lock_timeout%3D20ms"


def _play(sim: Sim, report: Report, steps: int, committed: int) -> None:
    machinery = Machinery(sim)
    schedule = Schedule(sim, machinery)
    try:
        while report.steps < steps or sim.batches < committed:
            report.steps += 1
            schedule.step()
            report.faulty += sim.faulty
            if report.steps % LOOK == 0:
                whole.look(sim, machinery)
        schedule.come_to_rest()
        whole.look(sim, machinery, everything=True)
        whole.at_the_end(sim, machinery)
    except Broken as broken:
        report.broken, report.trace = broken, list(sim.trace)
    except Exception as fault:  # whatever nobody foresaw, the product's or our own: with the seed and the last acts
        report.broken, report.trace = Broken("I2", f"{type(fault).__name__}: {fault}"), list(sim.trace)
        report.broken.__cause__ = fault
    report.committed, report.events, report.cases = sim.batches, sim.events, len(sim.accounts)
    report.count, report.digest = sim.count, whole.digest(sim)


class Schedule:
    """Who acts next, and what goes wrong."""

    def __init__(self, sim: Sim, machinery: Machinery) -> None:
        self.sim, self.machinery = sim, machinery
        self.ways: list[tuple[float, Callable[[], Any]]] = [
            (50, self.office), (14, machinery.work), (5, machinery.timers), (4, self.again), (7, self.open),
            (5, self.intruder), (2, machinery.jump), (5, machinery.money),
            (1, lambda: absences.declare(sim)), (1, lambda: designers.act(sim)), (0.35, Pages(sim).look),
            (0.5, lambda: figures.recount(sim)),
        ]  # fmt: skip
        self.weights = [weight for weight, _ in self.ways]
        sim.office.provider.between = self.between
        sim.faults.watch = self.watch

    def step(self) -> None:
        sim, pick = self.sim, self.sim.random
        sim.faulty, sim.fault = False, pick.choice(KINDS) if pick.random() < 0.36 else ""
        sim.office.provider.loses = 0.2
        sim.pass_by(timedelta(seconds=pick.randrange(1, 400)))
        pick.choices(self.ways, self.weights)[0][1]()
        sim.fault = ""

    def open(self) -> None:
        sim = self.sim
        sim.live = [id for id in sim.live if not _over(sim.case(id))]
        if len(sim.live) < LIVE:
            citizens.open_case(sim)
        else:
            self.office()

    def office(self) -> None:
        """Somebody does something about a case that runs."""
        sim = self.sim
        tried = sim.tried
        for _ in range(8):
            if not sim.live:
                return citizens.open_case(sim)
            case = sim.case(sim.random.choice(sim.live))
            if _over(case) and sim.random.random() < 0.9:
                sim.live.remove(case.id)
                continue
            choices = list(self._about(case))
            if choices:
                ways = [way for _, way in choices]
                sim.random.choices(ways, [weight for weight, _ in choices])[0](sim, case)
            if sim.tried != tried:
                return None
        return None

    def _about(self, case: Case) -> Iterator[tuple[float, Callable[[Sim, Case], Any]]]:
        if case.status == "draft":
            if case.parent is None:
                yield 1, citizens.submit
            return
        yield 10, clerks.act
        yield 3, clerks.claim
        yield 0.7, clerks.look
        yield 0.7, clerks.supervise
        yield 0.5, clerks.extend
        if case.status == "closed":
            return
        yield (0.15 if case.parent is None else 0), citizens.withdraw
        if case.notice is not None:
            yield 6, citizens.resubmit
        elif case.asks:
            yield 2, clerks.notice
        if any(case.gaps.values()):
            yield 1.5, citizens.supply
        if meetings.places(self.sim, case):
            yield 2, meetings.choose
        if any(t.person for t in case.tokens.values() if t.open):
            yield 4, citizens.confirm
        if case.main.step in ("partly", "together"):
            yield 3, citizens.own_step

    def again(self) -> None:
        """A request that had no answer is sent again; one that was answered comes a second time; a key is reused."""
        sim, pick = self.sim, self.sim.random
        if sim.retries and pick.random() < 0.8:
            cmd = sim.retries.pop(pick.randrange(len(sim.retries)))
            if pick.random() < 0.9:
                sim.again(cmd)
        elif sim.sent:
            cmd = pick.choice(sim.sent)
            sim.faulty = True
            sim.count["sent twice"] += 1
            (sim.reuse if pick.random() < 0.15 and cmd.case_id else sim.again)(cmd)

    def intruder(self) -> None:
        if self.sim.live:
            self.sim.faulty = True
            way = trespassers.trespass if self.sim.random.random() < 0.7 else trespassers.intrude
            way(self.sim, self.sim.case(self.sim.random.choice(self.sim.live)))

    # -- interleaving

    def between(self) -> None:
        """The portal waits for the provider: others act meanwhile."""
        if self.sim.nested == 0 and self.sim.random.random() < 0.3:
            self._nest(self.office, self.office, self.machinery.timers)

    def watch(self, where: str) -> None:
        """In the middle of somebody's transaction: nobody else can hold its case, and on PostgreSQL others act at the
        same time, on other cases or in vain on this one."""
        sim = self.sim
        if where != "before write" or not sim.held or sim.nested:
            return
        odds = sim.random.random()
        if odds < 0.03:
            sim.unlocked = sim.unlocked or sim.eye.can_hold(sim.held)
        elif odds < 0.05 and sim.eye.pg:
            sim.count["interleaved"] += 1
            self._nest(self.office, self.office, self.machinery.work)

    def _nest(self, *ways: Callable[[], Any]) -> None:
        sim = self.sim
        armed, held, repeated = (sim.faults.raises, sim.faults.after, sim.faults.hit), sim.held, sim.repeated
        sim.faults.raises, fault, sim.fault, sim.held, sim.repeated = None, sim.fault, "", "", False
        sim.nested += 1
        try:
            sim.random.choice(ways)()
        finally:
            sim.nested -= 1
            sim.faults.raises, sim.faults.after, sim.faults.hit = armed
            sim.fault, sim.held, sim.repeated = fault, held, repeated

    # -- the end

    def come_to_rest(self) -> None:
        """I11: faults have stopped; retries are answered, queues drain."""
        sim, machinery = self.sim, self.machinery
        sim.office.provider.loses = 0.0
        for cmd in sim.retries:
            sim.again(cmd)
        sim.retries.clear()
        whole.drain(sim, machinery)


def _over(case: Case) -> bool:
    return case.status == "closed" and not any(t.open for t in case.tokens.values())
