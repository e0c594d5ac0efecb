"""The leaves of the daily roots: what a root covers is written down, not guessed from times.

Revision ID: 0007
Revises: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# What the roots kept so far covered, by the rule of then: all that had been recorded by their hour.
EARLIER = """
INSERT INTO anchor_heads (case_id, day, seq, hash)
SELECT e.case_id, l.day, e.seq, e.hash FROM (
    SELECT c.case_id, a.day, max(c.seq) AS seq FROM anchors a JOIN case_events c ON c.recorded_at <= a.at
    AND c.recorded_at > coalesce((SELECT max(b.at) FROM anchors b WHERE b.day < a.day), '0001-01-01T00:00:00.000000Z')
    GROUP BY c.case_id, a.day
) l JOIN case_events e ON e.case_id = l.case_id AND e.seq = l.seq
"""


def upgrade() -> None:
    op.create_table(
        "anchor_heads",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "day", name=op.f("pk_anchor_heads")),
    )
    op.create_index("ix_anchor_heads_day", "anchor_heads", ["day"])
    op.execute(EARLIER)


def downgrade() -> None:
    op.drop_table("anchor_heads")
