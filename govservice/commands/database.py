"""`flask database upgrade`: the newest schema; `flask database check`: is it there?"""

from __future__ import annotations

import click

from govservice.commands import settings
from govservice.models import migrate
from govservice.models.session import make_engine


@click.group()
def command() -> None:
    """Bring the database to the newest schema."""


@command.command()
def upgrade() -> None:
    """Run the missing migrations: all of them or none."""
    engine = make_engine(settings().database_url)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        click.echo(f"The database is at revision {migrate.current(connection)}.")


@command.command()
def check() -> None:
    """Exit 1 where the database is not at the newest revision."""
    with make_engine(settings().database_url).connect() as connection:
        current = migrate.current(connection)
    click.echo(f"revision {current or 'none'}, newest {migrate.head()}")
    raise click.exceptions.Exit(0 if current == migrate.head() else 1)
