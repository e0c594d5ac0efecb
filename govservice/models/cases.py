"""Cases and everything the engine writes. Only `govservice/engine/` may write these tables.

Keys are UUIDv7 text; `step` is a path of the definition (`review.food.desk`). Events hold identifiers and digests,
never personal data; what people answered lives in `case_data`, sealed with the applicant's key.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import (
    Base,
    Code,
    EngineOwned,
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


class Definition(Base):
    """A published version of a service: immutable, named by the hash of its canonical JSON."""

    __tablename__ = "definitions"
    __table_args__ = (UniqueConstraint("service", "version"),)
    sha: Mapped[Sha] = mapped_column(primary_key=True)
    service: Mapped[Code]
    version: Mapped[int]
    status: Mapped[Code]  # draft | published | retired
    source_yaml: Mapped[LongText]
    canonical_json: Mapped[LongText]
    published_by: Mapped[Code]
    published_at: Mapped[Moment]


class Case(EngineOwned, Base):
    """One run of a service, from draft to closed. A projection of its events; `head` is the last event's hash."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_applicant_id", "applicant_id"),
        Index("ix_cases_organisation_id", "organisation_id"),
        Index("ix_cases_service_area_status", "service", "area", "status"),
        Index(
            "ix_cases_open_due",
            "promised_on",
            postgresql_where=text("status = 'open'"),
            sqlite_where=text("status = 'open'"),
        ),
        CheckConstraint("status IN ('draft','open','suspended','closed')", name="status"),
        CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name="closed_has_date"),
    )
    id: Mapped[Key]
    number: Mapped[str] = mapped_column(unique=True)
    service: Mapped[Code]
    def_sha: Mapped[Sha] = mapped_column(ForeignKey("definitions.sha"))
    area: Mapped[OptCode]  # known at the latest at submission
    applicant_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"))  # who filed (agent included)
    organisation_id: Mapped[OptRef] = mapped_column(ForeignKey("organisations.id"))
    mandate_id: Mapped[OptRef] = mapped_column(ForeignKey("mandates.id"))
    parent_case_id: Mapped[OptRef]
    channel: Mapped[Code]  # online | counter
    version: Mapped[int]
    head: Mapped[Sha]
    last_seq: Mapped[int]
    data_rev: Mapped[int]  # the revision of case_data pinned by the last event that pinned one
    status: Mapped[Code]
    outcome: Mapped[OptCode]
    opened_at: Mapped[Moment]
    received_at: Mapped[OptMoment]
    accepted_at: Mapped[OptMoment]
    decided_at: Mapped[OptMoment]
    delivered_at: Mapped[OptMoment]
    closed_at: Mapped[OptMoment]
    promised_on: Mapped[date | None]  # of the limit that runs now
    statutory_on: Mapped[date | None]
    places: Mapped[str | None]  # areas of the roles that have one of their own, by role (canonical JSON)


class Token(EngineOwned, Base):
    """Where a case stands. Token 1 is the main token; a branch of a parallel step has its own.

    `status`: active | waiting (a parallel step with open branches; or for the applicant's correction) | suspended |
    ended.
    """

    __tablename__ = "tokens"
    __table_args__ = (
        Index(
            "ix_tokens_person",
            "person_id",
            postgresql_where=text("person_id IS NOT NULL"),
            sqlite_where=text("person_id IS NOT NULL"),
        ),
    )
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
    kind: Mapped[Code]  # main | branch | consult | after
    parent: Mapped[int | None]
    scope: Mapped[str]  # "" | "review.food"
    step: Mapped[str]
    status: Mapped[Code]
    outcome: Mapped[OptCode]
    round: Mapped[int]  # how often the parallel step was entered
    data_rev: Mapped[int]  # the revision its last act had seen
    entered_at: Mapped[Moment]
    waits_for: Mapped[OptCode]  # correction_notice | correction | second_person | gaps | None
    person_id: Mapped[OptRef]  # who was asked, where the branch is another person's


class Task(EngineOwned, Base):
    """Work for a role of a department: the worklist. Due dates are instants (00:00 local of the next day)."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_worklist", "department_id", "role", "status", "due_at", "id"),
        Index("ix_tasks_assignee", "assignee_id", "status", "due_at", "id"),
        UniqueConstraint("case_id", "token_id", "opened_seq"),
    )
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    token_id: Mapped[int]
    opened_seq: Mapped[int]
    service: Mapped[Code]
    area: Mapped[Code]
    step: Mapped[str]
    department_id: Mapped[Code]
    role: Mapped[Code]
    assignee_id: Mapped[OptRef]
    claimed_at: Mapped[OptMoment]
    opened_at: Mapped[Moment]
    step_due_at: Mapped[OptMoment]
    due_at: Mapped[OptMoment]  # the earliest of step limit, promised and statutory date: the order of the worklist
    due_kind: Mapped[OptCode]  # step | promised | statutory
    status: Mapped[Code]  # open | waiting (clock stopped) | done | cancelled
    done_at: Mapped[OptMoment]


class CaseEvent(EngineOwned, Base):
    """Append-only record of what happened to a case: hash-chained, insert only (database triggers)."""

    __tablename__ = "case_events"
    __table_args__ = (Index("ix_case_events_at", "at"),)
    case_id: Mapped[Ref] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]  # engine time
    recorded_at: Mapped[Moment]  # wall time
    type: Mapped[Code]
    v: Mapped[int]
    actor: Mapped[Code]  # user id, "system" or "applicant:<person id>"
    on_behalf_of: Mapped[OptCode]
    token_id: Mapped[int | None]
    data: Mapped[LongText]  # canonical JSON, byte for byte what was hashed
    idem: Mapped[str]
    prev: Mapped[Sha]
    hash: Mapped[Sha]


class CommandKey(EngineOwned, Base):
    """An idempotency key, bound to its actor: the same request again gets the recorded result."""

    __tablename__ = "commands"
    actor: Mapped[Code] = mapped_column(primary_key=True)
    idem: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[Ref]
    request_sha: Mapped[Sha]
    result: Mapped[LongText]
    at: Mapped[Moment]


class CaseClock(EngineOwned, Base):
    """A limit that counts: `limit:<name>` of the case or `step:<token>:<seq>` of a stay. Recomputable from the events.

    `pauses` is a list of [start, end|null, kind] in ISO UTC. Dates are the last counted day (until 24:00 local).
    """

    __tablename__ = "clocks"
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    token_id: Mapped[int | None]
    statutory: Mapped[str]  # a duration: "45wd"
    promised: Mapped[str | None]
    started_at: Mapped[Moment]
    stopped_at: Mapped[OptMoment]
    paused_since: Mapped[OptMoment]
    pauses: Mapped[Json]
    statutory_on: Mapped[date | None]  # None while paused
    promised_on: Mapped[date | None]
    consumed: Mapped[int]  # units of the limit, at the last change
    provisional: Mapped[bool]  # reaches into a year whose make-up days are not announced
    calendar_version: Mapped[Code]


class Timer(EngineOwned, Base):
    """Something the law or the definition does by itself at `due_at` (NULL = paused)."""

    __tablename__ = "timers"
    __table_args__ = (
        Index(
            "ix_timers_due",
            "due_at",
            "case_id",
            "id",
            postgresql_where=text("status = 'armed'"),
            sqlite_where=text("status = 'armed'"),
        ),
        Index("ix_timers_case", "case_id", "status"),
    )
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    token_id: Mapped[int]
    key: Mapped[str]  # "acceptance:0", "review:collect", "correction:lapse"
    clock_key: Mapped[str | None]
    due_at: Mapped[OptMoment]
    armed_seq: Mapped[int]
    status: Mapped[Code]  # armed | paused | fired | cancelled


class Outbox(Base):
    """An effect outside the case, written in the transition's transaction, delivered at least once.

    `id` is `case:seq:effect`: the idempotency key that the receiver gets.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index(
            "ix_outbox_due",
            "due_at",
            postgresql_where=text("done_at IS NULL"),
            sqlite_where=text("done_at IS NULL"),
        ),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    case_id: Mapped[Ref]
    seq: Mapped[int]
    topic: Mapped[Code]
    payload: Mapped[LongText]  # canonical JSON of identifiers
    due_at: Mapped[Moment]
    attempts: Mapped[int] = mapped_column(default=0)
    claimed_by: Mapped[OptCode]
    claimed_until: Mapped[OptMoment]
    done_at: Mapped[OptMoment]
    last_error: Mapped[OptText]


class Visit(EngineOwned, Base):
    """One stay of a token in one step: what turnaround is computed from. Seconds; `waited_on` says who held it."""

    __tablename__ = "visits"
    __table_args__ = (
        Index("ix_visits_left", "left_at", "service", "step", "area"),
        Index(
            "ix_visits_open",
            "service",
            "area",
            "step",
            postgresql_where=text("left_at IS NULL"),
            sqlite_where=text("left_at IS NULL"),
        ),
    )
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    token_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # of the event that entered
    service: Mapped[Code]
    area: Mapped[OptCode]
    step: Mapped[str]
    department_id: Mapped[OptCode]
    role: Mapped[OptCode]
    entered_at: Mapped[Moment]
    left_at: Mapped[OptMoment]
    action: Mapped[OptCode]  # what ended it
    actor: Mapped[OptCode]
    working_s: Mapped[int | None]  # office time between entering and leaving, pauses taken off
    elapsed_s: Mapped[int | None]  # calendar time
    paused_s: Mapped[int | None]  # office time in which the clock stood still
    waited_on: Mapped[Code]  # department | applicant | system


class CaseData(Base):
    """A revision of what the applicant answered: {field: {value, source}} sealed with the applicant's key."""

    __tablename__ = "case_data"
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    rev: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    form_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha: Mapped[Sha]  # of the canonical JSON with a salt inside
    changed: Mapped[Json]  # names of the fields and materials that differ from the revision before
    by: Mapped[Code]
    at: Mapped[Moment]


class CaseStateRow(EngineOwned, Base):
    """The fold of a case's events up to `seq`, as canonical JSON: what acting reads. A cache: where missing, older
    than the case or of another format, the events are folded instead."""

    __tablename__ = "case_states"
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    seq: Mapped[int]
    format: Mapped[int]
    state: Mapped[LongText]


class AnchorHead(Base):
    """Where a chain stood when a day's root was kept, where that was not so the day before: the leaves of the roots.

    With them a root stands for what it covered whatever the clocks of several machines say, and the case is named.
    """

    __tablename__ = "anchor_heads"
    __table_args__ = (Index("ix_anchor_heads_day", "day"),)
    case_id: Mapped[Ref] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    seq: Mapped[int]
    hash: Mapped[Sha]


class Anchor(Base):
    """The Merkle root over the heads of all chains at the end of a day: finds deleted tails and cases."""

    __tablename__ = "anchors"
    day: Mapped[date] = mapped_column(primary_key=True)
    merkle_root: Mapped[Sha]
    n_cases: Mapped[int]
    at: Mapped[Moment]
