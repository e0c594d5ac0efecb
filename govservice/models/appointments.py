"""Meetings with applicants: which hour of which team of a department is taken, and by which stay of which case."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, Ref


class Appointment(Base):
    """One hour of one team (`lane`) of a department. The keys let nobody have it twice, and no stay two of them.

    `seq` is the stay at the step (`visits.seq`): what a case has left behind counts no more and may be taken over.
    """

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("department_id", "kind", "starts_at", "lane"),
        UniqueConstraint("case_id", "token_id", "seq"),
    )
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    token_id: Mapped[int]
    seq: Mapped[int]
    department_id: Mapped[Code] = mapped_column(ForeignKey("departments.id"))
    kind: Mapped[Code]
    starts_at: Mapped[Moment]
    lane: Mapped[int]
    made_by: Mapped[Code]
    made_at: Mapped[Moment]
