"""What was asked of the portal and what it acknowledged, written outside of it, one line each, by whoever asked.

A line is written by one system call to a file opened for appending: it outlives the writer's own kill -9.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path


class Ledger:
    """Appends lines; any number of processes may hold one on the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def asked(self, who: str, key: str) -> None:
        self._line("asked", who, key)

    def told(self, who: str, key: str) -> None:
        """The portal said that it is done."""
        self._line("told", who, key)

    def refused(self, who: str, key: str) -> None:
        """The portal said that it is not done, and why."""
        self._line("refused", who, key)

    def _line(self, what: str, who: str, key: str) -> None:
        os.write(self._file, (json.dumps([what, who, key, os.getpid()]) + "\n").encode())

    def close(self) -> None:
        os.close(self._file)


def lines(path: Path) -> Iterator[tuple[str, str, str, int]]:
    """(what, who, key, process) of every whole line."""
    for line in path.read_text().splitlines():
        what, who, key, process = json.loads(line)
        yield what, who, key, process


def open_questions(path: Path, process: int) -> int:
    """How many questions of this process have no answer: what its end interrupted."""
    mine = [(what, who, key) for what, who, key, by in lines(path) if by == process]
    answered = {(who, key) for what, who, key in mine if what != "asked"}
    return len({(who, key) for what, who, key in mine if what == "asked"} - answered)
