"""Fees: orders at the payment provider, and what the provider said of them.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

LIVE = "status NOT IN ('closed', 'refunded')"


def upgrade() -> None:
    op.create_table(
        "payments",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("pay_url", sa.Text(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        *(
            sa.Column(f"{what}_at", UtcDateTime(), nullable=True)
            for what in ("started", "returned", "paid", "refunded", "closed", "check")
        ),
        sa.Column("checks", sa.Integer(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payments_amount")),
        sa.CheckConstraint("seq >= -1", name=op.f("ck_payments_seq")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_payments_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payments")),
    )
    op.create_index(
        "uq_payments_live", "payments", ["case_id"], unique=True,
        postgresql_where=sa.text(LIVE), sqlite_where=sa.text(LIVE),
    )  # fmt: skip
    op.create_index("ix_payments_case", "payments", ["case_id", "created_at"])
    op.create_index(
        "ix_payments_check", "payments", ["check_at"],
        postgresql_where=sa.text("check_at IS NOT NULL"), sqlite_where=sa.text("check_at IS NOT NULL"),
    )  # fmt: skip
    op.create_table(
        "payment_notices",
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("payment_id", sa.String(length=36), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["payment_id"], ["payments.id"], name=op.f("fk_payment_notices_payment_id")),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_payment_notices")),
        sa.UniqueConstraint("payment_id", "seq", name=op.f("uq_payment_notices_payment_id_seq")),
    )


def downgrade() -> None:
    op.drop_table("payment_notices")
    op.drop_table("payments")
