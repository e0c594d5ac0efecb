"""What a bundle saves, and how its parts stand."""

from __future__ import annotations

from dataclasses import dataclass

from govservice.definitions.compiled import Compiled, Spawn
from govservice.definitions.library import Definitions


@dataclass(frozen=True, slots=True)
class Saving:
    """The merged form against the forms of its parts: what stands on them, and what people type."""

    forms: int
    fields_apart: int
    fields_together: int
    typed_together: int

    @property
    def percent(self) -> int:
        """By how much the one form is shorter, in whole per cent."""
        return round(100 * (1 - self.fields_together / self.fields_apart)) if self.fields_apart else 0


def spawns_of(compiled: Compiled) -> list[Spawn]:
    """The children of a bundle in order; none for a plain service."""
    return [spawn for bundle in compiled.bundles.values() for spawn in bundle.spawns]


def saving(definitions: Definitions, compiled: Compiled) -> Saving | None:
    """How many fields the forms of the parts have in all, and how many the one form has. None for a plain service."""
    parts = [definitions.current(spawn.service) for spawn in spawns_of(compiled)]
    if not parts:
        return None
    apart = sum(field.issued is None for part in parts for field in part.service.fields.values())
    fields = compiled.service.fields.values()
    return Saving(len(parts), apart, len(fields), sum(field.fact is None for field in fields))
