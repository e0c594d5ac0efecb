"""Areas and departments: who decides where."""

from __future__ import annotations

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Code, Json, OptCode


class Area(Base):
    """A jurisdiction (district, city, province). Data comes from workflows/departments.yaml."""

    __tablename__ = "areas"
    code: Mapped[str] = mapped_column(primary_key=True)  # "huaxi"
    parent: Mapped[str | None] = mapped_column(ForeignKey("areas.code"))
    name: Mapped[Json]  # {en, zh}
    prefix: Mapped[str]  # two letters that start this area's case numbers
    calendar: Mapped[Code]


class Department(Base):
    """A department of one area. A definition's role names the kind; the case's area picks the department."""

    __tablename__ = "departments"
    __table_args__ = (UniqueConstraint("code", "area"),)
    id: Mapped[Code] = mapped_column(primary_key=True)  # "huaxi.market_reg"
    code: Mapped[Code]  # "market_reg"
    area: Mapped[str] = mapped_column(ForeignKey("areas.code"))
    parent_id: Mapped[OptCode] = mapped_column(ForeignKey("departments.id"))
    name: Mapped[Json]  # {en, zh}
