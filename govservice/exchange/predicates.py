"""Yes or no instead of the value behind it: whoever needs to know that somebody is of age needs no day of birth.

Where the dataset has a field of the predicate's name the registry answers; else the base fact is asked for, the answer
is told from it here, and the base is forgotten before anything is stored, logged or shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.expression_types import DATE
from govservice.definitions.expressions import Expression, compile_expression
from govservice.definitions.values import typed_as

TODAY = "today"  # the name of the legal day in a predicate's expression


class Predicates:
    """The predicates of a catalogue, compiled once. The catalogue was checked: none of them can fail to compile."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._base = {name: predicate.base for name, predicate in catalogue.predicates.items()}
        self._types = {base: catalogue.facts[base].type for base in self._base.values()}
        self._told: dict[str, Expression] = {
            name: compile_expression(
                predicate.expr, {predicate.base: catalogue.facts[predicate.base].expression_type, TODAY: DATE}
            )
            for name, predicate in catalogue.predicates.items()
        }

    def base(self, name: str) -> str | None:
        """The fact type that a predicate is told from; None for what is no predicate."""
        return self._base.get(name)

    def tell(self, name: str, values: Mapping[str, Any], today: date | None) -> bool | None:
        """The answer; None where the base is missing or cannot be read as its type."""
        known = {**typed_as(self._types, values), **({TODAY: today} if today is not None else {})}
        verdict = self._told[name].evaluate(known)
        return None if verdict.missing else verdict.value
