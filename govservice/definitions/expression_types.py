"""Types of values in expressions, and how a value from outside is brought to its type.

A value of another type counts as missing: coercion answers MISSING and never raises.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal

MAX_ITEMS = 500
MAX_DIGITS = 40  # of a number from outside; keeps products inside Decimal's range

TypeName = Literal["text", "integer", "decimal", "date", "yes_no", "list"]


class Missing:
    """The one value that stands for missing, null and wrong type."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()
Coerce = Callable[[Any], Any]
Run = Callable[[Mapping[str, Any], list[str], Any], Any]  # (values, missing names so far, loop item) -> value


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a name or of a part of an expression. `options` closes a text's values; `item` is a list's type."""

    name: TypeName
    options: frozenset[str] | None = None
    item: Type | None = None

    @property
    def is_number(self) -> bool:
        return self.name in ("integer", "decimal")

    def __str__(self) -> str:
        if self.name == "list":
            return f"list of {self.item}"
        return "yes/no" if self.name == "yes_no" else self.name


TEXT = Type("text")
INTEGER = Type("integer")
DECIMAL = Type("decimal")
DATE = Type("date")
YES_NO = Type("yes_no")
_SIMPLE = {"text": TEXT, "address": TEXT, "district": TEXT, "integer": INTEGER, "decimal": DECIMAL, "date": DATE}


def field_type(kind: str, options: frozenset[str] | None = None) -> Type:
    """The type of a form field of that kind. Raises KeyError for an unknown kind."""
    if kind == "yes_no":
        return YES_NO
    if kind == "choice":
        return Type("text", options)
    if kind == "choices":
        return Type("list", item=Type("text", options))
    return _SIMPLE[kind]


def _text(value: Any) -> Any:
    return value if isinstance(value, str) else MISSING


def _yes_no(value: Any) -> Any:
    return value if isinstance(value, bool) else MISSING


def _integer(value: Any) -> Any:
    if type(value) is int:
        return value if abs(value) < 10**MAX_DIGITS else MISSING
    if isinstance(value, (str, Decimal)):
        number = _decimal(value)
        if number is not MISSING and number == number.to_integral_value():
            return int(number)
    return MISSING


def _decimal(value: Any) -> Any:
    if type(value) is Decimal:
        return value if value.is_finite() and abs(value.adjusted()) < MAX_DIGITS else MISSING
    if type(value) is int:
        return value if abs(value) < 10**MAX_DIGITS else MISSING
    if type(value) is float or (isinstance(value, str) and len(value) <= MAX_DIGITS and value.isascii()):
        try:
            return _decimal(Decimal(str(value)))
        except InvalidOperation:
            return MISSING
    return MISSING


def _date(value: Any) -> Any:
    if isinstance(value, datetime):
        return MISSING  # a moment belongs to no day before somebody names the zone
    if isinstance(value, date):
        return value
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            return MISSING
    return MISSING


def _one_of(options: frozenset[str]) -> Coerce:
    def coerce(value: Any) -> Any:
        return value if isinstance(value, str) and value in options else MISSING

    return coerce


def _list(item: Coerce) -> Coerce:
    def coerce(value: Any) -> Any:
        if not isinstance(value, (list, tuple, set, frozenset)) or len(value) > MAX_ITEMS:
            return MISSING
        items = tuple(item(v) for v in value)
        return MISSING if MISSING in items else items

    return coerce


_COERCE: dict[str, Coerce] = {
    "text": _text, "integer": _integer, "decimal": _decimal, "date": _date, "yes_no": _yes_no,
}  # fmt: skip


def coercion(kind: Type) -> Coerce:
    """A function that brings a value to this type or answers MISSING; it never raises."""
    if kind.name == "list":
        return _list(coercion(kind.item or TEXT))
    if kind.options is not None:
        return _one_of(kind.options)
    return _COERCE[kind.name]
