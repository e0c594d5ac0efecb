"""The same file taken apart once a process: four in five tests read all the shipped files, and nothing takes longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache, wraps
from typing import Any

from ruamel.yaml.error import YAMLError

MOST = 100_000  # characters of a text that is remembered: no bomb of the tests of bad input
TEXTS = 256


def remembering(events: Callable[[str], Iterator[Any]]) -> Callable[[str], Iterator[Any]]:
    """The parser's events of a text, remembered where it can be read to its end; who builds data of them builds it
    anew each time. What is remembered is read to its end, however soon the portal would stop: tests that measure that
    take `__wrapped__`."""

    @lru_cache(maxsize=TEXTS)
    def known(text: str) -> tuple[Any, ...]:
        return tuple(events(text))

    @wraps(events)
    def same(text: str) -> Iterator[Any]:
        if len(text) > MOST:
            return events(text)
        try:
            return iter(known(text))
        except YAMLError:  # the reader is to meet the same fault at the same place
            return events(text)

    return same
