"""Three departments finish their branches at the same instant, in three processes: the join must fire, exactly once."""

from __future__ import annotations

import multiprocessing

import pytest
from sqlalchemy import text

from govservice.engine import MAIN
from govservice.models.session import Database
from tests.engine.racer import finish
from tests.engine.world import LI, SUN, WU, ZHANG, ZHOU, World

CASES = 12
SPAWN = multiprocessing.get_context("spawn")


def at_the_last_act(database: Database, count: int) -> tuple[World, list[str]]:
    """Cases in which each of three branches needs one more act."""
    w, cases = World(database), []
    for _ in range(count):
        w.submit()
        w.do(LI, "accept", MAIN)
        w.do(ZHANG, "pass", "review.food")
        w.do(ZHANG, "pass", "review.food", attachments=("site_report",))
        cases.append(w.case_id)
    return w, cases


def race(url: str, cases: list[str], *, unsafe: bool) -> list[int | None]:
    barrier = SPAWN.Barrier(3)
    people = ((WU, 2), (ZHOU, 3), (SUN, 4))
    processes = [SPAWN.Process(target=finish, args=(url, cases, who, t, barrier, unsafe)) for who, t in people]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
        if process.is_alive():
            process.kill()
    return [process.exitcode for process in processes]


@pytest.mark.slow
def test_three_branches_at_once_all_count_and_the_join_fires_once(database_url: str, database: Database) -> None:
    w, cases = at_the_last_act(database, CASES)
    assert race(database_url, cases, unsafe=False) == [0, 0, 0]
    for case_id in cases:
        w.case_id = case_id
        assert w.steps() == ["decision"]
        w.check()
    joins = [e for e in w.rows("case_events") if '"trigger":"@join' in e["data"]]
    assert len(joins) == CASES


@pytest.mark.slow
def test_without_lock_and_compare_the_same_race_gets_stuck(database_url: str, database: Database) -> None:
    """The control: if this does not get stuck, the test above proves nothing."""
    w, cases = at_the_last_act(database, 3)
    with database.write() as session:
        if session.get_bind().dialect.name == "sqlite":
            session.execute(text("DROP TRIGGER cases_move_with_event"))
        else:
            session.execute(text("DROP TRIGGER cases_move_with_event ON cases"))
    assert race(database_url, cases, unsafe=True) == [0, 0, 0]
    for case_id in cases:
        tokens = w.rows("tokens", f"WHERE case_id = '{case_id}'")
        assert [t["outcome"] for t in tokens if t["kind"] == "branch"] == ["approved"] * 3
        assert [t["step"] for t in tokens if t["kind"] == "main"] == ["review"]  # for ever
