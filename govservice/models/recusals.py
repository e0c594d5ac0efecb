"""Conflicts of interest by the registries: who the relatives of a member of staff are, and which cases they keep from.

Relatives are blind indexes of identity numbers: enough to see that somebody in a case is one of them, and no more.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Json, Key, Moment, OptMoment, Ref

KEPT = ("kept_away", "found_late")  # states in which the case is closed to the member of staff


class Kinship(Base):
    """What one dataset says about the relatives of one person. A silent registry leaves what it said before."""

    __tablename__ = "kinships"
    person_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"), primary_key=True)
    dataset: Mapped[Code] = mapped_column(primary_key=True)
    kin: Mapped[Json]  # blind indexes, as of `people.id_index`
    said_at: Mapped[OptMoment]  # when the registry last answered
    asked_at: Mapped[Moment]


class Recusal(Base):
    """One member of staff and one case. `kept_away`: a relative's case, found in time. `unchecked`: acted on while a
    registry was silent. `found_late`: acted on, and then found to be a relative's. `cleared`: looked into, nothing."""

    __tablename__ = "recusals"
    __table_args__ = (
        CheckConstraint("state IN ('kept_away','unchecked','found_late','cleared')", name="state"),
        Index("ix_recusals_user_id", "user_id", "case_id", unique=True),
        Index("ix_recusals_state", "state"),
    )
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    user_id: Mapped[Ref] = mapped_column(ForeignKey("users.id"))
    state: Mapped[Code]
    at: Mapped[Moment]  # of the present state
