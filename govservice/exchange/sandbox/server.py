"""The sandbox's HTTP server: registries of a synthetic province, each with faults that can be switched on.

Doors: `POST /<registry>/<path>`, `GET /healthz`; for tests and demonstrations `GET|POST|DELETE /_admin/faults`
({registry, mode} for every call, {registry, script: [{mode} or null, ...]} for the next calls, one each),
`POST /_admin/delay`, `POST /_admin/registers` {subject}: where somebody is entered, and since when, and
`POST /_admin/records` {registry, subject, changes}: what a registry says from now on of somebody (null: no record;
a field that is null: no such field).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from random import Random
from typing import Any

from govservice.exchange.sandbox import answers, province
from govservice.exchange.sandbox.answers import DOORS, BadQuery
from govservice.exchange.sandbox.faults import MODES, OF_ACTS, Delay, bent
from govservice.exchange.sandbox.registers import ACTS, ENTRIES, BadDeed, registers_of
from govservice.wire.sandbox import Fault, SandboxHandler, Switchboard, fault_of
from govservice.wire.sandbox import SandboxServer as Frame

CHUNK = b'{"records": [' + b'"x",' * 16_000
HUGE = 1024**3  # bytes that the fault `huge` would send to somebody who keeps reading
HTML = b"<html><body><h1>Bad Gateway</h1></body></html>"
REGISTERS = "households"  # the registry whose acts are the household registers'


class SandboxServer(Frame):
    """Serves one province: all of its registers, or `only` one of them, as a process of its own would."""

    def __init__(
        self, port: int, seed: int = province.DEFAULT_SEED, delay: Delay | None = None, only: str | None = None
    ) -> None:  # fmt: skip
        self.only = only
        self.province = province.build(seed)
        self.registers = registers_of(self.province)
        doors = (*DOORS, *(f"{REGISTERS}.{act}" for act in ACTS))
        self.switchboard = Switchboard(doors, Random(seed))
        self.delay = delay or Delay()
        self.changes: dict[tuple[str, str], dict[str, Any] | None] = {}
        self.asked: dict[str, dict[str, Any]] = {}  # the last question to each registry, without whom it was about
        super().__init__(port, Handler)


class Handler(SandboxHandler):
    server_version = "RegistrySandbox"
    server: SandboxServer

    def do_GET(self) -> None:
        if not self.is_local:
            return self.json(HTTPStatus.MISDIRECTED_REQUEST, {"error": "host"})
        if self.path == "/healthz":
            return self.json(HTTPStatus.OK, {"status": "ok", "seed": self.server.province.seed})
        if self.path == "/_admin/faults":
            return self.json(HTTPStatus.OK, self.server.switchboard.state())
        return self.json(HTTPStatus.NOT_FOUND, {"error": "not found"})

    def do_DELETE(self) -> None:
        body = self.body()
        if body is not None and self.is_local and self.path == "/_admin/faults":
            self.server.switchboard.clear()
            self.server.registers.clear()
            self.server.changes.clear()
            self.server.asked.clear()
            return self.json(HTTPStatus.OK, self.server.switchboard.state())
        return self.json(HTTPStatus.NOT_FOUND, {"error": "not found"})

    def do_POST(self) -> None:
        body = self.body()
        if body is None or not self.is_local:
            return self.json(HTTPStatus.BAD_REQUEST, {"error": "request"})
        try:
            data = json.loads(body or b"{}")
        except ValueError:
            return self.json(HTTPStatus.BAD_REQUEST, {"error": "JSON"})
        first, _, rest = self.path.strip("/").partition("/")
        if first != "_admin" and self.server.only not in (None, first):
            return self.json(HTTPStatus.NOT_FOUND, {"error": "another register"})
        if first == "_admin":
            return self._admin(rest, data)
        if rest.startswith(ENTRIES) or rest in answers.ACTS:
            return self._act(first, rest, data)
        return self._query(first, rest, data)

    def _admin(self, door: str, data: Any) -> None:
        board = self.server.switchboard
        try:
            if door == "faults" and "script" in data:
                script = [None if one is None else fault_of(one, MODES) for one in data["script"]]
                board.script(str(data.get("registry")), script)
            elif door == "faults":
                mode = data.get("mode") if isinstance(data, dict) else None
                board.set(str(data.get("registry")), None if mode is None else fault_of(data, MODES))
            elif door == "delay":
                self.server.delay = Delay(float(data["median_ms"]), float(data.get("sigma", 0.3)))
            elif door == "asked":
                return self.json(HTTPStatus.OK, self.server.asked[str(data["registry"])])
            elif door == "registers":
                return self.json(HTTPStatus.OK, self.server.registers.of(str(data["subject"])))
            elif door == "records":
                subject = (str(data["registry"]), str(data["subject"]))
                self.server.changes[subject] = None if data["changes"] is None else dict(data["changes"])
            else:
                return self.json(HTTPStatus.NOT_FOUND, {"error": "not found"})
        except (ValueError, KeyError, TypeError, LookupError, AttributeError) as wrong:
            return self.json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(wrong)})
        return self.json(HTTPStatus.OK, board.state())

    def _query(self, registry: str, path: str, data: Any) -> None:
        try:
            answer = self._as_changed(registry, data, answers.answer(self.server.province, registry, path, data))
        except LookupError:
            return self.json(HTTPStatus.NOT_FOUND, {"error": "no such dataset"})
        except BadQuery as wrong:
            return self.json(HTTPStatus.BAD_REQUEST, {"error": str(wrong)})
        self.server.asked[registry] = {"fields": data["fields"], "as_of": data.get("as_of")}
        fault = self.server.switchboard.enter(registry)
        self._pause(self.server.delay.seconds(self.server.switchboard.random))
        if fault is None:
            return self.json(HTTPStatus.OK, answer)
        self._faulty(fault, lambda: bent(answer, fault.mode))

    def _as_changed(self, registry: str, asked: Any, answer: dict[str, Any]) -> dict[str, Any]:
        """The answer as the registry's record has been changed since: of what was asked for, and nothing else."""
        changes = self.server.changes.get((registry, asked["subject"]), {})
        records = [] if changes is None else [
            {k: changes.get(k, v) for k, v in record.items() if k not in changes or changes[k] is not None}
            for record in answer["records"]
        ]  # fmt: skip
        return {**answer, "records": records}

    def _act(self, registry: str, path: str, data: Any) -> None:
        """A fault stops the act before it is done, but for `lost`: then it was done and nobody is told."""
        board, act = self.server.switchboard, path.removeprefix(ENTRIES)
        do = partial(self._done, registry, path, data)
        fault = board.enter(f"{registry}.{act}") or board.enter(registry)
        try:
            if fault is None:
                return self.json(HTTPStatus.OK, do())
            if fault.mode == "lost":
                do()
                return self.reset()
            if fault.mode in OF_ACTS:
                return self.json(HTTPStatus.OK, OF_ACTS[fault.mode])
            return self._faulty(fault, do)
        except LookupError:
            return self.json(HTTPStatus.NOT_FOUND, {"error": "no such act"})
        except (BadDeed, BadQuery) as wrong:
            return self.json(HTTPStatus.BAD_REQUEST, {"error": str(wrong)})

    def _done(self, registry: str, path: str, data: Any) -> dict[str, Any]:
        key = self.headers.get("Idempotency-Key") or ""
        return (
            self.server.registers.act(path.removeprefix(ENTRIES), key, data)
            if registry == REGISTERS
            else answers.done(path, data)
        )

    def _faulty(self, fault: Fault, answer: Callable[[], dict[str, Any]]) -> None:
        mode = fault.mode
        if mode in ("delay", "hang"):
            self._pause(fault.seconds)
            return self.reset() if mode == "hang" else self.json(HTTPStatus.OK, answer())
        if mode in _STATUS:
            status, body, content_type = _STATUS[mode]
            return self.send(status, body, content_type, _HEADERS.get(mode, {}))
        if mode in ("reset", "drip", "huge"):
            return {"reset": self.reset, "drip": self._drip, "huge": self._huge}[mode]()
        return self.json(HTTPStatus.OK, answer())

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self.server.stopping.wait(seconds)

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


def serve(
    port: int, seed: int = province.DEFAULT_SEED, delay: Delay | None = None, only: str | None = None
) -> None:  # fmt: skip
    """Serves until SIGINT or SIGTERM ends the process. Prints its address once it listens."""
    server = SandboxServer(port, seed, delay, only)
    print(f"registry sandbox: {server.url}, seed {seed}", flush=True)  # noqa: T201 - the command's answer
    server.serve()
