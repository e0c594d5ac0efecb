"""The sandbox's book: orders and how their status changes. Kept in a file where one is named, so that a restart of the
demonstration forgets nothing."""

from __future__ import annotations

import json
import secrets
import threading
from dataclasses import asdict, dataclass
from pathlib import Path

# From which statuses an act of the payer or of the merchant leads where.
MOVES: dict[str, tuple[frozenset[str], tuple[str, ...]]] = {
    "pay": (frozenset({"open", "pending", "failed"}), ("pending", "paid")),
    "refuse": (frozenset({"open", "pending", "failed"}), ("pending", "failed")),
    "close": (frozenset({"open", "pending", "failed"}), ("closed",)),
    "refund": (frozenset({"paid"}), ("refunding", "refunded")),
}


class Conflict(ValueError):
    """The act does not fit how the order stands."""


@dataclass(slots=True)
class Order:
    """One order. `token` is the unguessable part of its pay page's address; `amount` in minor units."""

    merchant: str
    order: str
    amount: int
    currency: str
    return_url: str
    callback_url: str
    token: str
    status: str = "open"
    seq: int = 0

    def says(self, pay_url: str | None = None) -> dict[str, str | int]:
        """What a callback or an answer says of it now."""
        said: dict[str, str | int] = {
            "merchant": self.merchant, "order": self.order, "seq": self.seq, "status": self.status,
            "amount": self.amount, "currency": self.currency,
        }  # fmt: skip
        return said if pay_url is None else {**said, "pay_url": pay_url}


class Book:
    """All orders, shared by the server's threads."""

    def __init__(self, kept: Path | None = None) -> None:
        self.kept = kept
        self.lock = threading.Lock()
        self.orders: dict[str, Order] = {}
        if kept is not None and kept.exists():
            self.orders = {row["order"]: Order(**row) for row in json.loads(kept.read_text(encoding="utf-8"))}

    def make(self, order: Order) -> Order:
        """Adds an order, or finds the same one. Raises Conflict where that number stands for another sum."""
        with self.lock:
            known = self.orders.get(order.order)
            if known is None:
                self.orders[order.order] = known = order
                self._keep()
            if (known.merchant, known.amount, known.currency) != (order.merchant, order.amount, order.currency):
                raise Conflict("another order has this number")
            return known

    def find(self, order: str) -> Order:
        """Raises LookupError."""
        return self.orders[order]

    def by_token(self, token: str) -> Order:
        """Raises LookupError."""
        for order in list(self.orders.values()):
            if secrets.compare_digest(order.token.encode(), token.encode("utf-8", "replace")):
                return order
        raise LookupError

    def act(self, order: Order, act: str, *, lenient: bool = False) -> list[dict[str, str | int]]:
        """Moves an order. Returns what each change is told as, in order; nothing where it stands there already.

        Raises Conflict where the act does not fit; `lenient`: then nothing happens.
        """
        with self.lock:
            fits, ways = MOVES[act]
            if order.status in ways[-1:] or (order.status not in fits and lenient):
                return []
            if order.status not in fits:
                raise Conflict(f"the order is {order.status}")
            told = []
            for status in ways:
                order.seq, order.status = order.seq + 1, status
                told.append(order.says())
            self._keep()
            return told

    def _keep(self) -> None:
        if self.kept is not None:
            draft = self.kept.with_suffix(".new")
            draft.write_text(json.dumps([asdict(order) for order in self.orders.values()]), encoding="utf-8")
            draft.replace(self.kept)
