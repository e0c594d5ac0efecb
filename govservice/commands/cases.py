"""`flask cases replay NUMBER`: a case told again from its events, and compared with what the tables say."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click
from sqlalchemy import select

from govservice.commands import runtime
from govservice.errors import Tampered
from govservice.models.cases import Case, CaseEvent


@click.group()
def command() -> None:
    """Look into one case: replay it from its events."""


@command.command()
@click.argument("number")
@click.option("--upto", type=click.IntRange(min=1), help="Stop after this event.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(number: str, upto: int | None, as_json: bool) -> None:
    """Fold the events of the case NUMBER. Exit 1 where the chain is broken."""
    from govservice.engine import rebuild

    rt = runtime()
    with rt.read() as session:
        case = session.scalar(select(Case).where(Case.number == number))
        if case is None:
            raise click.UsageError(f"there is no case {number}")
        rows = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)).all()
        events = [_told(row) for row in rows if upto is None or row.seq <= upto]
        try:
            state = rebuild(session, case.id, upto)
        except Tampered as fault:
            click.echo(json.dumps({"case": number, "ok": False, "fault": str(fault)}) if as_json else str(fault))
            raise click.exceptions.Exit(1) from None
    plain = json.loads(json.dumps(dataclasses.asdict(state), default=str, ensure_ascii=False))
    if as_json:
        click.echo(json.dumps({"case": number, "ok": True, "events": events, "state": plain}, ensure_ascii=False))
        return
    for event in events:
        click.echo(f"{event['seq']:>4}  {event['at']}  {event['type']:<24} {event['actor']}")
    click.echo(json.dumps(plain, indent=2, ensure_ascii=False))


def _told(row: CaseEvent) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at.isoformat(),
        "type": row.type,
        "actor": row.actor,
        "data": json.loads(row.data),
    }
