"""`make sim`: many seeds at once, one process a core, most on SQLite in memory and at least a twentieth on PostgreSQL;
tells progress, seeds, counts and time. Exit 0 where every invariant held and a fifth of the steps had a fault.

A million transitions take an hour of two cores. `--ledger FILE` keeps what each seed came to, a JSON object a line: a
run that was broken off goes on with the next seed, on the same tree (`--tree`, its commit unless said).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from itertools import count
from pathlib import Path
from typing import Any

from tests.sim.places import Places, quiet
from tests.sim.runner import Report, run

LITE, PG = 5_000, 1_250  # committed transitions of one seed
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
    parser.add_argument("--ledger", type=Path, help="what each seed came to; goes on where it ends")
    parser.add_argument("--tree", default=_commit(), help="what the ledger calls the tree (its commit)")
    said = parser.parse_args(arguments)
    grand = Grand(said.transitions, time.monotonic(), said.minutes * 60)
    ledger = Ledger(said.ledger, said.tree)
    for row in ledger.read():
        grand.count(row)
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
                pg, report = future.result()
                row = row_of(report, pg)
                ledger.keep(row)
                grand.add(row, report)
    return grand.tell()


def _commit() -> str:
    """The commit of the tree as git says it; "" where there is no git."""
    try:
        said = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return said.stdout.strip()


def row_of(report: Report, pg: bool) -> dict[str, Any]:
    """What one seed came to, as the ledger keeps it."""
    names = ("seed", "steps", "committed", "events", "cases", "faulty")
    return {
        "pg": pg, **{name: getattr(report, name) for name in names}, "seconds": round(report.seconds, 1),
        "broken": str(report.broken) if report.broken is not None else None,
    }  # fmt: skip


class Ledger:
    """The seeds that were played on one tree; without a path nothing is kept."""

    def __init__(self, path: Path | None, tree: str) -> None:
        self.path, self.tree = path, tree

    def read(self) -> list[dict[str, Any]]:
        if self.path is None or not self.path.exists():
            return []
        rows = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [row for row in rows if row["tree"] == self.tree]

    def keep(self, row: dict[str, Any]) -> None:
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps({"tree": self.tree, **row}) + "\n")


class Grand:
    """The sums over all seeds."""

    def __init__(self, wanted: int, started: float, seconds: float) -> None:
        self.wanted, self.started, self.seconds = wanted, started, seconds
        self.promised = self.promised_pg = self.before = 0
        self.lite = self.pg = self.steps = self.faulty = self.events = self.cases = 0
        self.worked = 0.0  # seconds, all processes together
        self.seeds_of: dict[bool, list[int]] = {False: [], True: []}
        self.broken: list[str] = []

    def seeds(self, first: int) -> Iterator[tuple[int, int, bool]]:
        """(seed, transitions, whether on PostgreSQL) until enough are on their way, or the time is up."""
        known = {*self.seeds_of[False], *self.seeds_of[True]}
        for seed in count(first):
            if seed in known:
                continue
            late = self.seconds and time.monotonic() - self.started > self.seconds
            if self.promised >= self.wanted or late or self.broken:
                return
            pg = self.promised_pg < SHARE * (self.promised + LITE)
            size = min(PG if pg else LITE, max(200, self.wanted - self.promised))
            self.promised += size
            self.promised_pg += size if pg else 0
            yield seed, size, pg

    def count(self, row: dict[str, Any]) -> None:
        """A seed of the ledger: played before this run began."""
        self._sum(row)
        self.promised += row["committed"]
        self.promised_pg += row["committed"] if row["pg"] else 0
        self.before += row["committed"]

    def add(self, row: dict[str, Any], report: Report) -> None:
        """A seed that has just ended."""
        self._sum(row)
        if report.broken is not None:
            self.broken[-1:] = ["\n".join([report.line(), *report.trace])]
        done, passed = self.lite + self.pg, time.monotonic() - self.started
        where = "PostgreSQL" if row["pg"] else "SQLite"
        rate = (done - self.before) / passed
        sys.stdout.write(f"{where}: {report.line()}\n{done} of {self.wanted} committed, {rate:.0f}/s\n")
        sys.stdout.flush()

    def _sum(self, row: dict[str, Any]) -> None:
        for name in ("steps", "faulty", "events", "cases"):
            setattr(self, name, getattr(self, name) + row[name])
        self.pg += row["committed"] if row["pg"] else 0
        self.lite += 0 if row["pg"] else row["committed"]
        self.worked += row["seconds"]
        self.seeds_of[row["pg"]].append(row["seed"])
        if row["broken"] is not None:
            self.broken.append(f"seed {row['seed']}: {row['broken']}")

    def tell(self) -> int:
        passed = time.monotonic() - self.started
        sys.stdout.write("".join(f"{each}\n" for each in self.broken))
        for pg, name in ((False, "SQLite"), (True, "PostgreSQL")):
            seeds = sorted(self.seeds_of[pg])
            sys.stdout.write(f"{name}: {self.pg if pg else self.lite} committed, {len(seeds)} seeds: {seeds}\n")
        share = 100 * self.faulty / max(1, self.steps)
        sys.stdout.write(
            f"{self.lite + self.pg} committed transitions, {self.events} events, {self.cases} cases, "
            f"{self.steps} steps, {share:.0f} % with a fault, {self.worked:.0f} s of all processes together, "
            f"{passed:.0f} s this time, {len(self.broken)} violations\n"
        )
        return int(bool(self.broken) or share < 20)


if __name__ == "__main__":
    sys.exit(main())
