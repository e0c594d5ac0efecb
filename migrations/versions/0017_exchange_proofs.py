"""What proves a call to a registry to others.

Revision ID: 0017
Revises: 0016
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import JsonType

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exchange_proofs",
        sa.Column("exchange_id", sa.String(length=36), nullable=False),
        sa.Column("proofs", JsonType, nullable=False),
        sa.ForeignKeyConstraint(["exchange_id"], ["exchanges.id"], name=op.f("fk_exchange_proofs_exchange_id")),
        sa.PrimaryKeyConstraint("exchange_id", name=op.f("pk_exchange_proofs")),
    )
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER exchange_proofs_no_{act} BEFORE {act.upper()} ON exchange_proofs "
                "BEGIN SELECT RAISE(ABORT, 'exchange_proofs is insert only'); END"
            )
        return
    each = "EXECUTE FUNCTION refuse_change()"
    op.execute(
        f"CREATE TRIGGER exchange_proofs_no_change BEFORE UPDATE OR DELETE ON exchange_proofs FOR EACH ROW {each}"
    )
    op.execute(
        f"CREATE TRIGGER exchange_proofs_no_truncate BEFORE TRUNCATE ON exchange_proofs FOR EACH STATEMENT {each}"
    )


def downgrade() -> None:
    op.drop_table("exchange_proofs")
