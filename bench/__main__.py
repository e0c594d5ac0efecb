"""`python -m bench [PART ...]`: durable, pure, portal, exchange, rivals, size. One JSON object a line; all by default.

Exit 0 whatever the figures are: a missed target is a line with `"ok": false`, explained in docs/bench.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping

from bench.figure import Figure, say

CASES = int(os.environ.get("CASES") or 1000)


def _durable() -> Iterator[Figure]:
    from bench import durable

    yield from durable.sqlite()
    yield from durable.postgresql()


def _pure() -> Iterator[Figure]:
    from bench import pure

    yield from pure.figures()


def _rivals() -> Iterator[Figure]:
    from bench import rivals

    yield from rivals.figures()


def _size() -> Iterator[Figure]:
    from bench import size

    yield from size.figures()


def _portal() -> Iterator[Figure]:
    from bench import drafts, pages, prefill
    from bench.stage import staged

    with staged(CASES) as stage:
        yield from pages.figures(stage)
        yield from prefill.figures(stage)
        yield from drafts.figures(stage)


def _exchange() -> Iterator[Figure]:
    from bench import exchange, sealed
    from bench.stage import staged

    with staged(CASES) as stage:
        yield from exchange.figures(stage)
    yield from sealed.figures()


PARTS: Mapping[str, Callable[[], Iterator[Figure]]] = {
    "durable": _durable, "pure": _pure, "portal": _portal, "exchange": _exchange, "rivals": _rivals, "size": _size,
}  # fmt: skip


def main(names: list[str]) -> int:
    """Runs the named parts. Exit 2 for a name that is no part."""
    if unknown := [name for name in names if name not in PARTS]:
        print(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    for name in names or PARTS:
        for found in PARTS[name]():
            say(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
