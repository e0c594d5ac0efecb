"""X-Road's message protocol for REST to the letter, against a small security server in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from govservice.definitions.reader import read
from govservice.definitions.schema_registry import RegistryFile
from govservice.definitions.schema_request import Request
from govservice.exchange.connectors.base import Answer, Query, SubjectKey
from govservice.exchange.connectors.xroad_errors import classified
from govservice.exchange.connectors.xroad_rest import XRoadRest
from govservice.exchange.outcomes import Outcome
from govservice.exchange.sandbox.cast import QINGWEI
from govservice.models.base import new_id
from tests.support.sandboxes import process

FILE = Path(__file__).parent / "registries" / "registrations_xroad.yaml"
REGISTRY = RegistryFile.model_validate(read(FILE.read_bytes()).data)
CLIENT, PROVIDER = "CN-TEST/GOV/00000001/portal", "CN-TEST/GOV/70000562/market%28reg%29%2B1"
# Codes of X-Road's own list, as newer servers spell them -> what they mean for us.
DENIED = ("access_denied", "unknown_service", "unknown_member", "invalid_client_identifier", "invalid_security_server")
SHUT = ("service_disabled", "maintenance_mode")
FORGED = (
    "cert_validation", "incorrect_validation_info", "incorrect_certificate", "invalid_signature_value",
    "malformed_signature", "missing_signature", "invalid_cert_path", "signature_verification", "timestamp_validation",
    "invalid_hash_chain", "invalid_hash_chain_ref", "malformed_hash_chain", "hashchain_unused_inputs",
    "inconsistent_response",
)  # fmt: skip
BROKEN = (
    "io_error", "network_error", "unknown_host", "internal_error", "not_found", "http_error", "database_error",
    "cannot_create_signature", "cannot_create_cert_path", "ssl_authentication_failed", "logging_failed",
    "timestamping_failed", "invalid_content_type", "mime_parsing_failed", "service_failed", "missing_rest",
    "client_proxy_version_not_supported", "malformed_server_conf", "malformed_global_conf", "outdated_global_conf",
    "global_conf_outdated", "service_missing_url", "service_malformed_url", "hsm_non_operational", "token_not_active",
    "cannot_sign", "timestamper_failed",
)  # fmt: skip
ASKED_WRONGLY = ("bad_request", "invalid_request", "missing_header", "invalid_http_method", "invalid_protocol_version")


def camel(code: str) -> str:
    """The spelling of the protocol and of older servers."""
    return "".join(part.capitalize() for part in code.split("_"))


def vectors() -> Iterator[tuple[str, Outcome]]:
    for codes, outcome in (
        (DENIED, Outcome.DENIED), (SHUT, Outcome.UNAVAILABLE), (FORGED, Outcome.TAMPERED), (BROKEN, Outcome.UNAVAILABLE)
    ):  # fmt: skip
        for code in codes:
            for new, old in (
                ("server.serverproxy", "Server.ServerProxy"),
                ("server.clientproxy", "Server.ClientProxy"),
            ):
                yield f"{new}.{code}", outcome
                yield f"{old}.{camel(code)}", outcome
    for code in ASKED_WRONGLY:
        yield f"client.{code}", Outcome.SCHEMA_VIOLATION
        yield f"Client.{camel(code)}", Outcome.SCHEMA_VIOLATION


VECTORS = dict(vectors())


@pytest.mark.parametrize("kind", VECTORS)
def test_both_spellings_of_every_error_mean_the_same(kind: str) -> None:
    assert classified(kind)[0] is VECTORS[kind]


def test_the_two_names_of_an_expired_configuration_are_one() -> None:
    assert classified("Server.ClientProxy.OutdatedGlobalConf") == classified("server.clientproxy.global_conf_outdated")
    assert classified("server.serverproxy.service_failed.invalid_soap")[0] is Outcome.UNAVAILABLE
    assert classified("")[0] is Outcome.UNAVAILABLE


class Server:
    """The security server's doors for tests."""

    def __init__(self, url: str) -> None:
        self.url = url

    def fault(self, mode: str) -> None:
        httpx.post(f"{self.url}/_admin/faults", json={"mode": mode}, timeout=20).raise_for_status()

    def asked(self) -> list[dict[str, object]]:
        found: list[dict[str, object]] = httpx.get(f"{self.url}/_admin/asked", timeout=20).json()
        return found


@pytest.fixture(scope="module")
def _server() -> Iterator[Server]:
    member = ("--client", CLIENT, "--provider", PROVIDER)
    with process("govservice.exchange.sandbox.security_server", *member) as url:
        yield Server(url)


@pytest.fixture
def server(_server: Server) -> Server:
    httpx.delete(f"{_server.url}/_admin/faults", timeout=20).raise_for_status()
    return _server


def ask(
    server: Server, registry: RegistryFile = REGISTRY, subject: str = QINGWEI.uscc, seconds: float = 10.0
) -> Answer:
    limits = registry.limits.model_copy(update={"timeout_ms": 10_000})
    connector = XRoadRest(registry.model_copy(update={"limits": limits}), server.url)
    query = Query(
        dataset="registrations_xroad/1", subject=SubjectKey("organisation", subject), fields=("name", "status"),
        purpose="LICENSE", legal_basis="许可法 art. 35", actor="u", case_ref="case-1",
        deadline=time.monotonic() + seconds, idempotency_key=new_id(),
    )  # fmt: skip
    answer = connector.fetch(query)
    connector.close()
    return answer


def with_request(**request: str) -> RegistryFile:
    dataset = REGISTRY.datasets["registrations_xroad/1"]
    changed = dataset.model_copy(update={"request": Request.model_validate(request)})
    return REGISTRY.model_copy(update={"datasets": {"registrations_xroad/1": changed}})


def test_the_address_is_encoded_part_by_part_and_the_headers_are_sent_once(server: Server) -> None:
    answer = ask(server)
    assert answer.outcome is Outcome.OK
    (asked,) = server.asked()
    assert asked["path"] == f"/r1/{PROVIDER}/enterprises/v1/enterprises/query"
    headers = asked["headers"]
    assert isinstance(headers, dict)
    sent = {name.lower(): value for name, value in headers.items()}
    assert (sent["x-road-client"], sent["x-road-issue"]) == (CLIENT, "case-1")
    assert "x-road-request-id" not in sent
    assert "x-road-request-hash" not in sent
    assert answer.transport["xroad_id"] == sent["x-road-id"]
    assert set(answer.transport) == {"xroad_id", "xroad_request_id", "xroad_request_hash"}


def test_a_subject_in_the_path_stays_in_its_part(server: Server) -> None:
    registry = with_request(service="enterprises", method="GET", path="/{subject}/record")
    assert ask(server, registry).outcome is Outcome.OK
    ask(server, registry, subject="../x/y?z")
    assert "/enterprises/..%2Fx%2Fy%3Fz/record?fields=name" in str(server.asked()[1]["path"])


def test_the_providers_own_word_that_there_is_nobody(server: Server) -> None:
    answer = ask(server, subject="91990111MA00000000")
    assert (answer.outcome, answer.status) == (Outcome.NO_RECORD, 404)


@pytest.mark.parametrize(
    ("mode", "outcome"),
    [
        ("other_id", Outcome.TAMPERED), ("other_service", Outcome.TAMPERED), ("other_client", Outcome.TAMPERED),
        ("no_id", Outcome.TAMPERED), ("provider_404", Outcome.NO_RECORD), ("plain_404", Outcome.UNAVAILABLE),
        ("html_404", Outcome.UNAVAILABLE), ("plain_400", Outcome.SCHEMA_VIOLATION), ("plain_503", Outcome.UNAVAILABLE),
        ("provider_503", Outcome.UNAVAILABLE), ("provider_403", Outcome.DENIED),
        ("provider_429", Outcome.RATE_LIMITED), ("server.serverproxy.access_denied", Outcome.DENIED),
        ("Server.ServerProxy.AccessDenied", Outcome.DENIED), ("Server.ServerProxy.NetworkError", Outcome.UNAVAILABLE),
        ("server.serverproxy.service_disabled", Outcome.UNAVAILABLE), ("client.bad_request", Outcome.SCHEMA_VIOLATION),
        ("Server.ServerProxy.SignatureVerification", Outcome.TAMPERED),
    ],
)  # fmt: skip
def test_what_a_security_server_says(server: Server, mode: str, outcome: Outcome) -> None:
    server.fault(mode)
    answer = ask(server)
    assert (answer.outcome, answer.body) == (outcome, None)
    assert len(server.asked()) == 1


def test_a_security_server_without_a_limit_is_waited_for_no_longer_than_the_deadline(server: Server) -> None:
    server.fault("hang")
    began = time.monotonic()
    assert ask(server, seconds=0.4).outcome is Outcome.TIMEOUT
    assert time.monotonic() - began < 3


def test_a_stranger_is_refused_and_an_unknown_service_is_no_outage(server: Server) -> None:
    member = REGISTRY.xroad.model_copy(update={"client": ("CN-TEST", "GOV", "999", "x")}) if REGISTRY.xroad else None
    assert ask(server, REGISTRY.model_copy(update={"xroad": member})).outcome is Outcome.DENIED
    assert ask(server, with_request(service="nothing", path="/v1/x")).outcome is Outcome.DENIED
