"""`flask registries status` / `release DATASET`: which registries and datasets are not asked, and asking again."""

from __future__ import annotations

import json

import click

from govservice.commands import runtime


@click.group()
def command() -> None:
    """Look after the lines to the registries."""


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def status(as_json: bool) -> None:
    """Breakers that are not closed, and datasets with faults. Exit 1 where something is not asked."""
    from govservice.operations.registries import standing

    found = standing(runtime())
    if as_json:
        click.echo(json.dumps(found))
    else:
        for one in found["registries"]:
            click.echo(f"{one['registry']}: {one['state']} since {one['since']}")
        for one in found["datasets"]:
            held = f", in quarantine since {one['quarantined_at']}" if one["quarantined_at"] else ""
            click.echo(f"{one['dataset']}: {one['shape']} answers of another shape, {one['denied']} refused{held}")
    closed = found["registries"] or any(one["quarantined_at"] for one in found["datasets"])
    raise click.exceptions.Exit(1 if closed else 0)


@command.command()
def probe() -> None:
    """Ask every registry once without asking about anybody. Exit 1 where one cannot be reached or redirects."""
    from govservice.operations.registries import probe as ask

    found = ask(runtime())
    for code, reachable, detail in found:
        click.echo(f"{code}: {'reachable' if reachable else 'NOT reachable'} ({detail})")
    raise click.exceptions.Exit(0 if all(reachable for _code, reachable, _detail in found) else 1)


@command.command()
@click.argument("dataset")
def release(dataset: str) -> None:
    """Let a dataset be asked again, such as population/2, once its description fits its answers."""
    from govservice.operations.registries import release as let_go

    if not let_go(runtime(), dataset):
        raise click.ClickException(f"{dataset} is not in quarantine")
    click.echo(f"{dataset} is asked again")
