"""Four registries asked at once over real HTTP, against the slowest of the four calls."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter

from sqlalchemy import select

from bench.figure import Figure, figure, quantile
from bench.stage import Stage
from config import ROOT
from govservice.exchange import prefill
from govservice.exchange.gateway import Gateway
from govservice.models.cases import Case
from govservice.operations import filing

ROUNDS, DELAY_MS = 60, 40


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
    gateway.close()
    yield figure("exchange.prefill_4_p50", median(seconds) * 1e3, "ms")
    yield figure("exchange.prefill_4_p95", quantile(seconds, 0.95) * 1e3, "ms")
    yield figure("exchange.prefill_4_to_slowest_call_p95", quantile(ratios, 0.95), "ratio", 1.15)
