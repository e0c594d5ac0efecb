"""Searching among the cases that a clerk may open: by number or by part of an enterprise's name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.models.cases import Case, Task
from govservice.queries.access import Roles, tasks_of, worked_by
from govservice.queries.cases_like import cases_like
from govservice.queries.names import organisation_names, person_names

MOST = 50  # lines shown; whoever finds more types more


@dataclass(frozen=True, slots=True)
class Found:
    """One case. `person_id` is the person whose name is shown, None for an organisation's case."""

    case_id: str
    number: str
    service: str
    def_sha: str
    applicant: str
    person_id: str | None
    status: str
    outcome: str | None
    steps: tuple[str, ...]  # paths where the clerk's roles have or had it, the latest first
    role: str
    department_id: str
    received_at: datetime | None
    closed_at: datetime | None
    promised_on: date | None


def search_cases(session: Session, roles: Iterable[tuple[str, str]], text: str) -> tuple[list[Found], bool]:
    """The newest cases that fit, and whether there are more. Only cases in which one of the (role, department id)
    pairs has a task or did one."""
    roles = tuple(roles)
    if not roles or not text.strip():
        return [], False
    cases = session.scalars(
        select(Case)
        .where(Case.id.in_(cases_like(text)), Case.status != "draft", worked_by(roles))
        .order_by(Case.received_at.desc(), Case.id)
        .limit(MOST + 1)
    ).all()
    more, cases = len(cases) > MOST, cases[:MOST]
    held = _held(session, [c.id for c in cases], roles)
    organisations = organisation_names(session, (c.organisation_id for c in cases if c.organisation_id))
    people = person_names(session, (c.applicant_id for c in cases if not c.organisation_id))
    return [_found(case, held[case.id], organisations, people) for case in cases], more


def _held(session: Session, ids: list[str], roles: Roles) -> dict[str, list[Task]]:
    found: dict[str, list[Task]] = {}
    query = select(Task).where(Task.case_id.in_(ids), tasks_of(roles))
    for task in session.scalars(query.order_by(Task.opened_seq.desc())):
        found.setdefault(task.case_id, []).append(task)
    return found


def _found(case: Case, tasks: list[Task], organisations: dict[str, str], people: dict[str, str]) -> Found:
    organisation = case.organisation_id
    return Found(
        case.id, case.number, case.service, case.def_sha,
        organisations[organisation] if organisation else people[case.applicant_id],
        None if organisation else case.applicant_id, case.status, case.outcome,
        tuple(dict.fromkeys(t.step for t in tasks)), tasks[0].role, tasks[0].department_id, case.received_at,
        case.closed_at, case.promised_on,
    )  # fmt: skip
