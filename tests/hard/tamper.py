"""Somebody with every right on the database changes records at random; the audit must find each and name the row.

`python -m tests.hard.tamper [--count N] [--seed S] [--database sqlite|postgresql]`. Each change is made in a
transaction with the guards off, looked for by the same functions as `flask audit verify` uses, and rolled back.
A change that the database itself refuses (a check, a key) counts as none. Exit 1 where one was missed or misplaced.
"""

from __future__ import annotations

import argparse
import itertools
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from random import Random
from typing import Any, cast

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from config import Settings
from govservice.engine import MAIN
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations.auditing import AuditFault, faults_across, faults_of_case, keep_anchor, verify_records
from govservice.operations.runtime import Runtime
from tests.engine.world import CALENDARS, HE, LI, SUN, WU, ZHANG, ZHOU, World
from tests.hard import changes
from tests.hard.changes import Change
from tests.hard.servers import serving
from tests.hard.told import on_each

KEYRING = Keyring({"test1": bytes(range(32))}, bytes(range(32, 64)))
DAYS = (date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4))


@dataclass
class Tally:
    """What a run saw: changes by kind, those missed, those found elsewhere, clean looks with a fault."""

    made: Counter[str] = field(default_factory=Counter)
    refused: int = 0
    missed: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    alarms: int = 0

    @property
    def ok(self) -> bool:
        return not (self.missed or self.misplaced or self.alarms)


def population(database: Database, count: int) -> Runtime:
    """Cases at every height of a restaurant's way, and the roots of three days in between."""
    made = []
    rt: Runtime | None = None
    for number in range(count):
        w = World(database)
        w.count = itertools.count(1_000 * number)
        rt = rt or Runtime(w.db, w.definitions, CALENDARS, cast(Any, None), cast(Settings, None))
        w.submit()
        _act(w, number % 8)
        made.append(w)
        if number * len(DAYS) % count < len(DAYS):
            keep_anchor(rt, DAYS[min(number * len(DAYS) // count, len(DAYS) - 1)])
    assert rt is not None
    return rt


def _act(w: World, height: int) -> None:
    way: tuple[Callable[[], object], ...] = (
        lambda: w.do(LI, "accept", MAIN),
        lambda: w.do(ZHANG, "pass", "review.food"),
        lambda: w.do(ZHANG, "pass", "review.food", attachments=("site_report",)),
        lambda: w.do(WU, "pass", "review.food"),
        lambda: w.do(ZHOU, "pass", "review.fire"),
        lambda: w.do(SUN, "pass", "review.sign"),
        lambda: w.do(HE, "refuse", MAIN, reason="no", data={"opinion": "x"}),
    )
    for act in way[:height]:
        act()


@contextmanager
def unguarded(rt: Runtime) -> Iterator[Session]:
    """A session of somebody with every right: guards and foreign keys off, everything undone at the end."""
    with rt.database.write() as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            session.execute(text("PRAGMA defer_foreign_keys = ON"))
            for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
                session.execute(text(f"DROP TRIGGER {name}"))
        try:
            yield session
        finally:
            session.rollback()


def tampered(rt: Runtime, random: Random, count: int) -> Tally:
    """Makes `count` changes one by one and looks for each."""
    tally, outside = Tally(), _outside(rt)
    while sum(tally.made.values()) < count:
        with unguarded(rt) as session:
            try:
                change = changes.draw(random, session, rt)
                session.flush()
            except DBAPIError:
                tally.refused += 1
                continue
            if change is None:
                continue
            _look(rt, session, change, outside, tally)
    tally.alarms += len(verify_records(rt, outside).faults)
    return tally


def _outside(rt: Runtime) -> dict[date, str]:
    with rt.read() as session:
        found = session.execute(text("SELECT day, merkle_root FROM anchors"))
        return {date.fromisoformat(str(row.day)): row.merkle_root for row in found}


def _look(rt: Runtime, session: Session, change: Change, outside: dict[date, str], tally: Tally) -> None:
    tally.made[change.kind] += 1
    session.expunge_all()
    faults: list[AuditFault] = []
    for id in change.cases:
        if number := session.execute(text("SELECT number FROM cases WHERE id = :id"), {"id": id}).scalar():
            faults += faults_of_case(rt, session, id, number)
    faults += faults_across(session, outside)
    if not faults:
        tally.missed.append(repr(change))
    elif not any(change.names(fault) for fault in faults):
        tally.misplaced.append(f"{change!r}: {faults[0]!r}")


def run(kind: str, count: int, seed: int, cases: int) -> Tally:
    with serving(kind) as server:
        engine = make_engine(server.url)
        try:
            rt = population(Database(engine, KEYRING), cases)
            assert verify_records(rt, _outside(rt)).faults == ()
            return tampered(rt, Random(seed), count)
        finally:
            engine.dispose()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hard.tamper")
    parser.add_argument("--count", type=int, default=10_000, help="changes on each database")
    parser.add_argument("--cases", type=int, default=40)

    def play(kind: str, given: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
        tally = run(kind, given.count, given.seed, given.cases)
        return tally.ok, {
            "changes": sum(tally.made.values()), "kinds": dict(tally.made), "refused by the database": tally.refused,
            "missed": tally.missed[:5], "misplaced": tally.misplaced[:5], "false alarms": tally.alarms,
        }  # fmt: skip

    return on_each(parser, arguments, play)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
