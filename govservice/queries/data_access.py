"""Who looked at a person's data: the rows of the citizen's own page, newest first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from govservice.models.accounts import User
from govservice.models.cases import Case
from govservice.models.exchange import DataAccess
from govservice.models.places import Department

PORTAL = "portal"
PAGE = 50


@dataclass(frozen=True, slots=True)
class ReadRow:
    """One read. `actor_name` and `department` are {en, zh}; both None where the portal read for the person.

    `role` is a role's code, `what` names of fields, fact types or materials, `registry` a registry's code.
    """

    id: str
    at: datetime
    by_portal: bool
    actor_name: Mapping[str, str] | None
    role: str | None
    department: Mapping[str, str] | None
    what: tuple[str, ...]
    purpose: str
    registry: str | None
    case_number: str | None
    service: str | None


@dataclass(frozen=True, slots=True)
class ReadCounts:
    """The figures above the list. `by_staff` counts reads, `people` the members of staff who read; `fellows` are reads
    by people who act for the same enterprise or were asked, `outside` those that name no case."""

    reads: int
    by_portal: int
    by_staff: int
    people: int
    departments: int
    outside: int

    @property
    def fellows(self) -> int:
        return self.reads - self.by_portal - self.by_staff


def reads_of(
    session: Session, person_id: str, *, since: datetime | None = None, until: datetime | None = None,
    department_id: str | None = None, case_id: str | None = None, before: tuple[datetime, str] | None = None,
    limit: int | None = PAGE,
) -> list[ReadRow]:  # fmt: skip
    """The reads of one person's data. `before` is (at, id) of the last row of the page before; `limit` None = all."""
    statement = (
        select(DataAccess, User.name, User.kind, Department.name, Case.number, Case.service)
        .outerjoin(User, User.id == DataAccess.actor)
        .outerjoin(Department, Department.id == DataAccess.department_id)
        .outerjoin(Case, Case.id == DataAccess.case_id)
        .where(*_chosen(person_id, since, until, department_id, case_id))
        .order_by(DataAccess.at.desc(), DataAccess.id.desc())
        .limit(limit)
    )
    if before is not None:
        at, id = before
        statement = statement.where((DataAccess.at < at) | ((DataAccess.at == at) & (DataAccess.id < id)))
    return [_row(*row) for row in session.execute(statement)]


def read_counts(
    session: Session, person_id: str, *, since: datetime | None = None, until: datetime | None = None,
    department_id: str | None = None, case_id: str | None = None,
) -> ReadCounts:  # fmt: skip
    """The figures of the same choice of rows."""
    staff = and_(DataAccess.actor != PORTAL, DataAccess.department_id.is_not(None))  # staff read for a department
    row = session.execute(
        select(
            func.count(),
            func.count().filter(DataAccess.actor == PORTAL),
            func.count().filter(staff),
            func.count(DataAccess.actor.distinct()).filter(staff),
            func.count(DataAccess.department_id.distinct()).filter(staff),
            func.count().filter(DataAccess.case_id.is_(None)),
        ).where(*_chosen(person_id, since, until, department_id, case_id))
    ).one()
    return ReadCounts(*row)


def readers(session: Session, person_id: str) -> list[tuple[str, Mapping[str, str]]]:
    """The departments that ever read this person's data (id, name), for the filter."""
    rows = session.execute(
        select(Department.id, Department.name)
        .where(Department.id.in_(select(DataAccess.department_id).where(DataAccess.subject_id == person_id)))
        .order_by(Department.id)
    )
    return [(id, name) for id, name in rows]


def _chosen(
    person_id: str, since: datetime | None, until: datetime | None, department_id: str | None, case_id: str | None
) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = [DataAccess.subject_id == person_id]
    if since is not None:
        chosen.append(DataAccess.at >= since)
    if until is not None:
        chosen.append(DataAccess.at < until)
    if department_id is not None:
        chosen.append(DataAccess.department_id == department_id)
    if case_id is not None:
        chosen.append(DataAccess.case_id == case_id)
    return chosen


def _row(
    read: DataAccess, name: Mapping[str, str] | None, kind: str | None, department: Mapping[str, str] | None,
    number: str | None, service: str | None,
) -> ReadRow:  # fmt: skip
    return ReadRow(
        id=read.id, at=read.at, by_portal=read.actor == PORTAL, actor_name=name if kind == "staff" else None,
        role=read.role, department=department, what=tuple(read.what), purpose=read.purpose,
        registry=read.registry_code, case_number=number, service=service,
    )  # fmt: skip
