"""The log of exchanges is insert only and hash-chained by registry; seals over it; so are the reads of people's data.

Revision ID: 0011
Revises: 0010
"""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

from govservice.models.base import JsonType, UtcDateTime, to_iso

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

INSERT_ONLY = ("exchanges", "exchange_seals", "data_accesses")
GENESIS = "0" * 64
# The columns that a row's hash covers, in this order, as they stood when the chains began.
COVERED = (
    "id", "registry_code", "dataset", "case_id", "fact", "subject_id", "actor", "trigger", "grant_id", "purpose",
    "legal_basis", "attempt", "outcome", "http_status", "latency_ms", "fields", "request_sha", "response_sha", "at",
)  # fmt: skip
LOG = sa.table(
    "exchanges", *(sa.column(name) for name in COVERED if name not in ("fields", "at")),
    sa.column("fields", JsonType), sa.column("at", UtcDateTime), sa.column("seq"), sa.column("prev_hash"),
    sa.column("row_hash"),
)  # fmt: skip
HEADS = sa.table("exchange_heads", *(sa.column(name) for name in ("registry_code", "seq", "hash", "sealed")))
CHAIN = ("seq", sa.Integer()), ("prev_hash", sa.String(length=64)), ("row_hash", sa.String(length=64))


def upgrade() -> None:
    op.create_table(
        "exchange_heads",
        sa.Column("registry_code", sa.String(length=64), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("registry_code", name=op.f("pk_exchange_heads")),
    )
    op.create_table(
        "exchange_seals",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("jws", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exchange_seals")),
        sa.UniqueConstraint("n", name=op.f("uq_exchange_seals_n")),
    )
    for name, kind in CHAIN:
        op.add_column("exchanges", sa.Column(name, kind, nullable=True))
    _chain()
    with op.batch_alter_table("exchanges") as batch:
        for name, kind in CHAIN:
            batch.alter_column(name, existing_type=kind, nullable=False)
        batch.create_unique_constraint(op.f("uq_exchanges_registry_code"), ["registry_code", "seq"])
    for table in INSERT_ONLY:
        _guard(table)


def _chain() -> None:
    """The rows so far, in the order of their times: their chains begin with this migration."""
    connection = op.get_bind()
    ends: dict[str, tuple[int, str]] = {}
    rows = connection.execute(sa.select(*(LOG.c[name] for name in COVERED)).order_by(LOG.c.at, LOG.c.id)).all()
    for *values, at in rows:
        seq, prev = ends.get(values[1], (0, GENESIS))
        text = json.dumps([prev, seq + 1, *values, to_iso(at)], ensure_ascii=False, separators=(",", ":"))
        row_hash = hashlib.sha256(text.encode()).hexdigest()
        chained = {"seq": seq + 1, "prev_hash": prev, "row_hash": row_hash}
        connection.execute(sa.update(LOG).where(LOG.c.id == values[0]).values(chained))
        ends[values[1]] = (seq + 1, row_hash)
    heads = [{"registry_code": code, "seq": seq, "hash": end, "sealed": 0} for code, (seq, end) in ends.items()]
    if heads:
        connection.execute(sa.insert(HEADS), heads)


def _guard(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{act} BEFORE {act.upper()} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is insert only'); END"
            )
        return
    each = "EXECUTE FUNCTION refuse_change()"
    op.execute(f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {each}")
    op.execute(f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {each}")


def downgrade() -> None:
    for table in INSERT_ONLY:
        if op.get_bind().dialect.name == "sqlite":
            for act in ("update", "delete"):
                op.execute(f"DROP TRIGGER {table}_no_{act}")
        else:
            op.execute(f"DROP TRIGGER {table}_no_change ON {table}")
            op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    with op.batch_alter_table("exchanges") as batch:
        batch.drop_constraint(op.f("uq_exchanges_registry_code"), type_="unique")
        for name, _kind in CHAIN:
            batch.drop_column(name)
    op.drop_table("exchange_seals")
    op.drop_table("exchange_heads")
