"""Conflicts of interest as they stand: cases closed to a member of staff, and what supervision looks after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from govservice.models.accounts import Role, User
from govservice.models.cases import Case, Task
from govservice.models.recusals import KEPT, Recusal


def state_of(session: Session, user_id: str, case_id: str) -> str | None:
    """kept_away | unchecked | found_late | cleared; None where nothing was ever to be told."""
    return session.scalar(select(Recusal.state).where(Recusal.user_id == user_id, Recusal.case_id == case_id))


def closed_to(user_id: str, case_id: ColumnElement[str] | InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """The condition of a case being a relative's."""
    return exists().where(Recusal.user_id == user_id, Recusal.case_id == case_id, Recusal.state.in_(KEPT))


@dataclass(frozen=True, slots=True)
class Conflict:
    """One member of staff and one case. `others`: who else holds the role of the task that is open; None where the
    member of staff has no task to be done there now."""

    number: str
    service: str
    state: str
    at: datetime
    staff: Mapping[str, str]
    others: tuple[Mapping[str, str], ...] | None

    @property
    def urgent(self) -> bool:
        return self.state in ("unchecked", "found_late") or self.others == ()


def conflicts(session: Session, areas: Sequence[str], service: str | None, today: date) -> list[Conflict]:
    """What supervision looks after in these areas: open cases, and closed ones that somebody acted on who should not
    have. The urgent first."""
    looked_into = or_(and_(Recusal.state != "cleared", Case.status != "closed"), Recusal.state == "found_late")
    statement = (
        select(Recusal, Case, User.name)
        .join(Case, Case.id == Recusal.case_id)
        .join(User, User.id == Recusal.user_id)
        .where(Case.area.in_(areas), looked_into)
        .order_by(Recusal.at.desc(), Recusal.id)
    )
    if service is not None:
        statement = statement.where(Case.service == service)
    found = [
        Conflict(case.number, case.service, row.state, row.at, name, _others(session, row, today))
        for row, case, name in session.execute(statement)
    ]
    return sorted(found, key=lambda c: not c.urgent)


def _others(session: Session, row: Recusal, today: date) -> tuple[Mapping[str, str], ...] | None:
    """Who can do the tasks that the recused one's roles would give them."""
    mine, theirs = aliased(Role), aliased(Role)
    tasks = session.execute(
        select(Task.role, Task.department_id)
        .join(mine, and_(mine.role == Task.role, mine.department_id == Task.department_id))
        .where(Task.case_id == row.case_id, Task.status == "open", mine.user_id == row.user_id)
    ).all()
    if not tasks or row.state not in KEPT:
        return None
    held = or_(*(and_(theirs.role == role, theirs.department_id == department) for role, department in tasks))
    people = session.execute(
        select(User.id, User.name)
        .join(theirs, theirs.user_id == User.id)
        .where(
            held, User.id != row.user_id, User.disabled_at.is_(None),
            or_(theirs.valid_from.is_(None), theirs.valid_from <= today),
            or_(theirs.valid_to.is_(None), theirs.valid_to >= today),
            ~exists().where(
                Recusal.user_id == User.id, Recusal.case_id == row.case_id, Recusal.state.in_(KEPT)
            ),
        )
        .order_by(User.login)
    ).all()  # fmt: skip
    return tuple(dict(people).values())
