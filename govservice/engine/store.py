"""Reading and writing cases: the hot path, on the session's own driver connection, in its own transaction.

One statement reads a case (locked) with its folded state and the command's key; on PostgreSQL one statement writes all
that a batch changes. Nothing else in the house writes these tables. `recorded_at` is the machine's time of writing,
kept
and hashed beside the engine's time and read by nothing that decides.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from sqlite3 import IntegrityError as LiteIntegrityError
from sqlite3 import OperationalError as LiteOperationalError
from typing import Any, NamedTuple

from psycopg import InterfaceError, OperationalError, RawCursor
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure, UniqueViolation
from sqlalchemy.orm import Session

from govservice.clock import Clock, WallClock
from govservice.engine import store_sql as sql
from govservice.engine.chain import Link, canonical, link_hash
from govservice.engine.evolve import fold
from govservice.engine.projections import COLUMNS, Rows, case_row
from govservice.engine.snapshot import FORMAT, dump, load
from govservice.engine.state import CaseState
from govservice.engine.types import Event
from govservice.errors import LostRace, NotFound, Unavailable
from govservice.models.base import to_iso
from govservice.models.keyring import Box, Keyring

WALL: Clock = WallClock()


class Held(NamedTuple):
    """A case as it was read: its folded state, the head of its chain, and what the command's key did before."""

    state: CaseState
    head: str
    applicant_id: str
    request_sha: str | None
    result: str | None


class KeyRow(NamedTuple):
    """The row of `commands` that a batch leaves."""

    actor: str
    idem: str
    case_id: str
    request_sha: str
    result: str
    at: str


class TextRow(NamedTuple):
    """The row of `case_texts` with what a person wrote."""

    id: str
    case_id: str
    text_enc: bytes | None
    sha: str
    by: str
    at: str


class Store:
    """The engine's door to one session. Raises LostRace where another transaction was first."""

    def __init__(self, session: Session) -> None:
        if session.new or session.dirty or session.deleted:
            session.flush()  # what the caller wrote by the ORM must be there for raw statements too
        self.session = session
        connection = session.connection()
        self.pg = connection.dialect.name == "postgresql"
        raw: Any = connection.connection.driver_connection
        self.raw = raw
        self.cursor: Any = RawCursor(raw) if self.pg else raw.cursor()
        self.marked = sql.numbered if self.pg else sql.lite

    @contextmanager
    def talking(self) -> Iterator[None]:
        """The driver's errors as ours. Another transaction with the same key (or in the same case) was first: LostRace,
        the caller tries again and sees it. The database does not answer, is full or stays locked: Unavailable."""
        try:
            yield
        except (UniqueViolation, SerializationFailure, DeadlockDetected, LockNotAvailable) as error:
            raise LostRace() from error
        except LiteIntegrityError as error:
            if "UNIQUE constraint failed" in str(error):
                raise LostRace() from error
            raise
        except (OperationalError, InterfaceError, LiteOperationalError) as error:
            if self.pg and self.raw.closed:  # SQLAlchemy cannot know: its rollback must not talk to a dead connection
                self.session.connection().invalidate()
            raise Unavailable() from error

    # -- reading

    def row(self, text: str, values: Sequence[Any]) -> Any:
        with self.talking():
            self.cursor.execute(self.marked(text), values)
            return self.cursor.fetchone()

    def hold(self, case_id: str, actor: str, idem: str, *, lock: bool = True) -> Held:
        """The case, locked until the transaction ends. Raises NotFound.

        A reader that waited for the lock may see the new row of the case beside an older state: then it reads again,
        now that nobody can move the case any more.
        """
        text = sql.PG_LOCK + (sql.PG_FOR_UPDATE if self.pg and lock else "")
        for _ in range(2):
            found = self.row(text, (actor, idem, case_id))
            if found is None:
                raise NotFound()
            if found[5] == found[2] and found[6] == FORMAT:
                return Held(load(found[7]), found[1], found[4], found[8], found[9])
        return Held(self.folded(case_id), found[1], found[4], found[8], found[9])

    def folded(self, case_id: str, upto: int | None = None) -> CaseState:
        """The state from the events alone."""
        state = CaseState()
        for event in self.events(case_id):
            if upto is not None and event.seq > upto:
                break
            fold(state, event)
        return state

    def links(self, case_id: str, after: int = 0) -> Iterator[tuple[Link, str, str]]:
        """(link, prev, hash) of the events of a case, in order."""
        with self.talking():
            self.cursor.execute(self.marked(sql.EVENTS), (case_id, after))
            found = self.cursor.fetchall()
        for row in found:
            at, recorded = (_iso(row[2]), _iso(row[3]))
            yield Link(row[0], row[1], at, recorded, *row[4:11]), row[11], row[12]

    def events(self, case_id: str, after: int = 0) -> Iterator[Event]:
        for link, _, _ in self.links(case_id, after):
            yield event_of(link)

    def key(self, actor: str, idem: str) -> tuple[str, str] | None:
        """(request digest, result) of a key that was used."""
        found = self.row(sql.KEY, (actor, idem))
        return None if found is None else (found[0], found[1])

    def answers(self, case_id: str, rev: int, applicant_id: str) -> tuple[dict[str, Any], Box | None]:
        """The answers of a revision in JSON forms, and the applicant's box; nothing for an erased person."""
        found = self.row(sql.ANSWERS, (case_id, rev, applicant_id))
        if found is None:
            return {}, None
        keyring: Keyring = self.session.info["keyring"]
        box = keyring.box(found[1], found[2])
        if box is None or found[0] is None:
            return {}, box
        opened: dict[str, Any] = box.open_json(found[0], f"case_data:{case_id}:{rev}")
        return opened["answers"], box

    # -- writing

    def write(
        self, before: CaseState | None, after: CaseState, events: Sequence[Event], rows: Rows, head: str, key: KeyRow,
        text: TextRow | None,
    ) -> str:  # fmt: skip
        """Writes a batch and moves the case from the version of `before`. Returns the new head."""
        links = chained(after.case_id, events, head, to_iso(WALL.now()))
        new_head = str(links[-1][-1])
        by_table: dict[str, list[Any]] = {"events": links}
        for table in COLUMNS:
            if found := getattr(rows, table):
                by_table[table] = found
        case = case_row(after, new_head)
        if before is None:
            where: tuple[Any, ...] = (
                after.case_id, after.number, after.service, after.applicant_id, after.organisation_id,
                after.mandate_id, after.parent_id, after.channel, after.opened_at,
            )  # fmt: skip
            case = (*where, *case)
        else:
            case = (*case, after.case_id, before.version)
        state = (after.case_id, after.seq, FORMAT, dump(after))
        with self.talking():
            moved = (self._write_pg if self.pg else self._write_lite)(by_table, case, state, key, text, before is None)
        if moved != 1:
            raise LostRace(case_id=after.case_id)
        return new_head

    def write_key(self, key: KeyRow) -> None:
        """Only the key: for a command that changed nothing."""
        with self.talking():
            self.cursor.execute(self.marked(sql.PG_KEY_ONLY), key)

    def _write_pg(
        self, tables: Mapping[str, list[Any]], case: Sequence[Any], state: Sequence[Any], key: KeyRow,
        text: TextRow | None, opening: bool,
    ) -> int:  # fmt: skip
        params: list[Any] = [_records(name, rows) for name, rows in tables.items()]
        params += [*key, *state, *(text or ()), *case]
        statement = sql.pg_write(tuple(tables), opening=opening, text=text is not None)
        self.cursor.execute(sql.numbered(statement), params)
        return int(self.cursor.rowcount)

    def _write_lite(
        self, tables: Mapping[str, list[Any]], case: Sequence[Any], state: Sequence[Any], key: KeyRow,
        text: TextRow | None, opening: bool,
    ) -> int:  # fmt: skip
        cursor, moved = self.cursor, 1
        if opening:
            cursor.execute(sql.LITE_OPEN, case)
        for name, rows in tables.items():
            if name == "left":
                cursor.executemany(sql.LITE_LEFT, [(*row[3:], *row[:3]) for row in rows])
            elif name == "clocks":
                cursor.executemany(sql.LITE_WRITE[name], [(*r[:8], json.dumps(r[8]), *r[9:]) for r in rows])
            else:
                cursor.executemany(sql.LITE_WRITE[name], rows)
        cursor.execute(sql.LITE_KEY, key)
        cursor.execute(sql.LITE_STATE, state)
        if text is not None:
            cursor.execute(sql.LITE_TEXT, text)
        if not opening:
            cursor.execute(sql.LITE_MOVE, case)
            moved = cursor.rowcount
        return int(moved)

    def forget(self) -> None:
        """What the session's ORM remembers of cases is old now."""
        for row in list(self.session.identity_map.values()):
            if type(row).__module__ == "govservice.models.cases":
                self.session.expire(row)


def chained(case_id: str, events: Sequence[Event], head: str, recorded_at: str) -> list[tuple[Any, ...]]:
    """Rows of case_events, each hashed over the one before."""
    rows: list[tuple[Any, ...]] = []
    for e in events:
        data = canonical(dict(e.data))
        link = Link(case_id, e.seq, e.at, recorded_at, e.type, e.v, e.actor, e.on_behalf_of, e.token_id, data, e.idem)
        digest = link_hash(head, link)
        rows.append((*link, head, digest))
        head = digest
    return rows


def event_of(link: Link) -> Event:
    return Event(
        link.seq,
        link.at,
        link.type,
        link.v,
        link.actor,
        link.on_behalf_of,
        link.token_id,
        json.loads(link.data),
        link.idem,
    )


def _iso(value: str | datetime) -> str:
    return value if isinstance(value, str) else to_iso(value)


_to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def _records(table: str, rows: Sequence[Sequence[Any]]) -> str:
    columns = sql.EVENT_COLUMNS if table == "events" else COLUMNS[table]
    return _to_json([dict(zip(columns, row, strict=True)) for row in rows])
