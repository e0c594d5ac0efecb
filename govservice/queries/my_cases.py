"""A person's own cases: one list over all departments, newest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.library import Definitions
from govservice.models.cases import Case, CaseClock, Task, Timer, Token
from govservice.models.people import Organisation
from govservice.queries.access import filed_by, kept
from govservice.queries.standing import Standing, standing
from govservice.worktime.calendar import Calendars

Text = Mapping[str, str]
R = TypeVar("R")
LIMIT = 200  # cases shown at most; older ones are found by their number


class ActorLike(Protocol):
    """Whose cases: a person, acting for themselves or for an organisation."""

    @property
    def person_id(self) -> str | None: ...
    @property
    def organisation_id(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the list. `party` is the organisation's name, "" for a person's own case."""

    id: str
    number: str
    title: Text
    party: str
    opened_at: datetime
    received_at: datetime | None
    standing: Standing
    outcome: str | None


def my_cases(
    session: Session,
    definitions: Definitions,
    calendars: Calendars,
    actor: ActorLike,
    now: datetime,
    today: date,
) -> list[CaseRow]:
    """Every case of the person and of the organisation they act for."""
    own = filed_by(actor.person_id or "", actor.organisation_id, today)
    cases = session.scalars(select(Case).where(own).order_by(Case.opened_at.desc()).limit(LIMIT)).all()
    ids = [case.id for case in cases]
    tokens = grouped(session.scalars(select(Token).where(Token.case_id.in_(ids))))
    tasks = grouped(session.scalars(select(Task).where(Task.case_id.in_(ids), Task.status.in_(("open", "waiting")))))
    clocks = grouped(session.scalars(select(CaseClock).where(CaseClock.case_id.in_(ids))))
    timers = grouped(session.scalars(select(Timer).where(Timer.case_id.in_(ids), Timer.status == "armed")))
    names = party_names(session, cases)
    rows = []
    for case in cases:
        if case.parent_case_id is not None and not any(t.waits_for == "correction" for t in tokens[case.id]):
            continue  # a part of a bundle stands on its page, unless it waits for the applicant
        compiled = definitions.by_sha(case.def_sha)
        where = standing(
            case, compiled, calendars.for_area(case.area), now, tokens[case.id],
            [t for t in tasks[case.id] if t.status == "open"], clocks[case.id], timers[case.id],
        )  # fmt: skip
        rows.append(
            CaseRow(
                case.id,
                case.number,
                compiled.service.title,
                names.get(case.organisation_id or "", ""),
                case.opened_at,
                case.received_at,
                where,
                case.outcome,
            )  # fmt: skip
        )
    return rows


def grouped(rows: Iterable[R]) -> Mapping[str, Sequence[R]]:
    """Rows by their case."""
    found: dict[str, list[R]] = defaultdict(list)
    for row in rows:
        any_row: Any = row
        found[any_row.case_id].append(row)
    return found


def party_names(session: Session, cases: Iterable[Case]) -> dict[str, str]:
    ids = {case.organisation_id for case in cases if case.organisation_id}
    rows = session.execute(select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids))).all()
    return {row.id: row.name for row in rows}


def open_draft(session: Session, actor: ActorLike, service: str) -> Case | None:
    """The newest draft of a service that the actor began for the party they act for now, or None."""
    party = Case.organisation_id == actor.organisation_id if actor.organisation_id else Case.organisation_id.is_(None)
    drafts = select(Case).where(
        Case.applicant_id == actor.person_id,
        party,
        Case.service == service,
        Case.status == "draft",
        kept(),
    )
    return session.scalars(drafts.order_by(Case.opened_at.desc()).limit(1)).first()
