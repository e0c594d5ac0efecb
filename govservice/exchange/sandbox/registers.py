"""The household registers of the districts: who is entered where, and moves from one to another.

Each register does what it is told and knows nothing of the others; that nobody ends in none or in two of them is for
whoever moves people to see to. Acts of one transfer come with growing numbers: after a newer act an older one, however
late it arrives, is not done. The same key is done once and answered alike.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from govservice.exchange.sandbox.province import Province
from govservice.exchange.sandbox.words import DISTRICTS

ENTRIES = "v1/entries/"  # the doors of the acts
ENTERED, LOCKED = "entered", "locked"
Answer = dict[str, Any]


class BadDeed(ValueError):
    """The request is not of the shape that the registers publish."""


@dataclass(slots=True)
class Transfer:
    """One move: which entry it holds or has taken out, the newest act of it, and what is to be put back."""

    subject: str
    newest: int = -1
    out_of: str | None = None  # the register whose entry was locked or struck out
    struck: bool = False
    into: str | None = None


@dataclass(slots=True)
class Registers:
    """`home` says where somebody is entered before any move (a region code), None for nobody."""

    home: Callable[[str], str | None]
    entries: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)  # subject -> region -> state, by whom
    transfers: dict[str, Transfer] = field(default_factory=dict)
    answers: dict[str, Answer] = field(default_factory=dict)  # by key
    journal: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, act: str, key: str, data: Any) -> Answer:
        """Does one act. Raises BadDeed for a request of another shape, LookupError for an unknown act."""
        if act not in ACTS:
            raise LookupError(act)
        texts = ("subject", "transfer") if act == "undo" else ("subject", "transfer", "from", "to")
        if not isinstance(data, dict) or not key or not all(isinstance(data.get(name), str) for name in texts):
            raise BadDeed(f"needs a key and {', '.join(texts)}")
        if isinstance(data.get("order"), bool) or not isinstance(data.get("order"), int):
            raise BadDeed("order is a whole number")
        with self.lock:
            if key not in self.answers:
                self.answers[key] = self._new(act, data)
            return self.answers[key]

    def _new(self, act: str, data: dict[str, Any]) -> Answer:
        transfer = self.transfers.setdefault(data["transfer"], Transfer(data["subject"]))
        if data["order"] <= transfer.newest:
            return _refused("overtaken")
        transfer.newest = data["order"]
        answer = ACTS[act](self, transfer, data)
        at = self._entries(transfer.subject)
        self.journal.append({
            "subject": transfer.subject, "act": act, "state": answer["state"], "in": sorted(at),
            "in_transit": transfer.struck,
        })  # fmt: skip
        return answer

    def _entries(self, subject: str) -> dict[str, tuple[str, str]]:
        if subject not in self.entries:
            home = self.home(subject)
            self.entries[subject] = {} if home is None else {home: (ENTERED, "")}
        return self.entries[subject]

    def _lock(self, transfer: Transfer, data: dict[str, Any]) -> Answer:
        """The register one leaves holds the entry: nobody else may change it, and it still counts."""
        entry = self._entries(transfer.subject).get(data["from"])
        if entry is None:
            return _refused("not_registered")
        if entry[0] == LOCKED and entry[1] != data["transfer"]:
            return _refused("being_moved")
        self._entries(transfer.subject)[data["from"]] = (LOCKED, data["transfer"])
        transfer.out_of, transfer.struck, transfer.into = data["from"], False, None
        return _done()

    def _remove(self, transfer: Transfer, data: dict[str, Any]) -> Answer:
        entries = self._entries(transfer.subject)
        if entries.get(data["from"]) != (LOCKED, data["transfer"]):
            return _refused("not_locked")
        del entries[data["from"]]
        transfer.struck = True
        return _done()

    def _enter(self, transfer: Transfer, data: dict[str, Any]) -> Answer:
        """The register one comes to. It does not know whether the other has struck the entry out."""
        entries = self._entries(transfer.subject)
        if data["to"] in entries:
            return _refused("registered_already")
        entries[data["to"]] = (ENTERED, "")
        transfer.struck, transfer.into = False, data["to"]
        return _done()

    def _undo(self, transfer: Transfer, data: dict[str, Any]) -> Answer:
        """Puts back what this transfer locked or struck out; says so where the person has arrived after all."""
        if transfer.into is not None:
            return _done(entered=True)
        if transfer.out_of is not None:
            self._entries(transfer.subject)[transfer.out_of] = (ENTERED, "")
        transfer.out_of, transfer.struck = None, False
        return _done(entered=False)

    def of(self, subject: str) -> Answer:
        """Where somebody is entered now, and everything that happened to the entry: for tests."""
        with self.lock:
            told = [row for row in self.journal if row["subject"] == subject]
            return {"in": {region: state for region, (state, _) in self._entries(subject).items()}, "journal": told}

    def clear(self) -> None:
        with self.lock:
            for kept in (self.entries, self.transfers, self.answers, self.journal):
                kept.clear()


def registers_of(held: Province) -> Registers:
    """The household registers of a province, everybody at home."""

    def home(subject: str) -> str | None:
        person = held.people.get(subject)
        return None if person is None else DISTRICTS[person.area][2]

    return Registers(home)


def _done(**more: Any) -> Answer:
    return {"state": "done", **more}


def _refused(reason: str) -> Answer:
    return {"state": "refused", "reason": reason}


ACTS: dict[str, Callable[[Registers, Transfer, dict[str, Any]], Answer]] = {
    "lock": Registers._lock, "remove": Registers._remove, "enter": Registers._enter, "undo": Registers._undo,
}  # fmt: skip
