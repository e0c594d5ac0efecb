"""What every table shares: keys, times and JSON, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import uuid6
from sqlalchemy import JSON, DateTime, MetaData, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, mapped_column
from sqlalchemy.types import TypeDecorator, TypeEngine


def new_id() -> str:
    """A UUIDv7 as text: ordered by creation, so that B-trees grow at one end."""
    return str(uuid6.uuid7())


def to_iso(at: datetime) -> str:
    """The canonical text of an instant: UTC, microseconds, `Z`. Raises ValueError for a naive time."""
    if at.tzinfo is None:
        raise ValueError("a stored time must be aware")
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def from_iso(text: str) -> datetime:
    """The inverse of `to_iso`."""
    return datetime.fromisoformat(text)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant: TIMESTAMPTZ on PostgreSQL, fixed-width ISO text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must be aware")
        return value if dialect.name == "postgresql" else to_iso(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name == "postgresql" else from_iso(value)


JsonType = JSON().with_variant(JSONB(), "postgresql")

Key = Annotated[str, mapped_column(String(36), primary_key=True, default=new_id)]
Ref = Annotated[str, mapped_column(String(36))]
OptRef = Annotated[str | None, mapped_column(String(36))]
Code = Annotated[str, mapped_column(String(64))]
OptCode = Annotated[str | None, mapped_column(String(64))]
Sha = Annotated[str, mapped_column(String(64))]
Moment = Annotated[datetime, mapped_column(UtcDateTime)]
OptMoment = Annotated[datetime | None, mapped_column(UtcDateTime)]
LongText = Annotated[str, mapped_column(Text)]
OptText = Annotated[str | None, mapped_column(Text)]
Json = Annotated[Any, mapped_column(JsonType)]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class EngineOwned:
    """Marks the tables that only `engine/` writes, by statements of its own: the ORM may read them, and a session that
    is about to write one refuses (`models.session`). The database's triggers say the same to everybody else."""
