"""Drafts that their applicants threw away.

Revision ID: 0019
Revises: 0018
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "discarded_drafts",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("by", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_discarded_drafts_case_id")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_discarded_drafts")),
    )


def downgrade() -> None:
    op.drop_table("discarded_drafts")
