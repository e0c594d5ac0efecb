"""Cases by the hundred thousand, for trials of size: the same decisions, played in memory and written in large batches.

`Played` takes one case through `decide`, `check` and `project` like the one door does, with rights and needs asked, and
keeps what the door would have written; `write` puts the rows of many cases into an empty place of the tables: COPY on
PostgreSQL, prepared statements on SQLite. Nothing is read, so nobody else may act on these cases meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.engine import rights
from govservice.engine.apply import request_sha, sealed_words, timer_command
from govservice.engine.chain import GENESIS, canonical
from govservice.engine.decide import due_timer, plan
from govservice.engine.decide_work import CalendarsLike
from govservice.engine.invariants import check
from govservice.engine.projections import CASE_COLUMNS, COLUMNS, Rows, case_row, project
from govservice.engine.recount import KEYS
from govservice.engine.snapshot import FORMAT, dump
from govservice.engine.state import CaseState
from govservice.engine.store import TextRow, chained
from govservice.engine.store_sql import EVENT_COLUMNS, KEY_COLUMNS, OPEN_COLUMNS, TEXT_COLUMNS
from govservice.engine.types import Command, Ctx, Event, TextRef
from govservice.errors import NotAllowed
from govservice.models.base import new_id, to_iso
from govservice.models.keyring import Box

# What is written, in an order in which every row finds what it refers to.
TABLES: dict[str, tuple[str, ...]] = {
    "cases": (*OPEN_COLUMNS, *CASE_COLUMNS),
    "case_states": ("case_id", "seq", "format", "state"),
    "case_events": EVENT_COLUMNS,
    "commands": KEY_COLUMNS,
    "tokens": COLUMNS["tokens"],
    "tasks": COLUMNS["tasks"],
    "clocks": COLUMNS["clocks"],
    "timers": COLUMNS["timers"],
    "visits": COLUMNS["visits"],
    "outbox": (*COLUMNS["outbox"], "attempts", "done_at"),
    "case_texts": TEXT_COLUMNS,
}
Batch = Mapping[str, Sequence[Sequence[Any]]]


class Played:
    """One case in memory. `recorded_at` is the machine's time, as the door writes it beside each event."""

    def __init__(
        self, d: Compiled, catalogue: Catalogue, calendars: CalendarsLike, values: Mapping[str, Any], box: Box,
        recorded_at: str,
    ) -> None:  # fmt: skip
        self.d, self.calendars, self.box = d, calendars, box
        self.ctx = Ctx(catalogue, values)  # for whoever chooses among actions
        self.recorded_at = recorded_at
        self.state: CaseState | None = None
        self.head = GENESIS
        self.events: list[tuple[Any, ...]] = []
        self.keys: list[tuple[Any, ...]] = []
        self.texts: list[TextRow] = []
        self.rows: dict[str, dict[Any, tuple[Any, ...]]] = {table: {} for table in KEYS}

    def open(self, cmd: Command) -> CaseState:
        """The case is opened. Raises what the door raises."""
        if (why := rights.open_refusal(cmd)) is not None:
            raise rights.raised(why)
        given = Command(None, cmd.trigger, cmd.idem, cmd.now, cmd.actor, data={**cmd.data, "case_id": new_id()})
        work = plan(self.d, CaseState(ctx=Ctx(self.ctx.catalogue)), given, self.calendars)
        return self._keep(None, work.st, work.events, cmd)

    def due(self) -> str | None:
        """When the next timer acts."""
        assert self.state is not None
        return min((t.due_at for t in self.state.timers.values() if t.due_at), default=None)

    def tick(self, now: str) -> CaseState:
        """Fires what is due at `now`, each at its own hour."""
        state = self.state
        assert state is not None
        while (timer := due_timer(state, now)) is not None:
            state = self._run(timer_command(state, timer), None)
        return state

    def do(self, cmd: Command) -> CaseState:
        """One command, due timers first. The rights of an edge are asked; other triggers are the caller's to choose."""
        state = self.tick(to_iso(cmd.now))
        text = sealed_words(cmd, state.case_id, self.box)
        if text is not None:
            self.texts.append(text)
        return self._run(cmd, TextRef(text.id, text.sha) if text is not None else None)

    def _run(self, cmd: Command, text: TextRef | None) -> CaseState:
        state = self.state
        assert state is not None
        state.ctx = self.ctx if text is None else replace(self.ctx, text=text)
        token = state.tokens.get(cmd.token_id or 0)
        edge = self.d.edge(token.step, cmd.trigger) if token is not None else None
        if edge is not None and token is not None and cmd.actor.kind != "system":
            if (why := rights.refusal(self.d, state, token, edge, cmd.actor, state.ctx)) is not None:
                raise rights.raised(why)
            rights.check_needs(self.d, cmd, rights.needs_of(token, edge), self.ctx.values or {})
        work = plan(self.d, state, cmd, self.calendars)
        if not work.events:
            raise NotAllowed(action=cmd.trigger)
        return self._keep(state, work.st, work.events, cmd)

    def _keep(self, before: CaseState | None, after: CaseState, events: list[Event], cmd: Command) -> CaseState:
        check(self.d, after)
        self._merge(project(self.d, before, after, events, self.calendars.for_area(after.area)))
        links = chained(after.case_id, events, self.head, self.recorded_at)
        self.head = str(links[-1][-1])
        self.events += links
        said = {"case_id": after.case_id, "version": after.version, "seq_from": events[0].seq, "seq_to": after.seq}
        key = (cmd.actor.id, cmd.idem, after.case_id, request_sha(cmd), canonical(said), to_iso(cmd.now))
        self.keys.append(key)
        after.ctx, after.journal = None, []
        self.state = after
        return after

    def _merge(self, rows: Rows) -> None:
        """A row that is written again replaces the one before; the end of a stay completes its row."""
        for table, held in self.rows.items():
            keys = [COLUMNS[table].index(key) for key in KEYS[table]]
            for row in getattr(rows, table):
                held[tuple(row[at] for at in keys)] = row
        places = [COLUMNS["visits"].index(column) for column in COLUMNS["left"][3:]]
        for left in rows.left:
            stay = list(self.rows["visits"][(left[1], left[2])])
            for at, value in zip(places, left[3:], strict=True):
                stay[at] = value
            self.rows["visits"][(left[1], left[2])] = tuple(stay)

    def batch(self) -> dict[str, list[tuple[Any, ...]]]:
        """The rows of this case by table; its effects count as delivered when they came due."""
        st = self.state
        assert st is not None
        opening = (
            st.case_id, st.number, st.service, st.applicant_id, st.organisation_id, st.mandate_id, st.parent_id,
            st.channel, st.opened_at,
        )  # fmt: skip
        found: dict[str, list[tuple[Any, ...]]] = {table: list(rows.values()) for table, rows in self.rows.items()}
        found["clocks"] = [(*row[:8], json.dumps(row[8]), *row[9:]) for row in found["clocks"]]
        found["outbox"] = [(*row, 1, row[-1]) for row in found["outbox"]]
        return found | {
            "cases": [(*opening, *case_row(st, self.head))],
            "case_states": [(st.case_id, st.seq, FORMAT, dump(st))],
            "case_events": self.events,
            "commands": self.keys,
            "case_texts": list(self.texts),
        }


def write(session: Session, tables: Mapping[str, Sequence[str]], batches: Iterable[Batch]) -> int:
    """Writes the rows of many cases in the caller's transaction; `tables` name the columns, in the order of writing.
    Returns how many rows there were."""
    rows: dict[str, list[Sequence[Any]]] = {table: [] for table in tables}
    for batch in batches:
        for table, found in batch.items():
            rows[table] += found
    connection = session.connection()
    raw: Any = connection.connection.driver_connection
    cursor = raw.cursor()
    for table, columns in tables.items():
        names = ", ".join(f'"{column}"' for column in columns)
        if connection.dialect.name == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows[table]:
                    copy.write_row(row)
        else:
            marks = ", ".join("?" * len(columns))
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows[table])  # noqa: S608 - ours
    return sum(map(len, rows.values()))
