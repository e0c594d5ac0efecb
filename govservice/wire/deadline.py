"""A deadline over a whole call. httpx bounds each read; a server that sends a byte now and then would never be late.

The deadline belongs to the thread that makes the call and is held against every read and write of its socket.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import httpcore
import httpx

from govservice.wire.inside import is_inside

_thread = threading.local()


@contextmanager
def until(deadline: float) -> Iterator[None]:
    """Calls of this thread end at `deadline` (an instant of `time.monotonic()`)."""
    _thread.deadline = deadline
    try:
        yield
    finally:
        del _thread.deadline


def _left(timeout: float | None, late: type[Exception]) -> float | None:
    deadline: float | None = getattr(_thread, "deadline", None)
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise late("the deadline has passed")
    return left if timeout is None else min(left, timeout)


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore.SyncBackend):
    def __init__(self, *, outside: bool) -> None:
        self._outside = outside

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:  # fmt: skip
        left = _left(timeout, httpcore.ConnectTimeout)
        stream = super().connect_tcp(host, port, left, local_address, socket_options)
        if self._outside and not is_inside(host) and is_inside(stream.get_extra_info("server_addr")[0]):
            stream.close()  # asked of the socket itself: whatever a name leads to now, nothing is sent there
            raise httpcore.ConnectError("the name of another machine leads to this one")
        return _Stream(stream)


@lru_cache(maxsize=1)
def _public_authorities() -> ssl.SSLContext:
    """One for all doors: reading the authorities takes longer than a call."""
    return httpx.create_ssl_context(trust_env=False)


def transport(
    limits: httpx.Limits, context: ssl.SSLContext | None = None, *, outside: bool = False
) -> httpx.HTTPTransport:
    """httpx's own transport on sockets that know the deadline. No proxies, HTTP/1.1, certificates checked: by `context`
    where one is given, else against the public authorities. `outside`: a name that leads to this machine or its own
    link is nobody."""
    context = context or _public_authorities()
    made = httpx.HTTPTransport(verify=context, trust_env=False)
    made.close()
    made._pool = httpcore.ConnectionPool(  # httpx has no argument for it; its version is pinned
        ssl_context=context,
        max_connections=limits.max_connections,
        max_keepalive_connections=limits.max_keepalive_connections,
        keepalive_expiry=limits.keepalive_expiry,
        network_backend=_Backend(outside=outside),
    )
    return made
