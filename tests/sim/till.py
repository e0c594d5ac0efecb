"""The payment provider of the simulation: what it knows is the truth about money. Its callbacks come late, twice, out
of order or never, its answers get lost, and others pretend to be it."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from govservice.errors import Unavailable
from govservice.money import Money
from govservice.payments import signing
from govservice.payments.messages import OrderState

MERCHANT, KEY = "sim", bytes(range(64, 96))
PAYABLE = ("open", "pending", "failed")


class Till:
    """Orders by number, each with its history of statuses; `post` holds callbacks that are on their way."""

    def __init__(self, chance: random.Random) -> None:
        self.account = SimpleNamespace(url="http://till", merchant=MERCHANT, key=KEY)
        self.chance = chance
        self.orders: dict[str, dict[str, Any]] = {}
        self.post: list[bytes] = []
        self.loses = 0.0  # share of calls that get no answer
        self.lost = 0  # calls that got none
        self.between: Callable[[], None] = lambda: None  # whatever others do while the portal waits

    # -- what the portal asks

    def open_order(self, order: str, sum: Money, **_urls: str) -> OrderState:
        return self._asked(order, lambda: self.orders.setdefault(order, {"sum": sum, "past": ["open"]}))

    def look(self, order: str) -> OrderState:
        return self._asked(order, lambda: None)

    def close_order(self, order: str) -> OrderState:
        return self._asked(order, lambda: self._move(order, PAYABLE, "closed"))

    def refund(self, order: str) -> OrderState:
        def back() -> None:
            self._move(order, ("paid",), "refunding")
            self._move(order, ("refunding",), "refunded")

        return self._asked(order, back)

    def _asked(self, order: str, act: Callable[[], Any]) -> OrderState:
        self.between()
        self.lost += 1
        if self.chance.random() < self.loses / 2:
            raise Unavailable(why="no answer")
        act()
        if order not in self.orders or self.chance.random() < self.loses / 2:
            raise Unavailable(why="the answer was lost")
        self.lost -= 1
        return self.said(order)

    # -- what happens there

    def pay(self, order: str) -> bool:
        return self._move(order, PAYABLE, "paid")

    def refuse(self, order: str) -> bool:
        return self._move(order, ("open", "pending"), "failed")

    def wait(self, order: str) -> bool:
        """The payer's bank takes its time."""
        return self._move(order, ("open", "failed"), "pending")

    def _move(self, order: str, of: tuple[str, ...], to: str) -> bool:
        past = self.orders[order]["past"] if order in self.orders else []
        if not past or past[-1] not in of:
            return False
        past.append(to)
        self.post.append(self.message(order))
        return True

    def status(self, order: str) -> str:
        return str(self.orders[order]["past"][-1])

    def said(self, order: str) -> OrderState:
        held = self.orders[order]
        seq = len(held["past"]) - 1
        url = f"http://till/pay/{order}" if held["past"][-1] in PAYABLE else None
        return OrderState(MERCHANT, order, seq, held["past"][-1], held["sum"], url)

    def message(self, order: str, amount: int = 0) -> bytes:
        said = self.said(order)
        body = {
            "merchant": MERCHANT, "order": order, "seq": said.seq, "status": said.status,
            "amount": said.sum.minor + amount, "currency": said.sum.currency,
        }  # fmt: skip
        return json.dumps(body).encode()

    def headers(self, raw: bytes, now: float, key: bytes = KEY) -> dict[str, str]:
        return signing.sign(
            key, "callback", MERCHANT, int(now), "", raw, f"{self.chance.getrandbits(96):024x}"
        ).headers()
