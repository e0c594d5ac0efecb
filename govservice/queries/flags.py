"""What registries say of running cases, for lists: what differs from what was sent, what they told by themselves."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.models.reliance import CHANGED, SAID, FlaggedCase, RegistryEvent, Revalidation

TOLD = "told"  # flagged, and not asked again yet


@dataclass(frozen=True, slots=True)
class Word:
    """Something that a registry told by itself about whom a case is about. `result`: what came of it."""

    registry: str
    type: str
    occurred_at: datetime
    result: str


@dataclass
class Flags:
    """Of one case: facts that say otherwise now and that nobody has settled; those that no register confirmed when a
    decision asked, and that somebody must verify; what registries told."""

    differs: set[str] = field(default_factory=set)
    unverified: set[str] = field(default_factory=set)
    words: list[Word] = field(default_factory=list)


def flags_of(session: Session, case_ids: Collection[str]) -> dict[str, Flags]:
    """By case; a case without any is not there. Two statements, however many cases."""
    found: dict[str, Flags] = defaultdict(Flags)
    newest: dict[tuple[str, str], tuple[str, bool, bool]] = {}
    rows = session.execute(
        select(
            Revalidation.case_id, Revalidation.name, Revalidation.result, Revalidation.resolution, Revalidation.trigger
        )
        .where(Revalidation.case_id.in_(case_ids))
        .order_by(Revalidation.at, Revalidation.id)
    )
    for case_id, name, result, resolution, trigger in rows:
        newest[case_id, name] = (result, resolution is None, trigger != SAID)
    for (case_id, name), (result, stands_open, asked) in newest.items():
        if result in CHANGED and stands_open:
            found[case_id].differs.add(name)
        elif result == "unverified" and stands_open and asked:
            found[case_id].unverified.add(name)
    told = session.execute(
        select(FlaggedCase.case_id, RegistryEvent.registry_code, RegistryEvent.type, RegistryEvent.occurred_at,
               FlaggedCase.result)
        .join(RegistryEvent, RegistryEvent.id == FlaggedCase.event_id)
        .where(FlaggedCase.case_id.in_(case_ids))
        .order_by(RegistryEvent.occurred_at.desc(), RegistryEvent.id)
    )  # fmt: skip
    for case_id, registry, kind, at, result in told:
        found[case_id].words.append(Word(registry, kind, at, result))
    return dict(found)
