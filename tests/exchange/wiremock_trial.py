"""The X-Road connector against a server that is not ours: WireMock on Java as a security server.

No part of `make test`, which would need Java: `WIREMOCK_JAR=... pytest tests/exchange/wiremock_trial.py` (npm's
`wiremock` brings the jar).
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from govservice.exchange.outcomes import Outcome
from govservice.exchange.sandbox.cast import QINGWEI
from tests.exchange.test_xroad import CLIENT, PROVIDER, Server, ask

JAR = os.environ.get("WIREMOCK_JAR", "")
ECHO = {
    "X-Road-Id": "{{request.headers.X-Road-Id}}", "X-Road-Client": "{{request.headers.X-Road-Client}}",
    "X-Road-Service": f"{PROVIDER}/enterprises", "X-Road-Request-Id": "{{randomValue type='UUID'}}",
    "X-Road-Request-Hash": "aGFzaA==", "Content-Type": "application/json",
}  # fmt: skip
RECORD = {"uscc": QINGWEI.uscc, "name": QINGWEI.name, "status": "active", "updated_at": "2026-01-01T00:00:00Z"}


@pytest.fixture(scope="module")
def _wiremock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert Path(JAR).is_file(), "WIREMOCK_JAR names no jar"
    assert shutil.which("java"), "there is no java"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = ["java", "-jar", JAR, "--port", str(port), "--bind-address", "127.0.0.1", "--global-response-templating"]
    root = ["--root-dir", str(tmp_path_factory.mktemp("wiremock"))]
    with subprocess.Popen([*command, *root], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        url = f"http://127.0.0.1:{port}"
        for _ in range(300):
            try:
                httpx.get(f"{url}/__admin/mappings", timeout=5).raise_for_status()
                break
            except httpx.HTTPError:
                time.sleep(0.2)
        yield Server(url)
        child.terminate()


@pytest.fixture
def wiremock(_wiremock: Server) -> Server:
    httpx.post(f"{_wiremock.url}/__admin/reset", timeout=20).raise_for_status()
    return _wiremock


def stub(server: Server, status: int, headers: dict[str, str], body: Any, **more: Any) -> None:
    path = f"/r1/{PROVIDER}/enterprises/v1/enterprises/query"
    said = body if isinstance(body, str) else json.dumps(body)
    mapping = {
        "request": {"method": "POST", "urlPath": path, "headers": {"X-Road-Client": {"equalTo": CLIENT}}},
        "response": {"status": status, "headers": headers, "body": said, **more},
    }  # fmt: skip
    httpx.post(f"{server.url}/__admin/mappings", json=mapping, timeout=20).raise_for_status()


def test_a_good_answer_with_its_proofs(wiremock: Server) -> None:
    stub(wiremock, 200, ECHO, {"records": [RECORD]})
    answer = ask(wiremock)
    assert (answer.outcome, answer.body) == (Outcome.OK, {"records": [RECORD]})
    assert answer.transport["xroad_request_hash"] == "aGFzaA=="


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome"),
    [
        (200, {**ECHO, "X-Road-Id": "another"}, {"records": []}, Outcome.TAMPERED),
        (404, ECHO, {"error": "none"}, Outcome.NO_RECORD),
        (404, {"Content-Type": "text/html"}, "<html>", Outcome.UNAVAILABLE),
        (500, {"X-Road-Error": "Server.ServerProxy.AccessDenied"}, "{}", Outcome.DENIED),
        (500, {"X-Road-Error": "server.clientproxy.network_error"}, "plain", Outcome.UNAVAILABLE),
        (500, {"X-Road-Error": "server.serverproxy.invalid_hash_chain"}, "{}", Outcome.TAMPERED),
        (400, {"X-Road-Error": "Client.BadRequest"}, "{}", Outcome.SCHEMA_VIOLATION),
    ],
)
def test_what_it_says(wiremock: Server, status: int, headers: dict[str, str], body: Any, outcome: Outcome) -> None:
    stub(wiremock, status, headers, body)
    assert ask(wiremock).outcome is outcome


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"fault": "CONNECTION_RESET_BY_PEER"}, Outcome.UNAVAILABLE),
        ({"fault": "EMPTY_RESPONSE"}, Outcome.UNAVAILABLE),
        ({"fault": "RANDOM_DATA_THEN_CLOSE"}, Outcome.UNAVAILABLE),
        ({"fixedDelayMilliseconds": 8000}, Outcome.TIMEOUT),
        ({"chunkedDribbleDelay": {"numberOfChunks": 20, "totalDuration": 20000}}, Outcome.TIMEOUT),
    ],
)
def test_its_faults_are_outcomes_in_time(wiremock: Server, fault: dict[str, Any], outcome: Outcome) -> None:
    stub(wiremock, 200, ECHO, {"records": [RECORD]}, **fault)
    began = time.monotonic()
    assert ask(wiremock, seconds=2).outcome is outcome
    assert time.monotonic() - began < 6
