"""Consents to questions, and under which of them a registry was asked.

Revision ID: 0023
Revises: 0022
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consents",
        *(sa.Column(name, sa.String(length=36), nullable=False) for name in ("id", "person_id", "case_id")),
        *(
            sa.Column(name, sa.String(length=64), nullable=False)
            for name in ("given_by", "service", "def_sha", "fact", "purpose", "text_sha")
        ),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("given_at", "expires_at")),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_consents_person_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_consents_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_case_id", "consents", ["case_id"])
    op.create_index("ix_consents_person_id", "consents", ["person_id", "given_at"])
    op.add_column("exchanges", sa.Column("consent_id", sa.String(length=36), nullable=True))


def downgrade() -> None:
    op.drop_column("exchanges", "consent_id")
    op.drop_table("consents")
