"""Runs the migrations: on the connection the caller hands in, else on the database of the settings."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection

from govservice.models import Base


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",  # SQLite cannot alter most things in place
    )
    with context.begin_transaction():
        context.run_migrations()


def main() -> None:
    connection = context.config.attributes.get("connection")
    if connection is not None:
        _run(connection)
        return
    from config import from_env
    from govservice.models.session import make_engine

    engine = make_engine(from_env().database_url)
    with engine.execution_options(writing=True).begin() as opened:
        _run(opened)
    engine.dispose()


if context.is_offline_mode():
    raise SystemExit("The migrations need a database: they create triggers for the dialect at hand.")
main()
