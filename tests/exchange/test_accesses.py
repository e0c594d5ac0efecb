"""Every read of a citizen's data is one row that the citizen can see, however many a page makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event

from govservice.definitions.compiled import Compiled
from govservice.exchange.accesses import Read, record_reads
from govservice.exchange.gateway import Gateway
from govservice.models.accounts import User
from govservice.models.base import new_id
from govservice.models.places import Area, Department
from govservice.models.session import Database
from govservice.queries.data_access import read_counts, readers, reads_of
from tests.exchange.conftest import Filed, citizen, file_draft, prefill
from tests.support.clock import MONDAY

FOOD = "huaxi.market_reg"


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """The statements sent to the database meanwhile."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        seen.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield seen
    event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def zhang_qiang(database: Database) -> str:
    """A food examiner of Huaxi; returns the user's id."""
    with database.write() as session:
        session.add(Area(code="huaxi", parent=None, name={"en": "Huaxi", "zh": "花溪"}, prefix="HX", calendar="cn"))
        session.flush()
        name = {"en": "Market Regulation", "zh": "市场监督管理局"}
        session.add(Department(id=FOOD, code="market_reg", area="huaxi", parent_id=None, name=name))
        user = User(
            id=new_id(), login="zhang.qiang", password_hash="x", kind="staff",
            name={"en": "Zhang Qiang", "zh": "张强"}, person_id=None, created_at=MONDAY, password_changed_at=MONDAY,
        )  # fmt: skip
        session.add(user)
        return user.id


def test_a_page_of_fifty_is_fifty_rows_in_one_statement(
    database: Database, open_restaurant: Compiled, wang_fang: Filed, zhang_qiang: str
) -> None:
    other = file_draft(database, open_restaurant, citizen("chen.wei"))
    people = [wang_fang.person_id, other.person_id]
    rows = [Read(people[n % 2], new_id(), ["person.name"], "list") for n in range(50)]
    with database.write() as session, statements(database) as seen:
        assert record_reads(session, zhang_qiang, "food", FOOD, rows, MONDAY) == 50
    assert len([s for s in seen if "data_accesses" in s]) == 1
    with database.read() as session:
        assert len(reads_of(session, wang_fang.person_id)) == 25


def test_reading_the_same_twice_on_a_page_is_one_read(database: Database, wang_fang: Filed, zhang_qiang: str) -> None:
    rows = [
        Read(wang_fang.person_id, wang_fang.case_id, ["menu.seats"], "task"),
        Read(wang_fang.person_id, wang_fang.case_id, ["layout", "menu.seats"], "task"),
    ]
    with database.write() as session:
        assert record_reads(session, zhang_qiang, "food", FOOD, rows, MONDAY) == 1
        assert record_reads(session, zhang_qiang, "food", FOOD, [], MONDAY) == 0
    with database.read() as session:
        (row,) = reads_of(session, wang_fang.person_id)
    assert row.what == ("menu.seats", "layout")
    assert row.actor_name == {"en": "Zhang Qiang", "zh": "张强"}
    assert row.department == {"en": "Market Regulation", "zh": "市场监督管理局"}
    assert (row.role, row.purpose, row.by_portal, row.service) == ("food", "task", False, "open_restaurant")


def test_the_citizen_sees_people_and_the_portal_newest_first(
    database: Database, gateway: Gateway, open_restaurant: Compiled, wang_fang: Filed, zhang_qiang: str
) -> None:
    prefill(database, gateway, open_restaurant, wang_fang)
    later = MONDAY + timedelta(days=2)
    rows = [
        Read(wang_fang.person_id, wang_fang.case_id, ["layout"], "task"),
        Read(wang_fang.person_id, None, ["person.name"], "search"),
    ]
    with database.write() as session:
        record_reads(session, zhang_qiang, "food", FOOD, rows, later)
    with database.read() as session:
        seen = reads_of(session, wang_fang.person_id)
        assert [row.at for row in seen] == sorted((row.at for row in seen), reverse=True)
        assert [row.by_portal for row in seen] == [False, False, *[True] * 5]
        counts = read_counts(session, wang_fang.person_id)
        assert (counts.reads, counts.by_portal, counts.by_staff, counts.people, counts.departments) == (7, 5, 2, 1, 1)
        assert (counts.outside, counts.fellows) == (1, 0)
        assert readers(session, wang_fang.person_id) == [(FOOD, {"en": "Market Regulation", "zh": "市场监督管理局"})]
        assert len(reads_of(session, wang_fang.person_id, since=later)) == 2
        assert len(reads_of(session, wang_fang.person_id, until=later)) == 5
        assert len(reads_of(session, wang_fang.person_id, department_id=FOOD)) == 2
        assert len(reads_of(session, wang_fang.person_id, case_id=wang_fang.case_id)) == 6


def test_pages_of_the_list_follow_one_another_without_a_gap(
    database: Database, wang_fang: Filed, zhang_qiang: str
) -> None:
    with database.write() as session:
        for n in range(11):
            rows = [Read(wang_fang.person_id, None, [f"field{n}"], "task")]
            record_reads(session, zhang_qiang, None, None, rows, MONDAY + timedelta(seconds=n // 3))
    with database.read() as session:
        seen, before = [], None
        while page := reads_of(session, wang_fang.person_id, before=before, limit=4):
            seen += [row.id for row in page]
            before = (page[-1].at, page[-1].id)
        assert seen == [row.id for row in reads_of(session, wang_fang.person_id, limit=None)]
        assert len(set(seen)) == 11


def test_nobody_sees_anothers_reads(
    database: Database, open_restaurant: Compiled, wang_fang: Filed, zhang_qiang: str
) -> None:
    other = file_draft(database, open_restaurant, citizen("chen.wei"))
    with database.write() as session:
        rows = [Read(wang_fang.person_id, wang_fang.case_id, ["layout"], "task")]
        record_reads(session, zhang_qiang, "food", FOOD, rows, MONDAY)
    with database.read() as session:
        assert reads_of(session, other.person_id) == []
