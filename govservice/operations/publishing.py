"""Publishing: what the files of `workflows/` say becomes rows that cases are pinned to.

A definition is immutable and named by its hash: publishing the same file again changes nothing, a changed file
becomes the next version, and running cases keep the one they began with.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.library import Definitions
from govservice.models.cases import Definition
from govservice.models.exchange import Grant
from govservice.models.places import Area, Department
from govservice.operations.judging import check_to_publish
from govservice.operations.runtime import Runtime


def publish_all(rt: Runtime, *, by: str, now: datetime) -> list[str]:
    """Brings places, grants and definitions of the database to what the files say. Returns the codes of the services
    that got a new version. Raises DefinitionError where a definition uses what is not executed yet, lacks people, or
    goes wrong when it is played through."""
    rt.definitions.check_publishable()
    check_to_publish(rt, _unpublished(rt), now)
    with rt.write() as session:
        sync_places(session, rt.definitions.catalogue)
        sync_grants(session, rt.definitions.catalogue)
        return [code for code in rt.definitions.codes() if _publish(session, rt.definitions, code, by, now)]


def _unpublished(rt: Runtime) -> list[str]:
    """Services whose file says something else than the version in force."""
    with rt.read() as session:
        in_force = set(session.scalars(select(Definition.sha).where(Definition.status == "published")))
    return [code for code in rt.definitions.codes() if rt.definitions.current(code).sha not in in_force]


def _publish(session: Session, definitions: Definitions, code: str, by: str, now: datetime) -> bool:
    compiled = definitions.current(code)
    known = session.get(Definition, compiled.sha)
    if known is not None and known.status == "published":
        return False
    session.execute(
        update(Definition).where(Definition.service == code, Definition.status == "published").values(status="retired")
    )
    if known is not None:  # back to an earlier version: it is published again under its old number
        known.status = "published"
        return True
    newest = session.scalar(select(func.max(Definition.version)).where(Definition.service == code)) or 0
    session.add(
        Definition(
            sha=compiled.sha,
            service=code,
            version=newest + 1,
            status="published",
            source_yaml=definitions.source_of(code),
            canonical_json=definitions.canonical_of(code),
            published_by=by,
            published_at=now,
        )  # fmt: skip
    )
    return True


def adopt_pinned(rt: Runtime) -> int:
    """Loads every version that the database holds and the files no longer say, so that pinned cases run on.

    Returns how many were loaded.
    """
    with rt.read() as session:
        rows = session.execute(select(Definition.sha, Definition.canonical_json)).all()
    missing = [row.canonical_json for row in rows if not rt.definitions.has(row.sha)]
    for canonical in missing:
        rt.definitions.adopt(canonical)
    return len(missing)


def sync_places(session: Session, catalogue: Catalogue) -> None:
    """Areas and departments as data: added and renamed, never deleted (cases and staff point at them)."""
    for area in _parents_first(catalogue):
        entry = catalogue.areas[area]
        session.merge(
            Area(code=area, parent=entry.parent, name=dict(entry.name), prefix=entry.prefix, calendar=entry.calendar)
        )
    session.flush()
    depth = {code: len(list(catalogue.line_of_areas(code))) for code in catalogue.areas}
    for department in sorted(catalogue.departments.values(), key=lambda d: depth[d.area]):
        session.merge(
            Department(
                id=department.id,
                code=department.code,
                area=department.area,
                parent_id=department.parent_id,
                name=dict(department.name),
            )  # fmt: skip
        )
        session.flush()


def _parents_first(catalogue: Catalogue) -> Sequence[str]:
    return sorted(catalogue.areas, key=lambda code: len(list(catalogue.line_of_areas(code))))


def sync_grants(session: Session, catalogue: Catalogue) -> None:
    """The right of services to ask, as the registries' owners granted it. A grant that was revoked or given an end in
    the database stays so: publishing again gives nothing back."""
    for code, grant in catalogue.grants.items():
        known = session.get(Grant, code)
        session.merge(
            Grant(
                id=code,
                dataset=grant.dataset,
                services=list(grant.services),
                take=list(grant.take),
                purpose=grant.purpose,
                valid_to=known.valid_to if known else None,
                revoked_at=known.revoked_at if known else None,
            )  # fmt: skip
        )
