"""The portal signs what was sent and decided on.

Revision ID: 0016
Revises: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("snapshots", sa.Column("jws", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("snapshots", "jws")
