"""The log of calls to registries: insert only, one hash chain for each registry, sealed by the portal's signature.

A row's hash covers the hash before it and every column of the row, so that a changed, dropped, inserted or exchanged
row is found where it stands. A chain for each registry, because callers of different registries then do not wait for
each other. The heads are sealed every minute in `exchange_seals`, each seal naming the one before and signed with a
key that is not in the database: whoever writes a chain anew is found by the seals, and whoever cuts the seals too, by
the copies that were taken out (`flask exchange seals`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from govservice.models.base import to_iso
from govservice.models.exchange import Exchange, ExchangeHead

GENESIS = "0" * 64
COLUMNS = (
    "seq", "id", "registry_code", "dataset", "case_id", "fact", "subject_id", "actor", "trigger", "grant_id",
    "purpose", "legal_basis", "attempt", "outcome", "http_status", "latency_ms", "fields", "request_sha",
    "response_sha", "at",
)  # fmt: skip
Row = dict[str, Any]
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode
_table, _heads = cast("Table", Exchange.__table__), cast("Table", ExchangeHead.__table__)


def row_hash(prev: str, values: Sequence[Any], consent: str | None = None) -> str:
    """The hash of a row after `prev`. `values` are those of COLUMNS, the last one (`at`) as canonical text; `consent`
    stands in it where there is one (the chain is older than consents are)."""
    more = [consent] if consent is not None else []
    return hashlib.sha256(_encode([prev, *values, *more]).encode()).hexdigest()


def append(session: Session, rows: Iterable[Row]) -> None:
    """Writes rows (columns of `exchanges` without seq and hashes) at the ends of their registries' chains.

    Holds the heads until the transaction ends, always in the same order: call it last.
    """
    rows = list(rows)
    if not rows:
        return
    heads = _held(session, sorted({row["registry_code"] for row in rows}))
    for row in rows:
        seq, head = heads[row["registry_code"]]
        row["seq"], row["prev_hash"] = seq + 1, head
        row["consent_id"] = row.get("consent_id")
        values = [*(row[name] for name in COLUMNS[:-1]), to_iso(row["at"])]
        row["row_hash"] = row_hash(head, values, row["consent_id"])
        heads[row["registry_code"]] = (seq + 1, row["row_hash"])
    session.execute(insert(_table), rows)
    moved = [{"code": code, "to": seq, "head": head} for code, (seq, head) in heads.items()]
    session.execute(
        update(_heads)
        .where(_heads.c.registry_code == bindparam("code"))
        .values(seq=bindparam("to"), hash=bindparam("head")),
        moved,
    )


def _held(session: Session, codes: Sequence[str]) -> dict[str, tuple[int, str]]:
    """Where the chains end, locked in one order. Chains that begin now get their rows before anything is locked: two
    callers who begin each other's chains would wait for each other for ever."""
    mine = _heads.c.registry_code.in_(codes)
    known = set(session.scalars(select(_heads.c.registry_code).where(mine)))
    if new := [code for code in codes if code not in known]:
        add = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
        values = [{"registry_code": code, "seq": 0, "hash": GENESIS, "sealed": 0} for code in new]
        session.execute(add(_heads).on_conflict_do_nothing(), values)
    rows = session.execute(
        select(_heads.c.registry_code, _heads.c.seq, _heads.c.hash)
        .where(mine)
        .order_by(_heads.c.registry_code)
        .with_for_update()
    )
    return {code: (seq, head) for code, seq, head in rows}


def heads(session: Session) -> Mapping[str, tuple[int, str]]:
    """Where each registry's chain ends: (rows, hash of the last)."""
    rows = session.execute(select(_heads.c.registry_code, _heads.c.seq, _heads.c.hash))
    return {code: (seq, head) for code, seq, head in rows}
