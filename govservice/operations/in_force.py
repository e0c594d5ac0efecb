"""Which version of each service is in force: the database says so, every process asks it."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.models.cases import Definition
from govservice.operations.runtime import Runtime


def in_force(session: Session) -> dict[str, str]:
    """Hash of the version in force by service."""
    rows = session.execute(select(Definition.service, Definition.sha).where(Definition.status == "published"))
    return {row.service: row.sha for row in rows}


def take_in_force(rt: Runtime) -> None:
    """What another process may have put in force: known here from now on."""
    with rt.read() as session:
        shas = in_force(session)
        missing = [sha for sha in shas.values() if not rt.definitions.has(sha)]
        kept = session.scalars(select(Definition.canonical_json).where(Definition.sha.in_(missing))) if missing else ()
        for canonical in kept:
            rt.definitions.adopt(canonical)
    rt.definitions.put_in_force(shas)
