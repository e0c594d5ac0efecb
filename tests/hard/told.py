"""What the long checks share on the command line: each database in turn, one JSON line of each."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

from tests.hard.servers import KINDS

Run = Callable[[str, argparse.Namespace], tuple[bool, dict[str, Any]]]


def on_each(parser: argparse.ArgumentParser, arguments: list[str], run: Run) -> int:
    """Runs `run(kind, given)` on each database that is asked for; it says whether all held, and its figures. The exit
    code: 0 where all held on all."""
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--database", choices=KINDS, action="append")
    given = parser.parse_args(arguments)
    held = True
    for kind in given.database or KINDS:
        began = time.monotonic()
        ok, figures = run(kind, given)
        held = held and ok
        told = {
            "database": kind,
            "seed": given.seed,
            **figures,
            "seconds": round(time.monotonic() - began, 1),
            "ok": ok,
        }
        print(json.dumps(told, ensure_ascii=False), flush=True)  # noqa: T201 - a command's answer goes to its output
    return 0 if held else 1
