"""What decisions rely on: facts that were asked again, and what a clerk made of a difference.

No values in `revalidations`: both sides of a difference are the facts of the two exchanges that it names.
"""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, OptCode, OptMoment, OptRef, Ref


class Revalidation(Base):
    """One fact of a case that was asked again, with how the answer compares to what the case rests on."""

    __tablename__ = "revalidations"
    __table_args__ = (Index("ix_revalidations_case_id", "case_id"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    name: Mapped[Code]  # of the fact in the definition
    trigger: Mapped[Code]  # decision | clerk | event | retry
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
