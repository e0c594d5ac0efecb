"""Conflicts of interest by the registries: relatives of members of staff, and the cases they keep away from.

Revision ID: 0012
Revises: 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import JsonType, UtcDateTime

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None
STATES = "'kept_away','unchecked','found_late','cleared'"


def upgrade() -> None:
    op.create_table(
        "kinships",
        sa.Column("person_id", sa.String(length=36), nullable=False),
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("kin", JsonType, nullable=False),
        sa.Column("said_at", UtcDateTime(), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_kinships_person_id")),
        sa.PrimaryKeyConstraint("person_id", "dataset", name=op.f("pk_kinships")),
    )
    op.create_table(
        "recusals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("user_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_recusals_state")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_recusals_case_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recusals_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recusals")),
    )
    op.create_index("ix_recusals_user_id", "recusals", ["user_id", "case_id"], unique=True)
    op.create_index("ix_recusals_state", "recusals", ["state"])


def downgrade() -> None:
    op.drop_table("recusals")
    op.drop_table("kinships")
