"""Comparing the tables with what the events say: each row must follow from the fold, and no row may be missing."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import select, text, tuple_
from sqlalchemy.orm import Session

from govservice.engine.apply import DefinitionsLike
from govservice.engine.chain import canonical
from govservice.engine.decide_work import CalendarsLike
from govservice.engine.evolve import fold
from govservice.engine.projections import CASE_COLUMNS, COLUMNS, Row, case_row, outbox_rows, project
from govservice.engine.rebuild import verified_events
from govservice.engine.snapshot import FORMAT, dump
from govservice.engine.state import CaseState
from govservice.engine.store_sql import OPEN_COLUMNS
from govservice.engine.types import Event
from govservice.models.base import to_iso
from govservice.models.cases import CommandKey

KEYS = {
    "tokens": ("id",),
    "tasks": ("id",),
    "clocks": ("key",),
    "timers": ("id",),
    "visits": ("token_id", "seq"),
    "outbox": ("id",),
}
# An ended task keeps the dates it had; what a running clock has used is as of its last change; a delivered effect is
# put back with a new date by messaging.
_PRESENT = {"tasks": ("step_due_at", "due_at", "due_kind"), "clocks": ("consumed",), "outbox": ("due_at",)}


def recount(session: Session, case_id: str, definitions: DefinitionsLike, calendars: CalendarsLike) -> list[str]:
    """What differs between the tables and the fold of the case's events; [] when all agree (I2, I5, I7, I9).

    Raises NotFound, and Tampered where the chain itself is broken.
    """
    events = verified_events(session, case_id)
    state = CaseState()
    for event in events:
        fold(state, event)
    d, cal = definitions.by_sha(state.def_sha), calendars.for_area(state.area)
    rows = project(d, None, state, (), cal)
    rows.outbox = list(_effects(case_id, events, definitions))
    differences: list[str] = []
    for table, keys in KEYS.items():
        said = _by_key(table, keys, getattr(rows, table))
        found = _by_key(table, keys, _stored(session, table, case_id))
        differences += _compare(table, said, found)
    return [*differences, *_case(session, state), *_commands(session, events), *_texts(session, case_id, events)]


def _effects(case_id: str, events: Iterable[Event], definitions: DefinitionsLike) -> Iterable[Row]:
    """The rows of the outbox, each by the version that the case had at the time."""
    sha = ""
    for event in events:
        sha = event.data["sha"] if event.type == "case.opened" else sha
        yield from outbox_rows(definitions.by_sha(sha), case_id, event)
        sha = event.data["to"] if event.type == "case.migrated" else sha


def _by_key(table: str, keys: Sequence[str], rows: Iterable[Row]) -> dict[tuple[Any, ...], dict[str, Any]]:
    found = {}
    for row in rows:
        values = {c: _plain(v) for c, v in zip(COLUMNS[table], row, strict=True)}
        if _past(table, values):
            for column in _PRESENT[table]:
                values.pop(column)
        found[tuple(values[key] for key in keys)] = values
    return found


def _past(table: str, values: Mapping[str, Any]) -> bool:
    if table == "tasks":
        return values["status"] in ("done", "cancelled")
    return table == "outbox" or (table == "clocks" and values["stopped_at"] is None)


def _stored(session: Session, table: str, case_id: str) -> Iterable[Row]:
    columns = ", ".join(COLUMNS[table])
    query = f"SELECT {columns} FROM {table} WHERE case_id = :case_id"  # noqa: S608 - names of ours only
    return [tuple(row) for row in session.execute(text(query), {"case_id": case_id})]


def _plain(value: Any) -> Any:
    """Alike on both databases: canonical texts for times and days, lists for JSON, booleans as numbers."""
    if isinstance(value, datetime):
        return to_iso(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, list | tuple):
        return json.loads(json.dumps(value))
    return json.loads(value) if isinstance(value, str) and value.startswith("[") else value


def _compare(table: str, said: Mapping[tuple[Any, ...], Any], found: Mapping[tuple[Any, ...], Any]) -> Iterable[str]:
    for key in sorted({*said, *found}, key=str):
        if said.get(key) == found.get(key):
            continue
        if key not in found or key not in said:
            yield f"{table} {key}: {'is missing' if key not in found else 'follows from no event'}"
            continue
        wrong = [c for c in said[key] if said[key][c] != found[key].get(c)]
        yield f"{table} {key}: " + ", ".join(f"{c} is {found[key].get(c)!r}, not {said[key][c]!r}" for c in wrong)


def _case(session: Session, state: CaseState) -> list[str]:
    columns = OPEN_COLUMNS + CASE_COLUMNS
    query = text(f"SELECT {', '.join(columns)} FROM cases WHERE id = :id")  # noqa: S608 - names of ours only
    row = session.execute(query, {"id": state.case_id}).one()
    said = (
        state.case_id, state.number, state.service, state.applicant_id, state.organisation_id, state.mandate_id,
        state.parent_id, state.channel, state.opened_at, *case_row(state, row.head),
    )  # fmt: skip
    wrong = [
        f"cases: {column} is {_plain(have)!r}, not {want!r}"
        for column, want, have in zip(columns, said, row, strict=True)
        if _plain(have) != want
    ]
    kept = session.execute(
        text("SELECT seq, format, state FROM case_states WHERE case_id = :id"), {"id": state.case_id}
    ).one_or_none()
    if kept is not None and kept.format == FORMAT and (kept.seq != state.seq or kept.state != dump(state)):
        wrong.append("case_states: the kept state is not the fold of the events")
    return wrong


def _commands(session: Session, events: Sequence[Event]) -> Iterable[str]:
    """Each batch of events has the row of its command, which tells whoever asks again of this batch (I3)."""
    batches: list[list[Event]] = []
    for event in events:
        if not batches or (event.actor, event.idem) != (batches[-1][0].actor, batches[-1][0].idem):
            batches.append([])
        batches[-1].append(event)
    case_id = events[0].data["case"] if events else ""
    keys = [(batch[0].actor, batch[0].idem) for batch in batches]
    query = select(CommandKey.actor, CommandKey.idem, CommandKey.case_id, CommandKey.result)
    rows = session.execute(query.where(tuple_(CommandKey.actor, CommandKey.idem).in_(keys)))
    there = {(row.actor, row.idem): (row.case_id, row.result) for row in rows}
    for version, (key, batch) in enumerate(zip(keys, batches, strict=True), start=1):
        found = there.get(key)
        said = {"case_id": case_id, "version": version, "seq_from": batch[0].seq, "seq_to": batch[-1].seq}
        if found is None:
            yield f"commands {key}: is missing"
        elif found != (case_id, canonical(said)):
            yield f"commands {key}: case and result are {found!r}, not those of its events"


def _texts(session: Session, case_id: str, events: Sequence[Event]) -> Iterable[str]:
    """What people wrote is kept beside the events under the digest that the event carries."""
    said = {e.data["text"]: e.data["text_sha"] for e in events if e.data.get("text")}
    if not said:
        return
    rows = session.execute(text("SELECT id, sha FROM case_texts WHERE case_id = :id"), {"id": case_id})
    found: dict[str, str] = {row.id: row.sha for row in rows}
    for id, sha in said.items():
        if found.get(id) != sha:
            yield f"case_texts ('{id}',): {'has another digest' if id in found else 'is missing'}"
