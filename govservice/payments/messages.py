"""What the provider says of an order, in a callback and in an answer alike, read strictly.

    {"merchant", "order", "seq", "status", "amount", "currency", "pay_url"?}

`seq` counts the changes of the order's status from 0: of two messages the one with the higher number is the newer,
whichever comes first. `amount` is a whole number of minor units. `pay_url` stands in answers while it can be paid.
"""

from __future__ import annotations

import re
from typing import Any, Literal, NamedTuple, cast, get_args

from govservice.money import MAX_MINOR, Money
from govservice.payments.signing import Refused
from govservice.wire.json_limits import BadJson, parse

Said = Literal["open", "pending", "failed", "paid", "closed", "refunding", "refunded"]
STATUSES: tuple[str, ...] = get_args(Said)
MAX_BODY = 4096  # bytes
MAX_SEQ = 10_000
_ORDER = re.compile(r"[0-9a-f-]{36}", re.ASCII)
_KEYS = {"merchant", "order", "seq", "status", "amount", "currency"}


class OrderState(NamedTuple):
    """An order as the provider says it stands."""

    merchant: str
    order: str
    seq: int
    status: Said
    sum: Money
    pay_url: str | None = None


def read(raw: bytes) -> OrderState:
    """Raises Refused("malformed") for anything that is not exactly such a message; a float is none."""
    try:
        data = parse(raw) if len(raw) <= MAX_BODY else None
    except BadJson:
        raise Refused("malformed") from None
    if not isinstance(data, dict) or not _KEYS <= set(data) <= _KEYS | {"pay_url"}:
        raise Refused("malformed")
    words = [data[name] for name in ("merchant", "order", "status", "currency")]
    url = data.get("pay_url")
    if not all(isinstance(word, str) for word in words) or not isinstance(url, str | None):
        raise Refused("malformed")
    merchant, order, status, currency = words
    if not _ORDER.fullmatch(order) or status not in STATUSES or not re.fullmatch(r"[A-Z]{3}", currency, re.ASCII):
        raise Refused("malformed")
    seq, amount = _whole(data["seq"], MAX_SEQ), _whole(data["amount"], MAX_MINOR)
    return OrderState(merchant, order, seq, cast("Said", status), Money(amount, currency), url)


def _whole(value: Any, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise Refused("malformed")
    return value
