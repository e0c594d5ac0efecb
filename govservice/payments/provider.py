"""Asking the payment provider: open an order, look at it, close it, give the money back. Signed both ways.

Each call is idempotent by the order's number, so that it may be made again after any fault. No redirects, no proxies
from the environment, answers within bounds, a deadline over the whole call.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

import httpx

from govservice.errors import Unavailable
from govservice.money import Money
from govservice.payments import messages, signing
from govservice.payments.messages import OrderState
from govservice.payments.signing import Refused
from govservice.wire.deadline import transport, until

SECONDS = 5.0  # of a whole call
CONNECT_SECONDS = 1.0


class AccountLike(Protocol):
    """What is needed of `config.PaymentAccount`."""

    @property
    def url(self) -> str: ...
    @property
    def merchant(self) -> str: ...
    @property
    def key(self) -> bytes: ...


class Provider:
    """The door to one provider for one merchant. `wall` gives seconds since 1970."""

    def __init__(self, account: AccountLike, wall: Callable[[], float], seconds: float = SECONDS) -> None:
        self.account = account
        self.wall = wall
        self.seconds = seconds
        self.client = httpx.Client(
            follow_redirects=False, trust_env=False, transport=transport(httpx.Limits(max_connections=4)),
            headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "one-stop-portal"},
        )  # fmt: skip

    def close(self) -> None:
        self.client.close()

    def open_order(self, order: str, sum: Money, *, return_url: str, callback_url: str) -> OrderState:
        """Makes the order, or finds it as it stands. The provider learns the sum and nothing of person or case."""
        said = {
            "order": order, "amount": sum.minor, "currency": sum.currency, "return_url": return_url,
            "callback_url": callback_url,
        }  # fmt: skip
        return self._ask("POST", "/orders", order, said)

    def look(self, order: str) -> OrderState:
        return self._ask("GET", f"/orders/{order}", order)

    def close_order(self, order: str) -> OrderState:
        """Nobody can pay it afterwards; an order that was paid before stays paid, and the answer says so."""
        return self._ask("POST", f"/orders/{order}/close", order, {})

    def refund(self, order: str) -> OrderState:
        """Gives the whole sum back, once however often it is asked."""
        return self._ask("POST", f"/orders/{order}/refund", order, {})

    def _ask(self, method: str, path: str, order: str, said: Mapping[str, Any] | None = None) -> OrderState:
        """Raises Unavailable for every fault of the network or of the other side: the caller asks again later."""
        body = b"" if said is None else json.dumps(said).encode()
        at = int(self.wall())
        seal = signing.sign(self.account.key, "request", self.account.merchant, at, f"{method} {path}", body)
        request = self.client.build_request(
            method, self.account.url + path, content=body, headers=seal.headers(),
            timeout=httpx.Timeout(self.seconds, connect=CONNECT_SECONDS),
        )  # fmt: skip
        try:
            with until(time.monotonic() + self.seconds):
                status, raw, headers = self._send(request)
        except httpx.HTTPError as error:
            raise Unavailable(why=type(error).__name__) from None
        if status != 200:
            raise Unavailable(why=f"status {status}")
        try:
            signing.verify(
                self.account.key, "answer", self.account.merchant, headers, seal.nonce, raw, self.wall()
            )  # fmt: skip
            return self._checked(messages.read(raw), order)
        except Refused as refused:
            raise Unavailable(why=refused.why) from None

    def _send(self, request: httpx.Request) -> tuple[int, bytes, httpx.Headers]:
        response = self.client.send(request, stream=True)
        try:
            raw = b""
            for part in response.iter_raw():
                raw += part
                if len(raw) > messages.MAX_BODY:
                    raise Unavailable(why="too large")
            return response.status_code, raw, response.headers
        finally:
            response.close()

    def _checked(self, state: OrderState, order: str) -> OrderState:
        """About our order, and payable only where the provider itself is."""
        if (state.order, state.merchant) != (order, self.account.merchant):
            raise Refused("order")
        if state.pay_url is not None and urlsplit(state.pay_url)[:2] != urlsplit(self.account.url)[:2]:
            raise Refused("pay_url")
        return state
