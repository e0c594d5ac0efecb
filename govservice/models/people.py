"""Who asks, for whom, and by which right somebody else may act.

Personal columns (`*_enc`) hold AES-GCM boxes sealed with the person's own data key (`keyring.py`): losing that
key erases the person. `*_index` is a keyed blind index for exact search; it reveals equality only.
"""

from __future__ import annotations

from datetime import date

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    LargeBinary,
    UniqueConstraint,
    and_,
    literal,
    or_,
)
from sqlalchemy.orm import InstrumentedAttribute, Mapped, mapped_column

from govservice.models.base import Base, Code, Key, Moment, OptCode, OptMoment, Ref

ID_TYPES = ("cn_id", "passport", "hk_macau_permit", "taiwan_permit")

EVERY_SERVICE = "*"  # the scope of a mandate that is not limited to some services


class Person(Base):
    """A natural person. `id_type` is one of ID_TYPES; the number itself is only in `id_enc`."""

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("id_type", "id_index"),
        CheckConstraint("id_type IN ('cn_id','passport','hk_macau_permit','taiwan_permit')", name="id_type"),
    )
    id: Mapped[Key]
    key_wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)  # NULL = erased (crypto-shredded)
    key_id: Mapped[str]  # which key-encryption key wrapped it
    name_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_type: Mapped[Code]
    id_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    id_index: Mapped[str]
    phone_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    area: Mapped[OptCode]
    created_at: Mapped[Moment]
    erased_at: Mapped[OptMoment]


class Organisation(Base):
    """An enterprise or other legal person, known by its 统一社会信用代码 (GB 32100-2015). Public data."""

    __tablename__ = "organisations"
    id: Mapped[Key]
    uscc: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    area: Mapped[OptCode]
    created_at: Mapped[Moment]


class Mandate(Base):
    """The right of a person to act for an organisation: as legal representative or as agent with a scope."""

    __tablename__ = "mandates"
    __table_args__ = (
        Index("ix_mandates_person_id", "person_id"),
        CheckConstraint("kind IN ('legal_representative','agent')", name="kind"),
    )
    id: Mapped[Key]
    person_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"))
    organisation_id: Mapped[Ref] = mapped_column(ForeignKey("organisations.id"))
    kind: Mapped[Code]
    services: Mapped[str] = mapped_column(default=EVERY_SERVICE)  # "*" or service codes separated by spaces
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
    source: Mapped[Code]  # "registry" | "declared" | "demo"
    created_at: Mapped[Moment]
    revoked_at: Mapped[OptMoment]

    def holds(self, today: date) -> bool:
        """Whether it is in force on a legal day."""
        begun = self.valid_from <= today
        return self.revoked_at is None and begun and (self.valid_to is None or self.valid_to >= today)

    @classmethod
    def holding(cls, today: date | ColumnElement[date]) -> ColumnElement[bool]:
        """`holds` as a condition of a query."""
        begun = cls.valid_from <= today
        return and_(cls.revoked_at.is_(None), begun, or_(cls.valid_to.is_(None), cls.valid_to >= today))

    def covers(self, service: str) -> bool:
        """Whether a service is within its scope."""
        return within(self.services, service)

    @classmethod
    def covering(cls, service: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
        """`covers` as a condition of a query. A code holds letters, digits and _ only."""
        scope, code = (literal(" ").concat(each).concat(" ") for each in (cls.services, service))
        return or_(cls.services == EVERY_SERVICE, scope.contains(code))


def within(scope: str, service: str) -> bool:
    """Whether the scope of a mandate ("*" or codes separated by blanks) holds a service."""
    return scope == EVERY_SERVICE or service in scope.split()
