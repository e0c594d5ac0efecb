"""Versions of services on their way into force: one person proposes, another decides."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, LongText, Moment, OptMoment, OptRef, OptText, Ref, Sha


class Proposal(Base):
    """A designer's wish to put a version in force: a new one, or one that was in force before. Kept for ever: who put
    what in force, and when, is read here. `sha` need not be a published definition yet."""

    __tablename__ = "proposals"
    __table_args__ = (
        CheckConstraint("status IN ('open','approved','refused')", name="status"),
        CheckConstraint("status <> 'approved' OR decided_by <> proposed_by", name="two_people"),
        CheckConstraint("(status = 'open') = (decided_by IS NULL)", name="decided_by_somebody"),
        Index(
            "ix_proposals_one_open",
            "service",
            unique=True,
            postgresql_where=text("status = 'open'"),
            sqlite_where=text("status = 'open'"),
        ),
    )
    id: Mapped[Key]
    service: Mapped[Code]
    sha: Mapped[Sha]
    source_yaml: Mapped[LongText]
    canonical_json: Mapped[LongText]
    status: Mapped[Code]  # open | approved | refused
    proposed_by: Mapped[Ref] = mapped_column(ForeignKey("users.id"))
    proposed_at: Mapped[Moment]
    decided_by: Mapped[OptRef] = mapped_column(ForeignKey("users.id"))
    decided_at: Mapped[OptMoment]
    reason: Mapped[OptText]  # why it was refused
