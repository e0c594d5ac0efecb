"""What the portal's own role may do in PostgreSQL, where another role owns the tables.

The owner runs the migrations; the portal's role reads and writes rows, and of the records that are insert only it may
neither change nor remove any, whatever the code says. The triggers say the same to everybody.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, text

from govservice.models import Base

INSERT_ONLY = ("case_events", "data_accesses", "exchange_proofs", "exchange_seals", "exchanges")
NEVER_DELETED = ("cases", "definitions")
ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def grants(role: str) -> list[str]:
    """The statements that give `role` what it needs and no more. Raises ValueError for a name that is none."""
    if not ROLE.fullmatch(role):
        raise ValueError(f"{role!r} is no name of a role")
    said = [f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {role}", f"GRANT USAGE ON SCHEMA public TO {role}"]
    for table in sorted((*Base.metadata.tables, "alembic_version")):
        said.append(f"GRANT {_rights(table)} ON {table} TO {role}")
    return said


def _rights(table: str) -> str:
    if table == "alembic_version":
        return "SELECT"
    if table in INSERT_ONLY:
        return "SELECT, INSERT"
    return "SELECT, INSERT, UPDATE" if table in NEVER_DELETED else "SELECT, INSERT, UPDATE, DELETE"


def grant(connection: Connection, role: str) -> int:
    """Gives the rights, in the caller's transaction; how many statements it took."""
    statements = grants(role)
    for statement in statements:
        connection.execute(text(statement))
    return len(statements)
