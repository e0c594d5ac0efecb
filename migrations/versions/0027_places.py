"""Where the people of a role sit, if elsewhere than the case lies: an office that collects for another district.

Revision ID: 0027
Revises: 0026
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cases", sa.Column("places", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("cases", "places")
