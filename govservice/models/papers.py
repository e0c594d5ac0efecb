"""Papers around a case: files people gave, documents issued, notices and messages, ratings."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date
from typing import Any

import rfc8785
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, UniqueConstraint, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from govservice.models.base import (
    Base,
    Code,
    Json,
    Key,
    Moment,
    OptCode,
    OptMoment,
    OptRef,
    OptText,
    Ref,
    Sha,
)
from govservice.models.session import box_of

TO_RENEW = "renewal_case_id IS NULL AND revoked_at IS NULL AND reminders < 2"


class File(Base):
    """A file somebody gave: stored under a random name; the display name keeps Chinese characters, sealed."""

    __tablename__ = "files"
    __table_args__ = (Index("ix_files_case_id", "case_id"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    subject_id: Mapped[Ref]  # whose key seals the display name and the content
    slot: Mapped[Code]  # a material of the form ("layout") or an attachment of an action ("site_report")
    kind: Mapped[Code]  # material | attachment
    revision: Mapped[int]
    display_name_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    stored_name: Mapped[str] = mapped_column(unique=True)
    mime: Mapped[str]
    size: Mapped[int]  # bytes
    sha256: Mapped[Sha]
    uploaded_by: Mapped[Code]
    uploaded_at: Mapped[Moment]
    removed_at: Mapped[OptMoment]


def name_of(session: Session, file: File) -> str | None:
    """What the person called the file; None where they were erased or the file was thrown away."""
    box = box_of(session, file.subject_id)
    if box is None or file.display_name_enc is None:
        return None
    return box.open_text(file.display_name_enc, f"files:{file.id}")


def seal_of(content: Mapping[str, Any]) -> str:
    """SHA-256 of a licence's content in canonical JSON (RFC 8785): who changes a sign of it breaks the seal."""
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


class IssuedDocument(Base):
    """A licence produced by a case. `number` stands on it; `verify_code` is what the QR leads to."""

    __tablename__ = "documents"
    __table_args__ = (
        Index("ix_documents_renew", "renew_on", postgresql_where=text(TO_RENEW), sqlite_where=text(TO_RENEW)),
        Index("ix_documents_renewal_case", "renewal_case_id"),
    )
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    kind: Mapped[Code]  # output.document of the definition
    number: Mapped[str] = mapped_column(unique=True)
    verify_code: Mapped[str] = mapped_column(unique=True)
    holder: Mapped[str]  # the organisation's public name; a person's name is never stored here
    holder_person_id: Mapped[OptRef] = mapped_column(ForeignKey("people.id"))
    content: Mapped[Json]  # public content only (area, address, scope), with labels {en, zh}
    department_id: Mapped[Code]
    issued_on: Mapped[date]
    valid_until: Mapped[date | None]
    sha256: Mapped[Sha]
    effect_key: Mapped[str] = mapped_column(unique=True)  # outbox id: issuing twice gives one document
    created_at: Mapped[Moment]
    revoked_at: Mapped[OptMoment]
    revoked_reason: Mapped[OptText]
    renew_on: Mapped[date | None]  # from this day on it may be renewed
    renewal_case_id: Mapped[OptRef]  # the application that is to renew it
    renewed_at: Mapped[OptMoment]  # by law: it expired undecided, and `valid_until` was moved
    reminders: Mapped[int] = mapped_column(default=0)  # how often the holder was reminded


class Message(Base):
    """A notice or message to the applicant, in the portal's inbox. `params_enc` fills the template."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("effect_key"), Index("ix_messages_person", "person_id", "created_at"))
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    person_id: Mapped[Ref] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[Code]  # receipt | acceptance | correction | refusal | grant | withdrawn | lapsed | warning
    effect_key: Mapped[str]
    seq: Mapped[int]  # of the event it tells about
    params_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    read_at: Mapped[OptMoment]


class CaseText(Base):
    """Words people wrote about a case (a reason, a note, what is wrong in a correction): kept out of the events,
    which hold only `sha`. Sealed with the applicant's key."""

    __tablename__ = "case_texts"
    __table_args__ = (Index("ix_case_texts_case_id", "case_id"),)
    id: Mapped[Key]
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"))
    text_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    sha: Mapped[Sha]
    by: Mapped[Code]
    at: Mapped[Moment]


class Rating(Base):
    """好差评 (GB/T 39735-2020): one five-point judgement per case by its applicant."""

    __tablename__ = "ratings"
    __table_args__ = (CheckConstraint("stars BETWEEN 1 AND 5", name="stars"),)
    case_id: Mapped[Ref] = mapped_column(ForeignKey("cases.id"), primary_key=True)
    stars: Mapped[int]
    comment_enc: Mapped[bytes | None] = mapped_column(LargeBinary)
    at: Mapped[Moment]
    service: Mapped[Code]
    area: Mapped[OptCode]
