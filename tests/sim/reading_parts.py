"""The parts of which an account is made: events, tokens, limits."""

from __future__ import annotations

from typing import Any, NamedTuple

MAIN = 1
Node = dict[str, Any]


class Told(NamedTuple):
    """One event: the columns of its row that carry meaning."""

    seq: int
    at: str
    type: str
    actor: str
    on_behalf_of: str | None
    token: int
    data: Node
    idem: str


class Token:
    """Where a part of the case stands."""

    __slots__ = ("acted", "asked_by", "confirmed", "entered_at", "entered_seq", "id", "kind", "moved", "outcome",
                 "pauses", "person", "rev", "round", "scope", "status", "step", "waits_for")  # fmt: skip

    def __init__(self, id: int, kind: str, scope: str) -> None:
        self.id, self.kind, self.scope = id, kind, scope
        self.step, self.status, self.outcome, self.round = "", "active", None, 0
        self.person: str | None = None
        self.asked_by = 0  # of a consulted department's part: the token whose step asks
        self.confirmed: tuple[str, str, str | None] | None = None  # action, by whom, for which absent colleague
        self.waits_for: str | None = None
        self.acted, self.rev, self.moved = False, 0, 0
        self.entered_at, self.entered_seq = "", 0
        self.pauses: list[list[Any]] = []

    @property
    def open(self) -> bool:
        return self.status != "ended"

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def branch(self) -> str:
        return self.scope.partition("/")[0]


class Limit:
    """A limit of the case, `limit:<name>`."""

    __slots__ = ("extended", "pauses", "promised", "promised_on", "started", "statutory", "statutory_on", "stopped")

    def __init__(self, d: Node) -> None:
        self.started, self.statutory, self.promised = d["started_at"], d["statutory"], d["promised"]
        self.statutory_on, self.promised_on = d["statutory_on"], d["promised_on"]
        self.pauses: list[list[Any]] = []
        self.stopped: str | None = None
        self.extended = 0

    @property
    def paused(self) -> bool:
        return bool(self.pauses) and self.pauses[-1][1] is None

    @property
    def running(self) -> bool:
        return self.stopped is None and not self.paused


def end_pause(pauses: list[list[Any]], at: str) -> None:
    if pauses and pauses[-1][1] is None:
        pauses[-1][1] = max(pauses[-1][0], at)
