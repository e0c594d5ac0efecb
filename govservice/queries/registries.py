"""How the registries do, from the log of exchanges: who answers, how fast, how it went wrong, and who waits for whom.

Read for the supervisor's board and for a registry's owner. Everybody's calls count, whatever the area: a registry is
out of order for all.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.models.cases import Case
from govservice.models.exchange import DatasetFaults, EvidenceRequirement, Exchange, RegistryHealth
from govservice.models.reliance import CHANGED, SAID, FlaggedCase, RegistryEvent, Revalidation

DAY = timedelta(hours=24)
ANSWERED = 0.95  # a registry that answers less often is in trouble
WAITS = ("deferred", "fetching")  # states of a need that its registry still owes an answer for


@dataclass(frozen=True, slots=True)
class Kinds:
    """What outcomes mean, by their words in the log (`exchange.outcomes`)."""

    failures: frozenset[str]  # the registry did not answer
    faults: frozenset[str]  # no waiting mends it: a grant, an address, an answer of another shape
    not_asked: frozenset[str]  # no call was made


@dataclass(frozen=True, slots=True)
class Board:
    """One registry over the period. Times are milliseconds; `answered` is the share of the calls that were made and
    brought an answer, None where none was made."""

    code: str
    state: str  # closed | open | half_open
    since: datetime | None
    next_try: datetime | None
    calls: int
    answered: float | None
    median_ms: int | None
    p95_ms: int | None
    outcomes: Mapping[str, int] = field(default_factory=dict)
    waiting_cases: int = 0
    failures: int = 0
    faults: int = 0
    waiting_since: datetime | None = None  # of the case that has waited longest
    quarantined: tuple[str, ...] = ()  # datasets whose answers do not have the agreed shape

    @property
    def partly(self) -> bool:
        """It answers, and more than one call in twenty gets none."""
        return self.answered is not None and self.answered < ANSWERED

    @property
    def trouble(self) -> bool:
        return self.state != "closed" or self.partly or bool(self.quarantined) or bool(self.waiting_cases)


def boards(session: Session, catalogue: Catalogue, kinds: Kinds, now: datetime, period: timedelta = DAY) -> list[Board]:
    """Every registry of the catalogue, those in trouble first."""
    health = {row.registry_code: row for row in session.scalars(select(RegistryHealth))}
    outcomes, times = _calls(session, kinds, now - period)
    waiting = _waiting(session, catalogue)
    quarantined = _quarantined(session, catalogue)
    found = []
    for code in catalogue.registries:
        row, took = health.get(code), sorted(times[code])
        made = sum(n for outcome, n in outcomes[code].items() if outcome not in kinds.not_asked)
        failed, faulty = (sum(outcomes[code][outcome] for outcome in each) for each in (kinds.failures, kinds.faults))
        cases, longest = waiting.get(code, (0, None))
        found.append(
            Board(
                code, row.state if row else "closed", row.since if row else None, row.next_probe_at if row else None,
                sum(outcomes[code].values()), 1 - failed / made if made else None, _quantile(took, 0.5),
                _quantile(took, 0.95), dict(outcomes[code]), cases, failed, faulty,
                longest, quarantined.get(code, ()),
            )
        )  # fmt: skip
    return sorted(found, key=lambda b: (not b.trouble, -b.waiting_cases, -b.failures, -b.calls, b.code))


@dataclass(frozen=True, slots=True)
class Told:
    """A registry's word and a case that it concerned, with what came of it."""

    at: datetime
    registry: str
    type: str
    case: str  # the case's number
    service: str
    result: str


def told(session: Session, areas: tuple[str, ...], since: datetime, most: int = 50) -> list[Told]:
    """What registries told about cases of these areas, the newest first."""
    rows = session.execute(
        select(RegistryEvent.received_at, RegistryEvent.registry_code, RegistryEvent.type, Case.number, Case.service,
               FlaggedCase.result)
        .join(RegistryEvent, RegistryEvent.id == FlaggedCase.event_id)
        .join(Case, Case.id == FlaggedCase.case_id)
        .where(Case.area.in_(areas), RegistryEvent.received_at >= since)
        .order_by(RegistryEvent.received_at.desc(), Case.number)
        .limit(most)
    )  # fmt: skip
    return [Told(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Caught:
    """What asking again has shown: how often registers were asked again, and in how many cases something that matters
    had changed since it was sent."""

    asked: int
    changed: int


def caught(session: Session, areas: tuple[str, ...], since: datetime) -> Caught:
    """Of cases of these areas."""
    again = (Case.area.in_(areas), Revalidation.at >= since, Revalidation.trigger != SAID)
    asked, changed = session.execute(
        select(
            func.count(),
            func.count(Revalidation.case_id.distinct()).filter(Revalidation.result.in_(CHANGED)),
        )
        .select_from(Revalidation)
        .join(Case, Case.id == Revalidation.case_id)
        .where(*again)
    ).one()
    return Caught(asked, changed)


def _calls(session: Session, kinds: Kinds, since: datetime) -> tuple[dict[str, Counter[str]], dict[str, list[int]]]:
    """Outcomes by registry, and how long each call took that was made."""
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    times: dict[str, list[int]] = defaultdict(list)
    rows = session.execute(
        select(Exchange.registry_code, Exchange.outcome, Exchange.latency_ms).where(Exchange.at >= since)
    )
    for code, outcome, ms in rows:
        outcomes[code][outcome] += 1
        if outcome not in kinds.not_asked:
            times[code].append(ms)
    return outcomes, times


def _waiting(session: Session, catalogue: Catalogue) -> dict[str, tuple[int, datetime | None]]:
    """(cases, longest since when) that wait for each registry, of cases that were sent and are not closed. What the
    applicant gave in its place is waited for as long as the registry is asked on."""
    rows = session.execute(
        select(
            Exchange.registry_code,
            func.count(EvidenceRequirement.case_id.distinct()),
            func.min(EvidenceRequirement.silent_since),
        )
        .join(Exchange, Exchange.id == EvidenceRequirement.exchange_id)
        .join(Case, Case.id == EvidenceRequirement.case_id)
        .where(or_(EvidenceRequirement.state.in_(WAITS), EvidenceRequirement.next_try_at.is_not(None)))
        .where(Case.received_at.is_not(None), Case.closed_at.is_(None))
        .group_by(Exchange.registry_code)
    )
    return {code: (cases, since) for code, cases, since in rows if code in catalogue.registries}


def _quarantined(session: Session, catalogue: Catalogue) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    rows = session.scalars(
        select(DatasetFaults.dataset).where(DatasetFaults.quarantined_at.is_not(None)).order_by(DatasetFaults.dataset)
    )
    for dataset in rows:
        code = catalogue.registry_of(dataset)
        if code is not None:
            found[code] = (*found.get(code, ()), dataset)
    return found


def _quantile(values: list[int], share: float) -> int | None:
    """By the nearest rank; None without values."""
    return values[min(len(values) - 1, int(share * len(values)))] if values else None
