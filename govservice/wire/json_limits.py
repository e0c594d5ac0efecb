"""Reads a JSON answer that may be hostile: bounded in bytes, depth and time, numbers kept exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

MAX_DEPTH = 32
MAX_NODES = 100_000


class BadJson(ValueError):
    """The text is no JSON we accept."""


def parse(raw: bytes) -> Any:
    """The value of a JSON text. Raises BadJson for anything malformed, deeper than MAX_DEPTH, NaN or doubled keys."""
    try:
        value = json.loads(raw, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise BadJson(type(error).__name__) from None
    _check_depth(value)
    return value


def _refuse(word: str) -> Any:
    raise BadJson(word)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadJson("a key stands twice")
    return found


def _check_depth(value: Any) -> None:
    level, count = [value], 0
    for _depth in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_NODES:
            raise BadJson("too many values")
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise BadJson("too deep")


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []
