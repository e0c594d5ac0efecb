"""Sending callbacks: signed anew for each try, tried again while the merchant does not answer, bent by faults."""

from __future__ import annotations

import http.client
import json
import secrets
import threading
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from govservice.clock import WallClock
from govservice.payments import signing
from govservice.payments.sandbox.faults import CALLBACKS
from govservice.wire.sandbox import LOCAL_NAMES, Fault, Switchboard

PAUSES = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)  # seconds between tries of one callback
TIMEOUT = 10.0
WALL = WallClock()
Said = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Letter:
    """A callback as it is sent: its body and its seal."""

    url: str
    body: bytes
    headers: dict[str, str]


class Postman:
    """Delivers callbacks in threads of their own. `held` are those that the fault `hold` keeps, oldest first."""

    def __init__(self, keys: dict[str, bytes], board: Switchboard, stopping: threading.Event) -> None:
        self.keys = keys
        self.board = board
        self.stopping = stopping
        self.held: list[tuple[str, Said]] = []
        self.sent: list[dict[str, Any]] = []  # {order, seq, status, answer}: for tests

    def tell(self, url: str, said: Said) -> None:
        """One change of an order, to be told to its merchant."""
        fault = self.board.enter(CALLBACKS)
        mode = fault.mode if fault is not None else ""
        if mode == "hold":
            self.held.append((url, said))
        elif mode != "never":
            threading.Thread(target=self._deliver, args=(url, said, fault), daemon=True).start()

    def release(self, order: str, seqs: list[int]) -> list[int]:
        """Sends held callbacks of an order in this order, each once, one after the other. Returns the answers."""
        kept = {said["seq"]: (url, said) for url, said in self.held if said["order"] == order}
        return [self._send(self._letter(*kept[seq], None), said=kept[seq][1]) for seq in seqs]

    def _deliver(self, url: str, said: Said, fault: Fault | None) -> None:
        self.stopping.wait(_delay(said, fault))
        copies = fault.copies if fault is not None and fault.mode in ("twice", "replayed") else 1
        letter = self._letter(url, said, fault)
        for copy in range(copies):
            if copy and fault is not None and fault.mode == "twice":
                letter = self._letter(url, said, fault)  # a true second callback is signed anew; a replay is not
            self._until_heard(url, said, fault, letter)

    def _until_heard(self, url: str, said: Said, fault: Fault | None, letter: Letter) -> None:
        for pause in (*PAUSES, None):
            answer = self._send(letter, said)
            if 200 <= answer < 500 or pause is None or self.stopping.wait(pause):
                return
            letter = self._letter(url, said, fault)

    def _letter(self, url: str, said: Said, fault: Fault | None) -> Letter:
        said, mode = dict(said), fault.mode if fault is not None else ""
        at, key = int(WALL.now().timestamp()), self.keys[said["merchant"]]
        if mode == "wrong_amount":
            said["amount"] -= 1
        elif mode == "float_amount":
            said["amount"] = float(said["amount"])
        elif mode == "wrong_currency":
            said["currency"] = "USD"
        elif mode == "other_merchant":
            said["merchant"], key = "somebody-else", secrets.token_bytes(32)
        elif mode == "stale":
            at -= 2 * signing.FRESH_SECONDS
        elif mode == "forged":
            key = secrets.token_bytes(32)
        body = json.dumps(said).encode()
        seal = signing.sign(key, "callback", said["merchant"], at, "", body)
        return Letter(url, body, seal.headers())

    def _send(self, letter: Letter, said: Said) -> int:
        """The status of the answer; 0 where there was none."""
        where = urlsplit(letter.url)
        if where.scheme != "http" or where.hostname not in LOCAL_NAMES:  # nobody else is ever called
            return 0
        connection = http.client.HTTPConnection(where.hostname, where.port or 80, timeout=TIMEOUT)
        try:
            connection.request(
                "POST", where.path, letter.body, {**letter.headers, "Content-Type": "application/json"}
            )  # fmt: skip
            answer = connection.getresponse()
            answer.read(4096)
            status = answer.status
        except (OSError, http.client.HTTPException):
            status = 0
        finally:
            connection.close()
        self.sent.append({"order": said["order"], "seq": said["seq"], "status": said["status"], "answer": status})
        return status


def _delay(said: Said, fault: Fault | None) -> float:
    """Seconds before the first try. Out of order: the first change comes last."""
    if fault is None or fault.mode not in ("late", "out_of_order"):
        return 0.0
    return fault.seconds if fault.mode == "late" else fault.seconds / (2 ** int(said["seq"] - 1)) - fault.seconds / 64
