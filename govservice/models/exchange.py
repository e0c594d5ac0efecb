"""What was asked of registries, by which right, with what result, and who read it.

No values in `exchanges` or `data_accesses`; a fact's value is sealed with its subject's key.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import (
    Base,
    Code,
    Json,
    Key,
    LongText,
    Moment,
    OptCode,
    OptMoment,
    OptRef,
    OptText,
    Ref,
    Sha,
)

UNSETTLED = "next_try_at IS NOT NULL"
TO_ASK = "ask_at IS NOT NULL"


class RegistryHealth(Base):
    """Whether a registry answers: one row shared by all workers (the breaker's state)."""

    __tablename__ = "registry_health"
    registry_code: Mapped[Code] = mapped_column(primary_key=True)
    state: Mapped[Code]  # closed | open | half_open
    since: Mapped[Moment]
    next_probe_at: Mapped[OptMoment]
    failures: Mapped[int] = mapped_column(default=0)
    successes: Mapped[int] = mapped_column(default=0)


class RegistryPace(Base):
    """What may still be asked of a registry this second, by all workers together (`exchange.pace`): one row each, and
    one for the backlog's part of the rate. Instants are seconds since 1970 by the database's clock."""

    __tablename__ = "registry_paces"
    registry_code: Mapped[Code] = mapped_column(primary_key=True)
    rate: Mapped[float]  # calls a second
    tokens: Mapped[float]  # calls that are free, at `filled_at`
    filled_at: Mapped[float]
    closed_until: Mapped[float]  # it asked to be left alone until then
    share: Mapped[float]  # of the rate, when it was last told "too many"
    second_tries: Mapped[float]  # that the calls so far allow
    granted: Mapped[int]  # by the last statement


class DatasetFaults(Base):
    """What in a version of a dataset does not fit the agreement: answers of another shape, questions refused."""

    __tablename__ = "dataset_faults"
    dataset: Mapped[Code] = mapped_column(primary_key=True)  # "population/2"
    since: Mapped[Moment]
    in_a_row: Mapped[int]  # answers of another shape since the last good one
    shape: Mapped[int]  # all of them
    denied: Mapped[int]
    quarantined_at: Mapped[OptMoment]


class Grant(Base):
    """The right of a service to ask a dataset for named facts, for one purpose: of a registry's file, or asked for by a
    case (`operations.sharing`)."""

    __tablename__ = "grants"
    id: Mapped[Code] = mapped_column(primary_key=True)  # "GR-2031"
    dataset: Mapped[Code]
    services: Mapped[Json]  # service codes
    take: Mapped[Json]  # fact types
    purpose: Mapped[Code]
    valid_to: Mapped[OptMoment]
    revoked_at: Mapped[OptMoment]
    revoked_by: Mapped[OptRef]  # users.id
    revoke_reason: Mapped[OptText]
    # Of one that a case asked for; else the file says it.
    department: Mapped[OptCode]  # kind
    basis: Mapped[Json | None]  # {en, zh}
    valid_from: Mapped[date | None]
    case_id: Mapped[OptRef]


class Exchange(Base):
    """One call to a registry, granted or refused. Without values. Insert only; a hash chain for each registry
    (`exchange.log`)."""

    __tablename__ = "exchanges"
    __table_args__ = (
        Index("ix_exchanges_case_id", "case_id"),
        Index("ix_exchanges_registry_code_at", "registry_code", "at"),
        UniqueConstraint("registry_code", "seq"),
    )
    id: Mapped[Key]
    seq: Mapped[int]  # in its registry's chain, from 1 without a gap
    registry_code: Mapped[Code]
    dataset: Mapped[Code]  # "population/2"
    case_id: Mapped[OptRef]
    fact: Mapped[OptCode]  # the fact's name in the definition
    subject_id: Mapped[OptRef]  # people.id or organisations.id
    actor: Mapped[Code]
    trigger: Mapped[Code]  # prefill | submit | decision | retry | clerk | act | recusal
    grant_id: Mapped[OptCode]
    purpose: Mapped[Code]
    legal_basis: Mapped[OptText]
    attempt: Mapped[int]
    outcome: Mapped[Code]
    http_status: Mapped[int | None]
    latency_ms: Mapped[int]
    fields: Mapped[Json]  # fact types returned
    request_sha: Mapped[Sha]
    response_sha: Mapped[str | None]
    consent_id: Mapped[OptRef]  # under which it was made, or refused
    at: Mapped[Moment]
    prev_hash: Mapped[Sha]
    row_hash: Mapped[Sha]


class ExchangeProof(Base):
    """What proves a call to others: the ids and hashes of a protocol that signs its messages, or of a signed copy.
    Insert only. The call's `response_sha` covers it."""

    __tablename__ = "exchange_proofs"
    exchange_id: Mapped[Ref] = mapped_column(ForeignKey("exchanges.id"), primary_key=True)
    proofs: Mapped[Json]  # word -> identifier or hash


class ExchangeHead(Base):
    """Where a registry's chain of exchanges ends: the row whose lock orders its callers."""

    __tablename__ = "exchange_heads"
    registry_code: Mapped[Code] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[Sha]
    sealed: Mapped[int]  # up to this row there is a seal


class ExchangeSeal(Base):
    """What the chains said at a minute, signed (`exchange.seals`). Insert only."""

    __tablename__ = "exchange_seals"
    __table_args__ = (UniqueConstraint("n"),)
    id: Mapped[Key]
    n: Mapped[int]  # from 1 without a gap
    at: Mapped[Moment]
    key_id: Mapped[Code]  # thumbprint of the public key (RFC 7638)
    jws: Mapped[LongText]


class Fact(Base):
    """A value with provenance, of one case. A newer one supersedes it; nothing is overwritten."""

    __tablename__ = "facts"
    __table_args__ = (Index("ix_facts_case_id", "case_id"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    subject_id: Mapped[Ref]  # whose key seals the value (people.id)
    name: Mapped[Code]  # of the definition: "premises"
    fact_type: Mapped[Code]  # "premises.area"
    value_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    registry_code: Mapped[Code]
    dataset: Mapped[Code]
    record_id: Mapped[str | None]
    registry_updated_at: Mapped[OptMoment]
    fetched_at: Mapped[Moment]
    assurance: Mapped[Code]  # registry | self_declared | document
    exchange_id: Mapped[OptRef]
    superseded_by: Mapped[OptRef]
    as_of: Mapped[OptCode]  # the date, month or year that was asked for


VAULT = "vault"  # in the place of a registry's code: the portal's own memory, from an earlier case
UNNEEDED = "unneeded"  # state of a need that the answers do not call for (`if`): set aside, nothing relies on it


class EvidenceRequirement(Base):
    """A need of a case (a fact of the definition) and how it was met."""

    __tablename__ = "evidence_requirements"
    __table_args__ = (
        UniqueConstraint("case_id", "name"),
        Index(
            "ix_evidence_requirements_next_try_at", "next_try_at",
            postgresql_where=text(UNSETTLED), sqlite_where=text(UNSETTLED),
        ),
        Index(
            "ix_evidence_requirements_ask_at", "ask_at", postgresql_where=text(TO_ASK), sqlite_where=text(TO_ASK),
        ),
    )  # fmt: skip
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[Code]
    state: Mapped[Code]  # exchange.requirement.State
    outcome: Mapped[OptCode]  # the exchange's outcome
    exchange_id: Mapped[OptRef]
    updated_at: Mapped[Moment]
    # Where the registry said nothing and the case was sent all the same: settled in the background.
    tries: Mapped[int] = mapped_column(default=0)
    silent_since: Mapped[OptMoment]
    next_try_at: Mapped[OptMoment]
    # Where the case was sent without it (`pending`): when the applicant is asked for it, and when they were.
    ask_at: Mapped[OptMoment]
    asked_at: Mapped[OptMoment]


class Snapshot(Base):
    """What was submitted or decided on, sealed: canonical JSON (RFC 8785) of answers, facts and provenance."""

    __tablename__ = "snapshots"
    __table_args__ = (UniqueConstraint("case_id", "n"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    n: Mapped[int]
    reason: Mapped[Code]  # submit | correction | supplement | decision
    subject_id: Mapped[Ref]
    canonical_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha256: Mapped[Sha]
    prev_sha256: Mapped[str | None]
    created_at: Mapped[Moment]
    jws: Mapped[OptText]  # the portal's signature over the hash and its place; null from before it signed


class Burden(Base):
    """What one sending cost the applicant, in counts (`exchange.toll`). A case's burden is the sum of its rows."""

    __tablename__ = "burdens"
    __table_args__ = (UniqueConstraint("case_id", "n"), Index("ix_burdens_service_at", "service", "at"))
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    n: Mapped[int]  # of the snapshot
    reason: Mapped[Code]  # submit | correction | supplement
    service: Mapped[Code]
    at: Mapped[Moment]
    fields: Mapped[int]  # that the application carries
    fields_typed: Mapped[int]
    documents: Mapped[int]  # that it needs on paper where nobody shares
    documents_brought: Mapped[int]
    characters: Mapped[int]
    pages: Mapped[int]


class DataAccess(Base):
    """A read of a person's data: one row per person, reader, purpose and case; the person can see it."""

    __tablename__ = "data_accesses"
    __table_args__ = (Index("ix_data_accesses_subject", "subject_id", "at"),)
    id: Mapped[Key]
    subject_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"))
    actor: Mapped[Code]  # users.id or "portal"
    role: Mapped[OptCode]
    department_id: Mapped[OptCode]
    case_id: Mapped[OptRef]
    what: Mapped[Json]  # field names, fact types, materials or list kinds, never values
    purpose: Mapped[Code]  # as in exchange.accesses.Purpose
    registry_code: Mapped[OptCode]
    exchange_id: Mapped[OptRef]
    at: Mapped[Moment]
