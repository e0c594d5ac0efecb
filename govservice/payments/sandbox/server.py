"""The sandbox's HTTP doors. Standard library only, loopback only.

For the merchant (signed): `POST /orders`, `GET /orders/<order>`, `POST /orders/<order>/close|refund`. For the payer:
`GET|POST /pay/<token>`. For tests and demonstrations: `GET|POST|DELETE /_admin/faults`, `GET /_admin/sent`,
`POST /_admin/act` {order, act}, `POST /_admin/release` {order, seqs}. `GET /healthz`.
"""

from __future__ import annotations

import json
import re
import secrets
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from govservice.money import MAX_MINOR, PLACES
from govservice.payments import signing
from govservice.payments.sandbox import pages
from govservice.payments.sandbox.delivery import WALL, Postman
from govservice.payments.sandbox.faults import CALLBACKS, MODES, REQUESTS, SECONDS, door_of
from govservice.payments.sandbox.orders import MOVES, Book, Conflict, Order
from govservice.wire.sandbox import SandboxHandler, SandboxServer, Switchboard, fault_of

_ORDER = re.compile(r"[0-9a-f-]{36}", re.ASCII)


class PaymentServer(SandboxServer):
    """One provider. `keys` are the merchants' keys by name."""

    def __init__(self, port: int, keys: dict[str, bytes], kept: Path | None = None) -> None:
        self.keys = keys
        self.book = Book(kept)
        self.board = Switchboard((CALLBACKS, REQUESTS))
        super().__init__(port, Handler)
        self.postman = Postman(keys, self.board, self.stopping)


class Handler(SandboxHandler):
    server_version = "PaymentSandbox"
    max_request = 16 * 1024
    server: PaymentServer

    def do_GET(self) -> None:
        self._route("GET")

    def do_POST(self) -> None:
        self._route("POST")

    def do_DELETE(self) -> None:
        self._route("DELETE")

    def _route(self, method: str) -> None:
        body = self.body()
        path = urlsplit(self.path).path
        first, _, rest = path.strip("/").partition("/")
        if body is None or not self.is_local:
            return self.json(HTTPStatus.BAD_REQUEST, {"error": "request"})
        door = {"healthz": self._health, "orders": self._merchant, "pay": self._payer, "_admin": self._admin}.get(first)
        if door is None:
            return self.json(HTTPStatus.NOT_FOUND, {"error": "not found"})
        try:
            return door(method, rest, body)
        except LookupError:
            return self.json(HTTPStatus.NOT_FOUND, {"error": "not found"})
        except Conflict as wrong:
            return self.json(HTTPStatus.CONFLICT, {"error": str(wrong)})
        except (ValueError, TypeError, AttributeError) as wrong:
            return self.json(HTTPStatus.UNPROCESSABLE_ENTITY, {"error": str(wrong)})

    def _health(self, _method: str, _rest: str, _body: bytes) -> None:
        self.json(HTTPStatus.OK, {"status": "ok", "orders": len(self.server.book.orders)})

    # -- the merchant

    def _merchant(self, method: str, rest: str, body: bytes) -> None:
        fault = self.server.board.enter(REQUESTS)
        if fault is not None and fault.mode == "slow":
            self.server.stopping.wait(fault.seconds)
        elif fault is not None:
            return self.json(HTTPStatus.SERVICE_UNAVAILABLE, {"error": "down"})
        merchant = self.headers.get("X-Pay-Merchant") or ""
        key = self.server.keys.get(merchant)
        if key is None:
            return self.json(HTTPStatus.UNAUTHORIZED, {"error": "merchant"})
        try:
            seal = signing.verify(
                key, "request", merchant, self.headers, f"{method} {self.path}", body, WALL.now().timestamp()
            )
        except signing.Refused as refused:
            return self.json(HTTPStatus.UNAUTHORIZED, {"error": refused.why})
        number, _, act = rest.partition("/")
        order = self._made(merchant, body) if (method, rest) == ("POST", "") else self.server.book.find(number)
        if order.merchant != merchant or (act and (act not in ("close", "refund") or method != "POST")):
            raise LookupError
        if act:
            self._tell(order, self.server.book.act(order, act, lenient=True))
        return self._signed(order, key, seal.nonce)

    def _made(self, merchant: str, body: bytes) -> Order:
        data = json.loads(body)
        amount, currency, number = data["amount"], data["currency"], data["order"]
        if isinstance(amount, bool) or not isinstance(amount, int) or not 0 < amount <= MAX_MINOR:
            raise ValueError("amount is a whole number of minor units")
        if currency not in PLACES or not _ORDER.fullmatch(number):
            raise ValueError("currency or order")
        for url in (data["return_url"], data["callback_url"]):
            if urlsplit(url).scheme not in ("http", "https"):
                raise ValueError("an address is http(s)")
        token = secrets.token_urlsafe(24)
        return self.server.book.make(
            Order(merchant, number, amount, currency, data["return_url"], data["callback_url"], token)
        )

    def _signed(self, order: Order, key: bytes, nonce: str) -> None:
        payable = order.status in ("open", "pending", "failed")
        said = order.says(f"{self.server.url}/pay/{order.token}" if payable else None)
        body = json.dumps(said).encode()
        seal = signing.sign(key, "answer", order.merchant, int(WALL.now().timestamp()), nonce, body)
        self.send(HTTPStatus.OK, body, "application/json", seal.headers())

    def _tell(self, order: Order, changes: list[dict[str, str | int]]) -> None:
        for said in changes:
            self.server.postman.tell(order.callback_url, said)

    # -- the payer

    def _payer(self, method: str, token: str, body: bytes) -> None:
        order = self.server.book.by_token(token)
        if method == "POST":
            act = parse_qs(body.decode("utf-8", "replace")).get("act", [""])[0]
            if act not in ("pay", "refuse"):
                raise ValueError("act is pay or refuse")
            self._tell(order, self.server.book.act(order, act, lenient=True))
            return self.send(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": order.return_url})
        return self.send(HTTPStatus.OK, pages.pay_page(order), "text/html; charset=utf-8", pages.HEADERS)

    # -- tests and demonstrations

    def _admin(self, method: str, door: str, body: bytes) -> None:
        board, postman = self.server.board, self.server.postman
        data = json.loads(body or b"{}")
        if door == "faults":
            if method == "POST":
                fault = fault_of(data, MODES, SECONDS)
                board.set(door_of(fault.mode), fault)
            elif method == "DELETE":
                board.clear()
                postman.held.clear()
            return self.json(HTTPStatus.OK, board.state())
        if door == "sent" and method == "GET":
            return self.json(HTTPStatus.OK, {"sent": list(postman.sent)})
        if door == "act" and method == "POST" and data.get("act") in MOVES:
            order = self.server.book.find(str(data.get("order")))
            self._tell(order, self.server.book.act(order, data["act"]))
            return self.json(HTTPStatus.OK, {"status": order.status, "seq": order.seq})
        if door == "release" and method == "POST":
            return self.json(HTTPStatus.OK, {"answers": postman.release(str(data.get("order")), list(data["seqs"]))})
        raise LookupError


def serve(port: int, keys: dict[str, bytes], kept: Path | None = None) -> None:
    """Serves until SIGINT or SIGTERM ends the process. Prints its address once it listens."""
    server = PaymentServer(port, keys, kept)
    print(f"payment sandbox: {server.url}", flush=True)  # noqa: T201 - the command's answer
    server.serve()
