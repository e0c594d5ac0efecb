"""`flask database upgrade|check`: the newest schema; `flask database backup|restore`: a copy out, and back."""

from __future__ import annotations

from pathlib import Path

import click

from govservice.clock import WallClock
from govservice.commands import settings
from govservice.models import migrate
from govservice.models.session import make_engine


@click.group()
def command() -> None:
    """Bring the database to the newest schema; take a copy of everything and bring it back."""


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


@command.command()
@click.argument("folder", type=click.Path(path_type=Path))
def backup(folder: Path) -> None:
    """Copy the database and the sealed files into the new FOLDER, beside the running portal."""
    from govservice.models.backup import BackupRefused
    from govservice.models.backup import backup as copy

    given = settings()
    try:
        made = copy(given.database_url, given.storage_dir, folder, WallClock().now())
    except BackupRefused as refused:
        raise click.ClickException(str(refused)) from None
    root = f", last root {made.root_day}  {made.root}" if made.root else ""
    click.echo(f"{folder}: {made.database} at revision {made.revision}{root}")


@command.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True))
def restore(folder: Path) -> None:
    """Bring the copy in FOLDER back into an empty database and an empty file store."""
    from govservice.models.backup import BackupRefused
    from govservice.models.backup import restore as bring_back

    given = settings()
    try:
        made = bring_back(given.database_url, given.storage_dir, folder)
    except BackupRefused as refused:
        raise click.ClickException(str(refused)) from None
    click.echo(f"The copy of {made.made_at} is back, at revision {made.revision}.")
    click.echo("Now: flask database upgrade, flask audit verify --anchors FILE.")


@command.command()
@click.argument("name")
def role(name: str) -> None:
    """Give the PostgreSQL role NAME what the portal needs: insert only where records are insert only.

    Run it as the owner of the tables after each upgrade; the portal then signs in as NAME.
    """
    from govservice.models import roles

    engine = make_engine(settings().database_url)
    if engine.dialect.name != "postgresql":
        raise click.UsageError("SQLite knows no roles: whoever may open the file may write it.")
    try:
        with engine.execution_options(writing=True).begin() as connection:
            roles.grant(connection, name)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="NAME") from None
    click.echo(f"{name} may read and add; it may change or remove nothing of {', '.join(roles.INSERT_ONLY)}.")
