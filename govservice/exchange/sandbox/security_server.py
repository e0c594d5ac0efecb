"""A small X-Road security server in front of the sandbox's registries: `python -m ...sandbox.security_server`.

It answers `/r1/<instance>/<class>/<member>/<subsystem>/<service>/...` as the message protocol for REST says, the
service being a registry of the province: ids echoed, a request id and hash of its own, errors with `X-Road-Error`.
Faults of the server itself are switched on at `POST /_admin/faults` {mode}: an error's type in either spelling, or one
of MODES.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

import uuid6

from govservice.exchange.sandbox import answers, province
from govservice.exchange.sandbox.answers import DOORS, BadQuery
from govservice.wire.sandbox import Fault, SandboxHandler, Switchboard
from govservice.wire.sandbox import SandboxServer as Frame

DOOR = "server"
# What this server does wrong, beside the errors that it names: an answer to another question, or none of X-Road's.
MODES = (
    "other_id", "other_service", "other_client", "no_id", "plain_404", "provider_404", "html_404", "plain_400",
    "plain_503", "provider_503", "provider_403", "provider_429", "hang",
)  # fmt: skip
PROVIDER_STATUS = {"provider_404": 404, "provider_503": 503, "provider_403": 403, "provider_429": 429}


class SecurityServer(Frame):
    """Knows one client and one provider."""

    def __init__(self, port: int, client: str, provider: str, seed: int = province.DEFAULT_SEED) -> None:
        self.client, self.provider = client, provider
        self.province = province.build(seed)
        self.switchboard = Switchboard((DOOR,))
        self.asked: list[dict[str, Any]] = []
        super().__init__(port, Handler)


class Handler(SandboxHandler):
    server_version = "SecurityServer"
    server: SecurityServer

    def do_GET(self) -> None:
        if self.path == "/_admin/asked":
            return self.json(HTTPStatus.OK, self.server.asked)
        return self._carry(None)

    def do_DELETE(self) -> None:
        self.server.switchboard.clear()
        self.server.asked.clear()
        return self.json(HTTPStatus.OK, {})

    def do_POST(self) -> None:
        body = self.body()
        if body is None or not self.is_local:
            return self.json(HTTPStatus.BAD_REQUEST, {"error": "request"})
        if self.path == "/_admin/faults":
            mode = json.loads(body)["mode"]
            self.server.switchboard.set(DOOR, Fault(mode) if mode else None)
            return self.json(HTTPStatus.OK, {})
        return self._carry(body)

    def _carry(self, body: bytes | None) -> None:
        """One question: what X-Road refuses by itself, the fault in force, else the provider's answer."""
        fault = self.server.switchboard.enter(DOOR)
        self.server.asked.append({"path": self.path, "headers": dict(self.headers)})
        path, _, query = self.path.partition("?")
        parts = path.strip("/").split("/")
        if fault is not None and fault.mode not in MODES:
            return self._refuse(fault.mode)
        if self.headers.get("X-Road-Client") != self.server.client:
            return self._refuse("client.missing_header" if not self.headers.get("X-Road-Client") else DENIED)
        if "/".join(parts[1:5]) != self.server.provider:
            return self._refuse("server.clientproxy.unknown_member")
        if fault is not None:
            return self._wrong(fault.mode, parts[1:6], body)
        self._answer(parts, query, body, self._headers(parts[1:6], body))

    def _answer(self, parts: list[str], query: str, body: bytes | None, headers: dict[str, str]) -> None:
        registry = unquote(parts[5])
        if registry not in DOORS:
            return self._refuse("server.serverproxy.unknown_service")
        if body is None:  # GET /<subject>/record?fields=a,b
            asked = {"subject": unquote(parts[6]), "fields": unquote(query.partition("=")[2]).split(",")}
            door = DOORS[registry][0].path
        else:
            asked, door = json.loads(body), "/".join(parts[6:])
        try:
            said = answers.answer(self.server.province, registry, door, asked)
        except (LookupError, BadQuery) as wrong:
            return self.send(HTTPStatus.BAD_REQUEST, json.dumps({"error": str(wrong)}).encode(), JSON, headers)
        if not said["records"]:
            return self.send(HTTPStatus.NOT_FOUND, b'{"error": "no record"}', JSON, headers)
        self.send(HTTPStatus.OK, json.dumps(said, ensure_ascii=False).encode(), JSON, headers)

    def _headers(self, service: list[str], body: bytes | None) -> dict[str, str]:
        """What the provider's server adds; the hash covers headers that the client never saw."""
        seen = hashlib.sha512(repr(sorted(self.headers.items())).encode()).digest()
        if body is not None:
            seen = hashlib.sha512(seen + hashlib.sha512(body).digest()).digest()
        return {
            "X-Road-Id": self.headers.get("X-Road-Id") or str(uuid6.uuid7()), "X-Road-Client": self.server.client,
            "X-Road-Service": "/".join(service), "X-Road-Request-Id": str(uuid6.uuid7()),
            "X-Road-Request-Hash": base64.b64encode(seen).decode(),
        }  # fmt: skip

    def _refuse(self, kind: str) -> None:
        """An error of X-Road itself: 500 for what is called `server.`, 400 for the rest (protocol, 4.6)."""
        status = HTTPStatus.INTERNAL_SERVER_ERROR if kind.lower().startswith("server.") else HTTPStatus.BAD_REQUEST
        said = {"type": kind, "message": "refused", "detail": str(uuid6.uuid7())}
        self.send(status, json.dumps(said).encode(), JSON, {"X-Road-Error": kind})

    def _wrong(self, mode: str, service: list[str], body: bytes | None) -> None:
        headers = self._headers(service, body)
        good = json.dumps({"records": []}).encode()
        changed = {
            "other_id": ("X-Road-Id", str(uuid6.uuid7())), "other_client": ("X-Road-Client", "CN/GOV/999/x"),
            "other_service": ("X-Road-Service", "/".join([*service[:-1], "other"])),
        }  # fmt: skip
        if mode in changed:
            return self.send(HTTPStatus.OK, good, JSON, {**headers, changed[mode][0]: changed[mode][1]})
        if mode == "no_id":
            return self.send(HTTPStatus.OK, good, JSON, {k: v for k, v in headers.items() if k != "X-Road-Id"})
        if mode in PROVIDER_STATUS:
            return self.send(HTTPStatus(PROVIDER_STATUS[mode]), b'{"error": "provider"}', JSON, headers)
        if mode == "html_404":
            return self.send(HTTPStatus.NOT_FOUND, b"<html>404</html>", "text/html", headers)
        if mode == "hang":
            self.server.stopping.wait(30)
            return self.reset()
        status = HTTPStatus(int(mode.rpartition("_")[2]))
        self.send(status, b"Something went wrong here", JSON if status == HTTPStatus.NOT_FOUND else "text/plain")


DENIED = "server.serverproxy.access_denied"
JSON = "application/json"


def main() -> None:
    """Serves until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(prog="security-server")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port and prints it")
    parser.add_argument("--client", required=True, help="the one who may ask, encoded part by part")
    parser.add_argument("--provider", required=True, help="the one who is asked")
    given = parser.parse_args()
    server = SecurityServer(given.port, given.client, given.provider)
    print(f"security server: {server.url}", flush=True)  # noqa: T201 - the command's answer
    server.serve()


if __name__ == "__main__":
    main()
