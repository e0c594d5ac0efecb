"""Values of form fields: from what a person typed, to JSON, to what expressions compute with.

Three forms of one value: *typed* by a person (text, full-width digits, stray spaces), *JSON* as stored in
`case_data` (decimals and dates as text, so that no digit is lost), and *Python* for expressions.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

MAX_TEXT = 1000  # characters of a text field without max_length
MAX_DIGITS = 15
MAX_ENTRIES = 50  # of a list that people enter themselves


class FieldLike(Protocol):
    """What is needed of a form field (`schema.Field`)."""

    @property
    def type(self) -> str: ...
    @property
    def min(self) -> Any: ...
    @property
    def max(self) -> Any: ...
    @property
    def max_length(self) -> int | None: ...
    @property
    def options(self) -> Mapping[str, Any] | None: ...


class WrongValue(ValueError):
    """A value that cannot be accepted. The message is an English message id; `facts` fill its placeholders."""

    def __init__(self, message: str, **facts: Any) -> None:
        self.message, self.facts = message, facts
        super().__init__(message)


def clean_text(raw: str) -> str:
    """NFC, without control, zero-width or bidirectional characters, inner runs of spaces made one."""
    kept = "".join(" " if c in "\t\r\n\u3000\u00a0" else c for c in unicodedata.normalize("NFC", raw))
    kept = "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn"))
    return " ".join(kept.split())


def clean_number(raw: str) -> str:
    """Digits as people type them: full-width digits and signs made ASCII, spaces and thousands separators dropped."""
    text = unicodedata.normalize("NFKC", raw)
    return "".join(c for c in text if unicodedata.category(c) not in ("Cc", "Cf", "Zs") and c not in ",_，")


def parse(field: FieldLike, raw: str | Sequence[str] | None) -> Any:
    """The JSON form of what was posted for a field; None where nothing was given. Raises WrongValue."""
    if field.type == "choices":
        chosen = [raw] if isinstance(raw, str) else list(raw or ())
        return _choices(field, [c for c in chosen if c])
    if raw is not None and not isinstance(raw, str):
        raise WrongValue("Give one value only.")
    text = raw or ""
    parser = _PARSERS.get(field.type, _text)
    return parser(field, text) if text.strip() else None


def _choices(field: FieldLike, chosen: list[str]) -> list[str] | None:
    options = field.options or {}
    if not options:  # a list that a registry would have given, entered by hand
        return list(elements(clean_text(" ".join(chosen))))[:MAX_ENTRIES] or None
    if any(c not in options for c in chosen):
        raise WrongValue("Choose from the list.")
    return [o for o in options if o in chosen] or None  # in the order of the definition, each once


def _choice(field: FieldLike, text: str) -> str:
    if text not in (field.options or {}):
        raise WrongValue("Choose one from the list.")
    return text


def _yes_no(_field: FieldLike, text: str) -> bool:
    if text not in ("yes", "no"):
        raise WrongValue("Choose yes or no.")
    return text == "yes"


def _text(field: FieldLike, text: str) -> str:
    cleaned, limit = clean_text(text), field.max_length or MAX_TEXT
    if len(cleaned) > limit:
        raise WrongValue("This is longer than %(limit)s characters.", limit=limit)
    return cleaned


def _integer(field: FieldLike, text: str) -> int:
    digits = clean_number(text)
    if not digits.lstrip("+-").isascii() or not digits.lstrip("+-").isdigit() or len(digits) > MAX_DIGITS:
        raise WrongValue("Give a whole number, such as 25.")
    number = int(digits)
    _within(field, Decimal(number))
    return number


def _decimal(field: FieldLike, text: str) -> str:
    try:
        number = Decimal(clean_number(text))
    except InvalidOperation:
        raise WrongValue("Give a number, such as 120.5.") from None
    if not number.is_finite() or len(number.as_tuple().digits) > MAX_DIGITS or abs(number.adjusted()) > MAX_DIGITS:
        raise WrongValue("Give a number, such as 120.5.")
    _within(field, number)
    return format(number, "f")


def _within(field: FieldLike, number: Decimal) -> None:
    if field.min is not None and number < Decimal(str(field.min)):
        raise WrongValue("Give %(limit)s or more.", limit=field.min)
    if field.max is not None and number > Decimal(str(field.max)):
        raise WrongValue("Give %(limit)s or less.", limit=field.max)


def _date(_field: FieldLike, text: str) -> str:
    try:
        day = date.fromisoformat(clean_number(text).replace("/", "-"))
    except ValueError:
        raise WrongValue("Give a date that exists, such as 27 11 2026.") from None
    if not 1900 <= day.year <= 2200:
        raise WrongValue("Give a date that exists, such as 27 11 2026.")
    return day.isoformat()


_PARSERS = {
    "text": _text, "address": _text, "district": _text, "integer": _integer, "decimal": _decimal,
    "date": _date, "choice": _choice, "yes_no": _yes_no,
}  # fmt: skip


def typed(fields: Mapping[str, FieldLike], answers: Mapping[str, Any]) -> dict[str, Any]:
    """JSON answers as Python values for expressions; names that are no field are left out, broken ones too."""
    return typed_as({name: fields[name].type for name in answers if name in fields}, answers)


def typed_as(kinds: Mapping[str, str], answers: Mapping[str, Any]) -> dict[str, Any]:
    """The same by the names of types alone, as an auto step's answer declares them."""
    values: dict[str, Any] = {}
    for name, value in answers.items():
        if name not in kinds or value is None:
            continue
        try:
            values[name] = _typed(kinds[name], value)
        except (ValueError, TypeError, InvalidOperation):
            continue  # an expression then reports the field as missing
    return values


_SEPARATORS = re.compile(r"[\s,;，；、]+")


def elements(value: Any) -> tuple[str, ...]:
    """The entries of a list, each once and in order; a text is a list written with commas, semicolons or blanks."""
    found = _SEPARATORS.split(value) if isinstance(value, str) else value or ()
    return tuple(dict.fromkeys(str(entry) for entry in found if entry not in (None, "")))


def _typed(kind: str, value: Any) -> Any:
    if kind == "decimal":
        return Decimal(value)
    if kind == "date":
        return date.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value
