"""Seals over the log of exchanges: what the chains said at a minute, signed; and the check of all of it.

A seal names the heads that moved since the seal before, and that seal's hash. Its text is a JWS of canonical JSON
(RFC 8785), so that a copy kept elsewhere is checked with the public key alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

import rfc8785
from sqlalchemy import Table, select
from sqlalchemy.orm import Session

from govservice.errors import Tampered
from govservice.exchange.log import COLUMNS, GENESIS, heads, row_hash
from govservice.models.base import new_id, to_iso
from govservice.models.exchange import Exchange, ExchangeHead, ExchangeSeal
from govservice.models.signing import Signer

FORMAT = 1
_table = cast("Table", Exchange.__table__)


@dataclass(frozen=True, slots=True)
class LogFault:
    """What does not agree. `registry` and `seq` say where in the log, None for a seal as such."""

    registry: str | None
    seq: int | None
    what: str


@dataclass(frozen=True, slots=True)
class LogReport:
    exchanges: int
    registries: int
    seals: int
    faults: tuple[LogFault, ...]


def seal(session: Session, signer: Signer, now: datetime) -> ExchangeSeal | None:
    """Seals the heads that have moved since the last seal, in the caller's transaction; None where none has."""
    moved = session.scalars(
        select(ExchangeHead)
        .where(ExchangeHead.seq > ExchangeHead.sealed)
        .order_by(ExchangeHead.registry_code)
        .with_for_update()
    ).all()
    if not moved:
        return None
    last = session.scalars(select(ExchangeSeal).order_by(ExchangeSeal.n.desc()).limit(1)).one_or_none()
    number = last.n + 1 if last else 1
    content: dict[str, Any] = {
        "format": FORMAT,
        "n": number,
        "at": to_iso(now),
        "previous": _sha(last.jws) if last else GENESIS,
        "heads": {head.registry_code: [head.seq, head.hash] for head in moved},
    }
    kept = ExchangeSeal(id=new_id(), n=number, at=now, key_id=signer.key_id, jws=signer.sign(rfc8785.dumps(content)))
    for head in moved:
        head.sealed = head.seq
    session.add(kept)
    session.flush()
    return kept


def due(session: Session) -> bool:
    """Whether anything has been logged since the last seal."""
    return session.scalar(select(ExchangeHead.registry_code).where(ExchangeHead.seq > ExchangeHead.sealed)) is not None


def seals(session: Session, number: int = 1) -> Iterator[str]:
    """The text of every seal from `number` on, oldest first: what an operator keeps elsewhere."""
    wanted = select(ExchangeSeal.jws).where(ExchangeSeal.n >= number).order_by(ExchangeSeal.n)
    yield from session.scalars(wanted.execution_options(yield_per=1000))


def verify(session: Session, signer: Signer, exported: Iterable[str] = ()) -> LogReport:
    """Reads the whole log once and names everything that does not agree. `exported`: seals that were kept elsewhere."""
    book = _Book(signer)
    for text in seals(session):
        book.kept(text)
    for text in filter(None, (line.strip() for line in exported)):
        book.exported(text)
    rows, ends = _read_rows(session, book)
    said = heads(session)
    for code in sorted({*said, *ends}):
        told, found = said.get(code, (0, GENESIS)), ends.get(code, (0, GENESIS))
        if told[0] > found[0]:
            book.fault(code, found[0] + 1, "the rows from here to the end are missing")
        elif told != found:
            book.fault(code, found[0], "it is not where the chain was said to end")
    for code, seq in sorted(book.heads):
        book.fault(code, seq, "it was sealed, and is missing")
    return LogReport(rows, len(ends), book.count, tuple(dict.fromkeys(book.faults)))


class _Book:
    """What the seals say: the hash of a row by (registry, seq), and what was found wrong so far."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer
        self.heads: dict[tuple[str, int], str] = {}
        self.faults: list[LogFault] = []
        self.count = 0
        self.before = GENESIS

    def fault(self, registry: str | None, seq: int | None, what: str) -> None:
        self.faults.append(LogFault(registry, seq, what))

    def kept(self, text: str) -> None:
        """The next seal of the table: signed by us, numbered and linked like a chain."""
        self.count += 1
        content = self._read(text, f"seal {self.count}")
        if content is not None and (content["n"], content["previous"]) != (self.count, self.before):
            self.fault(None, None, f"seal {self.count} does not follow the one before")
        self.before = _sha(text)

    def exported(self, text: str) -> None:
        """A seal that was kept elsewhere: the table must reach as far."""
        content = self._read(text, "a seal of the copy")
        if content is not None and content["n"] > self.count:
            self.fault(None, None, f"seal {content['n']} is missing")

    def _read(self, text: str, name: str) -> Any:
        try:
            content = json.loads(self.signer.check(text))
        except Tampered:
            self.fault(None, None, f"{name} is not ours")
            return None
        for code, (seq, head) in content["heads"].items():
            if self.heads.setdefault((code, seq), head) != head:
                self.fault(code, seq, "two seals differ about it")
        return content


def _read_rows(session: Session, book: _Book) -> tuple[int, dict[str, tuple[int, str]]]:
    """Walks every chain and crosses off the sealed heads it meets. The number of rows, and where each chain ends."""
    columns = [_table.c[name] for name in (*COLUMNS, "consent_id", "prev_hash", "row_hash")]
    found = session.execute(
        select(*columns).order_by(_table.c.registry_code, _table.c.seq).execution_options(yield_per=5000)
    )
    code, at, prev, rows = "", 0, GENESIS, 0
    ends: dict[str, tuple[int, str]] = {}
    for *values, moment, consent, said_prev, said_hash in found:
        rows += 1
        seq = values[0]
        if values[2] != code:
            code, at, prev = values[2], 0, GENESIS
        if seq != at + 1:
            book.fault(code, min(seq, at + 1), "a row is missing here")
        elif said_prev != prev:
            book.fault(code, seq, "it does not follow the row before")
        if row_hash(said_prev, [*values, to_iso(moment)], consent) != said_hash:
            book.fault(code, seq, "it was changed")
        if book.heads.pop((code, seq), said_hash) != said_hash:
            book.fault(code, seq, "it is not what was sealed")
        at, prev = seq, said_hash
        ends[code] = (seq, said_hash)
    return rows, ends


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
