"""Whether a step costs more in a full table than in an empty one, and how many steps several processes make together.

One database grows by `flask demo bulk`; a second one on the same server keeps its first 1,000 cases. At each size
cases are played in both, turn by turn; the exponent is that of the median ratio against the ratio of the sizes. `SIZE`
says how far it grows (10,000 by default).
"""

from __future__ import annotations

import itertools
import math
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from bench.durable import server
from bench.figure import Figure, figure
from bench.office import Office
from config import from_env
from govservice.models import migrate
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations import demo_bulk
from govservice.operations.startup import open_runtime

SIZES = (1_000, 10_000, 100_000, 1_000_000)
LARGEST = int(os.environ.get("SIZE") or 10_000)
REPEATS = 15  # pairs of cases of nine steps at each size
EXPONENT = 0.05
PROCESSES = (1, 2, 4, 8)
SECONDS = 6.0


def figures() -> Iterator[Figure]:
    with server() as url, tempfile.TemporaryDirectory() as folder:
        engine = make_engine(url)
        migrate.upgrade(engine)
        engine.dispose()
        environ = {"GOVSERVICE_MODE": "demo", "VAR_DIR": folder, "DATABASE_URL": url, "LOG_LEVEL": "ERROR"}
        settings = from_env(environ)
        rt = open_runtime(settings)
        keyring = Keyring(dict(settings.keks), settings.index_key)
        yield from _growth(rt, url, keyring)
        yield from _together(url, dict(settings.keks), settings.index_key)
        rt.gateway.close()
        rt.database.engine.dispose()


def _growth(rt: Any, url: str, keyring: Keyring) -> Iterator[Figure]:
    yield from _filled(rt, SIZES[0], 0)
    small_engine = make_engine(_twin(url))
    small, full = Office(Database(small_engine, keyring)), Office(rt.database)
    there = SIZES[0]
    for size in (s for s in SIZES[1:] if s <= LARGEST):
        yield from _filled(rt, size, there)
        there = size
        for office in (small, full):
            office.play(office.draft())
        pairs = [(_step(small), _step(full)) for _ in range(REPEATS)]
        ratio = median(dear / cheap for cheap, dear in pairs)
        yield figure(f"size.step_us.{size}", median(dear for _, dear in pairs) * 1e6, "us")
        yield figure(f"size.step_over_step_at_{SIZES[0]}.{size}", ratio, "ratio")
        yield figure(f"size.exponent.{size}", math.log(ratio) / math.log(size / SIZES[0]), "", EXPONENT)
    small_engine.dispose()


def _filled(rt: Any, size: int, there: int) -> Iterator[Figure]:
    began = perf_counter()
    demo_bulk.bulk(rt, size - there, lambda *_: None, processes=os.cpu_count() or 1)
    yield figure(f"bulk.cases_per_s.to_{size}", (size - there) / (perf_counter() - began), "1/s")


def _twin(url: str) -> str:
    """A copy of the database as it is, on the same server."""
    plain = make_url(url).set(drivername="postgresql")
    admin = plain.set(database="template1").render_as_string(hide_password=False)
    with psycopg.connect(admin, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (plain.database,)
        )
        connection.execute(f'CREATE DATABASE small TEMPLATE "{plain.database}"')
    return make_url(url).set(database="small").render_as_string(hide_password=False)


def _step(office: Office) -> float:
    draft = office.draft()
    began = perf_counter()
    steps = office.play(draft)
    return (perf_counter() - began) / steps


def _together(url: str, keks: dict[str, bytes], index_key: bytes) -> Iterator[Figure]:
    spawn = multiprocessing.get_context("spawn")
    for count in PROCESSES:
        start = spawn.Barrier(count)
        with spawn.Pool(count, _ready, (start, url, keks, index_key)) as pool:
            steps = sum(pool.map(_play, range(count), chunksize=1))
        yield figure(f"engine.steps_per_s.postgresql.{count}_processes", steps / SECONDS, "1/s")


_ground: tuple[Any, Office] | None = None


def _ready(start: Any, url: str, keks: dict[str, bytes], index_key: bytes) -> None:
    global _ground
    _ground = (start, Office(Database(make_engine(url), Keyring(keks, index_key))))


def _play(_: int) -> int:
    """Steps within the time, all processes at once."""
    assert _ground is not None
    start, office = _ground
    office.count = iter(f"{os.getpid()}:{n}" for n in itertools.count(1))
    office.play(office.draft())
    start.wait(120)
    steps, until = 0, time.monotonic() + SECONDS
    while time.monotonic() < until:
        steps += office.play(office.draft())
    return steps
