"""What every connector is: it takes a query, returns an answer, and never raises for a fault of the other side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from govservice.exchange.outcomes import Outcome

SubjectKind = Literal["person", "organisation"]


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """Whose data is asked for: an identity number or a unified social credit code, from the applicant's own record."""

    kind: SubjectKind
    value: str = field(repr=False)  # a personal number must not reach a log through a repr


@dataclass(frozen=True, slots=True)
class Query:
    """One question to one dataset. `deadline` is an instant of `time.monotonic()`."""

    dataset: str
    subject: SubjectKey
    fields: tuple[str, ...]  # the registry's own field names
    purpose: str
    legal_basis: str
    actor: str
    case_ref: str
    deadline: float
    idempotency_key: str
    as_of: str | None = None  # the date, month or year that is asked for


def of_when(query: Query) -> dict[str, str]:
    """The parameter that names the date or period asked for; nothing where a question names none."""
    return {"as_of": query.as_of} if query.as_of is not None else {}


@dataclass(frozen=True, slots=True)
class Deed:
    """One act that a registry is to do for a case. `transfer` names what belongs together, `order` grows with each act
    of it: a registry never does an older act after a newer one. The same `key` is done once. `deadline` as above."""

    act: str
    subject: SubjectKey
    transfer: str
    order: int
    values: Mapping[str, Any] = field(repr=False)
    purpose: str
    legal_basis: str
    case_ref: str
    deadline: float
    key: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is parsed JSON where the outcome is OK, not yet held against the dataset's schema."""

    outcome: Outcome
    body: Any = field(default=None, repr=False)
    status: int | None = None
    request_sha: str = ""
    response_sha: str | None = None
    detail: str = ""  # a word for the log: redirect, too_large, content_type
    retry_after: float | None = None  # seconds
    transport: Mapping[str, str] = field(default_factory=dict)  # identifiers for the log


@dataclass(frozen=True, slots=True)
class Probe:
    """Whether a registry can be reached, and a word for the operator: a status, `redirect`, a missing column."""

    reachable: bool
    detail: str


class Connector(Protocol):
    """A protocol spoken with one registry. Thread-safe; raises only for programming errors."""

    kind: str

    def fetch(self, query: Query) -> Answer: ...

    def do(self, deed: Deed) -> Answer: ...

    def probe(self, deadline: float) -> Probe: ...

    def close(self) -> None: ...
