"""The frame of the sandboxes that stand for the world outside, and the faults that can be switched on in them.

Standard library only, loopback only, HTTP/1.1 keep-alive, a thread per connection; nothing is logged. For tests and
demonstrations.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import FrameType
from typing import Any

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")
MAX_SECONDS = 120
MAX_COPIES = 200


@dataclass(frozen=True, slots=True)
class Fault:
    """`share` of the calls (0-1) behave so; `seconds` is how long a delay or a hang is, `copies` how often one thing
    is sent."""

    mode: str
    share: float = 1.0
    seconds: float = 30.0
    copies: int = 2


def fault_of(data: Any, modes: Collection[str], seconds: float = 30.0) -> Fault:
    """A fault from an admin door's JSON; `seconds` where none are given. Raises ValueError with the reason."""
    if not isinstance(data, dict) or data.get("mode") not in modes:
        raise ValueError(f"mode is one of {', '.join(modes)}")
    share, seconds, copies = data.get("share", 1.0), data.get("seconds", seconds), data.get("copies", 2)
    if not isinstance(share, int | float) or not 0 <= share <= 1:
        raise ValueError("share is a number from 0 to 1")
    if not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_SECONDS:
        raise ValueError(f"seconds is a number from 0 to {MAX_SECONDS}")
    if not isinstance(copies, int) or not 1 <= copies <= MAX_COPIES:
        raise ValueError(f"copies is a whole number from 1 to {MAX_COPIES}")
    return Fault(data["mode"], float(share), float(seconds), copies)


@dataclass(slots=True)
class Switchboard:
    """The fault in force at each door and the calls counted, shared by the server's threads."""

    doors: tuple[str, ...]
    random: Random = field(default_factory=lambda: Random(0))  # noqa: S311 - for shares of faults
    faults: dict[str, Fault] = field(default_factory=dict)
    scripts: dict[str, list[Fault | None]] = field(default_factory=dict)  # what meets the next calls, one each
    calls: dict[str, int] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, door: str) -> Fault | None:
        """Counts a call; the fault that meets it, if any."""
        with self.lock:
            self.calls[door] = self.calls.get(door, 0) + 1
            if self.scripts.get(door):
                return self.scripts[door].pop(0)
            fault = self.faults.get(door)
            return fault if fault is not None and self.random.random() < fault.share else None

    def set(self, door: str, fault: Fault | None) -> None:
        """Switches a door's fault on or off. Raises LookupError for an unknown door."""
        if door not in self.doors:
            raise LookupError(door)
        with self.lock:
            if fault is None:
                self.faults.pop(door, None)
            else:
                self.faults[door] = fault

    def script(self, door: str, faults: Sequence[Fault | None]) -> None:
        """What the next calls meet, one each; afterwards the fault in force. Raises LookupError for an unknown door."""
        if door not in self.doors:
            raise LookupError(door)
        with self.lock:
            self.scripts[door] = list(faults)

    def clear(self) -> None:
        with self.lock:
            self.faults.clear()
            self.scripts.clear()
            self.calls.clear()

    def state(self) -> dict[str, Any]:
        with self.lock:
            faults = {
                door: {"mode": f.mode, "share": f.share, "seconds": f.seconds, "copies": f.copies}
                for door, f in self.faults.items()
            }
            return {"doors": list(self.doors), "faults": faults, "calls": dict(self.calls)}


class SandboxServer(ThreadingHTTPServer):
    """Listens on this machine. `stopping` wakes whoever waits when the server is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[SandboxHandler]) -> None:
        self.stopping = threading.Event()
        super().__init__(("127.0.0.1", port), handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def server_close(self) -> None:
        self.stopping.set()
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that gave up is the ordinary end of a hanging call: nothing to tell."""

    def serve(self) -> None:
        """Serves until SIGINT or SIGTERM ends the process."""
        signal.signal(signal.SIGTERM, _stop)
        try:
            self.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            pass
        finally:
            self.server_close()


class SandboxHandler(BaseHTTPRequestHandler):
    """One connection of a caller."""

    protocol_version = "HTTP/1.1"
    sys_version = ""
    timeout = 60.0
    disable_nagle_algorithm = True
    max_request = 64 * 1024  # bytes of a body

    @property
    def is_local(self) -> bool:
        """Refuses other host names, so that no web page can reach the doors by rebinding its name."""
        return (self.headers.get("Host") or "").rpartition(":")[0].strip("[]") in LOCAL_NAMES

    def body(self) -> bytes | None:
        """The body, or None where its length is missing, wrong or too large (the connection then ends)."""
        length = self.headers.get("Content-Length") or "0"
        if not length.isascii() or not length.isdigit() or int(length) > self.max_request:
            self.close_connection = True
            return None
        return self.rfile.read(int(length))

    def json(self, status: HTTPStatus, data: Any) -> None:
        self.send(status, json.dumps(data, ensure_ascii=False).encode(), "application/json")

    def send(
        self, status: HTTPStatus, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """One write for head and body, so that no delayed acknowledgement holds the answer up."""
        lines = [f"HTTP/1.1 {int(status)} {status.phrase}", f"Content-Type: {content_type}"]
        lines += [f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
        if self.close_connection:
            lines.append("Connection: close")
        self.wfile.write("\r\n".join([*lines, "", ""]).encode() + body)

    def reset(self) -> None:
        """Closes the connection with a RST: the caller sees a reset, not an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests hold personal numbers, invented as they are: nothing is logged."""


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
