"""X-Road's message protocol for REST, version 1: our security server carries the question and proves the answer.

Each part of an identifier is percent-encoded by itself. Nobody but the deadline bounds the wait: a security server has
no limit of its own. What proves an exchange later (the ids and the hash that the provider's server made and ours has
verified) is kept with the call; we cannot recompute it, because servers add headers.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from urllib.parse import quote

import httpx

from govservice.definitions.schema_registry import Dataset, RegistryFile
from govservice.exchange.connectors.base import Answer, Query, of_when
from govservice.exchange.connectors.http_json import HttpJson
from govservice.exchange.connectors.identity import NO_KEYS, Keys
from govservice.exchange.connectors.xroad_errors import classified
from govservice.exchange.outcomes import Outcome

# The header's name, and under which word it is kept with the call.
PROOFS = {
    "x-road-id": "xroad_id", "x-road-request-id": "xroad_request_id", "x-road-request-hash": "xroad_request_hash",
}  # fmt: skip
MAX_PROOF = 200  # characters


class XRoadRest(HttpJson):
    """The connector of one provider behind our security server, whose address is the endpoint."""

    kind = "xroad_rest"

    def __init__(self, registry: RegistryFile, endpoint: str, keys: Keys = NO_KEYS) -> None:
        super().__init__(registry, endpoint, keys)
        assert registry.xroad is not None  # the file was checked
        self._client = encoded(registry.xroad.client)
        self._provider = encoded(registry.xroad.provider)

    def _request(self, query: Query, dataset: Dataset) -> httpx.Request:
        asked = dataset.request
        path = asked.path.replace("{subject}", quote(query.subject.value, safe=""))
        address = f"{self.endpoint}/r1/{self._provider}/{quote(asked.service, safe='')}{path}"
        headers = {
            "X-Road-Client": self._client,
            "X-Road-Id": query.idempotency_key,
            "X-Road-Issue": query.case_ref,
            "X-Purpose": query.purpose,
            "X-Legal-Basis": quote(query.legal_basis, safe=" "),
            **self.identity.headers(query.idempotency_key),
        }
        timeout = self._timeouts(query.deadline)
        if asked.method == "GET":
            params = {"fields": ",".join(query.fields), **of_when(query)}
            return self.client.build_request("GET", address, params=params, headers=headers, timeout=timeout)
        asked_for = {"subject": query.subject.value, "fields": list(query.fields), **of_when(query)}
        body = json.dumps(asked_for).encode()
        headers["Content-Type"] = "application/json"
        return self.client.build_request("POST", address, content=body, headers=headers, timeout=timeout)

    def _read(self, response: httpx.Response, sha: str) -> Answer:
        answer = self._judged(response, sha)
        proofs = {word: response.headers[name][:MAX_PROOF] for name, word in PROOFS.items() if name in response.headers}
        covered = hashlib.sha256(json.dumps([answer.response_sha, sorted(proofs.items())]).encode()).hexdigest()
        return replace(answer, response_sha=covered, transport=proofs)  # the log's chain covers the proofs too

    def _judged(self, response: httpx.Response, sha: str) -> Answer:
        status = response.status_code
        if (kind := response.headers.get("X-Road-Error")) is not None:
            outcome, word = classified(kind)
            return Answer(outcome, status=status, request_sha=sha, detail=word)
        if 200 <= status < 300:
            if (wrong := self._not_ours(response)) is not None:
                return Answer(Outcome.TAMPERED, status=status, request_sha=sha, detail=wrong)
            return super()._read(response, sha)
        through = "X-Road-Request-Id" in response.headers  # it came from the provider, not from a server in between
        if status == 404:
            said = response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"
            outcome = Outcome.NO_RECORD if said and through else Outcome.UNAVAILABLE
            return Answer(outcome, status=status, request_sha=sha, detail="" if through else "not_the_provider")
        if 400 < status < 500 and not through and status not in (401, 403, 429):
            return Answer(Outcome.UNAVAILABLE, status=status, request_sha=sha, detail="not_the_provider")
        return self._refusal(response, sha)

    def _not_ours(self, response: httpx.Response) -> str | None:
        """The header of a good answer that does not echo our question; None where all do."""
        asked = response.request.headers
        service = response.request.url.raw_path.decode().partition("?")[0].removeprefix(self._prefix)
        expected = {
            "X-Road-Id": asked["X-Road-Id"],
            "X-Road-Client": self._client,
            "X-Road-Service": "/".join(service.split("/")[: self._provider.count("/") + 2]),
        }
        return next((name for name, value in expected.items() if response.headers.get(name) != value), None)

    @property
    def _prefix(self) -> str:
        return f"{httpx.URL(self.endpoint).raw_path.decode().rstrip('/')}/r1/"


def encoded(member: tuple[str, ...]) -> str:
    """An identifier as it stands in an address or a header: part by part."""
    return "/".join(quote(part, safe="") for part in member)
