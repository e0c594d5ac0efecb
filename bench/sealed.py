"""How long the check of the whole log of exchanges takes (`flask exchange verify`); ROWS says of how many (100,000)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import cast

from sqlalchemy import Table, insert

from bench.figure import Figure, figure
from bench.office import KEYRING, MONDAY
from govservice.exchange import log, seals
from govservice.models import migrate
from govservice.models.base import new_id, to_iso
from govservice.models.exchange import Exchange, ExchangeHead
from govservice.models.session import Database, make_engine

REGISTRIES = ("population", "enterprises", "real_estate", "tax")
AT_ONCE = 5_000
MILLION = 1_000_000


def figures() -> Iterator[Figure]:
    rows = int(os.environ.get("ROWS") or 100_000)
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{Path(folder) / 'log.db'}", synchronous="OFF")
        migrate.upgrade(engine)
        database = Database(engine, KEYRING)
        _write(database, rows)
        with database.read() as session:
            began = perf_counter()
            report = seals.verify(session, KEYRING.signer)
            seconds = perf_counter() - began
        assert (report.exchanges, report.faults) == (rows, ())
        engine.dispose()
    yield figure("exchange.verify_rows", rows, "rows")
    yield figure("exchange.verify_a_million", seconds * MILLION / rows, "s", 60)


def _write(database: Database, rows: int) -> None:
    """A log of so many calls, chained as the gateway chains them, and one seal."""
    table, heads = cast("Table", Exchange.__table__), cast("Table", ExchangeHead.__table__)
    ends = dict.fromkeys(REGISTRIES, (0, log.GENESIS))
    for first in range(0, rows, AT_ONCE):
        batch = []
        for number in range(first, min(first + AT_ONCE, rows)):
            code = REGISTRIES[number % len(REGISTRIES)]
            seq, head = ends[code]
            row = {
                "id": new_id(), "registry_code": code, "dataset": f"{code}/1", "case_id": new_id(), "fact": "applicant",
                "subject_id": new_id(), "actor": new_id(), "trigger": "prefill", "grant_id": "GR-2031",
                "purpose": "IDENTIFY", "legal_basis": "art. 31", "attempt": 1, "outcome": "ok", "http_status": 200,
                "latency_ms": 60, "fields": ["person.name", "person.national_id"], "request_sha": "0" * 64,
                "response_sha": "0" * 64, "consent_id": None, "at": MONDAY, "seq": seq + 1, "prev_hash": head,
            }  # fmt: skip
            row["row_hash"] = log.row_hash(head, [*(row[name] for name in log.COLUMNS[:-1]), to_iso(MONDAY)])
            ends[code] = (seq + 1, str(row["row_hash"]))
            batch.append(row)
        with database.write() as session:
            session.execute(insert(table), batch)
    with database.write() as session:
        kept = [{"registry_code": c, "seq": s, "hash": h, "sealed": 0} for c, (s, h) in ends.items()]
        session.execute(insert(heads), kept)
        session.flush()
        seals.seal(session, KEYRING.signer, MONDAY)
