"""The hash chain of a case.

An event's hash covers the hash before it and every column of its row, `data` byte for byte as it is stored. Changing,
dropping, inserting or reordering a row breaks the chain at that row. A cut tail or a deleted case leaves an intact
chain:
those are found by comparing with the anchors (`merkle`), of which the operator keeps copies elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from govservice.errors import Tampered

GENESIS = "0" * 64
_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(value: Any) -> str:
    """Canonical JSON: sorted keys, no spaces, UTF-8 text. Events hold text, integers and booleans only, for which this
    equals RFC 8785 (a test compares)."""
    return _encode(value)


class Link(NamedTuple):
    """A row of case_events as the chain sees it; instants are canonical text."""

    case_id: str
    seq: int
    at: str
    recorded_at: str
    type: str
    v: int
    actor: str
    on_behalf_of: str | None
    token_id: int | None
    data: str
    idem: str


def link_hash(prev: str, link: Link) -> str:
    return hashlib.sha256(_encode([prev, *link]).encode()).hexdigest()


def verify(rows: Iterable[tuple[Link, str, str]], head: str | None = None, last_seq: int | None = None) -> int:
    """Checks (link, prev, hash) rows of one case in order of seq; `head` and `last_seq` are what `cases` says. Returns
    how many rows there were. Raises Tampered naming the first row that does not fit: one that was changed, the place of
    one that is missing, the first behind the end that `cases` knows."""
    prev, seq = GENESIS, 0
    for link, said_prev, said_hash in rows:
        seq += 1
        if link.seq != seq or said_prev != prev or link_hash(prev, link) != said_hash:
            raise Tampered(case_id=link.case_id, seq=min(seq, link.seq), expected_seq=seq)
        prev = said_hash
    if last_seq is not None and last_seq != seq:
        raise Tampered(head=head, last_seq=last_seq, seq=min(seq, last_seq) + 1)
    if head is not None and head != prev:
        raise Tampered(head=head, last_seq=last_seq, seq=seq)
    return seq
