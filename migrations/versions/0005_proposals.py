"""Versions come into force by two people: proposals, and published definitions that nobody can change.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHANGED = " OR ".join(
    f"NEW.{column} <> OLD.{column}"
    for column in ("sha", "service", "version", "source_yaml", "canonical_json", "published_by", "published_at")
)
SQLITE = [
    f"CREATE TRIGGER definitions_immutable BEFORE UPDATE ON definitions WHEN {CHANGED} "
    "BEGIN SELECT RAISE(ABORT, 'a published definition never changes'); END",
    "CREATE TRIGGER definitions_no_delete BEFORE DELETE ON definitions "
    "BEGIN SELECT RAISE(ABORT, 'a published definition never changes'); END",
]
POSTGRESQL = [
    "CREATE FUNCTION definition_never_changes() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION 'a published definition never changes'; END $$",
    "CREATE TRIGGER definitions_immutable BEFORE UPDATE ON definitions "
    f"FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION definition_never_changes()",
    "CREATE TRIGGER definitions_no_delete BEFORE DELETE ON definitions "
    "FOR EACH ROW EXECUTE FUNCTION definition_never_changes()",
]


def upgrade() -> None:
    op.create_table(
        "proposals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("service", sa.String(length=64), nullable=False),
        sa.Column("sha", sa.String(length=64), nullable=False),
        sa.Column("source_yaml", sa.Text(), nullable=False),
        sa.Column("canonical_json", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.String(length=36), nullable=False),
        sa.Column("proposed_at", UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=36), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("status IN ('open','approved','refused')", name=op.f("ck_proposals_status")),
        sa.CheckConstraint("status <> 'approved' OR decided_by <> proposed_by", name=op.f("ck_proposals_two_people")),
        sa.CheckConstraint("(status = 'open') = (decided_by IS NULL)", name=op.f("ck_proposals_decided_by_somebody")),
        sa.ForeignKeyConstraint(["proposed_by"], ["users.id"], name=op.f("fk_proposals_proposed_by")),
        sa.ForeignKeyConstraint(["decided_by"], ["users.id"], name=op.f("fk_proposals_decided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    op.create_index(
        "ix_proposals_one_open", "proposals", ["service"], unique=True,
        postgresql_where=sa.text("status = 'open'"), sqlite_where=sa.text("status = 'open'"),
    )  # fmt: skip
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("definitions_immutable", "definitions_no_delete"):
            op.execute(f"DROP TRIGGER {name}")
    else:
        op.execute("DROP FUNCTION definition_never_changes() CASCADE")
    op.drop_table("proposals")
