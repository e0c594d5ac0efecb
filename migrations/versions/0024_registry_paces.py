"""How fast all processes together ask a registry.

Revision ID: 0024
Revises: 0023
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

FIGURES = ("rate", "tokens", "filled_at", "closed_until", "share", "second_tries")


def upgrade() -> None:
    op.create_table(
        "registry_paces",
        sa.Column("registry_code", sa.String(length=64), nullable=False),
        *(sa.Column(name, sa.Float(), nullable=False) for name in FIGURES),
        sa.Column("granted", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("registry_code", name=op.f("pk_registry_paces")),
    )


def downgrade() -> None:
    op.drop_table("registry_paces")
