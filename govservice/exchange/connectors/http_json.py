"""JSON over HTTP: one client per registry, to an address of the deployment's allow-list, never anywhere else.

No redirects (an answer that points elsewhere could point inside), no proxies from the environment, no compression
(a small body could unpack to a large one), a cap on bytes while they are read, a deadline over the whole call.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from urllib.parse import quote

import httpx

from govservice.definitions.schema_registry import Dataset, RegistryFile
from govservice.exchange.connectors.base import Answer, Deed, Probe, Query, of_when
from govservice.exchange.connectors.identity import NO_KEYS, Identity, Keys
from govservice.exchange.outcomes import Outcome
from govservice.wire.deadline import transport, until
from govservice.wire.json_limits import BadJson, parse

CONNECT_SECONDS = 0.3
IDLE_SECONDS = 20.0  # a connection that stood longer is not used again
MAX_RETRY_AFTER = 3600.0
_STATUS: Mapping[int, Outcome] = {
    401: Outcome.DENIED,
    403: Outcome.DENIED,
    408: Outcome.UNAVAILABLE,
    429: Outcome.RATE_LIMITED,
}


class _TooLarge(Exception):
    """More bytes than the registry's limit."""


class HttpJson:
    """The connector of one registry. `endpoint` is the address that the allow-list gives for its endpoint key."""

    kind = "http_json"

    def __init__(self, registry: RegistryFile, endpoint: str, keys: Keys = NO_KEYS) -> None:
        self.registry = registry
        self.identity = Identity(registry.auth, keys)
        self.endpoint = endpoint.rstrip("/")
        limits = registry.limits
        pool = httpx.Limits(
            max_connections=limits.max_inflight,
            max_keepalive_connections=limits.max_inflight,
            keepalive_expiry=IDLE_SECONDS,
        )
        self.client = httpx.Client(
            follow_redirects=False,
            trust_env=False,
            transport=transport(pool, self.identity.context, outside=True),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "one-stop-portal"},
        )

    def close(self) -> None:
        self.client.close()

    def probe(self, deadline: float) -> Probe:
        """Whether somebody answers at the address, without a question about anybody. A redirect is told."""
        request = self.client.build_request("GET", self.endpoint, timeout=self._timeouts(deadline))
        answer = self._sent(request, deadline)
        there = answer.status is not None and answer.detail != "redirect"
        return Probe(there, answer.detail or (str(answer.status) if answer.status else answer.outcome.value))

    def fetch(self, query: Query) -> Answer:
        """Asks once. Every fault of the network or of the other side becomes an outcome."""
        return self._sent(self._request(query, self.registry.datasets[query.dataset]), query.deadline)

    def do(self, deed: Deed) -> Answer:
        """Tells the registry to do something, once. Whether it was done is not known where no answer came."""
        said = {**deed.values, "subject": deed.subject.value, "transfer": deed.transfer, "order": deed.order}
        headers = {
            **self.identity.headers(deed.key), "Idempotency-Key": deed.key, "X-Purpose": deed.purpose,
            "X-Case": deed.case_ref,
            "X-Legal-Basis": quote(deed.legal_basis, safe=" "), "Content-Type": "application/json",
        }  # fmt: skip
        request = self.client.build_request(
            "POST", self.endpoint + self.registry.acts[deed.act].path, content=json.dumps(said).encode(),
            headers=headers, timeout=self._timeouts(deed.deadline),
        )  # fmt: skip
        return self._sent(request, deed.deadline)

    def _sent(self, request: httpx.Request, deadline: float) -> Answer:
        sha = hashlib.sha256(request.method.encode() + request.url.raw_path + request.content).hexdigest()
        if deadline <= time.monotonic():
            return Answer(Outcome.TIMEOUT, request_sha=sha, detail="no_time_left")
        try:
            with until(deadline):
                response = self.client.send(request, stream=True)
                try:
                    return self._read(response, sha)
                finally:
                    response.close()
        except httpx.TimeoutException:
            return Answer(Outcome.TIMEOUT, request_sha=sha)
        except _TooLarge:
            return Answer(Outcome.SCHEMA_VIOLATION, request_sha=sha, detail="too_large")
        except httpx.HTTPError as error:
            return Answer(Outcome.UNAVAILABLE, request_sha=sha, detail=type(error).__name__)

    def _timeouts(self, deadline: float) -> httpx.Timeout:
        left = max(deadline - time.monotonic(), 0.001)
        timeout = min(left, self.registry.limits.timeout_ms / 1000)
        return httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout))

    def _request(self, query: Query, dataset: Dataset) -> httpx.Request:
        timeouts = self._timeouts(query.deadline)
        headers = {
            **self.identity.headers(query.idempotency_key),
            "X-Request-Id": query.idempotency_key,
            "X-Purpose": query.purpose,
            "X-Legal-Basis": quote(query.legal_basis, safe=" "),
            "X-Case": query.case_ref,
        }
        path = dataset.request.path.replace("{subject}", quote(query.subject.value, safe=""))
        if dataset.request.method == "GET":
            params = {"fields": ",".join(query.fields), **of_when(query)}
            return self.client.build_request(
                "GET", self.endpoint + path, params=params, headers=headers, timeout=timeouts
            )
        asked_for = {"subject": query.subject.value, "fields": list(query.fields), **of_when(query)}
        body = json.dumps(asked_for).encode()
        headers["Content-Type"] = "application/json"
        return self.client.build_request("POST", self.endpoint + path, content=body, headers=headers, timeout=timeouts)

    def _read(self, response: httpx.Response, sha: str) -> Answer:
        status = response.status_code
        if status != 200:
            return self._refusal(response, sha)
        if response.headers.get("Content-Type", "").partition(";")[0].strip().lower() != "application/json":
            return Answer(Outcome.UNAVAILABLE, status=status, request_sha=sha, detail="content_type")
        if response.headers.get("Content-Encoding", "identity") != "identity":
            return Answer(Outcome.SCHEMA_VIOLATION, status=status, request_sha=sha, detail="content_encoding")
        raw = self._body(response)
        digest = hashlib.sha256(raw).hexdigest()
        try:
            body = parse(raw)
        except BadJson:
            return Answer(Outcome.SCHEMA_VIOLATION, None, status, sha, digest, "malformed")
        return Answer(Outcome.OK, body, status, sha, digest)

    def _refusal(self, response: httpx.Response, sha: str) -> Answer:
        """An answer that is none. A redirect is not followed; other 4xx say that our question is wrong."""
        status = response.status_code
        if 300 <= status < 400:
            return Answer(Outcome.UNAVAILABLE, status=status, request_sha=sha, detail="redirect")
        fallback = Outcome.SCHEMA_VIOLATION if 400 <= status < 500 else Outcome.UNAVAILABLE
        outcome = _STATUS.get(status, fallback)
        return Answer(outcome, status=status, request_sha=sha, retry_after=_retry_after(response))

    def _body(self, response: httpx.Response) -> bytes:
        """The body, bounded in bytes whatever its headers promise."""
        limit = self.registry.limits.max_bytes
        announced = response.headers.get("Content-Length", "")
        if announced.isascii() and announced.isdigit() and int(announced[:20]) > limit:
            raise _TooLarge
        parts, size = [], 0
        for part in response.iter_raw():
            size += len(part)
            if size > limit:
                raise _TooLarge
            parts.append(part)
        return b"".join(parts)


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("Retry-After", "")
    return min(float(text), MAX_RETRY_AFTER) if text.isascii() and text.isdigit() else None
