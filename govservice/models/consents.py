"""Consents (`consent: explicit` of a fact): what somebody agreed to, in which words, until when."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, OptMoment, Ref, Sha


class Consent(Base):
    """Given for one fact of one case. A withdrawal is noted, nothing else ever changes."""

    __tablename__ = "consents"
    __table_args__ = (Index("ix_consents_case_id", "case_id"), Index("ix_consents_person_id", "person_id", "given_at"))
    id: Mapped[Key]
    person_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"))  # whose data it is
    given_by: Mapped[Code]  # the actor
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    service: Mapped[Code]
    def_sha: Mapped[Sha]  # the version of the service that was read
    fact: Mapped[Code]
    purpose: Mapped[Code]
    text_sha: Mapped[Sha]  # of the words that were agreed to, in every language
    given_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[OptMoment]
