"""Of which time a registry was asked, beside each value.

Revision ID: 0022
Revises: 0021
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("facts", sa.Column("as_of", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("facts", "as_of")
