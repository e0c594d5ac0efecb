"""Parts of expressions: closures with their types, and how parts may meet."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from govservice.definitions.expression_syntax import ExpressionError, quoted
from govservice.definitions.expression_types import DATE, MISSING, Run, Type, coercion
from govservice.definitions.findings import did_you_mean

NOTHING: Final = object()  # the literal of a part that is none


@dataclass(frozen=True, slots=True)
class Part:
    """A compiled part: its type, how to run it, and its value where it is a literal."""

    type: Type
    run: Run
    literal: Any = NOTHING


def constant(kind: Type, value: Any) -> Part:
    return Part(kind, lambda _values, _missing, _item: value, value)


def reader(name: str, kind: Type) -> Run:
    coerce = coercion(kind)

    def read(values: Mapping[str, Any], missing: list[str], _item: Any) -> Any:
        value = coerce(values.get(name))
        if value is MISSING:
            missing.append(name)
        return value

    return read


def strict(function: Callable[..., Any], *parts: Part) -> Run:
    """Applies a function to values; a missing argument makes the outcome missing. All arguments are read."""
    if len(parts) == 2 and parts[1].literal is not NOTHING:
        return against_literal(function, parts[0].run, parts[1].literal)
    runs = tuple(part.run for part in parts)

    def run(values: Mapping[str, Any], missing: list[str], item: Any) -> Any:
        arguments = [r(values, missing, item) for r in runs]
        return MISSING if MISSING in arguments else function(*arguments)

    return run


def against_literal(function: Callable[..., Any], left: Run, literal: Any) -> Run:
    def run(values: Mapping[str, Any], missing: list[str], item: Any) -> Any:
        value = left(values, missing, item)
        return MISSING if value is MISSING else function(value, literal)

    return run


def absorbing(runs: Sequence[Run], decides: bool) -> Run:
    """`or` (decides=True) and `and` (decides=False): one deciding side absorbs whatever is missing on the others."""

    def run(values: Mapping[str, Any], missing: list[str], item: Any) -> Any:
        before, unknown = len(missing), False
        for part in runs:
            value = part(values, missing, item)
            if value is decides:
                del missing[before:]
                return decides
            unknown = unknown or value is MISSING
        return MISSING if unknown else not decides

    return run


def is_in(value: Any, items: Any) -> bool:
    return value in items


def not_in(value: Any, items: Any) -> bool:
    return value not in items


def family(kind: Type) -> str:
    return "number" if kind.is_number else kind.name


def dated(part: Part, other: Part) -> Part:
    """A quoted day beside a date is that date."""
    if other.type != DATE or not isinstance(part.literal, str):
        return part
    try:
        return constant(DATE, date.fromisoformat(part.literal))
    except ValueError:
        raise ExpressionError(f"{part.literal!r} is not a day such as '2026-11-27'") from None


def comparable(node: ast.AST, left: Part, right: Part) -> None:
    if family(left.type) != family(right.type):
        raise ExpressionError(f"{left.type} and {right.type} cannot be compared: {quoted(node)}")
    offered(node, left.type, right)
    offered(node, right.type, left)


def offered(node: ast.AST, kind: Type, other: Part) -> None:
    """Refuses a comparison with an option that the form does not offer."""
    options = kind.options
    if options is None:
        return
    if isinstance(other.literal, str) and other.literal not in options:
        raise ExpressionError(f"{other.literal!r} is not an option here{did_you_mean(other.literal, options)}")
    if other.type.options is not None and options.isdisjoint(other.type.options):
        raise ExpressionError(f"these have no option in common: {quoted(node)}")
