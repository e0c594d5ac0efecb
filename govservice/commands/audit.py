"""`flask audit verify`: do the records agree with themselves? `flask audit anchor`: keep a day's root."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import TextIO

import click

from govservice.commands import runtime
from govservice.errors import NotAllowed, Tampered


@click.group()
def command() -> None:
    """Check the hash chains and anchors."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.option("--anchors", type=click.File(), help="Lines that `flask audit anchor` printed, kept outside.")
def verify(as_json: bool, anchors: TextIO | None) -> None:
    """Check every case's events and tables, and every root that was kept. Exit 1 where something differs."""
    from govservice.operations.auditing import verify_records

    report = verify_records(runtime(), _exported(anchors) if anchors else None)
    if as_json:
        click.echo(json.dumps(dataclasses.asdict(report)))
    else:
        for fault in report.faults:
            click.echo(f"{fault.number}{f', event {fault.seq}' if fault.seq else ''}: {fault.what}")
        found = f"{len(report.faults)} faults"
        click.echo(f"{report.cases} cases, {report.events} events, {report.anchors} anchors: {found}")
    raise click.exceptions.Exit(1 if report.faults else 0)


@command.command()
@click.option("--day", type=click.DateTime(["%Y-%m-%d"]), help="The day (UTC); today by default.")
def anchor(day: datetime | None) -> None:
    """Keep and print the root over all chains, once a day. Copy it to a place of its own."""
    from govservice.operations.auditing import keep_anchor

    rt = runtime()
    try:
        kept = keep_anchor(rt, day.date() if day else rt.wall.now().date())
    except NotAllowed as refused:
        raise click.UsageError(f"a later root is kept already: {refused.facts['last']}") from None
    except Tampered as fault:
        click.echo(f"The records no longer give the root that was kept: {fault.facts}", err=True)
        raise click.exceptions.Exit(1) from None
    click.echo(f"{kept.day.isoformat()}  {kept.merkle_root}  {kept.n_cases} cases")


def _exported(lines: Iterable[str]) -> dict[date, str]:
    """Day and root of each line; the last word on a day counts. Raises BadParameter naming the line."""
    roots = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            day, root = line.split()[:2]
            roots[date.fromisoformat(day)] = root
        except ValueError:
            raise click.BadParameter(f"line {number} is not `DAY  ROOT`", param_hint="--anchors") from None
    return roots
