"""What each sending cost the applicant, in counts: the rows behind the burden ledger.

Revision ID: 0014
Revises: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COUNTS = ("fields", "fields_typed", "documents", "documents_brought", "characters", "pages")


def upgrade() -> None:
    op.create_table(
        "burdens",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_burdens_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_burdens")),
        sa.UniqueConstraint("case_id", "n", name=op.f("uq_burdens_case_id")),
    )
    op.create_index("ix_burdens_service_at", "burdens", ["service", "at"])


def downgrade() -> None:
    op.drop_table("burdens")
