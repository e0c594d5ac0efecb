"""A form field as the desks use it: with its name, its page, a label, and its answers in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol

from govservice.definitions.schema_form import FieldType, FormField

UNITS: Mapping[str, Mapping[str, str]] = {
    "m2": {"en": "m²", "zh": "平方米"},
    "m": {"en": "m", "zh": "米"},
    "kg": {"en": "kg", "zh": "千克"},
    "CNY": {"en": "yuan", "zh": "元"},
}
_YES_NO = {True: {"en": "Yes", "zh": "是"}, False: {"en": "No", "zh": "否"}}
_MONTHS = "January February March April May June July August September October November December".split()


class Named(Protocol):
    """What is needed of an area of the catalogue."""

    @property
    def name(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Question:
    """A field of the form under its dotted name. `fact` names the fact that fills it, None where people answer."""

    name: str
    page: str
    type: FieldType
    label: Mapping[str, str]
    fact: str | None
    hint: Mapping[str, str] | None
    required: bool
    min: Decimal | None
    max: Decimal | None
    unit: str | None
    max_length: int | None
    options: Mapping[str, Mapping[str, str]] | None
    default: tuple[str, ...] = ()  # values of which the first that is known stands here until somebody changes it
    issued: str | None = None  # what kind of number the case itself brings forth here; nobody is asked

    def shown(self, value: Any, areas: Mapping[str, Named]) -> dict[str, str]:
        """An answer in JSON form, in words of both languages; a value that no longer fits is shown as it is."""
        if self.type == "district" and str(value) in areas:
            return dict(areas[str(value)].name)
        if self.type in ("choice", "choices"):
            return self._chosen([value] if isinstance(value, str) else list(value))
        if self.type == "yes_no" and isinstance(value, bool):
            return dict(_YES_NO[value])
        if self.type == "date":
            return _day(str(value))
        if self.type in ("integer", "decimal") and self.unit:
            words = UNITS.get(self.unit, {"en": self.unit, "zh": self.unit})
            return {language: f"{value} {unit}" for language, unit in words.items()}
        return {"en": str(value), "zh": str(value)}

    def _chosen(self, ids: list[str]) -> dict[str, str]:
        texts = [(self.options or {}).get(id, {"en": id, "zh": id}) for id in ids]
        return {"en": ", ".join(t["en"] for t in texts), "zh": "、".join(t["zh"] for t in texts)}


def question_of(name: str, page: str, field: FormField) -> Question:
    return Question(
        name=name, page=page, type=field.type, label=field.label or {"en": name, "zh": name}, fact=field.fact,
        hint=field.hint, required=field.required, min=field.min, max=field.max, unit=field.unit,
        max_length=field.max_length, options=field.options, default=field.default or (),
        issued=field.issued,
    )  # fmt: skip


def _day(text: str) -> dict[str, str]:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return {"en": text, "zh": text}
    return {"en": f"{day.day} {_MONTHS[day.month - 1]} {day.year}", "zh": f"{day.year}年{day.month}月{day.day}日"}
