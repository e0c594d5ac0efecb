"""Who may open which case or file. One statement each: not there and not yours take the same way."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, false, or_, select
from sqlalchemy.orm import Session

from govservice.models.cases import Case, Task
from govservice.models.papers import File, Message
from govservice.models.people import Mandate
from govservice.models.work import DiscardedDraft
from govservice.queries.worklist import roles_clause

# (role code, department id), as held by a member of staff
Roles = Sequence[tuple[str, str]]


def citizens_case(
    session: Session, number: str, *, person_id: str, organisation_id: str | None, today: date
) -> Case | None:
    """The case with this number, if the person filed it, or acts for its organisation now. Whoever filed for an
    organisation needs a mandate that holds today: when it ends, so does the sight of the case."""
    own = filed_by(person_id, organisation_id, today)
    return session.scalar(select(Case).where(Case.number == number, own))


def filed_by(person_id: str, organisation_id: str | None, today: date) -> ColumnElement[bool]:
    """The condition of a case being the person's, or of the organisation acted for, by a mandate that covers it and
    holds today. Who acts for one organisation does not see what they filed for another: they could not act on it."""
    held = exists().where(
        Mandate.person_id == person_id,
        Mandate.organisation_id == Case.organisation_id,
        Mandate.holding(today),
        Mandate.covering(Case.service),
    )
    filed, own = Case.applicant_id == person_id, Case.organisation_id.is_(None)
    if organisation_id is None:
        return and_(filed, or_(own, held), kept())
    return and_(or_(and_(filed, own), and_(Case.organisation_id == organisation_id, held)), kept())


def kept() -> ColumnElement[bool]:
    """The condition of a case not being a draft that was thrown away."""
    return ~exists().where(DiscardedDraft.case_id == Case.id)


def addressed_to(person_id: str, organisation_id: str | None, today: date) -> ColumnElement[bool]:
    """The condition of a message (joined with its case) being in this person's inbox: notices of a case go to whoever
    may open it today, also for the organisation of it; what somebody else was asked (`invite`) goes to that person."""
    notice = Message.person_id == Case.applicant_id
    return or_(and_(notice, filed_by(person_id, organisation_id, today)), and_(~notice, Message.person_id == person_id))


def clerks_case(session: Session, number: str, roles: Roles) -> Case | None:
    """The case with this number, if one of these roles in its department has a task in it or had one and did it."""
    return session.scalar(select(Case).where(Case.number == number, worked_by(roles)))


def worked_by(roles: Roles) -> ColumnElement[bool]:
    """The condition of a case in which one of these roles has a task or did one."""
    return exists().where(Task.case_id == Case.id, tasks_of(roles))


def tasks_of(roles: Roles) -> ColumnElement[bool]:
    """The condition of a task of one of these roles, in its department; one that was taken away counts no more."""
    mine = roles_clause(roles)
    return false() if mine is None else and_(Task.status != "cancelled", mine)


def supervisors_case(session: Session, number: str, areas: Collection[str]) -> Case | None:
    """The case with this number, if it was filed in one of these areas; drafts are the applicant's alone."""
    return session.scalar(select(Case).where(Case.number == number, Case.status != "draft", Case.area.in_(areas)))


def file_of(
    session: Session, file_id: str, *, person_id: str | None, organisation_id: str | None, roles: Roles, today: date
) -> tuple[File, Case] | None:
    """A file that was not taken away, with its case, if the case is the person's or the roles'. What staff attached
    (a report of a visit) is not the applicant's to fetch here: the decision quotes what matters."""
    if person_id is not None:
        right = and_(filed_by(person_id, organisation_id, today), File.kind != "attachment")
    else:
        right = worked_by(roles)
    row = session.execute(
        select(File, Case)
        .join(Case, Case.id == File.case_id)
        .where(File.id == file_id, File.removed_at.is_(None), right)
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def organisations_of(session: Session, person_id: str, today: date) -> tuple[str, ...]:
    """Organisations that a person may act for today: a member of staff decides none of their cases."""
    return tuple(
        session.scalars(select(Mandate.organisation_id).where(Mandate.person_id == person_id, Mandate.holding(today)))
    )
