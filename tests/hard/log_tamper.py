"""Somebody with every right on the database changes the log of exchanges; the check must find it and name the row.

`python -m tests.hard.log_tamper [--count N] [--seed S] [--database sqlite|postgresql]`. Each change is made with the
guards off, looked for as `flask exchange verify --seals` does, and rolled back. Exit 1 where one was missed or
misplaced.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, cast

from sqlalchemy import Table, delete, insert, select, text, update
from sqlalchemy.orm import Session

from govservice.exchange import log, seals
from govservice.exchange.seals import LogFault
from govservice.models.base import new_id, to_iso
from govservice.models.exchange import Exchange, ExchangeHead, ExchangeSeal
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.hard.servers import serving
from tests.hard.told import on_each
from tests.support.clock import MONDAY

KEYRING = Keyring({"test1": bytes(range(32))}, bytes(range(32, 64)))
REGISTRIES = ("population", "enterprises", "real_estate", "tax")
LOG, HEADS, SEALS = (cast("Table", model.__table__) for model in (Exchange, ExchangeHead, ExchangeSeal))


def row(random: Random, number: int) -> dict[str, Any]:
    """A call as the gateway logs it."""
    granted = random.random() < 0.9
    return {
        "id": new_id(), "registry_code": random.choice(REGISTRIES), "dataset": "population/2",
        "case_id": random.choice([None, new_id()]), "fact": "applicant", "subject_id": new_id(), "actor": new_id(),
        "trigger": random.choice(["prefill", "submit", "decision"]), "grant_id": "GR-2031" if granted else None,
        "purpose": "IDENTIFY", "legal_basis": "《行政许可法》第三十一条" if granted else None, "attempt": 1,
        "outcome": "ok" if granted else "denied", "http_status": 200 if granted else None,
        "latency_ms": random.randrange(900), "fields": ["person.name"] if granted else [], "response_sha": None,
        "request_sha": f"{random.getrandbits(256):064x}", "at": MONDAY + timedelta(seconds=number),
    }  # fmt: skip


def population(database: Database, count: int, seed: int = 3) -> list[str]:
    """A log of `count` calls with a seal now and then and one at the end; the seals as they were taken out."""
    random = Random(seed)
    for number in range(0, count, 5):
        with database.write() as session:
            log.append(session, [row(random, number + more) for more in range(min(5, count - number))])
            if random.random() < 0.3:
                seals.seal(session, KEYRING.signer, MONDAY)
    with database.write() as session:
        seals.seal(session, KEYRING.signer, MONDAY)
        return list(seals.seals(session))


@dataclass
class Deed:
    """What a change has to act on: the rows of one registry in order, and the kept seals."""

    random: Random
    session: Session
    code: str
    rows: Sequence[Any]
    sealed: Sequence[Any]

    @property
    def any(self) -> Any:
        return self.random.choice(self.rows)


@dataclass(frozen=True)
class Change:
    """`seqs`: rows of `code` one of which must be named; none: a seal must be."""

    kind: str
    code: str | None
    seqs: tuple[int, ...] = ()

    def names(self, fault: LogFault) -> bool:
        return fault.registry == self.code and (not self.seqs or fault.seq in self.seqs)


def edit(deed: Deed) -> Change:
    """One column of one row gets another value."""
    found, name = deed.any, deed.random.choice([*log.COLUMNS[3:], "prev_hash", "row_hash"])
    old = getattr(found, name)
    new: Any
    if isinstance(old, int) or name == "http_status":
        new = (old or 0) + 1
    elif name == "fields":
        new = [*old, "person.address"]
    elif name == "at":
        new = old + timedelta(microseconds=1)
    else:
        new = (old or "")[:-1] + ("y" if (old or "").endswith("x") else "x")
    deed.session.execute(update(LOG).where(LOG.c.id == found.id).values({name: new}))
    return Change(f"edit {name}", deed.code, (found.seq, found.seq + 1))


def drop(deed: Deed) -> Change:
    found = deed.any
    deed.session.execute(delete(LOG).where(LOG.c.id == found.id))
    return Change("delete", deed.code, (found.seq,))


def put_in(deed: Deed) -> Change:
    """A copy of a row behind the end, with a hash that fits."""
    last, found = deed.rows[-1], deed.any
    new = {**found._mapping, "id": new_id(), "seq": last.seq + 1, "prev_hash": last.row_hash}
    new["row_hash"] = log.row_hash(last.row_hash, [*(new[n] for n in log.COLUMNS[:-1]), to_iso(new["at"])])
    deed.session.execute(insert(LOG), [new])
    return Change("insert", deed.code, (last.seq + 1,))


def swap(deed: Deed) -> Change | None:
    """Two rows change places, hashes and all."""
    if len(deed.rows) < 2:
        return None
    one, two = deed.random.sample(list(deed.rows), 2)
    deed.session.execute(update(LOG).where(LOG.c.id == one.id).values(seq=-1))
    deed.session.execute(update(LOG).where(LOG.c.id == two.id).values(seq=one.seq))
    deed.session.execute(update(LOG).where(LOG.c.id == one.id).values(seq=two.seq))
    return Change("swap", deed.code, (one.seq, two.seq))


def rewrite(deed: Deed) -> Change:
    """A row is changed and every hash from there to the head is made anew: only the seals know."""
    found = deed.any
    prev = found.prev_hash
    for each in deed.rows[found.seq - 1 :]:
        values = {**each._mapping, **({"outcome": "no_record"} if each.id == found.id else {})}
        made = log.row_hash(prev, [*(values[n] for n in log.COLUMNS[:-1]), to_iso(values["at"])])
        changed = {"outcome": values["outcome"], "prev_hash": prev, "row_hash": made}
        deed.session.execute(update(LOG).where(LOG.c.id == each.id).values(changed))
        prev = made
    deed.session.execute(update(HEADS).where(HEADS.c.registry_code == deed.code).values(hash=prev))
    return Change("rewrite", deed.code, tuple(range(found.seq, len(deed.rows) + 1)))


def cut(deed: Deed) -> Change:
    """The end of a chain goes, its head is set back, and every seal that knows it goes too."""
    keep = deed.random.randrange(len(deed.rows))
    deed.session.execute(delete(LOG).where(LOG.c.registry_code == deed.code, LOG.c.seq > keep))
    head = {"seq": keep, "hash": deed.rows[keep - 1].row_hash if keep else log.GENESIS, "sealed": keep}
    deed.session.execute(update(HEADS).where(HEADS.c.registry_code == deed.code).values(head))
    deed.session.execute(delete(SEALS).where(SEALS.c.n > deed.random.randrange(len(deed.sealed))))
    return Change("cut", deed.code, tuple(range(keep + 1, len(deed.rows) + 1)))


def change_seal(deed: Deed) -> Change:
    found = deed.random.choice(deed.sealed)
    at = deed.random.randrange(len(found.jws))
    changed = found.jws[:at] + deed.random.choice("ABCabc123") + found.jws[at + 1 :]
    text_now = changed if changed != found.jws else found.jws[1:]
    deed.session.execute(update(SEALS).where(SEALS.c.n == found.n).values(jws=text_now))
    return Change("edit seal", None)


def drop_seal(deed: Deed) -> Change:
    found = deed.random.choice(deed.sealed)
    deed.session.execute(delete(SEALS).where(SEALS.c.n == found.n))
    return Change("delete seal", None)


MAKES: tuple[Callable[[Deed], Change | None], ...] = (
    edit, edit, edit, drop, put_in, swap, rewrite, cut, change_seal, drop_seal,
)  # fmt: skip


@dataclass
class Tally:
    made: Counter[str] = field(default_factory=Counter)
    missed: list[str] = field(default_factory=list)
    misplaced: list[str] = field(default_factory=list)
    alarms: int = 0

    @property
    def ok(self) -> bool:
        return not (self.missed or self.misplaced or self.alarms)


def tampered(database: Database, outside: Sequence[str], random: Random, count: int) -> Tally:
    """Makes `count` changes one by one and looks for each."""
    tally = Tally()
    while sum(tally.made.values()) < count:
        with database.write() as session:
            _guards_off(session)
            code = random.choice(REGISTRIES)
            rows = session.execute(select(LOG).where(LOG.c.registry_code == code).order_by(LOG.c.seq)).all()
            sealed = session.execute(select(SEALS).order_by(SEALS.c.n)).all()
            change = random.choice(MAKES)(Deed(random, session, code, rows, sealed)) if rows else None
            if change is not None:
                tally.made[change.kind] += 1
                faults = seals.verify(session, KEYRING.signer, outside).faults
                if not faults:
                    tally.missed.append(repr(change))
                elif not any(change.names(fault) for fault in faults):
                    tally.misplaced.append(f"{change!r}: {faults[0]!r}")
            session.rollback()
    with database.read() as session:
        tally.alarms = len(seals.verify(session, KEYRING.signer, outside).faults)
    return tally


def _guards_off(session: Session) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL session_replication_role = replica"))
        return
    for name in session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).all():
        session.execute(text(f"DROP TRIGGER {name}"))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hard.log_tamper")
    parser.add_argument("--count", type=int, default=10_000, help="changes on each database")
    parser.add_argument("--rows", type=int, default=120)

    def play(kind: str, given: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
        with serving(kind) as server:
            engine = make_engine(server.url)
            try:
                database = Database(engine, KEYRING)
                tally = tampered(database, population(database, given.rows), Random(given.seed), given.count)
            finally:
                engine.dispose()
        return tally.ok, {
            "changes": sum(tally.made.values()), "kinds": dict(tally.made), "missed": tally.missed[:5],
            "misplaced": tally.misplaced[:5], "false alarms": tally.alarms,
        }  # fmt: skip

    return on_each(parser, arguments, play)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
