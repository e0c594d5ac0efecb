"""What decisions rely on: facts asked again, what a clerk made of a difference, and what people say is wrong.

No values in `revalidations`: both sides of a difference are the facts of the two exchanges that it names.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, OptCode, OptMoment, OptRef, Ref

CHANGED = ("material", "gone")  # results of asking again that matter: somebody says what follows
EXAMINED = "under_investigation"  # an outcome: the register has doubts about its own entry
SAID = "submit"  # a trigger: no register was asked, the applicant sent something in the place of its word


class Revalidation(Base):
    """One fact of a case that was asked again, with how the answer compares to what the case rests on."""

    __tablename__ = "revalidations"
    __table_args__ = (Index("ix_revalidations_case_id", "case_id"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[Code]  # of the fact in the definition
    trigger: Mapped[Code]  # decision | clerk | event | retry | submit
    actor: Mapped[Code]
    result: Mapped[Code]  # same | immaterial | material | gone | unavailable | unverified
    outcome: Mapped[Code]  # how the call ended
    old_exchange_id: Mapped[OptRef]  # the call that the case rested on; null where the applicant gave the value
    exchange_id: Mapped[OptRef]
    at: Mapped[Moment]
    # Where a clerk (or the applicant, by a correction) settled what was found:
    # kept | verified | waived | corrected | conditional
    resolution: Mapped[OptCode]
    resolved_by: Mapped[OptCode]
    resolved_at: Mapped[OptMoment]
    reason_enc: Mapped[bytes | None] = mapped_column(LargeBinary)  # the clerk's words, with the applicant's key


class RegistryEvent(Base):
    """Something that a registry told by itself. Told again, it is the same row; whom it is about stands in ids of
    ours only, and nowhere where it is about nobody of ours."""

    __tablename__ = "registry_events"
    __table_args__ = (
        UniqueConstraint("registry_code", "number"), Index("ix_registry_events_open", "processed_at", "next_try_at"),
    )  # fmt: skip
    id: Mapped[Key]
    registry_code: Mapped[Code]
    number: Mapped[Code]  # the registry's own
    type: Mapped[Code]  # person.moved
    person_id: Mapped[OptRef]
    organisation_id: Mapped[OptRef]
    occurred_at: Mapped[Moment]
    received_at: Mapped[Moment]
    processed_at: Mapped[OptMoment]
    next_try_at: Mapped[OptMoment]
    tries: Mapped[int] = mapped_column(default=0)


class FlaggedCase(Base):
    """A case that a registry's word concerns, with what came of it."""

    __tablename__ = "flagged_cases"
    __table_args__ = (UniqueConstraint("event_id", "case_id"), Index("ix_flagged_cases_case_id", "case_id"))
    id: Mapped[Key]
    event_id: Mapped[Ref] = mapped_column(ForeignKey("registry_events.id"))
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    # told (not asked again yet), then the worst of its facts: same | immaterial | unverified | unavailable | gone |
    # material; of a case that was granted: review
    result: Mapped[Code]
    at: Mapped[Moment]


class Dispute(Base):
    """A person says that a registry's entry about them is wrong; the registry's owner answers by a day."""

    __tablename__ = "disputes"
    __table_args__ = (
        Index("ix_disputes_case_id", "case_id"),
        Index("ix_disputes_owner_state", "owner_id", "state"),
    )  # fmt: skip
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"))  # who says so, with whose key the words are sealed
    name: Mapped[Code]  # of the fact in the definition
    fact_type: Mapped[Code]
    registry_code: Mapped[Code]
    dataset: Mapped[Code]
    owner_id: Mapped[Code]  # the department that answers for the registry
    hold: Mapped[Code]  # adverse | all | none: which decisions wait
    said_enc: Mapped[bytes | None] = mapped_column(LargeBinary)  # {held, claimed, reason}
    state: Mapped[Code]  # sent | accepted | rejected | withdrawn
    sent_at: Mapped[Moment]
    due_on: Mapped[date]
    answered_by: Mapped[OptCode]
    answered_at: Mapped[OptMoment]
    answer_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
