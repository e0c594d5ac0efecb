"""The functions of expressions: what they take, what they give, how they count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from govservice.definitions.expression_types import DATE, DECIMAL, INTEGER, MISSING, Run, Type

Result = Callable[[Sequence[Type]], Type | None]


@dataclass(frozen=True, slots=True)
class Function:
    """`result` gives the type for argument types, or None where they do not fit `signature`."""

    signature: str
    result: Result
    run: Callable[..., Any]


def _dates(kinds: Sequence[Type]) -> Type | None:
    return INTEGER if list(kinds) == [DATE, DATE] else None


def _sized(kinds: Sequence[Type]) -> Type | None:
    return INTEGER if len(kinds) == 1 and kinds[0].name in ("list", "text") else None


def _one_number(kinds: Sequence[Type]) -> Type | None:
    return kinds[0] if len(kinds) == 1 and kinds[0].is_number else None


def _ordered(kinds: Sequence[Type]) -> Type | None:
    if len(kinds) < 2:
        return None
    if all(kind.is_number for kind in kinds):
        return INTEGER if all(kind == INTEGER for kind in kinds) else DECIMAL
    return DATE if all(kind == DATE for kind in kinds) else None


def age(born: date, on: date) -> int:
    """Full years from one day to another; a birthday on 29 February is kept on 1 March of other years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


def days_between(first: date, last: date) -> int:
    return (last - first).days


FUNCTIONS: Mapping[str, Function] = {
    "age": Function("(date, on) takes two dates", _dates, age),
    "days_between": Function("(first, last) takes two dates", _dates, days_between),
    "size": Function("(list) takes a list or a text", _sized, len),
    "abs": Function("(number) takes a number", _one_number, abs),
    "min": Function("(a, b, ...) takes numbers or dates, at least two", _ordered, min),
    "max": Function("(a, b, ...) takes numbers or dates, at least two", _ordered, max),
}


def some(source: Run, body: Run) -> Run:
    """any(...): true for one true item; unknown where none is true and one is unknown."""
    return _over(source, body, decides=True)


def every(source: Run, body: Run) -> Run:
    """all(...): false for one false item; true for an empty list."""
    return _over(source, body, decides=False)


def _over(source: Run, body: Run, decides: bool) -> Run:
    def run(values: Mapping[str, Any], missing: list[str], item: Any) -> Any:
        items = source(values, missing, item)
        if items is MISSING:
            return MISSING
        before, unknown = len(missing), False
        for element in items:
            value = body(values, missing, element)
            if value is decides:
                del missing[before:]
                return decides
            unknown = unknown or value is MISSING
        return MISSING if unknown else not decides

    return run
