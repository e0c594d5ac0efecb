"""Signed messages between the portal and its payment provider: HMAC-SHA-256 over everything that counts.

What is signed: the kind of message, the merchant, the second it was sent, a nonce, what it is about (method and path,
or the nonce that it answers), and the digest of the body. The kind keeps one message from passing for another (a
request sent back as a callback); the time and the nonce keep an old one from passing for a new one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from typing import Literal, NamedTuple, Protocol

Kind = Literal["request", "answer", "callback"]
FRESH_SECONDS = 300  # a message is believed this long before and after the second that it names
HEADERS = ("X-Pay-Merchant", "X-Pay-Time", "X-Pay-Nonce", "X-Pay-Signature")
_SHAPES = tuple(re.compile(shape, re.ASCII) for shape in (r"[a-z0-9_-]{1,40}", r"[0-9]{1,12}", r"[A-Za-z0-9_-]{16,64}",
                                                          r"[0-9a-f]{64}"))  # fmt: skip
_VERSION = "pay/1"


class Refused(Exception):
    """A message that is not believed. `why` is a word for the log."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class HeadersLike(Protocol):
    """Headers of whichever library: found by name in any case."""

    def get(self, key: str, /) -> str | None: ...


class Seal(NamedTuple):
    """What a message carries beside its body."""

    merchant: str
    time: int  # seconds since 1970
    nonce: str
    signature: str

    def headers(self) -> dict[str, str]:
        return dict(zip(HEADERS, (self.merchant, str(self.time), self.nonce, self.signature), strict=True))


def sign(key: bytes, kind: Kind, merchant: str, at: int, about: str, body: bytes, nonce: str | None = None) -> Seal:
    """The seal of a message. `about` is "METHOD path" of a request, the request's nonce of an answer, "" else."""
    nonce = nonce or secrets.token_urlsafe(18)
    return Seal(merchant, at, nonce, _signature(key, kind, merchant, at, nonce, about, body))


def verify(key: bytes, kind: Kind, merchant: str, headers: HeadersLike, about: str, body: bytes, now: float) -> Seal:
    """The seal, once it is proved. Raises Refused with why not, dear checks last."""
    found = [headers.get(name) or "" for name in HEADERS]
    if not all(shape.fullmatch(text) for shape, text in zip(_SHAPES, found, strict=True)):
        raise Refused("malformed")
    seal = Seal(found[0], int(found[1]), found[2], found[3])
    if seal.merchant != merchant:
        raise Refused("merchant")
    expected = _signature(key, kind, merchant, seal.time, seal.nonce, about, body)
    if not hmac.compare_digest(expected, seal.signature):
        raise Refused("signature")
    if abs(now - seal.time) > FRESH_SECONDS:
        raise Refused("stale")
    return seal


def _signature(key: bytes, kind: Kind, merchant: str, at: int, nonce: str, about: str, body: bytes) -> str:
    said = "\n".join((_VERSION, kind, merchant, str(at), nonce, about, hashlib.sha256(body).hexdigest()))
    return hmac.new(key, said.encode(), hashlib.sha256).hexdigest()
