"""Who was asked, where a branch of a case is another person's than the applicant.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tokens", sa.Column("person_id", sa.String(length=36), nullable=True))
    some = sa.text("person_id IS NOT NULL")
    op.create_index("ix_tokens_person", "tokens", ["person_id"], postgresql_where=some, sqlite_where=some)


def downgrade() -> None:
    op.drop_index("ix_tokens_person", "tokens")
    op.drop_column("tokens", "person_id")
