"""What the gateway is asked and what it answers: facts of one case, wanted and found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from govservice.exchange.connectors.base import SubjectKey
from govservice.exchange.outcomes import Outcome
from govservice.worktime.duration import Duration

Trigger = Literal["prefill", "submit", "decision", "retry", "clerk", "event", "recusal"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """One fact, to be asked of its sources in order. The key comes from the own record of whom it is about."""

    case_id: str  # "" where it is not about a case: who the relatives of a member of staff are
    service: str
    department: str  # kind of the department that answers for the service
    name: str  # of the fact in the definition
    sources: tuple[tuple[str, str], ...]  # (dataset, grant)
    take: tuple[str, ...]
    purpose: str
    subject: SubjectKey
    subject_id: str  # people.id or organisations.id
    person_id: str  # whose key seals the values and who sees the read
    actor: str
    trigger: Trigger
    at: datetime
    today: date  # the legal day on which grant and mandate must hold (the offices' calendar)
    vault: tuple[tuple[str, Duration | None], ...] = ()  # (name, how old at most): where every source is silent
    as_of: str | None = None  # of which date or period, where the fact says so
    consent: str | None = None  # the consent under which it is asked, or which was withdrawn
    predicate: bool = False  # `take` is one yes or no, known in the case by the fact's own name

    def known_as(self, taken: str) -> str:
        """What the case calls a value."""
        return self.name if self.predicate else taken


@dataclass(frozen=True, slots=True)
class Call:
    """One call, granted or refused, for the log. `grant` is None where no grant covered it; no values."""

    id: str
    registry: str
    dataset: str
    grant: str | None
    legal_basis: str | None
    outcome: Outcome
    status: int | None
    latency_ms: int
    fields: tuple[str, ...]
    request_sha: str = ""
    response_sha: str | None = None
    proofs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FactResult:
    """How one wanted fact was met. `values` are JSON forms by fact type, empty unless the outcome gives values."""

    wanted: Wanted
    outcome: Outcome
    calls: tuple[Call, ...]
    values: Mapping[str, Any] = field(default_factory=dict, repr=False)
    record_id: str | None = None
    registry_updated_at: datetime | None = None
    withdrawn: bool = False  # the consent holds no more: the register was not asked, and what is known stays
    assurance: str = "registry"  # document: it stands on a paper of the person's, that an authority decided on

    @property
    def last(self) -> Call | None:
        """The call that settled it; None where nobody was asked."""
        return self.calls[-1] if self.calls else None
