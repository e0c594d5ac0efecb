"""Absences with a deputy, and who a member of staff is in private.

Revision ID: 0010
Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "absences",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(f"{who}_id", sa.String(length=36), nullable=False) for who in ("user", "deputy")),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("declared_by", sa.String(length=36), nullable=False),
        sa.Column("declared_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("from_on <= to_on", name=op.f("ck_absences_span")),
        sa.CheckConstraint("user_id <> deputy_id", name=op.f("ck_absences_somebody_else")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_absences_user_id")),
        sa.ForeignKeyConstraint(["deputy_id"], ["users.id"], name=op.f("fk_absences_deputy_id")),
        sa.ForeignKeyConstraint(["declared_by"], ["users.id"], name=op.f("fk_absences_declared_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index("ix_absences_deputy", "absences", ["deputy_id", "to_on"])
    op.create_index("ix_absences_user", "absences", ["user_id", "to_on"])
    op.add_column("users", sa.Column("private_person_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "private_person_id")
    op.drop_table("absences")
