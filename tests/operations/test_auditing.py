"""Whoever changes, drops or adds to the records, with every right on the database, is found."""

from __future__ import annotations

import importlib.util
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any, cast

import pytest
from sqlalchemy import Connection, create_engine, select, text
from sqlalchemy.orm import Session

from config import ROOT, Settings
from govservice.engine import MAIN, store
from govservice.engine.anchors import anchor
from govservice.errors import NotAllowed, Tampered
from govservice.models.cases import Anchor
from govservice.models.session import Database
from govservice.operations.auditing import AuditReport, keep_anchor, verify_records
from govservice.operations.runtime import Runtime
from govservice.worker import Worker
from tests.engine.world import CALENDARS, LI, ZHANG, World
from tests.hard.changes import Deed, rewind
from tests.support.clock import MovableClock

NO_GATEWAY = cast(Any, None)  # an audit asks no registry


@pytest.fixture
def worlds(database: Database) -> list[World]:
    """Three cases at the departments."""
    made = [World(database) for _ in range(3)]
    for index, world in enumerate(made):
        world.count = itertools.count(1000 * index)  # idempotency keys are the actor's, not the case's
        world.submit()
        world.do(LI, "accept", MAIN)
    return made


@pytest.fixture
def runtime(worlds: list[World], settings: Settings) -> Runtime:
    return Runtime(worlds[0].db, worlds[0].definitions, CALENDARS, NO_GATEWAY, settings)


@contextmanager
def administrator(database: Database) -> Iterator[Connection]:
    """What somebody with every right on the database has: the guards and foreign keys are taken off first."""
    engine = create_engine(database.engine.url)
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL session_replication_role = replica"))
        else:
            triggers = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            for name in connection.execute(text(triggers)).scalars().all():
                connection.execute(text(f"DROP TRIGGER {name}"))
        yield connection
    engine.dispose()


def tamper(database: Database, statement: str) -> None:
    with administrator(database) as connection:
        assert connection.execute(text(statement)).rowcount == 1, statement


def remove_case(database: Database, case_id: str, *, with_events: bool) -> None:
    tables = ["tokens", "tasks", "clocks", "timers", "visits", "case_data", *(["case_events"] if with_events else [])]
    with administrator(database) as connection:
        for table in tables:
            connection.execute(text(f"DELETE FROM {table} WHERE case_id = :id"), {"id": case_id})
        connection.execute(text("DELETE FROM cases WHERE id = :id"), {"id": case_id})


def told(report: AuditReport) -> list[tuple[str, int | None]]:
    return [(fault.number, fault.seq) for fault in report.faults]


def test_clean_records_have_no_faults(runtime: Runtime, worlds: list[World]) -> None:
    report = verify_records(runtime)
    assert report.faults == ()
    assert report.cases == 3
    assert report.events > 20


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE case_events SET data = replace(data, '{', '{ ') WHERE case_id = :id AND seq = 3",
        "UPDATE case_events SET actor = 'he.tao' WHERE case_id = :id AND seq = 3",
        "UPDATE case_events SET type = 'withdrawn' WHERE case_id = :id AND seq = 3",
        "DELETE FROM case_events WHERE case_id = :id AND seq = 3",
    ],
    ids=["data", "actor", "type", "gap"],
)
def test_a_changed_event_is_found_and_located(runtime: Runtime, worlds: list[World], change: str) -> None:
    tamper(runtime.database, change.replace(":id", f"'{worlds[1].case_id}'"))
    assert told(verify_records(runtime)) == [(worlds[1].state.number, 3)]


def last_event(world: World) -> int:
    return int(world.rows("cases", f"WHERE id = '{world.case_id}'")[0]["last_seq"])


def test_a_cut_tail_is_found(runtime: Runtime, worlds: list[World]) -> None:
    world = worlds[2]
    tamper(runtime.database, f"DELETE FROM case_events WHERE case_id = '{world.case_id}' AND seq = {last_event(world)}")
    assert [fault.number for fault in verify_records(runtime).faults] == [world.state.number]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tokens SET step = 'decision' WHERE case_id = :id AND id = 1",
        "UPDATE cases SET status = 'suspended' WHERE id = :id",
        "DELETE FROM tasks WHERE case_id = :id AND step = 'review.food.desk'",
    ],
    ids=["token", "case", "task"],
)
def test_tables_that_were_written_past_the_engine_are_found(runtime: Runtime, worlds: list[World], change: str) -> None:
    number = worlds[0].state.number
    tamper(runtime.database, change.replace(":id", f"'{worlds[0].case_id}'"))
    assert {fault.number for fault in verify_records(runtime).faults} == {number}


DAY = date(2026, 3, 2)


def test_a_case_that_vanished_whole_is_found_by_the_days_root(runtime: Runtime, worlds: list[World]) -> None:
    keep_anchor(runtime, DAY)
    assert verify_records(runtime).faults == ()
    remove_case(runtime.database, worlds[1].case_id, with_events=True)
    (fault,) = verify_records(runtime).faults
    assert (fault.number, fault.seq) == (worlds[1].case_id, 12)
    assert DAY.isoformat() in fault.what


def test_events_whose_case_was_deleted_are_found(runtime: Runtime, worlds: list[World]) -> None:
    remove_case(runtime.database, worlds[1].case_id, with_events=False)
    assert told(verify_records(runtime)) == [(worlds[1].case_id, None)]


def test_a_days_root_is_kept_once(runtime: Runtime, worlds: list[World]) -> None:
    first = keep_anchor(runtime, DAY).merkle_root
    worlds[0].do(ZHANG, "pass", "review.food")  # what comes later is the next day's
    assert keep_anchor(runtime, DAY).merkle_root == first
    assert verify_records(runtime).faults == ()
    tamper(
        runtime.database,
        f"UPDATE case_events SET hash = '{'0' * 64}' "
        f"WHERE case_id = '{worlds[1].case_id}' AND seq = {last_event(worlds[1])}",
    )
    with pytest.raises(Tampered):
        keep_anchor(runtime, DAY)


def test_a_cut_tail_with_everything_rewritten_is_found_by_the_exported_root(
    runtime: Runtime, worlds: list[World]
) -> None:
    """A cut tail with a rewritten head is found up to the last exported anchor: head, tables, leaves and the kept root
    itself are made anew, and only what was copied out is not."""
    exported = {DAY: keep_anchor(runtime, DAY).merkle_root}
    assert verify_records(runtime, exported).faults == ()
    before = last_event(worlds[1])
    with administrator(runtime.database) as connection, Session(connection) as session:
        case = worlds[1]
        rewind(Deed(Random(1), session, runtime, case.case_id, case.state.number, before, ()), 5)
        session.execute(text("DELETE FROM anchor_heads"))
        session.execute(text("DELETE FROM anchors"))
        session.flush()
        anchor(session, DAY)
        session.commit()
    assert verify_records(runtime).faults == (), "the database agrees with itself"
    assert told(verify_records(runtime, exported)) == [(DAY.isoformat(), None)]
    assert "kept outside" in verify_records(runtime, exported).faults[0].what


def test_what_was_being_written_when_the_root_was_made_raises_no_alarm(
    runtime: Runtime, worlds: list[World], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No false alarm: events recorded before the hour of the root and committed after it, or by a machine whose clock
    is behind, are the next day's; a root is not asked for a day that is past."""
    keep_anchor(runtime, DAY)
    behind = MovableClock()
    behind.advance(timedelta(days=-400))
    monkeypatch.setattr(store, "WALL", behind)
    worlds[0].do(ZHANG, "pass", "review.food")
    monkeypatch.undo()
    assert verify_records(runtime).faults == ()
    assert keep_anchor(runtime, DAY + timedelta(days=1)).n_cases == 3
    assert verify_records(runtime).faults == ()
    with pytest.raises(NotAllowed):
        keep_anchor(runtime, DAY - timedelta(days=1))


def test_roots_kept_by_the_rule_of_before_are_covered_after_the_upgrade(runtime: Runtime, worlds: list[World]) -> None:
    keep_anchor(runtime, DAY)
    worlds[0].do(ZHANG, "pass", "review.food")
    keep_anchor(runtime, DAY + timedelta(days=1))
    leaves = worlds[0].rows("anchor_heads")
    spec = importlib.util.spec_from_file_location("upgrade", ROOT / "migrations/versions/0007_anchor_heads.py")
    assert spec is not None
    assert spec.loader is not None
    upgrade = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(upgrade)
    with runtime.write() as session:
        session.execute(text("DELETE FROM anchor_heads"))
        session.execute(text(upgrade.EARLIER))
    assert worlds[0].rows("anchor_heads") == leaves
    assert len(leaves) == 4
    assert verify_records(runtime).faults == ()


def test_the_worker_keeps_each_days_root_once(runtime: Runtime, worlds: list[World]) -> None:
    """Nobody has to remember it: the first round of a day keeps the root, whichever of several workers makes it."""
    wall = MovableClock()
    rt = replace(runtime, wall=wall)
    one, other = Worker(rt, "one"), Worker(rt, "other")
    for worker in (one, other, one):
        worker.round()
    with rt.read() as session:
        (kept,) = session.scalars(select(Anchor)).all()
    assert (kept.day, kept.n_cases) == (DAY, 3)
    wall.advance(timedelta(days=1))
    for worker in (other, one):
        worker.round()
    with rt.read() as session:
        assert session.scalars(select(Anchor.day).order_by(Anchor.day)).all() == [DAY, DAY + timedelta(days=1)]
    assert verify_records(runtime).faults == ()
