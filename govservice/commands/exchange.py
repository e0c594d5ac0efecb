"""`flask exchange verify|snapshots|seal|seals|key`: the log of calls to registries, its seals, and their key."""

from __future__ import annotations

import dataclasses
import json
from typing import TextIO

import click

from govservice.commands import runtime


@click.group()
def command() -> None:
    """Check and seal the log of what was asked of registries."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--seals", "exported", type=click.File(), help="Lines that `flask exchange seals` printed, kept outside.")
def verify(as_json: bool, exported: TextIO | None) -> None:
    """Check every row, every chain and every seal. Exit 1 where something differs."""
    from govservice.operations.exchange_log import verify_log

    report = verify_log(runtime(), exported or ())
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report)))
    else:
        for fault in report.faults:
            where = f"{fault.registry}, row {fault.seq}: " if fault.registry is not None else ""
            click.echo(f"{where}{fault.what}")
        found = f"{len(report.faults)} faults"
        click.echo(f"{report.exchanges} exchanges, {report.registries} registries, {report.seals} seals: {found}")
    raise click.exceptions.Exit(1 if report.faults else 0)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def snapshots(as_json: bool) -> None:
    """Check every snapshot of what was sent and decided on: hash, chain, signature. Exit 1 where something differs."""
    from govservice.operations.exchange_log import verify_sent

    seen, faults = verify_sent(runtime())
    if as_json:
        click.echo(json.dumps({"snapshots": seen, "faults": faults}))
    else:
        for fault in faults:
            click.echo(fault)
        click.echo(f"{seen} snapshots: {len(faults)} faults")
    raise click.exceptions.Exit(1 if faults else 0)


@command.command()
def seal() -> None:
    """Seal what has been logged since the last seal (the worker does so every minute)."""
    from govservice.operations.exchange_log import keep_seal

    click.echo("sealed" if keep_seal(runtime()) else "nothing new to seal")


@command.command()
@click.option("--from", "number", type=click.IntRange(1), default=1, help="The first seal that is wanted.")
def seals(number: int) -> None:
    """Print the seals, one a line. Copy them to a place of its own."""
    from govservice.operations.exchange_log import seals_from

    for text in seals_from(runtime(), number):
        click.echo(text)


@command.command()
def key() -> None:
    """Print the public key of the portal's signature (a JWK): with it anybody can check a seal."""
    click.echo(json.dumps(dict(runtime().keyring.signer.public)))
