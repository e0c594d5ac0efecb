"""Types of facts that no catalogue knows: for `--open`, the type that makes the file's own expressions fit.

A definition may be drafted before its registries are connected. Its expressions are then held against the one type
per fact under which most of them compile.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.catalogue_schema import FactType
from govservice.definitions.expression_checks import expression_faults
from govservice.definitions.walk import Raw, children, fields, words

Assumed = Literal["decimal", "text", "date", "yes_no", "list"]
CANDIDATES: tuple[Assumed, ...] = ("decimal", "text", "date", "yes_no", "list")


def assume_types(data: Raw, catalogue: Catalogue) -> Catalogue:
    """The catalogue with an assumed type for each fact that it does not know and that no form field types."""
    asked = {name for name, _, _, _ in fields(data)}
    taken = {name for _, fact in children(data, "facts") for name in words(fact, "take")}
    for name in sorted(taken - asked - set(catalogue.facts)):
        catalogue = min(
            (_with(catalogue, name, kind) for kind in CANDIDATES), key=lambda held: expression_faults(data, held)
        )
    return catalogue


def _with(catalogue: Catalogue, name: str, kind: Assumed) -> Catalogue:
    assumed = FactType(
        type=kind,
        label={"en": name, "zh": name},
        sensitivity="special",
        compare="exact",
    )
    return replace(catalogue, facts={**catalogue.facts, name: assumed})
