"""When the applicant is asked for what a register owes a case that was sent without it.

Revision ID: 0025
Revises: 0024
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("ask_at", "asked_at"):
        op.add_column("evidence_requirements", sa.Column(name, UtcDateTime(), nullable=True))
    owed = sa.text("ask_at IS NOT NULL")
    op.create_index(
        "ix_evidence_requirements_ask_at", "evidence_requirements", ["ask_at"], postgresql_where=owed, sqlite_where=owed
    )


def downgrade() -> None:
    op.drop_index("ix_evidence_requirements_ask_at", "evidence_requirements")
    for name in ("ask_at", "asked_at"):
        op.drop_column("evidence_requirements", name)
