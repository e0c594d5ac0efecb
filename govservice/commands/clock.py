"""`flask clock advance 5wd`, `clock show`, `clock fire`: the simulated clock of demo mode; `clock due` only counts."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from govservice.commands import runtime
from govservice.errors import NotAllowed

if TYPE_CHECKING:
    from govservice.worktime.calendar import Calendar
    from govservice.worktime.limits import Pause


@click.group()
def command() -> None:
    """Count legal limits; move the simulated clock (demo mode only)."""


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
@click.argument("start")
@click.argument("limit")
@click.option("--pause", "pauses", multiple=True, metavar="FROM..TO", help="A time in which the limit stood still.")
@click.option("--calendar", default="cn", show_default=True, help="The calendar that counts.")
def due(start: str, limit: str, pauses: tuple[str, ...], calendar: str) -> None:
    """The last day of a LIMIT (5wd, 4wh, 30d) that began with an act at START (2026-02-10, 2026-02-10T16:30).

    Times without a zone are local. Prints one date; needs no database and no settings.
    """
    from config import ROOT
    from govservice.worktime.calendar import load_calendars
    from govservice.worktime.duration import Duration
    from govservice.worktime.limits import due_on

    calendars = load_calendars(ROOT / "workflows" / "calendars")
    if calendar not in calendars:
        raise click.BadParameter(f"there is no calendar {calendar!r}", param_hint="--calendar")
    cal = calendars[calendar]
    try:
        stopped = [_pause(cal, text) for text in pauses]
        length = Duration.parse(limit)
        if length.n == 0:
            raise ValueError(f"{limit!r} is no limit: it takes at least 1{length.unit}")
        click.echo(due_on(cal, _instant(cal, start), length, stopped).isoformat())
    except (ValueError, OverflowError) as wrong:
        raise click.UsageError(str(wrong)) from None


def _instant(cal: Calendar, text: str) -> datetime:
    """A date (its office opening) or a date and time, local unless it names a zone. Raises ValueError."""
    at = datetime.combine(date.fromisoformat(text), cal.opens) if len(text) <= 10 else datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=cal.zone)


def _pause(cal: Calendar, text: str) -> Pause:
    from govservice.worktime.limits import Pause

    begin, dots, end = text.partition("..")
    if not dots:
        raise ValueError(f"{text!r} is not a pause: write FROM..TO, such as 2026-03-02..2026-03-09")
    pause = Pause(_instant(cal, begin), _instant(cal, end), "pause")
    if pause.end is None or pause.end < pause.start:
        raise ValueError(f"the pause {text} ends before it begins")
    return pause


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fire(as_json: bool) -> None:
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
