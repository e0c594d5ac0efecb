"""The chain finds every change of a row; anchors find what a chain cannot; the database itself refuses the rest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import date
from random import Random

import pytest
import rfc8785
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from govservice.engine import MAIN, rebuild
from govservice.engine.anchors import anchor, verify_anchor
from govservice.engine.chain import canonical
from govservice.engine.merkle import Tree
from govservice.errors import Tampered
from govservice.models.session import Database
from tests.engine.world import LI, ZHANG, ZHOU, World

DAY = date(2026, 3, 2)


def history(database: Database) -> World:
    w = World(database)
    w.submit()
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "pass", "review.food")
    return w


def unguarded(session: Session) -> None:
    """What somebody with the database's own password can do."""
    if session.get_bind().dialect.name == "sqlite":
        for name in ("case_events_no_update", "case_events_no_delete", "cases_move_with_event", "cases_no_delete"):
            session.execute(text(f"DROP TRIGGER {name}"))
    else:
        session.execute(text("SET session_replication_role = replica"))


CHANGES = {
    "at": "UPDATE case_events SET at = recorded_at WHERE seq = 4",
    "recorded_at": "UPDATE case_events SET recorded_at = at WHERE seq = 4",
    "type": "UPDATE case_events SET type = 'step.entered' WHERE seq = 4",
    "version": "UPDATE case_events SET v = 2 WHERE seq = 4",
    "actor": "UPDATE case_events SET actor = 'he.tao' WHERE seq = 4",
    "behalf": "UPDATE case_events SET on_behalf_of = 'somebody' WHERE seq = 4",
    "token": "UPDATE case_events SET token_id = 7 WHERE seq = 4",
    "data": "UPDATE case_events SET data = replace(data, '2026-03-0', '2026-04-0') WHERE seq = 4",
    "idem": "UPDATE case_events SET idem = 'other' WHERE seq = 4",
    "prev": "UPDATE case_events SET prev = hash WHERE seq = 4",
    "hash": "UPDATE case_events SET hash = prev WHERE seq = 4",
    "deleted": "DELETE FROM case_events WHERE seq = 4",
    "tail": "DELETE FROM case_events WHERE seq = (SELECT max(seq) FROM case_events)",
    "swapped": "UPDATE case_events SET seq = CASE seq WHEN 4 THEN 50 ELSE seq END",
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_tampered_row_is_found_and_named(database: Database, change: str) -> None:
    w = history(database)
    with database.write() as session:
        unguarded(session)
        session.execute(text(CHANGES[change]))
    with database.read() as session, pytest.raises(Tampered) as caught:
        rebuild(session, w.case_id)
    if change != "tail":
        assert caught.value.facts["seq"] == 4


@pytest.mark.parametrize(
    "column",
    ["last_seq = last_seq - 1", "head = CASE substr(head, 1, 1) WHEN 'f' THEN 'e' ELSE 'f' END || substr(head, 2)"],
)
def test_a_case_that_disagrees_with_its_chain_is_found(database: Database, column: str) -> None:
    w = history(database)
    with database.write() as session:
        unguarded(session)
        session.execute(text(f"UPDATE cases SET {column}"))
    with database.read() as session, pytest.raises(Tampered):
        rebuild(session, w.case_id)


def test_a_clean_chain_verifies(database: Database) -> None:
    w = history(database)
    with database.read() as session:
        assert rebuild(session, w.case_id).seq > 8


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_events SET actor = 'x'",
        "DELETE FROM case_events",
        "DELETE FROM cases",
        "UPDATE cases SET version = version + 1",
        "UPDATE cases SET status = 'closed', closed_at = opened_at, outcome = 'granted'",
        "UPDATE cases SET head = 'x', last_seq = last_seq + 1, version = version + 1",
    ],
)
def test_the_database_itself_refuses(database: Database, statement: str) -> None:
    history(database)
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(text(statement))


def cut_tail(session: Session, case_id: str) -> None:
    """The last event goes, and the case is made to agree: the chain alone cannot tell."""
    where = {"id": case_id}
    session.execute(
        text("DELETE FROM case_events WHERE seq = (SELECT max(seq) FROM case_events WHERE case_id = :id)"), where
    )
    session.execute(
        text(
            "UPDATE cases SET last_seq = last_seq - 1, head = "
            "(SELECT hash FROM case_events WHERE case_id = :id ORDER BY seq DESC LIMIT 1) WHERE id = :id"
        ),
        where,
    )


def delete_case(session: Session, case_id: str) -> None:
    session.execute(text("DELETE FROM case_events WHERE case_id = :id"), {"id": case_id})


@pytest.mark.parametrize("deed", [cut_tail, delete_case])
def test_anchors_find_a_cut_tail_and_a_deleted_case(database: Database, deed: Callable[[Session, str], None]) -> None:
    w = history(database)
    first = w.case_id
    w.submit()
    with database.write() as session:
        made = anchor(session, DAY)
        assert made.n_cases == 2
        assert anchor(session, DAY) is made
    w.do(LI, "accept", MAIN)  # what comes later does not change the root
    with database.read() as session:
        assert verify_anchor(session, DAY)
        with pytest.raises(LookupError):
            verify_anchor(session, date(2020, 1, 1))
    with database.write() as session:
        unguarded(session)
        deed(session, first)
    with database.read() as session:
        if deed is cut_tail:
            rebuild(session, first)
        assert not verify_anchor(session, DAY)


def merkle_root(heads: Sequence[tuple[str, str]]) -> str:
    """The root by the rule itself, all at once."""
    level = [hashlib.sha256(b"\0" + f"{case}:{head}".encode()).digest() for case, head in sorted(heads)]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\1" + level[i] + level[i + 1]).digest() for i in range(0, len(level) - 1, 2)]
        level = pairs + level[2 * len(pairs) :]
    return level[0].hex()


def test_the_root_depends_on_every_head_and_on_the_order_of_nothing() -> None:
    heads = [(f"case{i}", f"{i:064d}") for i in range(7)]
    root = Tree(heads).root
    assert root == merkle_root(heads) == Tree(reversed(heads)).root
    for i in range(7):
        assert Tree([*heads[:i], (heads[i][0], "f" * 64), *heads[i + 1 :]]).root != root
        assert Tree([*heads[:i], *heads[i + 1 :]]).root != root
    assert Tree().root != root


def test_a_tree_that_grows_and_changes_has_the_root_of_one_made_anew() -> None:
    random, tree, heads = Random(5), Tree(), dict[str, str]()
    for round in range(60):
        wide = 40 if round % 10 == 0 else 3
        moved = {f"{random.randrange(400 if round % 3 else round * 10 + 1):04d}": f"{round:064d}" for _ in range(wide)}
        heads |= moved
        tree.put(moved.items())
        assert (tree.root, len(tree)) == (merkle_root([*heads.items()]), len(heads))


def test_canonical_json_is_rfc_8785(database: Database) -> None:
    w = history(database)
    w.do(ZHOU, "fail", "review.fire", reason="x")
    for event in w.rows("case_events"):
        value = json.loads(event["data"])
        assert canonical(value) == rfc8785.dumps(value).decode() == event["data"]
