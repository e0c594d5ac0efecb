"""What whoever operates the portal sees of the lines to the registries."""

from __future__ import annotations

import dataclasses

from govservice.exchange import quarantine
from govservice.exchange.gateway import Gateway
from govservice.exchange.outcomes import Outcome
from govservice.operations.registries import probe, release, standing
from govservice.operations.runtime import Runtime
from tests.support.sandboxes import Sandbox


def test_a_probe_tells_who_is_there_and_who_redirects(runtime: Runtime, sandbox: Sandbox) -> None:
    found = {code: (reachable, detail) for code, reachable, detail in probe(runtime)}
    assert found["population"] == (True, "404")  # somebody answers; nothing was asked about anybody
    assert sandbox.calls() == {}
    gone = {**sandbox.endpoints(), "population": "http://127.0.0.1:1/x"}
    del gone["tax"]
    gateway = Gateway(runtime.gateway.catalogue, gone)
    found = {code: (there, word) for code, there, word in probe(dataclasses.replace(runtime, gateway=gateway))}
    gateway.close()
    assert found["population"][0] is False
    assert found["tax"] == (False, "no address")


def test_a_quarantine_is_seen_and_ended(runtime: Runtime) -> None:
    assert standing(runtime) == {"registries": [], "datasets": []}
    with runtime.write() as session:
        quarantine.count(session, [("population/2", Outcome.SCHEMA_VIOLATION)] * 5, runtime.now())
    (told,) = standing(runtime)["datasets"]
    assert (told["dataset"], told["shape"], told["quarantined_at"] is not None) == ("population/2", 5, True)
    assert release(runtime, "population/2")
    assert not release(runtime, "population/2")
