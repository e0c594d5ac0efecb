"""What whoever operates the portal sees and mends of the lines to the registries."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import select

from govservice.exchange import quarantine
from govservice.models.base import to_iso
from govservice.models.exchange import DatasetFaults, RegistryHealth
from govservice.operations.runtime import Runtime


def standing(rt: Runtime) -> dict[str, list[dict[str, Any]]]:
    """Breakers that are not closed, and every dataset that had a fault of its description."""
    with rt.read() as session:
        breakers = session.scalars(select(RegistryHealth).where(RegistryHealth.state != "closed")).all()
        faults = session.scalars(select(DatasetFaults).order_by(DatasetFaults.dataset)).all()
        return {
            "registries": [
                {"registry": row.registry_code, "state": row.state, "since": to_iso(row.since)} for row in breakers
            ],
            "datasets": [
                {
                    "dataset": row.dataset, "shape": row.shape, "denied": row.denied,
                    "quarantined_at": to_iso(row.quarantined_at) if row.quarantined_at else None,
                }
                for row in faults
            ],
        }  # fmt: skip


def probe(rt: Runtime, seconds: float = 5.0) -> list[tuple[str, bool, str]]:
    """Asks every registry once, about nobody: its code, whether it can be reached, and a word."""
    found = []
    for code, registry in rt.gateway.catalogue.registries.items():
        connector = rt.gateway.connector(registry)
        if connector is None:
            found.append((code, False, "no address"))
            continue
        said = connector.probe(time.monotonic() + seconds)
        found.append((code, said.reachable, said.detail))
    return found


def release(rt: Runtime, dataset: str) -> bool:
    """Lets a dataset be asked again. False where it was not in quarantine."""
    with rt.write() as session:
        return quarantine.release(session, dataset, rt.now())
