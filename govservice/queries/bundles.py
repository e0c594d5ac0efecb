"""What a bundle saves, how its parts stand, and which of them the end waits for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled, Spawn, Text
from govservice.definitions.library import Definitions
from govservice.models.cases import Case
from govservice.worktime.calendar import Calendar
from govservice.worktime.duration import Duration
from govservice.worktime.limits import due_on

ONE_DAY = Duration(1, "wd")
NO_BAR = ("not_needed", "prevented", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Saving:
    """The merged form against the forms of its parts, by the fields that stand on them."""

    forms: int
    fields_apart: int
    fields_together: int

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
    return Saving(len(parts), apart, len(compiled.service.fields))


# -- the parts of one case


class Told(Protocol):
    """What is needed of an event of the bundle's case."""

    @property
    def type(self) -> str: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A child case as the page of its bundle shows it. `status`: planned (the bundle has not come there yet), waiting,
    asked, open, ended. `begins` and `ends` are days, expected ones where it has not begun or ended; None: no days."""

    service: str
    title: Text
    department: str  # kind of department
    status: str
    outcome: str | None
    number: str | None
    begins: date | None
    ends: date | None
    waits_for: tuple[str, ...]
    critical: bool = False

    @property
    def may_restart(self) -> bool:
        return self.status == "ended" and self.outcome not in ("granted", "not_needed", "prevented", "cancelled")


def parts_of(
    session: Session, definitions: Definitions, calendar: Calendar, case: Case, compiled: Compiled,
    told: Sequence[Told], now: datetime,
) -> list[Part]:  # fmt: skip
    """The children of a bundle's case in order; [] for a plain service."""
    spawns = spawns_of(compiled)
    if not spawns:
        return []
    rows = session.scalars(select(Case).where(Case.parent_case_id == case.id).order_by(Case.opened_at, Case.id))
    cases = {row.service: row for row in rows}
    events = {h.data["service"]: h for h in told if h.type.startswith("child.")}
    parts: dict[str, Part] = {}
    for spawn in _in_order(spawns):
        last, row = events.get(spawn.service), cases.get(spawn.service)
        parts[spawn.service] = _part(definitions, calendar, spawn, last, row, parts, now)
    critical = critical_path(parts)
    return [replace(parts[s.service], critical=s.service in critical) for s in spawns]


def _in_order(spawns: Sequence[Spawn]) -> list[Spawn]:
    """Each after those it waits for."""
    found: list[Spawn] = []
    while len(found) < len(spawns):
        known = {s.service for s in found}
        found += [s for s in spawns if s not in found and set(s.waits_for) <= known]
    return found


def _part(
    definitions: Definitions, calendar: Calendar, spawn: Spawn, last: Told | None, row: Case | None,
    before: Mapping[str, Part], now: datetime,
) -> Part:  # fmt: skip
    d = definitions.by_sha(row.def_sha) if row is not None else definitions.current(spawn.service)
    status = last.type.partition(".")[2].replace("planned", "waiting").replace("opened", "open") if last else "planned"
    outcome = str(last.data["outcome"]) if last is not None and status == "ended" else None
    begun = row if row is not None and status in ("open", "ended") else None
    begins = ends = None
    if outcome not in NO_BAR:
        starts = [part.ends for s in spawn.waits_for if (part := before.get(s)) is not None and part.ends is not None]
        today = calendar.local_date(now)
        begins = calendar.local_date(begun.opened_at) if begun is not None else max([today, *starts])
        ends = _ends(calendar, d, begun, begins, now)
    return Part(
        spawn.service, d.service.title, d.service.department, status, outcome, begun.number if begun else None,
        begins, ends, spawn.waits_for,
    )  # fmt: skip


def _ends(calendar: Calendar, d: Compiled, row: Case | None, begins: date, now: datetime) -> date:
    """The day it ended, else the promised one; a promise that has passed can be kept today at the earliest."""
    today = calendar.local_date(now)
    if row is not None and row.closed_at is not None:
        return calendar.local_date(row.closed_at)
    if row is not None and row.promised_on is not None:
        return max(row.promised_on, today)
    limit = d.limit("decision")
    start = datetime.combine(begins, now.timetz()) if begins != today else now
    return max(due_on(calendar, start, (limit.promised or limit.statutory) if limit else ONE_DAY), today)


def critical_path(parts: Mapping[str, Part]) -> set[str]:
    """The chain of parts that the end waits for: from the part that ends last back through whoever it waited for the
    longest. Of several that end last the one with the longest chain."""
    chains = {service: _chain(parts, service) for service, part in parts.items() if part.ends is not None}
    if not chains:
        return set()
    last = max(chains, key=lambda service: (parts[service].ends, len(chains[service])))
    return set(chains[last])


def _chain(parts: Mapping[str, Part], service: str) -> list[str]:
    before = [s for s in parts[service].waits_for if s in parts and parts[s].ends is not None]
    if not before:
        return [service]
    longest = max(before, key=lambda s: (parts[s].ends, len(_chain(parts, s))))
    return [*_chain(parts, longest), service]
