"""Whether a path into a registry's answer leads anywhere: followed through the answer's JSON Schema, name by name.

Where the schema says nothing about a place, nothing is said about the path either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath.functions import Functions

Schema = Mapping[str, Any] | None  # None: nothing is known of what stands there
_IN_ORDER = ("subexpression", "index_expression", "pipe")
_OF_EACH = ("projection", "filter_projection")


def unknown_functions(path: str) -> list[str]:
    """Functions that a path calls and JMESPath does not have: it compiles all the same, and fails at the first call."""
    found, left = [], [jmespath.compile(path).parsed]
    while left:
        node = left.pop()
        if node["type"] == "function_expression" and node["value"] not in Functions.FUNCTION_TABLE:
            found.append(str(node["value"]))
        left += node["children"]
    return found


def stands_nowhere(schema: Schema, path: str) -> str:
    """The part of a path that the schema does not name; "" where it names all, or says nothing about it."""
    return _followed(schema, jmespath.compile(path).parsed)[0]


def at(schema: Schema, path: str) -> Schema:
    """What the schema says of the place that a path leads to."""
    return _followed(schema, jmespath.compile(path).parsed)[1]


def items_of(schema: Schema) -> Schema:
    """What the schema says of each item of a list."""
    found = schema.get("items") if schema is not None else None
    return found if isinstance(found, dict) else None


def _followed(schema: Schema, node: Mapping[str, Any]) -> tuple[str, Schema]:
    """The part that stands nowhere, and the schema of what a part of a path leads to."""
    kind, children = node["type"], node["children"]
    if kind == "field":
        return _field(schema, str(node["value"]))
    if kind in ("identity", "current"):
        return "", schema
    if kind == "index":
        return "", items_of(schema)
    if kind in _IN_ORDER:
        return _in_order(schema, children)
    if kind in _OF_EACH:
        missing, lists = _followed(schema, children[0])
        of_each, conditions = items_of(lists), children[2:]
        told = [_followed(of_each, each) for each in (children[1], *conditions)]
        return missing or next((each for each, _of in told if each), ""), None
    # A list made anew, a function, a condition: each part begins where this one does.
    beyond = children if kind != "expref" else ()
    parts = [_followed(schema, each) for each in beyond]
    same = parts[0][1] if kind == "flatten" else None
    return next((each for each, _of in parts if each), ""), same


def _in_order(schema: Schema, children: list[Mapping[str, Any]]) -> tuple[str, Schema]:
    for child in children:
        missing, schema = _followed(schema, child)
        if missing:
            return missing, None
    return "", schema


def _field(schema: Schema, name: str) -> tuple[str, Schema]:
    if schema is None:
        return "", None
    kinds, known = schema.get("type"), schema.get("properties")
    if kinds is not None and "object" not in ([kinds] if isinstance(kinds, str) else kinds):
        return name, None  # a text, a number or a list has no names
    if not isinstance(known, dict) or not known:
        return "", None
    found = known.get(name)
    return ("", found if isinstance(found, dict) else None) if name in known else (name, None)
