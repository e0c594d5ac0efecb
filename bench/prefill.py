"""Four registries asked at once over real HTTP, against the slowest of the four calls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from statistics import median
from time import perf_counter

import httpx
from sqlalchemy import select

from bench.figure import Figure, figure, quantile
from bench.stage import Stage
from config import ROOT
from govservice.exchange import prefill
from govservice.exchange.gateway import Gateway
from govservice.exchange.queries import Wanted
from govservice.models.cases import Case
from govservice.models.session import Database
from govservice.operations import filing

ROUNDS, DELAY_MS = 60, 40
HANGS, BUDGET = 20, 0.3  # seconds


def figures(stage: Stage) -> Iterator[Figure]:
    command = [sys.executable, "-m", "govservice.exchange.sandbox", "--port", "0", "--delay-ms", str(DELAY_MS)]
    with subprocess.Popen([*command, "--sigma", "0.2"], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split()[2].rstrip(",")
            yield from _rounds(stage, url)
        finally:
            process.terminate()
            process.wait(timeout=10)


def _rounds(stage: Stage, url: str) -> Iterator[Figure]:
    rt = stage.rt
    registries = rt.definitions.catalogue.registries.values()
    gateway = Gateway(rt.definitions.catalogue, {r.endpoint: f"{url}/{r.registry}" for r in registries})
    actor = stage.citizen("wang.fang")
    number = filing.start(rt, actor, "open_restaurant", idem="bench-prefill", now=rt.now())
    compiled = rt.definitions.current("open_restaurant")
    with rt.read() as session:
        case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
        wanted, _ = prefill.needs(session, gateway.catalogue, compiled, case_id, actor, rt.now(), (), "prefill")
    seconds, ratios = [], []
    for turn in range(ROUNDS + 5):
        began = perf_counter()
        results = gateway.ask(rt.database, wanted)
        took = perf_counter() - began
        calls = [call.latency_ms for result in results for call in result.calls]
        assert len(calls) == len(wanted) == 4, "four registries"
        if turn >= 5:
            seconds.append(took)
            ratios.append(took * 1000 / max(calls))
    overrun = _overrun(rt.database, gateway, wanted, url)
    gateway.close()
    yield figure("exchange.prefill_4_p50", median(seconds) * 1e3, "ms")
    yield figure("exchange.prefill_4_p95", quantile(seconds, 0.95) * 1e3, "ms")
    yield figure("exchange.prefill_4_to_slowest_call_p95", quantile(ratios, 0.95), "ratio", 1.15)
    yield figure("exchange.hanging_registries_over_budget_max", overrun * 1e3, "ms", 50)


def _overrun(database: Database, gateway: Gateway, wanted: Sequence[Wanted], url: str) -> float:
    """By how many seconds a page with four hanging registries outlasts its budget, at worst."""
    for registry in {wanted_one.sources[0][0].partition("/")[0] for wanted_one in wanted}:
        httpx.post(f"{url}/_admin/faults", json={"registry": registry, "mode": "hang"}).raise_for_status()
    worst = 0.0
    for _ in range(HANGS):
        began = perf_counter()
        gateway.ask(database, wanted, BUDGET)
        worst = max(worst, perf_counter() - began - BUDGET)
    return worst
