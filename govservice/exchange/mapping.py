"""From a registry's answer to facts: schema, subject, records, values in the portal's form, and nothing more.

What a query did not take is dropped here, before anything is stored or logged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jsonschema import Draft202012Validator

from govservice.definitions.schema_registry import Dataset
from govservice.definitions.values import clean_text
from govservice.exchange.outcomes import Outcome
from govservice.exchange.predicates import Predicates
from govservice.identifiers import normalise

MAX_ITEMS = 500  # of a list, as expressions count them
MAX_CHARS = 4000
MAX_DIGITS = 15
FLAG_OUTCOMES: Mapping[str, Outcome] = {
    "withheld": Outcome.WITHHELD,
    "under_investigation": Outcome.UNDER_INVESTIGATION,
    "partial": Outcome.UNDER_INVESTIGATION,
}
Districts = Callable[[str], str | None]  # region code -> area


@dataclass(frozen=True, slots=True)
class Reading:
    """What an answer says. `values` holds JSON forms by fact type (decimals and dates as text)."""

    outcome: Outcome
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    record_id: str | None = None
    updated_at: datetime | None = None
    assurance: str = "registry"


class Unmappable(ValueError):
    """A value that its normaliser cannot bring into the portal's form."""


class Mapper:
    """One dataset's mapping, compiled once. `districts` translates region codes into areas."""

    def __init__(self, dataset: Dataset, districts: Districts, predicates: Predicates | None = None) -> None:
        self.dataset = dataset
        self._predicates = predicates
        self._validator = Draft202012Validator(dict(dataset.response))
        self._paths = {name: jmespath.compile(each.path) for name, each in dataset.fields.items()}
        self._records, self._subject = jmespath.compile(dataset.records), jmespath.compile(dataset.subject_at)
        self._record_id, self._updated_at = jmespath.compile(dataset.record_id), jmespath.compile(dataset.updated_at)
        self._as_of = jmespath.compile(dataset.as_of) if dataset.as_of else None
        self._flags = jmespath.compile(dataset.flags) if dataset.flags else None
        self._districts = districts

    def source_fields(self, take: tuple[str, ...]) -> tuple[str, ...]:
        """The registry's own names of what to ask for: the first part of each path, each once."""
        return tuple(dict.fromkeys(_first_part(self.dataset.fields[self._asked(name)].path) for name in take))

    def _asked(self, name: str) -> str:
        """The field that a name is read from: its own, or what a predicate is told from."""
        base = self._predicates.base(name) if self._predicates and name not in self.dataset.fields else None
        return base or name

    def read(
        self, body: Any, subject: str, take: tuple[str, ...], at: datetime | None = None, today: date | None = None
    ) -> Reading:  # fmt: skip
        """The facts in a well-formed answer about this subject; any doubt is an outcome and holds no value.

        `at` is now: an answer out of a copy that is older than the dataset allows is STALE. `today` is the legal day,
        for predicates.
        """
        if not self._validator.is_valid(body):
            return Reading(Outcome.SCHEMA_VIOLATION)
        try:
            return self._read(body, subject, take, at, today)
        except (
            JMESPathError,
            Unmappable,
        ):  # a path calls a function on what the schema lets through and it cannot take
            return Reading(Outcome.SCHEMA_VIOLATION)

    def _read(
        self, body: Any, subject: str, take: tuple[str, ...], at: datetime | None, today: date | None
    ) -> Reading:  # fmt: skip
        records = self._records.search(body)
        if not records:
            return Reading(Outcome.NO_RECORD)
        if not isinstance(records, list):
            return Reading(Outcome.SCHEMA_VIOLATION)
        keys = [self._subject.search(record) for record in records]
        if any(not isinstance(key, str) or normalise(key) != subject for key in keys):
            return Reading(Outcome.IDENTITY_MISMATCH)
        if len(records) > 1:
            return Reading(Outcome.AMBIGUOUS)
        reading = self._record(records[0], take, today)
        stale = self._is_old(body, at)
        return replace(reading, outcome=Outcome.STALE) if stale and reading.outcome is Outcome.OK else reading

    def _is_old(self, body: Any, at: datetime | None) -> bool:
        as_of = _instant(self._as_of.search(body)) if self._as_of else None
        if as_of is None or at is None or self.dataset.max_age is None:
            return False
        return at - as_of > self.dataset.max_age.span

    def _record(self, record: Any, take: tuple[str, ...], today: date | None) -> Reading:
        flags = (self._flags.search(record) if self._flags else None) or []
        outcome = next((FLAG_OUTCOMES[flag] for flag in FLAG_OUTCOMES if flag in flags), Outcome.OK)
        if outcome is Outcome.WITHHELD:
            return Reading(outcome)
        values = {name: self._told(name, record, today) for name in take}
        updated = _instant(self._updated_at.search(record))
        identity = self._record_id.search(record)
        kept = {name: value for name, value in values.items() if value is not None}
        return Reading(outcome if kept else Outcome.NO_RECORD, kept, str(identity) if identity else None, updated)

    def _told(self, name: str, record: Any, today: date | None) -> Any:
        """A value, or a yes or no told from one that goes no further than here."""
        base = self._asked(name)
        value = self._value(base, record)
        if base == name or self._predicates is None:
            return value
        return self._predicates.tell(name, {base: value}, today)

    def _value(self, name: str, record: Any) -> Any:
        raw = self._paths[name].search(record)
        if raw is None or raw == "" or raw == []:
            return None
        kind = self.dataset.fields[name].normalise
        if kind == "district":
            return self._districts(_text(raw))
        return _NORMALISERS[kind](raw)


def _first_part(path: str) -> str:
    """`residence.address` and `certificates[].number` begin with what a record calls residence and certificates."""
    end = next((i for i, c in enumerate(path) if not (c.isalnum() or c == "_")), len(path))
    return path[:end]


def _text(raw: Any) -> str:
    if not isinstance(raw, str):
        raise Unmappable("not a text")
    cleaned = clean_text(raw)
    if not cleaned or len(cleaned) > MAX_CHARS:
        raise Unmappable("empty or too long")
    return cleaned


def _number(raw: Any) -> str:
    if isinstance(raw, bool) or not isinstance(raw, (str, int, Decimal)):
        raise Unmappable("not a number")
    try:
        number = Decimal(unicodedata.normalize("NFKC", raw).strip()) if isinstance(raw, str) else Decimal(raw)
    except InvalidOperation:
        raise Unmappable("not a number") from None
    if not number.is_finite() or len(number.as_tuple().digits) > MAX_DIGITS or abs(number.adjusted()) > MAX_DIGITS:
        raise Unmappable("not a number we can keep")
    return format(number, "f")


def _day(raw: Any) -> str:
    try:
        return date.fromisoformat(_text(raw)[:10]).isoformat()
    except ValueError:
        raise Unmappable("not a date") from None


def _instant(raw: Any) -> datetime | None:
    if raw is None:
        return None
    try:
        at = datetime.fromisoformat(_text(raw))
    except ValueError:
        raise Unmappable("not an instant") from None
    if at.tzinfo is None:
        raise Unmappable("an instant without a time zone")
    return at.astimezone(UTC)


def _list(raw: Any) -> list[str]:
    if not isinstance(raw, list) or len(raw) > MAX_ITEMS:
        raise Unmappable("not a list we can keep")
    return [_text(item) for item in raw]


def _yes_no(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise Unmappable("not a yes or no")
    return raw


_NORMALISERS: Mapping[str, Callable[[Any], Any]] = {
    "text": _text,
    "upper": lambda raw: normalise(_text(raw)),
    "lower": lambda raw: normalise(_text(raw)).lower(),
    "number": _number,
    "date": _day,
    "list": _list,
    "yes_no": _yes_no,
}
