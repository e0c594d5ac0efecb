"""What the exchange promises, measured against the sandbox of registries as a process of its own over HTTP, with the
delays of registries as they are: log-normal, half of the answers within 60 ms (sigma 0.7)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

import httpx
from sqlalchemy import func, select

from bench import relief
from bench.figure import Figure, figure, quantile
from bench.relief import PDF
from bench.stage import Stage
from config import ROOT
from govservice.engine import Actor
from govservice.errors import PortalError
from govservice.exchange import prefill
from govservice.exchange.gateway import BUDGET, Gateway
from govservice.exchange.outcomes import SAYS_NOTHING, Outcome
from govservice.exchange.queries import Wanted
from govservice.exchange.views import current_facts, fact_values
from govservice.models.casedata import Form
from govservice.models.cases import Case
from govservice.models.exchange import Exchange
from govservice.operations import filing
from govservice.operations.runtime import Runtime

AT_ONCE = 8  # registries
ROUNDS, MEDIAN_MS, SIGMA = 150, 60, 0.7
ORDINARY = 400  # rounds before anything is measured: then as many second tries are saved up as ever (`pace.MOST_SAVED`)
FORMS = 120  # applications under mixed faults
SERVICES = (("open_restaurant", True), ("household_move", False), ("minimum_living_allowance", False))
REASONS = ("own_home", "rented", "job", "talent", "study")  # each calls for a register of its own
MIXED = (
    "hang", "reset", "drip", "status_500", "html_502", "status_429", "malformed", "wrong_schema", "wrong_person",
    "redirect", "huge", "deep", "html_200", "status_403",
)  # fmt: skip
NOT_CALLED = (Outcome.BREAKER_OPEN, Outcome.DENIED, Outcome.REFUSED)


@dataclass
class Sandbox:
    """The registries as a process; `script` says what the next calls of one meet."""

    url: str

    def script(self, registry: str, modes: Sequence[str | None]) -> None:
        script = [None if mode is None else {"mode": mode, "seconds": 5} for mode in modes]
        httpx.post(f"{self.url}/_admin/faults", json={"registry": registry, "script": script}, timeout=20)

    def reset(self) -> None:
        httpx.delete(f"{self.url}/_admin/faults", timeout=20).raise_for_status()

    def calls(self) -> int:
        return sum(httpx.get(f"{self.url}/_admin/faults", timeout=20).json()["calls"].values())


@contextmanager
def sandbox(median_ms: float, sigma: float) -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "govservice.exchange.sandbox", "--port", "0"]
    delays = ["--delay-ms", str(median_ms), "--sigma", str(sigma)]
    with subprocess.Popen([*command, *delays], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Sandbox(process.stdout.readline().split()[2].rstrip(","))
        finally:
            process.terminate()
            process.wait(timeout=10)


def figures(stage: Stage) -> Iterator[Figure]:
    with sandbox(MEDIAN_MS, SIGMA) as registries:
        rt = _with_door(stage.rt, registries)
        wanted = _wanted(stage, rt)
        for _ in range(ORDINARY):  # as on any day: from its log the portal knows how long each registry takes
            rt.gateway.fetch(rt.database, wanted)
        rt.gateway.close()
        rt = _with_door(stage.rt, registries)  # a process reads the log once a minute: a new one at once
        yield from _healthy(rt, wanted)
        yield from _faulty(rt, wanted, registries)
        rt.gateway.close()
    with sandbox(3, 0.3) as registries:
        rt = _with_door(stage.rt, registries)
        yield from relief.figures(stage, rt)
        yield from _mixed(stage, rt, registries)
        rt.gateway.close()


def _with_door(rt: Runtime, registries: Sandbox) -> Runtime:
    """The same portal with a door of its own to these registries, none of them in disgrace."""
    catalogue = rt.definitions.catalogue
    endpoints = {r.endpoint: f"{registries.url}/{r.registry}" for r in catalogue.registries.values()}
    return replace(rt, gateway=Gateway(catalogue, endpoints))


def _wanted(stage: Stage, rt: Runtime) -> list[Wanted]:
    """One question to each of eight registries, as the shipped services ask them."""
    by_registry: dict[str, Wanted] = {}
    for service, organisation in SERVICES:
        actor = stage.citizen("wang.fang")
        actor = actor if organisation else replace(actor, organisation_id=None, mandate_id=None)
        case_id = _begun(rt, actor, service, f"bench-{service}")
        with rt.read() as session:
            compiled = rt.definitions.current(service)
            asked = [
                each
                for form in (Form(answers={"move.reason": reason}) for reason in REASONS)
                for each in prefill.needs(
                    session, rt.gateway.catalogue, compiled, case_id, actor, rt.now(), (), "prefill", form=form
                )[0]
            ]
        for each in asked:
            by_registry.setdefault(rt.gateway.catalogue.registry_of(each.sources[0][0]) or "", each)
    answered = rt.gateway.ask(rt.database, list(by_registry.values()), 5.0)
    good = [result.wanted for result in answered if result.outcome in (Outcome.OK, Outcome.NO_RECORD)]
    assert len(good) >= AT_ONCE, [(r.wanted.name, r.outcome) for r in answered]
    return good[:AT_ONCE]


def _begun(rt: Runtime, actor: Actor, service: str, key: str) -> str:
    number = filing.start(rt, actor, service, idem=key, now=rt.now())
    with rt.read() as session:
        return session.scalars(select(Case.id).where(Case.number == number)).one()


def _healthy(rt: Runtime, wanted: Sequence[Wanted]) -> Iterator[Figure]:
    """What the portal adds to its slowest call, where all registries are well."""
    seconds, over = [], []
    for turn in range(ROUNDS + 5):
        began = perf_counter()
        results = rt.gateway.ask(rt.database, wanted)
        took = perf_counter() - began
        slowest = max(min(c.latency_ms for c in r.calls if c.outcome is r.outcome) for r in results) / 1000
        if turn >= 5 and not any(r.outcome in SAYS_NOTHING for r in results):
            seconds.append(took)
            over.append(took - slowest)
    yield figure("exchange.eight_healthy_p50", median(seconds) * 1e3, "ms")
    yield figure("exchange.eight_healthy_p95", quantile(seconds, 0.95) * 1e3, "ms")
    yield figure("exchange.over_slowest_call_p50", median(over) * 1e3, "ms", 20)


def _faulty(rt: Runtime, wanted: Sequence[Wanted], registries: Sandbox) -> Iterator[Figure]:
    """Two calls in a hundred hang, two fail: how many forms are whole, and how long they take."""
    random = Random(8)
    for code in {rt.gateway.catalogue.registry_of(each.sources[0][0]) or "" for each in wanted}:
        draws = [random.random() for _ in range(ROUNDS * 2)]
        registries.script(code, ["hang" if d < 0.02 else "status_500" if d < 0.04 else None for d in draws])
    seconds, whole = [], 0
    for _ in range(ROUNDS):
        began = perf_counter()
        results = rt.gateway.ask(rt.database, wanted)
        seconds.append(perf_counter() - began)
        whole += all(result.outcome not in SAYS_NOTHING for result in results)
    registries.reset()
    yield figure("exchange.eight_faulty_p95", quantile(seconds, 0.95) * 1e3, "ms", 380)
    yield figure("exchange.eight_faulty_whole", whole / ROUNDS, "share", 0.96, "at_least")
    yield figure("exchange.eight_faulty_over_budget_max", max(0.0, max(seconds) - BUDGET) * 1e3, "ms", 50)


def _mixed(stage: Stage, rt: Runtime, registries: Sandbox) -> Iterator[Figure]:
    """One call in five goes wrong in one of fourteen ways: every application is begun and sent."""
    random, actor = Random(9), stage.citizen("wang.fang")
    compiled = rt.definitions.current("open_restaurant")
    healthy = _values(rt, _agreed(rt, actor, "bench-well")[0])
    codes = {rt.gateway.catalogue.registry_of(node.dataset or "") or "" for node in compiled.service.facts.values()}
    for code in codes:
        draws = [random.choice(MIXED) if random.random() < 0.2 else None for _ in range(FORMS * 4)]
        registries.script(code, draws)
    before, logged = registries.calls(), _logged(rt)
    begun = sent = wrong = 0
    longest, received, used = 0.0, 0, 0
    for number in range(FORMS):
        case_id, took = _agreed(rt, actor, f"bench-mixed-{number}")
        begun, longest = begun + 1, max(longest, took)
        values = _values(rt, case_id)
        wrong += sum(values[name] != healthy[name] for name in values)
        sent += _sent(rt, actor, case_id, f"bench-send-{number}")
        with rt.read() as session:
            rows = session.execute(select(Exchange.fields, Exchange.fact).where(Exchange.case_id == case_id)).all()
        received += sum(len(fields) for fields, _ in rows)
        used += sum(len(set(fields) & set(compiled.service.facts[fact].take)) for fields, fact in rows if fact)
    unlogged = max(0, (registries.calls() - before) - (_logged(rt) - logged))
    registries.reset()
    yield figure("exchange.mixed_faults_begun", begun / FORMS, "share", 1.0, "at_least")
    yield figure("exchange.mixed_faults_sent", sent / FORMS, "share", 1.0, "at_least")
    yield figure("exchange.mixed_faults_wrong_values", wrong, "values", 0)
    yield figure("exchange.mixed_faults_unlogged_calls", unlogged, "calls", 0)
    yield figure("exchange.mixed_faults_longest_start", longest * 1e3, "ms")
    yield figure("exchange.fields_received_to_used", received / max(used, 1), "ratio", 1.0)


def _agreed(rt: Runtime, actor: Actor, key: str) -> tuple[str, float]:
    """A draft whose purpose page was answered, and the seconds that the answer took."""
    case_id = _begun(rt, actor, "open_restaurant", key)
    began = perf_counter()
    filing.agree(rt, actor, case_id, declined=(), now=rt.now())
    return case_id, perf_counter() - began


def _values(rt: Runtime, case_id: str) -> dict[str, Any]:
    with rt.read() as session:
        return dict(fact_values(current_facts(session, case_id, rt.definitions.catalogue)))


def _sent(rt: Runtime, actor: Actor, case_id: str, key: str) -> bool:
    """What no registry gave is given by hand; then the application is sent."""
    given = {
        "applicant": {"person.name": "王芳", "org.name": "贵阳花溪清味餐饮有限公司", "org.legal_person": "王芳"},
        "premises": {
            "premises.title_no": "黔（2024）第1号", "premises.address": "花溪大道1号", "premises.district": "huaxi",
            "premises.area": "120",
        },
        "menu": {"menu.kind": ["hot"], "menu.seats": 0},
    }  # fmt: skip
    try:
        for page, values in given.items():
            filing.save_page(rt, actor, case_id, page, values, now=rt.now())
        for slot in ("layout", "rules", "title_deed", "health_certificates"):
            try:
                filing.attach(rt, actor, case_id, slot, f"{slot}.pdf", PDF, now=rt.now())
            except PortalError:
                continue  # a registry spared it
        filing.submit(rt, actor, case_id, expected=None, idem=key, now=rt.now())
    except PortalError:
        return False
    return True


def _logged(rt: Runtime) -> int:
    """Lines of the log of calls that went out."""
    called = select(func.count()).select_from(Exchange).where(Exchange.outcome.not_in([o.value for o in NOT_CALLED]))
    with rt.read() as session:
        return session.scalar(called) or 0
