"""Guards in the database: events are insert only, and no case moves without its event.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOVED = (
    "NEW.version <> OLD.version OR NEW.last_seq <> OLD.last_seq OR NEW.head <> OLD.head "
    "OR NEW.status <> OLD.status OR NEW.outcome IS DISTINCT FROM OLD.outcome"
)
HAS_EVENT = (
    "EXISTS (SELECT 1 FROM case_events e WHERE e.case_id = NEW.id AND e.seq = NEW.last_seq AND e.hash = NEW.head "
    "AND NEW.last_seq > OLD.last_seq AND NEW.version = OLD.version + 1)"
)

SQLITE = [
    "CREATE TRIGGER case_events_no_update BEFORE UPDATE ON case_events "
    "BEGIN SELECT RAISE(ABORT, 'case events are insert only'); END",
    "CREATE TRIGGER case_events_no_delete BEFORE DELETE ON case_events "
    "BEGIN SELECT RAISE(ABORT, 'case events are insert only'); END",
    f"CREATE TRIGGER cases_move_with_event BEFORE UPDATE ON cases "
    f"WHEN ({MOVED.replace('IS DISTINCT FROM', 'IS NOT')}) AND NOT {HAS_EVENT} "
    "BEGIN SELECT RAISE(ABORT, 'a case moves only with its event'); END",
    "CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases BEGIN SELECT RAISE(ABORT, 'cases are never deleted'); END",
]

POSTGRESQL = [
    "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
    "$$ BEGIN RAISE EXCEPTION '% is insert only', TG_TABLE_NAME; END $$",
    "CREATE TRIGGER case_events_no_change BEFORE UPDATE OR DELETE ON case_events "
    "FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER case_events_no_truncate BEFORE TRUNCATE ON case_events "
    "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER cases_no_delete BEFORE DELETE ON cases FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE FUNCTION case_moves_with_event() RETURNS trigger LANGUAGE plpgsql AS "
    f"$$ BEGIN IF ({MOVED}) AND NOT {HAS_EVENT} THEN RAISE EXCEPTION 'a case moves only with its event'; END IF; "
    "RETURN NEW; END $$",
    "CREATE TRIGGER cases_move_with_event BEFORE UPDATE ON cases FOR EACH ROW EXECUTE FUNCTION case_moves_with_event()",
]


def upgrade() -> None:
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for name in ("case_events_no_update", "case_events_no_delete", "cases_move_with_event", "cases_no_delete"):
            op.execute(f"DROP TRIGGER {name}")
        return
    op.execute("DROP FUNCTION refuse_change() CASCADE")
    op.execute("DROP FUNCTION case_moves_with_event() CASCADE")
