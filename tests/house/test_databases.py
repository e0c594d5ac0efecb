"""The databases that every other test stands on are fresh, migrated and guarded."""

from __future__ import annotations

import socket

import pytest
from sqlalchemy import inspect, text

from govservice.models import Base, migrate
from govservice.models import session as session_module
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.support.network import NetworkForbidden, is_local


def test_a_fresh_database_is_at_the_newest_migration(database: Database) -> None:
    with database.engine.connect() as connection:
        assert migrate.current(connection) == migrate.head()


def test_the_migrations_make_exactly_the_tables_of_the_models(database: Database) -> None:
    inspector = inspect(database.engine)
    made = {
        table: {column["name"] for column in inspector.get_columns(table)}
        for table in inspector.get_table_names()
        if table != "alembic_version"
    }
    meant = {t.name: {c.name for c in t.columns} for t in Base.metadata.sorted_tables}
    assert made == meant


def test_databases_do_not_share_rows(database: Database) -> None:
    with database.write() as session:
        assert session.execute(text("SELECT count(*) FROM cases")).scalar_one() == 0


def test_a_connection_that_was_cut_while_it_rested_is_replaced(
    postgresql_url: str, keyring: Keyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart of the server people see nothing; a connection used just now is not asked (a round trip)."""
    monkeypatch.setattr(session_module, "RESTED_S", 0.0)
    database, other = (Database(make_engine(postgresql_url), keyring) for _ in range(2))
    with database.read() as session:
        pid = session.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with other.read() as session:
        session.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    with database.read() as session:
        assert session.execute(text("SELECT pg_backend_pid()")).scalar_one() != pid
    for one in (database, other):
        one.engine.dispose()


def test_a_test_cannot_reach_another_machine() -> None:
    with socket.socket() as client, pytest.raises(NetworkForbidden):
        client.connect(("192.0.2.1", 80))  # TEST-NET-1, RFC 5737
    assert is_local(("127.0.0.1", 80))
    assert is_local("/run/postgres.sock")
    assert not is_local(("portal.example", 443))
