"""The portal's own state: the simulated clock of demo mode."""

from __future__ import annotations

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from govservice.models.base import Base, Moment


class SimulatedClock(Base):
    """One row: simulated time was `sim_at` when wall time was `wall_at`; it runs on from there unless frozen."""

    __tablename__ = "simulated_clock"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sim_at: Mapped[Moment]
    wall_at: Mapped[Moment]
    frozen: Mapped[bool]
