"""Grants that a department asked for by a case, and who revoked a grant.

Revision ID: 0026
Revises: 0025
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import JsonType

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

COLUMNS: tuple[tuple[str, sa.types.TypeEngine[object]], ...] = (
    ("department", sa.String(length=64)),
    ("basis", JsonType),
    ("valid_from", sa.Date()),
    ("case_id", sa.String(length=36)),
    ("revoked_by", sa.String(length=36)),
    ("revoke_reason", sa.Text()),
)


def upgrade() -> None:
    for name, kind in COLUMNS:
        op.add_column("grants", sa.Column(name, kind, nullable=True))


def downgrade() -> None:
    for name, _kind in reversed(COLUMNS):
        op.drop_column("grants", name)
