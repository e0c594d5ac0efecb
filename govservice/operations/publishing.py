"""Publishing: what a designer wrote becomes rows that cases are pinned to.

A definition is immutable and named by its hash: publishing the same again changes nothing, a changed file becomes the
next version, and running cases keep the one they began with. Two people put a version in force (`proposing`); only a
portal's first versions, and a demonstration's, come from the files by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.models.cases import Definition
from govservice.models.exchange import Grant
from govservice.models.places import Area, Department
from govservice.models.versions import Proposal
from govservice.operations.handlers import refuse_lost
from govservice.operations.in_force import in_force, take_in_force
from govservice.operations.judging import check_to_publish
from govservice.operations.runtime import Runtime


def publish_all(rt: Runtime, *, by: str, now: datetime) -> list[str]:
    """Brings places, grants and definitions of the database to what the files say, without two people: how a portal
    begins. A service that two people ever decided about is theirs from then on; outside a demonstration so is every
    service that has a version. Returns the codes of the services that got a new version.

    Raises DefinitionError where a definition lacks people, goes wrong when it is played through, or where a running
    case has lost what carries it out.
    """
    with rt.read() as session:
        wanted = [code for code in changed_files(rt, session) if _bootstraps(rt, session, code)]
    check_to_publish(rt, wanted, now)
    with rt.write() as session:
        sync_places(session, rt.definitions.catalogue)
        sync_grants(session, rt.definitions.catalogue)
        refuse_lost(session, rt.definitions)
        for code in wanted:
            compiled = rt.definitions.draft(code)
            version = Version(code, compiled.sha, rt.definitions.source_of(code), rt.definitions.canonical_of(code))
            put_in_force(session, version, by, now)
    take_in_force(rt)
    return wanted


def changed_files(rt: Runtime, session: Session) -> list[str]:
    """Services whose file says something else than the version in force."""
    published = set(in_force(session).values())
    return [code for code in rt.definitions.drafts() if rt.definitions.draft(code).sha not in published]


def _bootstraps(rt: Runtime, session: Session, code: str) -> bool:
    """Whether a file may be put in force by itself."""
    if session.scalar(select(Definition.sha).where(Definition.service == code).limit(1)) is None:
        return True
    decided = select(Proposal.id).where(Proposal.service == code, Proposal.status == "approved").limit(1)
    return rt.settings.demo and session.scalar(decided) is None


class Version(NamedTuple):
    """What is put in force: `canonical_json` is the definition, `sha` its hash, `source_yaml` what was written."""

    service: str
    sha: str
    source_yaml: str
    canonical_json: str


def put_in_force(session: Session, version: Version, by: str, now: datetime) -> int:
    """New cases go by this version from now on; those that run keep theirs. Returns the version's number. One that was
    in force before comes back under its old number."""
    service = version.service
    session.execute(
        update(Definition)
        .where(Definition.service == service, Definition.status == "published")
        .values(status="retired")
    )
    known = session.get(Definition, version.sha)
    if known is not None:
        known.status = "published"
        return known.version
    newest = session.scalar(select(func.max(Definition.version)).where(Definition.service == service)) or 0
    session.add(
        Definition(
            sha=version.sha,
            service=service,
            version=newest + 1,
            status="published",
            source_yaml=version.source_yaml,
            canonical_json=version.canonical_json,
            published_by=by,
            published_at=now,
        )  # fmt: skip
    )
    return newest + 1


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
        if known is not None and known.case_id is not None:
            continue  # given by a case: the database is where it stands
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
