"""`flask cases replay NUMBER`: a case told again from its events, and compared with what the tables say.

`--all` and `--sample N` replay many and print only what differs.
"""

from __future__ import annotations

import dataclasses
import json
from secrets import SystemRandom
from typing import TYPE_CHECKING, Any

import click
from sqlalchemy import select

from govservice.commands import runtime
from govservice.errors import Tampered
from govservice.models.cases import Case, CaseEvent

if TYPE_CHECKING:
    from govservice.operations.runtime import Runtime


@click.group()
def command() -> None:
    """Look into cases: replay them from their events."""


@command.command()
@click.argument("number", required=False)
@click.option("--upto", type=click.IntRange(min=1), help="Stop after this event.")
@click.option("--all", "every", is_flag=True, help="Replay all cases.")
@click.option("--sample", type=click.IntRange(min=1), help="Replay that many, drawn by chance.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def replay(number: str | None, upto: int | None, every: bool, sample: int | None, as_json: bool) -> None:
    """Fold the events of the case NUMBER and compare with the tables. Exit 1 where something differs."""
    if sum((number is not None, every, sample is not None)) != 1:
        raise click.UsageError("give a NUMBER, --all or --sample N")
    if upto is not None and number is None:
        raise click.UsageError("--upto needs a NUMBER")
    rt = runtime()
    if number is None:
        _many(rt, sample, as_json)
    else:
        _one(rt, number, upto, as_json)


def _one(rt: Runtime, number: str, upto: int | None, as_json: bool) -> None:
    from govservice.engine import rebuild
    from govservice.operations.invariants import check_case, staff_actors

    with rt.read() as session:
        case = session.scalar(select(Case).where(Case.number == number))
        if case is None:
            raise click.UsageError(f"there is no case {number}")
        rows = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)).all()
        events = [_told(row) for row in rows if upto is None or row.seq <= upto]
        try:
            state = rebuild(session, case.id, upto)
        except Tampered as fault:
            told = {"case": number, "ok": False, "fault": str(fault), "seq": fault.facts.get("seq")}
            click.echo(json.dumps(told) if as_json else f"event {told['seq']}: {told['fault']}")
            raise click.exceptions.Exit(1) from None
        broken = list(check_case(rt, session, case, staff_actors(session))) if upto is None else []
    plain = json.loads(json.dumps(dataclasses.asdict(state), default=str, ensure_ascii=False))
    if as_json:
        faults = [f"{b.invariant} {b.what}" for b in broken]
        told = {"case": number, "ok": not broken, "faults": faults, "events": events, "state": plain}
        click.echo(json.dumps(told, ensure_ascii=False))
    else:
        for event in events:
            click.echo(f"{event['seq']:>4}  {event['at']}  {event['type']:<24} {event['actor']}")
        click.echo(json.dumps(plain, indent=2, ensure_ascii=False))
        for b in broken:
            click.echo(f"{b.invariant}: {b.what}")
    raise click.exceptions.Exit(1 if broken else 0)


def _many(rt: Runtime, sample: int | None, as_json: bool) -> None:
    from govservice.operations.invariants import Broken, check_cases

    with rt.read() as session:
        ids = list(session.scalars(select(Case.id).order_by(Case.id)))
    chosen = ids if sample is None else SystemRandom().sample(ids, min(sample, len(ids)))
    broken: list[Broken] = []
    for _, found in check_cases(rt, chosen):
        broken += found
    if as_json:
        click.echo(json.dumps({"cases": len(chosen), "faults": [dataclasses.asdict(b) for b in broken]}))
    else:
        for b in broken:
            click.echo(f"{b.number}{f', event {b.seq}' if b.seq else ''}: {b.invariant} {b.what}")
        click.echo(f"{len(chosen)} cases replayed: {len(broken)} differences")
    raise click.exceptions.Exit(1 if broken else 0)


def _told(row: CaseEvent) -> dict[str, Any]:
    return {
        "seq": row.seq,
        "at": row.at.isoformat(),
        "type": row.type,
        "actor": row.actor,
        "data": json.loads(row.data),
    }
