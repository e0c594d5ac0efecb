"""The tables held against the account of the events (I2, I5, I7): one owner for each open task, tokens, timers, clocks,
outbox, key, head, all as the events say, nothing beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from govservice.engine.evolve import evolve, fold
from govservice.engine.snapshot import FORMAT, dump, load
from govservice.engine.state import CaseState
from govservice.engine.types import Event
from govservice.models.base import to_iso
from tests.sim.reading import Case, Told, told

EVENTS = (
    "SELECT seq, at, type, actor, on_behalf_of, token_id, data, idem, case_id, recorded_at, v, prev, hash "
    "FROM case_events WHERE case_id = ? AND seq > ? ORDER BY seq"
)
CASES = (
    "SELECT version, head, last_seq, def_sha, area, data_rev, status, outcome, promised_on, statutory_on, closed_at, "
    "accepted_at, decided_at, received_at, delivered_at FROM cases WHERE id = ?"
)
TOKENS = "SELECT id, step, status, outcome, round, waits_for, person_id, scope, kind FROM tokens WHERE case_id = ?"
TASKS = (
    "SELECT opened_seq, token_id, step, role, department_id, assignee_id, status, due_at FROM tasks "
    "WHERE case_id = ? AND status IN ('open', 'waiting')"
)
TIMERS = (
    "SELECT token_id, key, due_at, clock_key, armed_seq, status FROM timers "
    "WHERE case_id = ? AND status IN ('armed', 'paused')"
)
CLOCKS = (
    "SELECT key, stopped_at, paused_since, statutory_on, promised_on, statutory, pauses FROM clocks WHERE case_id = ?"
)
OUTBOX = "SELECT id, topic FROM outbox WHERE case_id = ? AND seq > ?"
KEPT = "SELECT seq, format, state FROM case_states WHERE case_id = ?"
VISITS = "SELECT token_id, seq, step, left_at, waited_on FROM visits WHERE case_id = ? AND left_at IS NULL"


def text_of(value: Any) -> Any:
    if isinstance(value, datetime):
        return to_iso(value)
    return value.isoformat() if isinstance(value, date) else value


class Account:
    """One case: its reading, the head of its chain, and the engine's own fold carried along event by event."""

    def __init__(self, case_id: str) -> None:
        self.case = Case(case_id)
        self.head = "0" * 64
        self.state = CaseState()
        self.reached = 0  # last seq that was held against the tables

    def new_events(self, db: Any) -> list[Told]:
        """What came since the last look; the chain is verified on the way. Raises Broken (I4)."""
        found = []
        for row in db.rows(EVENTS, self.case.id, self.case.seq + len(found)):
            row = [text_of(v) for v in row]
            ev = told(row)
            said = [self.head, row[8], row[0], row[1], row[9], row[2], row[10], *row[3:8]]
            if ev.seq != self.case.seq + len(found) + 1 or row[11] != self.head or row[12] != link(said):
                raise Broken("I4", f"the chain does not hold at {ev.seq}")
            self.head = row[12]
            found.append(ev)
            self._fold(ev)
        return found

    def _fold(self, ev: Told) -> None:
        event = Event(ev.seq, ev.at, ev.type, 1, ev.actor, ev.on_behalf_of, ev.token, ev.data, ev.idem)
        if ev.seq % 16 == 0:  # now and then by the pure function, through the text of a state
            self.state = evolve(load(dump(self.state)), event)
        else:
            fold(self.state, event)
            self.state.journal.clear()


def link(said: list[Any]) -> str:
    text = json.dumps(said, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


class Broken(BaseException):
    """An invariant does not hold. `law`: which one. No Exception, so that the product cannot swallow what is found in
    the middle of something."""

    def __init__(self, law: str, what: str) -> None:
        self.law, self.what = law, what
        super().__init__(law, what)  # as they are: a report is sent to the process that asked for it

    def __str__(self) -> str:
        return f"{self.law}: {self.what}"


def compare(db: Any, account: Account, events: list[Told]) -> None:
    """Raises Broken for the first difference between the tables and the account."""
    for what in differences(db, account, events):
        raise Broken("I2", what)
    for what in effects(db, account, events):
        raise Broken("I5", what)
    account.reached = account.case.seq


def differences(db: Any, account: Account, events: list[Told]) -> Iterator[str]:
    case, id = account.case, account.case.id
    row = [text_of(v) for v in db.row(CASES, id)]
    marks = [case.marks.get(m) for m in ("accepted", "decided", "received", "delivered")]
    said = [case.batches, account.head, case.seq, case.sha, case.area, case.rev, case.status, case.outcome]
    if row[:8] != said:
        yield f"cases says {row[:8]}, the events {said}"
    if row[10:] != [case.closed_at, *marks]:
        yield f"cases says {row[10:]}, the events {[case.closed_at, *marks]}"
    running = [limit for limit in case.limits.values() if limit.running]
    last = max(running, key=lambda c: c.started, default=None)
    days = [last.promised_on or last.statutory_on, last.statutory_on] if last else [None, None]
    if row[8:10] != days:
        yield f"the case is due {row[8:10]}, its running limit {days}"
    kept = db.row(KEPT, id)
    if kept is None or kept[0] != case.seq or kept[1] != FORMAT or kept[2] != dump(account.state):
        yield "the kept state is not the fold of the events"
    yield from _rows("tokens", _tokens(db, id), _said_tokens(case))
    yield from _rows("tasks", _tasks(db, id), _said_tasks(case))
    yield from _rows(
        "timers", _timers(db, id), {k: (*t, "armed" if t[0] else "paused") for k, t in case.timers.items()}
    )
    yield from _rows("clocks", _clocks(db, id), _said_clocks(case))
    open_stays = {(r[0], r[2]) for r in db.rows(VISITS, id)}
    stays = {(t.id, t.step) for t in case.tokens.values() if t.open}
    if open_stays != stays:
        yield f"stays that run are {sorted(open_stays)}, tokens stand at {sorted(stays)}"


def _rows(table: str, found: dict[Any, Any], said: dict[Any, Any]) -> Iterator[str]:
    if found != said:
        for key in {*found, *said}:
            if found.get(key) != said.get(key):
                yield f"{table} {key}: the table says {found.get(key)}, the events {said.get(key)}"


def _tokens(db: Any, id: str) -> dict[Any, Any]:
    return {row[0]: tuple(row[1:]) for row in db.rows(TOKENS, id)}


def _said_tokens(case: Case) -> dict[Any, Any]:
    return {
        t.id: (t.step, t.status, t.outcome, t.round, t.waits_for, t.person, t.scope, t.kind)
        for t in case.tokens.values()
    }


def _tasks(db: Any, id: str) -> dict[Any, Any]:
    return {row[0]: (*row[1:7], text_of(row[7])) for row in db.rows(TASKS, id)}


def _said_tasks(case: Case) -> dict[Any, Any]:
    """Each with the earliest of its step's date and those of the limits that run."""
    common = [limit_end(case, key, kind) for key, limit in case.limits.items() if limit.running for kind in (0, 1)]
    found = {}
    for seq, t in case.tasks.items():
        mine = case.stays.get(t["token"], (None, None))[1]
        due = min((at for at in (mine, *common) if at is not None), default=None)
        found[seq] = (t["token"], t["step"], t["role"], t["department"], t["assignee"], t["status"], due)
    return found


def limit_end(case: Case, key: str, kind: int) -> str | None:
    """24:00 of the promised (1) or statutory (0) day of a running limit, in China."""
    limit = case.limits[key]
    day = (limit.statutory_on, limit.promised_on)[kind]
    return f"{day}T16:00:00.000000Z" if day else None


def _timers(db: Any, id: str) -> dict[Any, Any]:
    return {(r[0], r[1]): (text_of(r[2]), r[3], r[4], r[5]) for r in db.rows(TIMERS, id)}


def _clocks(db: Any, id: str) -> dict[Any, Any]:
    found = {}
    for row in db.rows(CLOCKS, id):
        row = [text_of(v) for v in row]
        if row[0].startswith("limit:"):
            pauses = json.loads(row[6]) if isinstance(row[6], str) else row[6]
            found[row[0]] = (*row[1:6], pauses)
        elif row[1] is None:
            found[int(row[0].split(":")[1])] = (row[5], f"{row[3]}T16:00:00.000000Z" if row[3] else None)
    return found


def _said_clocks(case: Case) -> dict[Any, Any]:
    said: dict[Any, Any] = {
        key: (c.stopped, c.pauses[-1][0] if c.paused else None, c.statutory_on, c.promised_on, c.statutory, c.pauses)
        for key, c in case.limits.items()
    }
    return said | {token: (limit, due) for token, (limit, due) in case.stays.items()}


def effects(db: Any, account: Account, events: list[Told]) -> Iterator[str]:
    """I5: one row for each effect that an event names, and none that no event named."""
    wanted = {f"{account.case.id}:{ev.seq}:{t}": t for ev in events for t in ev.data.get("effects", ())}
    found = dict(tuple(row) for row in db.rows(OUTBOX, account.case.id, account.reached))
    if wanted != found:
        yield f"outbox differs at {sorted(set(wanted) ^ set(found))}"
