"""JSON over HTTP to a registry: what is sent, what is refused, how long it may take."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import RegistryFile, Request
from govservice.exchange.connectors.base import Query, SubjectKey
from govservice.exchange.connectors.http_json import HttpJson
from govservice.exchange.outcomes import Outcome
from tests.support.sandboxes import Sandbox

AS_JSON = {"Content-Type": "application/json"}
NUMBER = "990111198803182048"


class Registry(ThreadingHTTPServer):
    """Answers as told and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.status, self.headers, self.body = 200, {"Content-Type": "application/json"}, b'{"records": []}'

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that stopped reading is part of the tests."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/base"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Registry

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in {"Content-Length": str(len(self.server.body)), **self.server.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = answer

    def log_message(self, format: str, *args: Any) -> None:
        """Tests are quiet."""


@pytest.fixture
def registry() -> Iterator[Registry]:
    with Registry() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def query(**changes: Any) -> Query:
    values: dict[str, Any] = {
        "dataset": "population/2", "subject": SubjectKey("person", NUMBER), "fields": ("name", "national_id"),
        "purpose": "IDENTIFY", "legal_basis": "许可法 art. 31", "actor": "u1", "case_ref": "c1",
        "deadline": time.monotonic() + 1, "idempotency_key": "x1",
    }  # fmt: skip
    return Query(**{**values, **changes})


@pytest.fixture
def population(catalogue: Catalogue) -> RegistryFile:
    return catalogue.registries["population"]


def with_get(population: RegistryFile) -> RegistryFile:
    request = Request.model_validate({"method": "GET", "path": "/v1/{subject}/record"})
    dataset = population.datasets["population/2"].model_copy(update={"request": request})
    return population.model_copy(update={"datasets": {"population/2": dataset}})


def test_no_personal_number_stands_in_an_address(registry: Registry, population: RegistryFile) -> None:
    connector = HttpJson(population, registry.url)
    assert connector.fetch(query()).outcome is Outcome.OK
    connector.close()
    (method, path, headers, body) = registry.asked[0]
    assert (method, path) == ("POST", "/base/v2/people/query")
    assert json.loads(body) == {"subject": NUMBER, "fields": ["name", "national_id"]}
    assert NUMBER not in path + json.dumps(headers)
    assert (headers["X-Purpose"], headers["X-Request-Id"], headers["X-Case"]) == ("IDENTIFY", "x1", "c1")


def test_a_subject_in_a_path_cannot_leave_its_part(registry: Registry, population: RegistryFile) -> None:
    connector = HttpJson(with_get(population), registry.url)
    connector.fetch(query(subject=SubjectKey("person", "../../admin?x=1#/%2e")))
    connector.close()
    assert registry.asked[0][1] == "/base/v1/..%2F..%2Fadmin%3Fx%3D1%23%2F%252e/record?fields=name%2Cnational_id"


def test_the_number_does_not_show_in_a_repr() -> None:
    assert NUMBER not in repr(query())


@pytest.mark.parametrize(
    ("status", "headers", "body", "outcome", "detail"),
    [
        (200, {"Content-Type": "application/json; charset=utf-8"}, b"{}", Outcome.OK, ""),
        (200, {"Content-Type": "text/plain"}, b"{}", Outcome.UNAVAILABLE, "content_type"),
        (200, {**AS_JSON, "Content-Encoding": "gzip"}, b"x", Outcome.SCHEMA_VIOLATION, "content_encoding"),
        (200, {"Content-Type": "application/json"}, b"[" * 40 + b"]" * 40, Outcome.SCHEMA_VIOLATION, "malformed"),
        (200, {"Content-Type": "application/json"}, b'"' + b"x" * 70_000 + b'"', Outcome.SCHEMA_VIOLATION, "too_large"),
        (301, {"Location": "/elsewhere"}, b"", Outcome.UNAVAILABLE, "redirect"),
        (400, {}, b"", Outcome.SCHEMA_VIOLATION, ""),
        (401, {}, b"", Outcome.DENIED, ""),
        (404, {"Content-Type": "application/json"}, b"{}", Outcome.SCHEMA_VIOLATION, ""),
        (408, {}, b"", Outcome.UNAVAILABLE, ""),
        (503, {}, b"", Outcome.UNAVAILABLE, ""),
    ],
)  # fmt: skip
def test_what_an_answer_means(
    registry: Registry, population: RegistryFile, status: int, headers: dict[str, str], body: bytes, outcome: Outcome,
    detail: str,
) -> None:  # fmt: skip
    registry.status, registry.headers, registry.body = status, headers, body
    connector = HttpJson(population, registry.url)
    answer = connector.fetch(query())
    connector.close()
    assert (answer.outcome, answer.detail) == (outcome, detail)
    assert (answer.body is None) == (outcome is not Outcome.OK)
    assert len(registry.asked) == 1  # a redirect was not followed


@pytest.mark.parametrize(("given", "seconds"), [("7", 7.0), ("99999999", 3600.0), ("soon", None), ("", None)])
def test_when_to_come_again(registry: Registry, population: RegistryFile, given: str, seconds: float | None) -> None:
    registry.status, registry.headers = 429, {"Retry-After": given}
    connector = HttpJson(population, registry.url)
    answer = connector.fetch(query())
    connector.close()
    assert (answer.outcome, answer.retry_after) == (Outcome.RATE_LIMITED, seconds)


def test_proxies_of_the_environment_are_not_used(
    registry: Registry, population: RegistryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    connector = HttpJson(population, registry.url)
    assert connector.fetch(query()).outcome is Outcome.OK
    connector.close()


def test_a_name_that_leads_to_this_machine_is_nobody(
    registry: Registry, population: RegistryFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name of the allow-list that somebody points inside, now or later: nothing is sent there."""
    port, look_up = registry.server_address[1], socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *more, **named: look_up("127.0.0.1", *more, **named))
    connector = HttpJson(population, f"http://registry.example:{port}/base")
    answer = connector.fetch(query())
    connector.close()
    assert (answer.outcome, answer.detail) == (Outcome.UNAVAILABLE, "ConnectError")
    assert registry.asked == []


def test_nobody_there_is_an_outcome(population: RegistryFile) -> None:
    with Registry() as gone:
        url = gone.url
    connector = HttpJson(population, url)
    assert connector.fetch(query()).outcome is Outcome.UNAVAILABLE
    connector.close()


def test_a_dripping_answer_ends_at_the_deadline(sandbox: Sandbox, population: RegistryFile) -> None:
    """Each byte comes in time, the whole never: the thread is free again soon after the deadline."""
    sandbox.fault("population", "drip")
    connector = HttpJson(population, sandbox.endpoints()["population"])
    began = time.monotonic()
    assert connector.fetch(query(deadline=began + 0.3)).outcome is Outcome.TIMEOUT
    assert time.monotonic() - began < 1.0
    connector.close()


def test_dripping_headers_end_at_the_deadline(population: RegistryFile) -> None:
    """A server that never ends its headers would else hold a thread for hours."""
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        dripping = pool.submit(_drip_headers, server)
        connector = HttpJson(population, f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.monotonic()
        assert connector.fetch(query(deadline=began + 0.3)).outcome is Outcome.TIMEOUT
        assert time.monotonic() - began < 0.8
        connector.close()
        dripping.result()


def _drip_headers(server: socket.socket) -> None:
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
        for _ in range(100):
            try:
                connection.sendall(b"x")
            except OSError:
                return
            time.sleep(0.02)


def test_after_the_deadline_nobody_is_asked(registry: Registry, population: RegistryFile) -> None:
    connector = HttpJson(population, registry.url)
    assert connector.fetch(query(deadline=time.monotonic())).outcome is Outcome.TIMEOUT
    connector.close()
    assert registry.asked == []
