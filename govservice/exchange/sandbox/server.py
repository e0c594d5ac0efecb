"""The sandbox's HTTP server: registries of a synthetic province, each with faults that can be switched on.

Standard library only, loopback only, HTTP/1.1 keep-alive, a thread per connection. Doors: `POST /<registry>/<path>`,
`GET /healthz`; for tests and demonstrations `GET|POST|DELETE /_admin/faults` and `POST /_admin/delay`.
"""

from __future__ import annotations

import json
import socket
import struct
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any

from govservice.exchange.sandbox import answers, province
from govservice.exchange.sandbox.answers import DOORS, BadQuery
from govservice.exchange.sandbox.faults import Delay, Fault, Switchboard, bent, fault_of

MAX_REQUEST = 64 * 1024
IDLE_SECONDS = 60.0
CHUNK = b'{"records": [' + b'"x",' * 16_000
HUGE = 1024**3  # bytes that the fault `huge` would send to somebody who keeps reading
HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")


class SandboxServer(ThreadingHTTPServer):
    """Serves one province. `stopping` wakes the calls that hang when the server is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, seed: int = province.DEFAULT_SEED, delay: Delay | None = None) -> None:
        self.province = province.build(seed)
        self.switchboard = Switchboard(tuple(DOORS), Random(seed), delay or Delay())
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def server_close(self) -> None:
        self.stopping.set()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that gave up is the ordinary end of a hanging call: nothing to tell."""


class Handler(BaseHTTPRequestHandler):
    """One connection of a caller."""

    protocol_version = "HTTP/1.1"
    server_version = "RegistrySandbox"
    sys_version = ""
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    server: SandboxServer

    def do_GET(self) -> None:
        if not self._is_local():
            return self._json(HTTPStatus.MISDIRECTED_REQUEST, {"error": "host"})
        if self.path == "/healthz":
            return self._json(HTTPStatus.OK, {"status": "ok", "seed": self.server.province.seed})
        if self.path == "/_admin/faults":
            return self._json(HTTPStatus.OK, self.server.switchboard.state())
        return self._json(HTTPStatus.NOT_FOUND, {"error": "not found"})

    def do_DELETE(self) -> None:
        body = self._body()
        if body is not None and self._is_local() and self.path == "/_admin/faults":
            self.server.switchboard.clear()
            return self._json(HTTPStatus.OK, self.server.switchboard.state())
        return self._json(HTTPStatus.NOT_FOUND, {"error": "not found"})

    def do_POST(self) -> None:
        body = self._body()
        if body is None or not self._is_local():
            return self._json(HTTPStatus.BAD_REQUEST, {"error": "request"})
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            return self._json(HTTPStatus.BAD_REQUEST, {"error": "JSON"})
        first, _, rest = self.path.strip("/").partition("/")
        return self._admin(rest, data) if first == "_admin" else self._query(first, rest, data)

    def _admin(self, door: str, data: Any) -> None:
        board = self.server.switchboard
        try:
            if door == "faults":
                mode = data.get("mode") if isinstance(data, dict) else None
                board.set(str(data.get("registry")), None if mode is None else fault_of(data))
            elif door == "delay":
                board.delay = Delay(float(data["median_ms"]), float(data.get("sigma", 0.3)))
            else:
                return self._json(HTTPStatus.NOT_FOUND, {"error": "not found"})
        except (ValueError, KeyError, TypeError, LookupError, AttributeError) as wrong:
            return self._json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(wrong)})
        return self._json(HTTPStatus.OK, board.state())

    def _query(self, registry: str, path: str, data: Any) -> None:
        try:
            answer = answers.answer(self.server.province, registry, path, data)
        except LookupError:
            return self._json(HTTPStatus.NOT_FOUND, {"error": "no such dataset"})
        except BadQuery as wrong:
            return self._json(HTTPStatus.BAD_REQUEST, {"error": str(wrong)})
        fault, delay = self.server.switchboard.enter(registry)
        self._pause(delay)
        return self._json(HTTPStatus.OK, answer) if fault is None else self._faulty(fault, answer)

    def _faulty(self, fault: Fault, answer: dict[str, Any]) -> None:
        mode = fault.mode
        if mode in ("delay", "hang"):
            self._pause(fault.seconds)
            return self._reset() if mode == "hang" else self._json(HTTPStatus.OK, answer)
        if mode in _STATUS:
            status, body, content_type = _STATUS[mode]
            return self._send(status, body, content_type, _HEADERS.get(mode, {}))
        if mode in ("reset", "drip", "huge"):
            return {"reset": self._reset, "drip": self._drip, "huge": self._huge}[mode]()
        return self._json(HTTPStatus.OK, bent(answer, mode))

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.server.stopping.wait(seconds)

    def _reset(self) -> None:
        """Closes the connection with a RST: the caller sees a reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _drip(self) -> None:
        """A byte now and then, for a minute: each read succeeds, the whole never comes."""
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 600\r\n\r\n")
        for _ in range(600):
            self.wfile.write(b" ")
            self.wfile.flush()
            if self.server.stopping.wait(0.1):
                return
        self.close_connection = True

    def _huge(self) -> None:
        """A body of a gigabyte, or as much of it as the caller is willing to read."""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {HUGE}\r\n\r\n"
        self.wfile.write(head.encode())
        sent = 0
        while sent < HUGE and not self.server.stopping.is_set():
            self.wfile.write(CHUNK)
            sent += len(CHUNK)
        self.close_connection = True

    def _is_local(self) -> bool:
        """Refuses other host names, so that no web page can reach the doors by rebinding its name."""
        return (self.headers.get("Host") or "").rpartition(":")[0] in LOCAL_NAMES

    def _body(self) -> bytes | None:
        """The body, or None where its length is missing, wrong or too large (the connection then ends)."""
        length = self.headers.get("Content-Length") or "0"
        if not length.isascii() or not length.isdigit() or int(length) > MAX_REQUEST:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def _json(self, status: HTTPStatus, data: Any) -> None:
        self._send(status, json.dumps(data, ensure_ascii=False).encode(), "application/json", {})

    def _send(self, status: HTTPStatus, body: bytes, content_type: str, headers: dict[str, str]) -> None:
        """One write for head and body, so that no delayed acknowledgement holds the answer up."""
        lines = [f"HTTP/1.1 {int(status)} {status.phrase}", f"Content-Type: {content_type}"]
        lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests hold personal numbers, invented as they are: nothing is logged."""


_HEADERS = {"redirect": {"Location": "http://169.254.169.254/latest/meta-data"}, "status_429": {"Retry-After": "7"}}
_DEEP = b"[" * 50_000 + b"]" * 50_000
_STATUS: dict[str, tuple[HTTPStatus, bytes, str]] = {
    "status_500": (HTTPStatus.INTERNAL_SERVER_ERROR, b'{"error": "internal"}', "application/json"),
    "html_502": (HTTPStatus.BAD_GATEWAY, HTML, "text/html"),
    "html_200": (HTTPStatus.OK, HTML, "text/html"),
    "status_429": (HTTPStatus.TOO_MANY_REQUESTS, b'{"error": "slow down"}', "application/json"),
    "status_403": (HTTPStatus.FORBIDDEN, b'{"error": "access denied"}', "application/json"),
    "malformed": (HTTPStatus.OK, b'{"records": [{"subject": ', "application/json"),
    "deep": (HTTPStatus.OK, _DEEP, "application/json"),
    "redirect": (HTTPStatus.FOUND, b"", "application/json"),
}


def serve(port: int, seed: int = province.DEFAULT_SEED, delay: Delay | None = None) -> None:
    """Serves until SIGINT or SIGTERM ends the process. Prints its address once it listens."""
    server = SandboxServer(port, seed, delay)
    print(f"registry sandbox: {server.url}, seed {seed}", flush=True)  # noqa: T201 - the command's answer
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()
