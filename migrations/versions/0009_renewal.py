"""Licences that can be renewed: from when, by which application, and what the law did when nobody decided.

Revision ID: 0009
Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TO_RENEW = "renewal_case_id IS NULL AND revoked_at IS NULL AND reminders < 2"


def upgrade() -> None:
    op.add_column("documents", sa.Column("renew_on", sa.Date(), nullable=True))
    op.add_column("documents", sa.Column("renewal_case_id", sa.String(length=36), nullable=True))
    op.add_column("documents", sa.Column("renewed_at", UtcDateTime(), nullable=True))
    op.add_column("documents", sa.Column("reminders", sa.Integer(), nullable=False, server_default="0"))
    op.create_index(
        "ix_documents_renew", "documents", ["renew_on"],
        postgresql_where=sa.text(TO_RENEW), sqlite_where=sa.text(TO_RENEW),
    )  # fmt: skip
    op.create_index("ix_documents_renewal_case", "documents", ["renewal_case_id"])


def downgrade() -> None:
    op.drop_index("ix_documents_renewal_case", "documents")
    op.drop_index("ix_documents_renew", "documents")
    for column in ("reminders", "renewed_at", "renewal_case_id", "renew_on"):
        op.drop_column("documents", column)
