"""Datasets whose answers do not fit their description.

Revision ID: 0015
Revises: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_faults",
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("since", UtcDateTime(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in ("in_a_row", "shape", "denied")),
        sa.Column("quarantined_at", UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("dataset", name=op.f("pk_dataset_faults")),
    )


def downgrade() -> None:
    op.drop_table("dataset_faults")
