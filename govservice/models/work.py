"""Small things people keep while they work: internal notes of a case; and drafts that they threw away."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, Ref


class CaseNote(Base):
    """An internal note of a member of staff on a case; the applicant does not see it."""

    __tablename__ = "case_notes"
    __table_args__ = (Index("ix_case_notes_case_id", "case_id"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    text_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    by: Mapped[Code]
    department_id: Mapped[Code]
    at: Mapped[Moment]


class DiscardedDraft(Base):
    """A draft that its applicant threw away: what was in it is gone, nobody is shown it any more. The case's own record
    (that something was begun) stays, as every record does."""

    __tablename__ = "discarded_drafts"
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    by: Mapped[Code]
    at: Mapped[Moment]
