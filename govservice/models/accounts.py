"""Accounts, the roles that staff hold, sessions that can be revoked, and login throttling."""

from __future__ import annotations

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from govservice.models.base import Base, Code, Json, Key, Moment, OptMoment, OptRef, Ref, Sha
from govservice.models.people import Person

STAFF_KINDS = ("clerk", "steward", "supervisor", "designer", "admin")


class User(Base):
    """Somebody who signs in: a citizen (with a person) or staff (with roles in departments).

    `name` is the name of a member of staff, which is public; a citizen's name is only in `people`.
    """

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("kind IN ('citizen','staff')", name="kind"),
        CheckConstraint("kind = 'staff' OR person_id IS NOT NULL", name="citizen_has_person"),
    )
    id: Mapped[Key]
    login: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str]
    kind: Mapped[Code]
    name: Mapped[Json]  # {en, zh} of staff; {} of citizens
    person_id: Mapped[OptRef] = mapped_column(ForeignKey("people.id"), unique=True)
    private_person_id: Mapped[OptRef]  # id in `people` of who a member of staff is in private: their own cases
    locale: Mapped[str] = mapped_column(default="zh")
    demo: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[Moment]
    password_changed_at: Mapped[Moment]
    disabled_at: Mapped[OptMoment]
    person: Mapped[Person | None] = relationship(lazy="joined")
    roles: Mapped[list[Role]] = relationship(lazy="selectin", order_by="Role.id")

    @property
    def own_person_id(self) -> str | None:
        """Whose applications are this account's own: a citizen's, or those of a member of staff in private."""
        return self.person_id or self.private_person_id


class Role(Base):
    """A role held by a member of staff in one department. `role` is a definition's role code, or one of
    `supervisor`, `designer`, `admin`, which are the portal's own."""

    __tablename__ = "roles"
    __table_args__ = (
        UniqueConstraint("user_id", "department_id", "role"),
        Index("ix_roles_department_role", "department_id", "role"),
    )
    id: Mapped[Key]
    user_id: Mapped[Ref] = mapped_column(ForeignKey("users.id"))
    department_id: Mapped[Code] = mapped_column(ForeignKey("departments.id"))
    role: Mapped[Code]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]


class Absence(Base):
    """A member of staff is away, and a colleague of the same department stands in. Legal days, both counted."""

    __tablename__ = "absences"
    __table_args__ = (
        CheckConstraint("from_on <= to_on", name="span"),
        CheckConstraint("user_id <> deputy_id", name="somebody_else"),
        Index("ix_absences_deputy", "deputy_id", "to_on"),
        Index("ix_absences_user", "user_id", "to_on"),
    )
    id: Mapped[Key]
    user_id: Mapped[Ref] = mapped_column(ForeignKey("users.id"))
    deputy_id: Mapped[Ref] = mapped_column(ForeignKey("users.id"))
    from_on: Mapped[date]
    to_on: Mapped[date]
    declared_by: Mapped[Ref] = mapped_column(ForeignKey("users.id"))
    declared_at: Mapped[Moment]
    ended_at: Mapped[OptMoment]  # taken back, or ended early


class Session(Base):
    """A sign-in. The cookie holds a random token, the row its hash; deleting or revoking the row ends it at once."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_user_id", "user_id"),)
    id: Mapped[Sha] = mapped_column(primary_key=True)  # sha256 of the cookie's token
    user_id: Mapped[OptRef] = mapped_column(ForeignKey("users.id"))  # NULL: anonymous (language, CSRF)
    mandate_id: Mapped[OptRef] = mapped_column(ForeignKey("mandates.id"))  # acting for
    data: Mapped[Json]  # csrf secret, locale, flashes: never personal data
    user_agent: Mapped[str] = mapped_column(default="")
    created_at: Mapped[Moment]
    seen_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    revoked_at: Mapped[OptMoment]


class Throttle(Base):
    """How often something was tried in the present window. `key` is a keyed hash of what is counted."""

    __tablename__ = "throttles"
    key: Mapped[Sha] = mapped_column(primary_key=True)
    window_start: Mapped[Moment]
    count: Mapped[int]
