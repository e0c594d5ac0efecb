"""`flask clock advance 5wd`, `flask clock due`, `flask clock show`: the simulated clock of demo mode."""

from __future__ import annotations

import json

import click

from govservice.commands import runtime
from govservice.errors import NotAllowed


@click.group()
def command() -> None:
    """Move the simulated clock (demo mode only)."""


@command.command()
@click.argument("duration")
@click.option("--calendar", default="cn", show_default=True, help="The calendar that counts working days.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def advance(duration: str, calendar: str, as_json: bool) -> None:
    """Move on by DURATION (5wd, 4wh, 30d); what falls due on the way happens at its own instant."""
    from govservice.operations import clock
    from govservice.worktime.duration import Duration

    try:
        by = Duration.parse(duration)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="DURATION") from None
    try:
        at, fired = clock.advance(runtime(), by, calendar)
    except NotAllowed as refused:
        raise click.UsageError(str(refused)) from None
    _tell(as_json, f"It is now {at.isoformat()}; {fired} timers fired.", now=at.isoformat(), fired=fired)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def due(as_json: bool) -> None:
    """Fire every timer that is due now."""
    from govservice.operations import clock

    rt = runtime()
    fired = clock.fire_due(rt, rt.now())
    _tell(as_json, f"{fired} timers fired.", fired=fired)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(as_json: bool) -> None:
    """Say what time it is for the portal."""
    now = runtime().now().isoformat()
    _tell(as_json, now, now=now)


def _tell(as_json: bool, sentence: str, **facts: object) -> None:
    click.echo(json.dumps(facts) if as_json else sentence)
