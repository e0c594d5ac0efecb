"""A registry that is a view: one question, read only, in time, of SQLite and of PostgreSQL."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from govservice.definitions.reader import read
from govservice.definitions.schema_registry import RegistryFile
from govservice.exchange.connectors.base import Answer, Query, SubjectKey
from govservice.exchange.connectors.sql import Sql, _bounded
from govservice.exchange.outcomes import Outcome
from govservice.exchange.sandbox.cast import QINGWEI
from tests.exchange import views
from tests.exchange.views import View

FILE = Path(__file__).parent / "registries" / "registrations_sql.yaml"


def registry(statement: str | None = None) -> RegistryFile:
    made = RegistryFile.model_validate(read(FILE.read_bytes()).data)
    return made if statement is None else made.model_copy(update={"statements": {"by_code": statement}})


def ask(connector: Sql, subject: str = QINGWEI.uscc, seconds: float = 5.0, *fields: str) -> Answer:
    query = Query(
        dataset="registrations_sql/1", subject=SubjectKey("organisation", subject), fields=fields or ("name", "status"),
        purpose="LICENSE", legal_basis="art. 35", actor="u", case_ref="c", deadline=time.monotonic() + seconds,
        idempotency_key="k",
    )  # fmt: skip
    return connector.fetch(query)


@pytest.fixture
def patient(view: View) -> Any:
    limits = registry().limits.model_copy(update={"timeout_ms": 10_000})
    made = Sql(registry().model_copy(update={"limits": limits}), view.url, {})
    yield made
    made.close()


def test_the_row_about_the_subject(patient: Sql) -> None:
    answer = ask(patient)
    assert answer.outcome is Outcome.OK
    (record,) = answer.body["records"]
    assert (record["name"], record["established_on"]) == (QINGWEI.name, "2026-09-18")
    assert len(answer.request_sha) == len(answer.response_sha or "") == 64
    assert QINGWEI.uscc not in repr(answer)


def test_nobody_and_several(patient: Sql, view: View) -> None:
    assert ask(patient, "91990111MA00000000").body == {"records": []}
    for _ in range(3):
        views.add(view)
    assert len(ask(patient).body["records"]) == 2  # as many as are needed to know that there is no single one


@pytest.mark.parametrize("subject", ["' OR '1'='1", "x'; DROP TABLE enterprises_all; --", "%", ":subject", "\x00"])
def test_a_subject_is_never_part_of_the_question(subject: str, patient: Sql, view: View) -> None:
    answer = ask(patient, subject)
    assert answer.body in ({"records": []}, None)
    views.add(view)  # the table is still there


def test_the_role_reads_the_view_and_nothing_else(view: View) -> None:
    made = Sql(registry("SELECT secret AS name, uscc, status FROM enterprises_all WHERE uscc = :subject"), view.url, {})
    outcome = ask(made).outcome
    made.close()
    assert outcome is (Outcome.DENIED if view.url.startswith("postgresql") else Outcome.OK)


def test_nothing_can_be_written_whatever_the_role_may(view: View) -> None:
    made = Sql(registry(), view.owner.url.render_as_string(hide_password=False), {})
    with (
        made._engine.connect() as connection,
        _bounded(connection, time.monotonic() + 5),
        pytest.raises(DBAPIError, match="read.?only"),
    ):
        connection.execute(text("DELETE FROM enterprises_all"))
    made.close()


SLOW = {
    "postgresql": "SELECT uscc, name, status FROM shared, pg_sleep(20) WHERE uscc = :subject",
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
    "SELECT uscc, name, status FROM shared, n WHERE uscc = :subject AND i < 0",
}


def test_a_question_that_takes_too_long_ends_at_the_deadline(view: View) -> None:
    made = Sql(registry(SLOW[view.url.partition(":")[0].partition("+")[0]]), view.url, {})
    began = time.monotonic()
    assert ask(made, seconds=0.5).outcome is Outcome.TIMEOUT
    assert time.monotonic() - began < 4
    made.close()


@pytest.mark.parametrize(
    ("statement", "outcome"),
    [
        ("SELECT uscc, name FROM shared WHERE uscc = :subject", Outcome.SCHEMA_VIOLATION),  # `status` is gone
        ("SELECT uscc, name, nick FROM shared WHERE uscc = :subject", Outcome.SCHEMA_VIOLATION),
        ("SELECT * FROM gone WHERE uscc = :subject", Outcome.SCHEMA_VIOLATION),
    ],
)
def test_a_view_that_changed_is_told_and_gives_nothing(statement: str, outcome: Outcome, view: View) -> None:
    made = Sql(registry(statement), view.url, {})
    answer = ask(made)
    probe = made.probe(time.monotonic() + 5)
    made.close()
    assert (answer.outcome, answer.body) == (outcome, None)
    assert not probe.reachable


def test_a_database_that_is_not_there_is_an_outcome(tmp_path: Path) -> None:
    for url in ("postgresql://nobody:secret@127.0.0.1:1/none", f"sqlite:///{tmp_path / 'none.db'}"):
        made = Sql(registry(), url, {})
        answer = ask(made)
        made.close()
        assert answer.outcome in (Outcome.UNAVAILABLE, Outcome.TIMEOUT)
        assert "secret" not in repr(answer)
    assert not (tmp_path / "none.db").exists()


def test_a_good_view_is_found_good(patient: Sql) -> None:
    assert patient.probe(time.monotonic() + 5).reachable
