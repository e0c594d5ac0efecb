"""Processes and the database are killed under load; what was acknowledged must be there, once, and nothing else torn.

`python -m tests.hard.kills [--kills N] [--database sqlite|postgresql] [--minutes M]`. Real gunicorn workers answer
clerks over HTTP, `flask worker` delivers and fires timers, other processes file cases. One of them, or the database
(PostgreSQL: a back end, or the whole server at once), gets kill -9 while something is under way. A kill counts when it
interrupted: a request was cut off, a question stayed without an answer, a leased effect was not delivered. At the end
the faults stop, queues drain, and the ledger outside is compared with the records. Exit 1 where they differ.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from govservice.clock import WallClock
from govservice.errors import Unavailable
from govservice.operations.auditing import verify_records
from govservice.operations.clock import fire_due
from govservice.operations.effects import deliver_due
from govservice.operations.runtime import Runtime
from tests.hard.clerks import DESKS, Clerk
from tests.hard.ledger import lines, open_questions
from tests.hard.rig import Rig, rigged
from tests.hard.told import on_each


class Later(WallClock):
    """The machine's time when every lease has run out."""

    def now(self) -> datetime:
        return super().now() + timedelta(minutes=5)


@dataclass
class Outcome:
    kills: Counter[str] = field(default_factory=Counter)
    idle: int = 0  # kills that interrupted nothing
    acts: int = 0  # of clerks, over HTTP
    acknowledged: int = 0
    refused: int = 0
    lost: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)
    undelivered: int = 0
    cases: int = 0

    @property
    def ok(self) -> bool:
        return not (self.lost or self.faults or self.strange or self.undelivered)


class Killer:
    """Kills in turn, each time something is under way."""

    def __init__(self, rig: Rig, clerks: list[Clerk], random: Random) -> None:
        self.rig, self.clerks, self.random = rig, clerks, random
        self.outcome = Outcome()
        kinds: list[tuple[str, Callable[[], bool]]] = [
            ("web worker", self.web_worker), ("applicant", self.applicant), ("worker", self.worker),
        ]  # fmt: skip
        if rig.server.kind == "postgresql":
            kinds += [("back end", self.back_end), ("server", self.server)]
        self.kinds = kinds

    def run(self, kills: int, minutes: float) -> None:
        until, turn = time.monotonic() + minutes * 60, 0
        while sum(self.outcome.kills.values()) < kills and time.monotonic() < until:
            self._await_work()
            kind, strike = self.kinds[turn % len(self.kinds)]
            turn += 1
            if strike():
                self.outcome.kills[kind] += 1
            else:
                self.outcome.idle += 1
            self.rig.mend()

    def web_worker(self) -> bool:
        self._await_request()
        before = self._broken()
        workers = self.rig.web_workers()
        os.kill(self.random.choice(workers), signal.SIGKILL)
        return self._settles(lambda: self._broken() > before)

    def applicant(self) -> bool:
        process = self.random.choice(self.rig.applicants)
        time.sleep(self.random.uniform(0.05, 0.3))
        process.kill()
        process.wait()
        return open_questions(self.rig.ledger, process.pid) > 0

    def worker(self) -> bool:
        process, name = self.rig.worker, f":{self.rig.worker.pid}"
        query = text("SELECT count(*) FROM outbox WHERE done_at IS NULL AND claimed_by LIKE :name")
        until = time.monotonic() + 3
        while time.monotonic() < until and not self._count(query, name=f"%{name}"):
            time.sleep(0.005)
        process.kill()
        process.wait()
        return self._count(query, name=f"%{name}") > 0

    def back_end(self) -> bool:
        """One back end gets kill -9: the server throws every other one out and recovers."""
        self._await_request()
        before = self._cut()
        query = text("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND state <> 'idle' "
                     "AND pid <> pg_backend_pid()")  # fmt: skip
        with self.rig.rt.read() as session:
            pids = list(session.scalars(query))
        for pid in pids[:1]:
            os.kill(pid, signal.SIGKILL)
        self.rig.await_database()
        return bool(pids) and self._settles(lambda: self._cut() > before)

    def server(self) -> bool:
        self._await_request()
        before = self._cut()
        self.rig.server.restart(immediate=True)
        self.rig.await_database()
        return self._settles(lambda: self._cut() > before)

    def _await_work(self, patience: float = 20) -> None:
        """Until somebody at the desks has got something done since the last kill."""
        done, until = sum(clerk.acts for clerk in self.clerks), time.monotonic() + patience
        while time.monotonic() < until and sum(clerk.acts for clerk in self.clerks) == done:
            time.sleep(0.005)

    def _await_request(self) -> None:
        """Until a clerk's request has been out for a moment."""
        moment, until = self.random.uniform(0.002, 0.04), time.monotonic() + 5
        while time.monotonic() < until:
            now = time.monotonic()
            if any(clerk.under_way and now - clerk.under_way > moment for clerk in self.clerks):
                return
            time.sleep(0.001)

    def _settles(self, happened: Callable[[], bool]) -> bool:
        until = time.monotonic() + 1
        while time.monotonic() < until:
            if happened():
                return True
            time.sleep(0.02)
        return False

    def _broken(self) -> int:
        return sum(clerk.broken for clerk in self.clerks)

    def _cut(self) -> int:
        return self._broken() + sum(clerk.later for clerk in self.clerks)

    def _count(self, query: Any, **values: Any) -> int:
        try:
            with self.rig.rt.read() as session:
                return int(session.execute(query, values).scalar_one())
        except Exception:  # the rig's own question met a restart
            return 0


def judge(rig: Rig, outcome: Outcome, clerks: list[Clerk]) -> None:
    """The faults have stopped: drains what waits, compares ledger and records."""
    rt = replace(rig.rt, wall=Later())
    drain(rt)
    with rt.read() as session:
        waiting = "SELECT count(*) FROM outbox WHERE done_at IS NULL AND topic <> 'registry.health'"
        outcome.undelivered = int(session.execute(text(waiting)).scalar_one())
        outcome.cases = int(session.execute(text("SELECT count(*) FROM cases")).scalar_one())
        rows = session.execute(text("SELECT actor, idem FROM commands")).all()
        batches = session.execute(text("SELECT DISTINCT actor, idem, case_id FROM case_events")).all()
        twice = session.execute(text("SELECT effect_key FROM messages GROUP BY effect_key HAVING count(*) > 1")).all()
    keys = {(row.actor, row.idem) for row in rows}
    written = Counter((row.actor, row.idem) for row in batches)
    for what, who, key, _ in lines(rig.ledger):
        if what == "told":
            outcome.acknowledged += 1
            if (who, key) not in keys:
                outcome.lost.append(key)
        elif what == "refused":
            outcome.refused += 1
    outcome.faults += [f"{key} was done in {n} cases" for key, n in written.items() if n > 1]
    outcome.faults += [f"told twice: {row.effect_key}" for row in twice]
    outcome.faults += [f"{f.number} {f.seq}: {f.what}" for f in verify_records(rt).faults]
    for clerk in clerks:
        outcome.strange += clerk.strange
        outcome.acts += clerk.acts


def drain(rt: Runtime) -> None:
    """Until nothing is due any more, or nothing moves."""
    for _ in range(200):
        try:
            if not fire_due(rt, rt.now()) + deliver_due(rt, "at the end", rt.now()):
                return
        except Unavailable:
            time.sleep(0.2)


def run(kind: str, kills: int, minutes: float, seed: int = 1, clerks: int = 3, applicants: int = 2) -> Outcome:
    with rigged(kind, applicants) as rig:
        staff = [Clerk(rig.url, login, rig.rt, rig.book, rig.ending) for login in list(DESKS)[:clerks]]
        for clerk in staff:
            clerk.start()
        killer = Killer(rig, staff, Random(seed))
        killer.run(kills, minutes)
        rig.ending.set()
        for clerk in staff:
            clerk.join(60)
            clerk.client.close()
        rig.stop_load()
        judge(rig, killer.outcome, staff)
        killer.outcome.strange += rig.traces()
        return killer.outcome


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hard.kills")
    parser.add_argument("--kills", type=int, default=200, help="interrupting kills on each database")
    parser.add_argument("--minutes", type=float, default=20, help="at most, on each database")

    def play(kind: str, given: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
        found = run(kind, given.kills, given.minutes, given.seed)
        return found.ok and sum(found.kills.values()) >= given.kills, {
            "interrupting kills": sum(found.kills.values()), "of": dict(found.kills), "kills of the idle": found.idle,
            "cases": found.cases, "acknowledged": found.acknowledged, "by clerks": found.acts,
            "refused": found.refused, "lost": found.lost[:5], "faults": found.faults[:5],
            "strange answers": found.strange[:5], "undelivered": found.undelivered,
        }  # fmt: skip

    return on_each(parser, arguments, play)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
