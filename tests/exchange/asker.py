"""What each process of the tests with two processes runs: a gateway of its own asks one registry again and again."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

from config import ROOT
from govservice.definitions.catalogue import Catalogue, load_catalogue
from govservice.exchange.gateway import Gateway
from govservice.exchange.queries import Wanted
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine

REGISTRY = "real_estate"
Ended = tuple[float, float, str, int]  # began, ended (time.monotonic()), outcome, calls made


def bounded(limits: Mapping[str, Any], breaker: Mapping[str, Any]) -> Catalogue:
    """The shipped catalogue with other bounds for REGISTRY."""
    shipped = load_catalogue(ROOT / "workflows")
    registry = shipped.registries[REGISTRY]
    changes = {
        "limits": registry.limits.model_copy(update=dict(limits)),
        "breaker": registry.breaker.model_copy(update=dict(breaker)),
    }
    return dataclasses.replace(
        shipped, registries={**shipped.registries, REGISTRY: registry.model_copy(update=changes)}
    )


def ask(
    url: str, keys: tuple[Mapping[str, bytes], bytes], endpoints: Mapping[str, str],
    bounds: tuple[Mapping[str, Any], Mapping[str, Any]], wanted: Wanted, seconds: float, barrier: Barrier,
    told: Queue[list[Ended]],
) -> None:  # fmt: skip
    """Asks for `seconds`, from the moment on at which all processes are ready, without a pause."""
    database = Database(make_engine(url, synchronous="OFF"), Keyring(dict(keys[0]), keys[1]))
    gateway = Gateway(bounded(*bounds), endpoints)
    found: list[Ended] = []
    barrier.wait(60)
    first = time.monotonic()
    while (began := time.monotonic()) < first + seconds:
        at = wanted.at + timedelta(seconds=began - first)
        (result,) = gateway.fetch(database, [dataclasses.replace(wanted, at=at)], budget=5)
        found.append((began, time.monotonic(), result.outcome.value, len(result.calls)))
    gateway.close()
    database.engine.dispose()
    told.put(found)
