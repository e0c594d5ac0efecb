"""`make sim`: many seeds at once, one process a core, most on SQLite in memory and at least a twentieth on PostgreSQL;
tells progress, seeds, counts and time. Exit 0 where every invariant held and a fifth of the steps had a fault."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count

from tests.sim.places import Places, quiet
from tests.sim.runner import Report, run

LITE, PG = 10_000, 2_500  # committed transitions of one seed
SHARE = 0.05  # of the transitions on PostgreSQL


def one(seed: int, transitions: int, server: str | None) -> tuple[bool, Report]:
    """One seed in a process of the pool."""
    quiet()
    with Places(server=server) as places, places.fresh(seed) as url:
        return server is not None, run(seed, 0, url, transitions)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sim.grand", description=__doc__)
    parser.add_argument("--transitions", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=10_000, help="the first seed; the others follow")
    parser.add_argument("--minutes", type=float, default=0, help="begin no seed after so many")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    said = parser.parse_args(arguments)
    grand = Grand(said.transitions, time.monotonic(), said.minutes * 60)
    with Places(postgres=True) as places, ProcessPoolExecutor(said.jobs, max_tasks_per_child=4) as pool:
        work = grand.seeds(said.seed)
        running: set[Future[tuple[bool, Report]]] = set()
        while True:
            while len(running) < said.jobs and (job := next(work, None)) is not None:
                running.add(pool.submit(one, job[0], job[1], places.server if job[2] else None))
            if not running:
                break
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                grand.add(*future.result())
    return grand.tell()


class Grand:
    """The sums over all seeds."""

    def __init__(self, wanted: int, started: float, seconds: float) -> None:
        self.wanted, self.started, self.seconds = wanted, started, seconds
        self.promised = self.promised_pg = 0
        self.lite = self.pg = self.steps = self.faulty = self.events = self.cases = 0
        self.seeds_of: dict[bool, list[int]] = {False: [], True: []}
        self.broken: list[str] = []

    def seeds(self, first: int) -> Iterator[tuple[int, int, bool]]:
        """(seed, transitions, whether on PostgreSQL) until enough are on their way, or the time is up."""
        for seed in count(first):
            late = self.seconds and time.monotonic() - self.started > self.seconds
            if self.promised >= self.wanted or late or self.broken:
                return
            pg = self.promised_pg < SHARE * (self.promised + LITE)
            size = min(PG if pg else LITE, max(200, self.wanted - self.promised))
            self.promised += size
            self.promised_pg += size if pg else 0
            yield seed, size, pg

    def add(self, pg: bool, report: Report) -> None:
        self.steps += report.steps
        self.faulty += report.faulty
        self.events += report.events
        self.cases += report.cases
        self.pg += report.committed if pg else 0
        self.lite += 0 if pg else report.committed
        self.seeds_of[pg].append(report.seed)
        if report.broken is not None:
            self.broken.append("\n".join([report.line(), *report.trace]))
        done, passed = self.lite + self.pg, time.monotonic() - self.started
        where = "PostgreSQL" if pg else "SQLite"
        sys.stdout.write(f"{where}: {report.line()}\n{done} of {self.wanted} committed, {done / passed:.0f}/s\n")
        sys.stdout.flush()

    def tell(self) -> int:
        passed = time.monotonic() - self.started
        sys.stdout.write("\n".join(self.broken))
        for pg, name in ((False, "SQLite"), (True, "PostgreSQL")):
            seeds = sorted(self.seeds_of[pg])
            sys.stdout.write(f"{name}: {self.pg if pg else self.lite} committed, {len(seeds)} seeds: {seeds}\n")
        share = 100 * self.faulty / max(1, self.steps)
        sys.stdout.write(
            f"{self.lite + self.pg} committed transitions, {self.events} events, {self.cases} cases, "
            f"{self.steps} steps, {share:.0f} % with a fault, {passed:.0f} s, {len(self.broken)} violations\n"
        )
        return int(bool(self.broken) or share < 20)


if __name__ == "__main__":
    sys.exit(main())
