"""What registries tell by themselves, and the running cases that it concerns.

Revision ID: 0021
Revises: 0020
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from govservice.models.base import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registry_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        *(sa.Column(name, sa.String(length=64), nullable=False) for name in ("registry_code", "number", "type")),
        *(sa.Column(name, sa.String(length=36), nullable=True) for name in ("person_id", "organisation_id")),
        *(sa.Column(name, UtcDateTime(), nullable=False) for name in ("occurred_at", "received_at")),
        *(sa.Column(name, UtcDateTime(), nullable=True) for name in ("processed_at", "next_try_at")),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_events")),
        sa.UniqueConstraint("registry_code", "number", name=op.f("uq_registry_events_registry_code")),
    )
    op.create_index("ix_registry_events_open", "registry_events", ["processed_at", "next_try_at"])
    op.create_table(
        "flagged_cases",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["event_id"], ["registry_events.id"], name=op.f("fk_flagged_cases_event_id")),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_flagged_cases_case_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flagged_cases")),
        sa.UniqueConstraint("event_id", "case_id", name=op.f("uq_flagged_cases_event_id")),
    )
    op.create_index("ix_flagged_cases_case_id", "flagged_cases", ["case_id"])


def downgrade() -> None:
    op.drop_table("flagged_cases")
    op.drop_table("registry_events")
