"""Each request gets an id, one log line and its place in the metrics.

The line names the endpoint, never the address: addresses carry search words and numbers of cases.
"""

from __future__ import annotations

import re
from time import perf_counter
from uuid import uuid4

from flask import Flask, Response, g, request
from prometheus_client import Counter, Histogram

from govservice import logs

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9_-]{8,64}")
CASE_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9-]{3,39}")  # what was typed into an address may be anything
QUIET = {"assets", "health.healthz", "health.readyz", "health.metrics"}  # asked every few seconds
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)

REQUESTS = Counter("portal_requests_total", "Requests answered", ["endpoint", "method", "status"])
SECONDS = Histogram("portal_request_seconds", "Time to answer, in seconds", ["endpoint"], buckets=BUCKETS)

log = logs.get("govservice.web")


def init_request_log(app: Flask) -> None:
    """Registers the hooks; call before any other hook so that refused requests are counted too."""
    app.before_request(_begin)
    app.after_request(_end)


def request_id() -> str:
    """The id of this request: shown on error pages, sent in `X-Request-ID`, in every log line."""
    return str(g.get("request_id", ""))


def _begin() -> None:
    g.request_began = perf_counter()
    given = request.headers.get(HEADER, "")
    g.request_id = given if GIVEN.fullmatch(given) else uuid4().hex
    logs.clear()
    logs.bind(request_id=g.request_id)
    number = (request.view_args or {}).get("number")
    if isinstance(number, str) and CASE_NUMBER.fullmatch(number):
        logs.bind(case=number)


def _end(response: Response) -> Response:
    seconds = perf_counter() - g.get("request_began", perf_counter())
    endpoint = request.endpoint or "unknown"
    method = request.method if request.method in ("GET", "HEAD", "POST") else "other"
    REQUESTS.labels(endpoint, method, response.status_code).inc()
    SECONDS.labels(endpoint).observe(seconds)
    response.headers.setdefault(HEADER, request_id())
    if endpoint not in QUIET:
        log.info(
            "request",
            endpoint=endpoint,
            method=method,
            status=response.status_code,
            ms=round(seconds * 1000, 1),
        )
    return response
