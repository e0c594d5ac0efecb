"""My data: every read has its line, in the list and in the file."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from govservice.models.exchange import DataAccess
from govservice.web.csv_text import safe_cell
from tests.web.cases import Office
from tests.web.citizens import text_of
from tests.web.conftest import Browser, Stage


@pytest.fixture
def office(stage: Stage) -> Office:
    return Office(stage)


@pytest.fixture
def fang(stage: Stage) -> Browser:
    return stage.client_as("wang.fang")


# -- my data -----------------------------------------------------------------------------------------------------------


def test_every_read_has_its_line(stage: Stage, fang: Browser, office: Office) -> None:
    number = office.submitted("wang.fang", "open_restaurant", "huaxi")
    assert "Nobody has looked" in text_of(fang.get("/my/data/reads"))
    stage.client_as("li.na").get(f"/clerk/cases/{number}")
    with stage.runtime.read() as session:
        count = session.scalar(select(func.count()).select_from(DataAccess))
    page = text_of(fang.get("/my/data/reads"))
    assert page.count('<tr role="row"') - 1 == count
    assert "Li Na" in page
    assert number in page
    assert "Nobody has looked" in text_of(stage.client_as("liu.yang").get("/my/data/reads"))
    lines = text_of(fang.get("/my/data/reads.csv")).splitlines()
    assert len(lines) == 1 + (count or 0)


NONSENSE = (
    "case=x&period=y&department=z", "before=x", "before=2026-01-01", "before=2026-01-01T00:00:00~",
    "before=9999-12-31T23:59:59%2B00:00~x",
    "before=0001-01-01T00:00:00%2B14:00~x", "before=9999-12-31T23:59:59-14:00~x", "period=" + "9" * 500,
)  # fmt: skip


def test_filters_that_make_no_sense_are_ignored(fang: Browser) -> None:
    for query in NONSENSE:
        assert fang.get(f"/my/data/reads?{query}").status_code == 200, query
        assert fang.get(f"/my/data/reads.csv?{query}").status_code == 200, query


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", "＝1", " =1+1"])
def test_no_cell_of_the_list_runs_in_a_spreadsheet(cell: str) -> None:
    assert str(safe_cell(cell)).startswith("'")
    assert safe_cell("王芳") == "王芳"
