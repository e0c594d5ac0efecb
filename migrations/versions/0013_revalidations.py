"""Facts asked again before a decision.

Revision ID: 0013
Revises: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revalidations",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(length=64), nullable=False) for name in ("name", "trigger", "actor", "result")),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("old_exchange_id", sa.String(length=36), nullable=True),
        sa.Column("exchange_id", sa.String(length=36), nullable=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("resolution", sa.String(length=64), nullable=True),
        sa.Column("resolved_by", sa.String(length=64), nullable=True),
        sa.Column("resolved_at", UtcDateTime(), nullable=True),
        sa.Column("reason_enc", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_revalidations_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_revalidations")),
    )
    op.create_index("ix_revalidations_case_id", "revalidations", ["case_id"])


def downgrade() -> None:
    op.drop_table("revalidations")
