"""The changes that `tests.hard.tamper` makes: edits, deletions, insertions, swaps, cut tails, rewritten chains."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from govservice.engine.chain import GENESIS, Link, link_hash
from govservice.engine.projections import CASE_COLUMNS, COLUMNS, case_row, project
from govservice.engine.rebuild import rebuild
from govservice.engine.recount import KEYS
from govservice.engine.snapshot import FORMAT, dump
from govservice.engine.store_sql import EVENT_COLUMNS, OPEN_COLUMNS
from govservice.models.base import from_iso, to_iso
from govservice.operations.auditing import AuditFault
from govservice.operations.runtime import Runtime

Row = dict[str, Any]
# What nobody can compute again from the events: dates of work that ended, what a limit had used when it last changed,
# when a delivered effect is due again. Everything else is drawn from.
OPEN_ENDED = {"tasks": {"step_due_at", "due_at", "due_kind"}, "clocks": {"consumed"}, "outbox": {"due_at"}}
DAY = re.compile(r"\d{4}-\d\d-\d\d$")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT.*Z$")


@dataclass(frozen=True)
class Change:
    """One change. `seqs`: events one of which must be named; `row`: the table and key that must be; `day`: the root."""

    kind: str
    cases: tuple[str, ...]
    numbers: tuple[str, ...]
    seqs: tuple[int, ...] = ()
    row: str = ""
    day: str = ""

    def names(self, fault: AuditFault) -> bool:
        """Whether a fault names what was changed."""
        if self.day and fault.number == self.day:
            return True
        if fault.number not in (*self.numbers, *self.cases):
            return False
        return (not self.seqs or fault.seq in self.seqs) and (not self.row or fault.what.startswith(self.row))


def draw(random: Random, session: Session, rt: Runtime) -> Change | None:
    """Makes a change drawn by chance; None where the draw has no place to act."""
    ids = session.execute(text("SELECT id, number, last_seq FROM cases ORDER BY id")).all()
    case = random.choice(ids)
    makes, weights = zip(*WEIGHTED, strict=True)
    return random.choices(makes, weights)[0](Deed(random, session, rt, case.id, case.number, case.last_seq, ids))


@dataclass
class Deed:
    """Who changes what."""

    random: Random
    session: Session
    rt: Runtime
    id: str
    number: str
    last: int
    others: Any

    def sql(self, statement: str, **values: Any) -> Any:
        return self.session.execute(text(statement), {"case": self.id, **values})

    def events(self) -> list[Row]:
        columns = ", ".join(EVENT_COLUMNS)
        found = self.sql(f"SELECT {columns} FROM case_events WHERE case_id = :case ORDER BY seq")
        return [dict(row) for row in found.mappings()]

    def put(self, table: str, row: Mapping[str, Any], **more: Any) -> None:
        values = {k: json.dumps(v) if isinstance(v, list) else v for k, v in {**row, **more}.items()}
        marks = ", ".join(f":{name}" if name != "pauses" else "CAST(:pauses AS json)" for name in values)
        if self.session.get_bind().dialect.name == "sqlite":
            marks = marks.replace("CAST(:pauses AS json)", ":pauses")
        self.session.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"), values)

    def drop(self, seq: int) -> None:
        self.sql("DELETE FROM case_events WHERE case_id = :case AND seq = :seq", seq=seq)

    def change(self, kind: str, **more: Any) -> Change:
        return Change(kind, (self.id,), (self.number,), **more)


def other(random: Random, value: Any) -> Any:
    """Another value of the same kind."""
    if value is None:
        return random.choice((1, 7))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + random.choice((-1, 1, 5))
    if isinstance(value, datetime):
        return value + timedelta(seconds=random.choice((-3600, 1, 86400)))
    if isinstance(value, date):
        return value + timedelta(days=random.choice((-1, 1, 30)))
    if isinstance(value, list):
        return [*value, ["2026-01-01T00:00:00.000000Z", None, "hearing"]]
    assert isinstance(value, str), value
    if INSTANT.match(value):
        return to_iso(from_iso(value) + timedelta(seconds=random.choice((-3600, 1, 86400))))
    if DAY.match(value):
        return (date.fromisoformat(value) + timedelta(days=random.choice((-1, 1, 30)))).isoformat()
    if not value:
        return "x"
    at = random.randrange(len(value))
    return value[:at] + ("y" if value[at] == "x" else "x") + value[at + 1 :]


def changed(deed: Deed, column: str, value: Any) -> Any:
    if value is None and column == "on_behalf_of":
        return "somebody"
    return other(deed.random, value)


# -- events


def edit(deed: Deed) -> Change:
    """One column of one event."""
    row = deed.random.choice(deed.events())
    column = deed.random.choice([c for c in EVENT_COLUMNS if c not in ("case_id", "seq")])
    value = changed(deed, column, row[column])
    deed.sql(f"UPDATE case_events SET {column} = :v WHERE case_id = :case AND seq = :seq", v=value, seq=row["seq"])
    return deed.change(f"edit {column}", seqs=(row["seq"],))


def edit_and_hash(deed: Deed) -> Change:
    """One event with a hash that fits it again: the next one's `prev`, or the head, tells."""
    row = deed.random.choice(deed.events())
    row["actor"] = other(deed.random, row["actor"])
    digest = hashed(row["prev"], row)
    deed.sql("UPDATE case_events SET actor = :a, hash = :h WHERE case_id = :case AND seq = :seq",
             a=row["actor"], h=digest, seq=row["seq"])  # fmt: skip
    return deed.change("edit with a new hash", seqs=(min(row["seq"] + 1, deed.last),))


def hashed(prev: str, row: Row) -> str:
    plain = {k: to_iso(v) if isinstance(v, datetime) else v for k, v in row.items()}
    return link_hash(prev, Link(*(plain[c] for c in Link._fields)))


def delete(deed: Deed) -> Change:
    row = deed.random.choice(deed.events())
    deed.drop(row["seq"])
    return deed.change("delete", seqs=(row["seq"],))


def append(deed: Deed) -> Change:
    """An event behind the last, as well made as any."""
    last = deed.events()[-1]
    row = {**last, "seq": deed.last + 1, "prev": last["hash"], "idem": "forged"}
    deed.put("case_events", {**row, "hash": hashed(row["prev"], row)})
    return deed.change("insert at the end", seqs=(deed.last + 1,))


def insert(deed: Deed) -> Change:
    """An event in between; those behind it move up by one."""
    events = deed.events()
    at = deed.random.randrange(1, len(events))
    for row in reversed(events[at:]):
        deed.sql("UPDATE case_events SET seq = seq + 1 WHERE case_id = :case AND seq = :seq", seq=row["seq"])
    made = {**deed.random.choice(events), "seq": at + 1, "prev": events[at - 1]["hash"]}
    deed.put("case_events", {**made, "hash": hashed(made["prev"], made)})
    # a copy of the very event that stood here is that event: then it is the moved one that does not fit
    return deed.change("insert", seqs=(at + 1, at + 2))


def swap(deed: Deed) -> Change:
    """Two events of one case change places."""
    first, second = sorted(deed.random.sample(deed.events(), 2), key=lambda row: row["seq"])
    for row in (first, second):
        deed.drop(row["seq"])
    for row, seq in ((first, second["seq"]), (second, first["seq"])):
        deed.put("case_events", row, seq=seq)
    return deed.change("swap", seqs=(first["seq"],))


def swap_between(deed: Deed) -> Change | None:
    """The events of the same place in two cases."""
    mine = deed.random.choice(deed.events())
    their = deed.random.choice([row for row in deed.others if row.id != deed.id])
    if their.last_seq < mine["seq"]:
        return None
    query = "SELECT * FROM case_events WHERE case_id = :their AND seq = :seq"
    found = dict(deed.sql(query, their=their.id, seq=mine["seq"]).mappings().one())
    deed.sql("DELETE FROM case_events WHERE case_id IN (:case, :their) AND seq = :seq", their=their.id, seq=mine["seq"])
    deed.put("case_events", mine, case_id=their.id)
    deed.put("case_events", found, case_id=deed.id)
    return Change("swap between cases", (deed.id, their.id), (deed.number, their.number), seqs=(mine["seq"],))


# -- what a chain alone cannot tell: the roots do


def _anchored(deed: Deed) -> int:
    return deed.sql("SELECT max(seq) FROM anchor_heads WHERE case_id = :case").scalar() or 0


def cut(deed: Deed) -> Change | None:
    """The tail goes and head and tables are written anew, as if it had never been."""
    covered = _anchored(deed)
    ends = [row["seq"] for row, then in _pairs(deed.events()) if row["idem"] != then["idem"] and row["seq"] < covered]
    if not ends:
        return None
    keep = deed.random.choice(ends)
    rewind(deed, keep)
    kept = deed.sql("SELECT seq FROM anchor_heads WHERE case_id = :case AND seq > :keep", keep=keep).scalars()
    return deed.change("cut tail, all rewritten", seqs=tuple(kept))


def _pairs(events: list[Row]) -> list[tuple[Row, Row]]:
    return list(zip(events, events[1:], strict=False))


def rewind(deed: Deed, keep: int) -> None:
    events = deed.events()
    for row in events[keep:]:
        deed.drop(row["seq"])
        deed.sql("DELETE FROM commands WHERE actor = :a AND idem = :i", a=row["actor"], i=row["idem"])
    deed.sql("UPDATE cases SET head = :h, last_seq = :s WHERE id = :case", h=events[keep - 1]["hash"], s=keep)
    state = rebuild(deed.session, deed.id)
    d, cal = deed.rt.definitions.by_sha(state.def_sha), deed.rt.calendars.for_area(state.area)
    rows = project(d, None, state, (), cal)
    for table in KEYS:
        if table == "outbox":
            deed.sql("DELETE FROM outbox WHERE case_id = :case AND seq > :s", s=keep)
            continue
        deed.sql(f"DELETE FROM {table} WHERE case_id = :case")
        for values in getattr(rows, table):
            deed.put(table, dict(zip(COLUMNS[table], values, strict=True)))
    said = dict(zip(CASE_COLUMNS, case_row(state, events[keep - 1]["hash"]), strict=True))
    deed.sql(f"UPDATE cases SET {', '.join(f'{c} = :{c}' for c in said)} WHERE id = :case", **said)
    deed.sql("UPDATE case_states SET seq = :s, format = :f, state = :t WHERE case_id = :case",
             s=state.seq, f=FORMAT, t=dump(state))  # fmt: skip


def rechain(deed: Deed) -> Change | None:
    """An event is changed and every hash behind it made anew, head included."""
    covered, events = _anchored(deed), deed.events()
    if not covered:
        return None
    at = deed.random.randrange(covered)
    prev = events[at - 1]["hash"] if at else GENESIS
    for row in events[at:]:
        row["recorded_at"] = other(deed.random, row["recorded_at"])
        row["prev"], row["hash"] = prev, hashed(prev, row)
        prev = row["hash"]
        deed.sql("UPDATE case_events SET recorded_at = :r, prev = :p, hash = :h WHERE case_id = :case AND seq = :s",
                 r=row["recorded_at"], p=row["prev"], h=row["hash"], s=row["seq"])  # fmt: skip
    deed.sql("UPDATE cases SET head = :h WHERE id = :case", h=prev)
    found = deed.sql("SELECT seq FROM anchor_heads WHERE case_id = :case AND seq > :at", at=at).scalars()
    return deed.change("edit, all rehashed", seqs=tuple(found))


def vanish(deed: Deed) -> Change | None:
    """The whole case goes."""
    if not _anchored(deed):
        return None
    for table in (*KEYS, "case_events", "case_states", "case_data", "commands"):
        deed.sql(f"DELETE FROM {table} WHERE case_id = :case")
    deed.sql("DELETE FROM cases WHERE id = :case")
    return deed.change("delete a case")


def forge_root(deed: Deed) -> Change:
    """A kept root, or a leaf of one."""
    leaf = deed.sql("SELECT case_id, day FROM anchor_heads ORDER BY case_id, day").all()
    chosen = deed.random.choice(leaf)
    values = {"id": chosen.case_id, "day": chosen.day}
    what = deed.random.choice(("root", "count", "leaf", "leaf gone", "day gone"))
    deed.sql(
        {
            "root": "UPDATE anchors SET merkle_root = reverse(merkle_root) WHERE day = :day",
            "count": "UPDATE anchors SET n_cases = n_cases + 1 WHERE day = :day",
            "leaf": "UPDATE anchor_heads SET seq = seq - 1, hash = 'x' WHERE case_id = :id AND day = :day",
            "leaf gone": "DELETE FROM anchor_heads WHERE case_id = :id AND day = :day",
            "day gone": "DELETE FROM anchors WHERE day = :day",
        }[what].replace("reverse(merkle_root)", "substr(merkle_root, 2) || 'f'"),
        **values,
    )
    return Change(f"roots: {what}", (), (), day=str(chosen.day))


# -- tables


def table_row(deed: Deed) -> Change | None:
    """A column of a row that follows from the events, or the whole row."""
    table = deed.random.choice((*KEYS, "commands", "case_states"))
    columns = COLUMNS.get(table, ("actor", "idem", "result") if table == "commands" else ("seq", "state"))
    found = deed.sql(f"SELECT {', '.join(columns)} FROM {table} WHERE case_id = :case").mappings().all()
    if not found:
        return None
    row = dict(deed.random.choice(found))
    keys = KEYS.get(table, ("actor", "idem") if table == "commands" else ())
    where = "case_id = :case" + "".join(f" AND {key} = :k_{key}" for key in keys)
    names = {f"k_{key}": row[key] for key in keys}
    if table != "case_states" and deed.random.random() < 0.3:
        deed.sql(f"DELETE FROM {table} WHERE {where}", **names)
        return deed.change(f"delete from {table}", row=f"{table} ")
    free = [c for c in columns if c not in {*keys, "case_id", "pauses", *OPEN_ENDED.get(table, ())}]
    column = deed.random.choice(free)
    value = other(deed.random, row[column])
    if row[column] is None and not column.endswith(("_s", "parent", "statutory_on", "promised_on")):
        value = "x"
    deed.sql(f"UPDATE {table} SET {column} = :v WHERE {where}", v=value, **names)
    return deed.change(f"edit {table}", row=table)


def case_column(deed: Deed) -> Change:
    """Whose case it is, what it is about, how it stands."""
    columns = (*OPEN_COLUMNS[1:], "def_sha", "area", "version", "data_rev", "received_at", "promised_on")
    column = deed.random.choice(columns)
    value = deed.sql(f"SELECT {column} FROM cases WHERE id = :case").scalar()
    new = other(deed.random, value)
    if value is None:
        new = "2026-01-05" if column == "promised_on" else to_iso(deed.rt.wall.now()) if "_at" in column else "x"
    deed.sql(f"UPDATE cases SET {column} = :v WHERE id = :case", v=new)
    number = new if column == "number" else deed.number
    return Change(f"edit cases.{column}", (deed.id,), (deed.number, str(number)))


WEIGHTED: tuple[tuple[Callable[[Deed], Change | None], int], ...] = (
    (edit, 8), (edit_and_hash, 2), (delete, 4), (append, 2), (insert, 3), (swap, 3), (swap_between, 2), (cut, 2),
    (rechain, 2), (vanish, 1), (forge_root, 2), (table_row, 5), (case_column, 2),
)  # fmt: skip
