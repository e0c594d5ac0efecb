"""When a need that a registry left open is asked for again.

Revision ID: 0018
Revises: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

TABLE, UNSETTLED = "evidence_requirements", sa.text("next_try_at IS NOT NULL")


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("tries", sa.Integer(), nullable=False, server_default="0"))
    op.add_column(TABLE, sa.Column("silent_since", UtcDateTime(), nullable=True))
    op.add_column(TABLE, sa.Column("next_try_at", UtcDateTime(), nullable=True))
    op.create_index(
        "ix_evidence_requirements_next_try_at", TABLE, ["next_try_at"], postgresql_where=UNSETTLED,
        sqlite_where=UNSETTLED,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_evidence_requirements_next_try_at", TABLE)
    op.drop_column(TABLE, "next_try_at")
    op.drop_column(TABLE, "silent_since")
    op.drop_column(TABLE, "tries")
