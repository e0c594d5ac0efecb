"""The page of one case: everything its applicant may know about it, read in a handful of statements.

The caller has already fetched the case through the access check. Words of people (reasons, what is wrong) are opened
with the applicant's key; members of staff go by name and department, as on any letter.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.library import Definitions
from govservice.models.cases import Case, CaseClock, CaseEvent, Task, Timer, Token, Visit
from govservice.models.exchange import DataAccess
from govservice.models.papers import CaseText, Message, Rating
from govservice.models.people import Organisation
from govservice.models.session import box_of
from govservice.queries.asides import Aside, asides_of
from govservice.queries.bundles import Part, parts_of
from govservice.queries.fees import FeeView, fee_of
from govservice.queries.flow import FlowNode, flow
from govservice.queries.names import staff_names
from govservice.queries.standing import Standing, standing, took
from govservice.queries.way import department_kind, place_of
from govservice.worktime.calendar import Calendar, Calendars
from govservice.worktime.duration import Duration

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event as the applicant may read it. `data` is the event's (identifiers and names of fields only).

    `who` is the name of a member of staff, None for the applicant or the system; `mine`: the applicant did it, or
    somebody for them (`person`, an id of `people`). Events of one act have its `idem` in common.
    """

    seq: int
    at: datetime
    type: str
    data: Mapping[str, Any]
    who: Text | None
    department: Text | None
    mine: bool
    system: bool
    token_id: int | None = None
    idem: str = ""
    behalf: Text | None = None  # for which absent colleague somebody acted
    to: Text | None = None  # who was given a task
    person: str = ""


@dataclass(frozen=True, slots=True)
class CasePage:
    case: Case
    compiled: Compiled
    calendar: Calendar
    party: str
    standing: Standing
    columns: list[list[FlowNode]]
    happenings: list[Happening]
    notices: list[Message]
    names: Mapping[str, Text]
    reads: int
    rating: Rating | None
    took: Duration | None  # from acceptance to decision
    parts: list[Part]  # of a bundle
    parent: Case | None  # of a part of a bundle
    fee: FeeView | None
    asides: list[Aside]


def case_page(session: Session, definitions: Definitions, calendars: Calendars, case: Case, now: datetime) -> CasePage:
    """Everything the page needs. The case row must belong to `session`."""
    compiled = definitions.by_sha(case.def_sha)
    calendar = calendars.for_area(case.area)
    tokens = session.scalars(select(Token).where(Token.case_id == case.id)).all()
    tasks = session.scalars(select(Task).where(Task.case_id == case.id, Task.status == "open")).all()
    clocks = session.scalars(select(CaseClock).where(CaseClock.case_id == case.id)).all()
    timers = session.scalars(select(Timer).where(Timer.case_id == case.id, Timer.status == "armed")).all()
    visits = session.scalars(select(Visit).where(Visit.case_id == case.id).order_by(Visit.entered_at, Visit.seq)).all()
    where = standing(case, compiled, calendar, now, tokens, tasks, clocks, timers)
    events = session.scalars(select(CaseEvent).where(CaseEvent.case_id == case.id).order_by(CaseEvent.seq)).all()
    names = staff_names(session, _staff_ids(events, visits, tasks))
    told = happenings(definitions, compiled, case, events, names)
    holders = {task.step: task.assignee_id for task in tasks}
    return CasePage(
        case, compiled, calendar, party_of(session, case), where, flow(case, compiled, tokens, visits, holders),
        told, notices_of(session, case.id), names,
        reads_of(session, case), session.get(Rating, case.id), took(compiled, calendar, clocks),
        parts_of(session, definitions, calendar, case, compiled, told, now),
        session.get(Case, case.parent_case_id) if case.parent_case_id else None,
        fee_of(session, compiled, case, tokens, timers), asides_of(session, compiled, case),
    )  # fmt: skip


def party_of(session: Session, case: Case) -> str:
    """Name of the organisation for which the case was filed; "" for a person's own."""
    row = session.get(Organisation, case.organisation_id) if case.organisation_id else None
    return row.name if row else ""


def _staff_ids(events: Sequence[CaseEvent], visits: Iterable[Visit], tasks: Iterable[Task]) -> set[str]:
    found = {event.actor for event in events} | {event.on_behalf_of or "" for event in events}
    found |= {str(json.loads(event.data).get("to", "")) for event in events if event.type == "task.assigned"}
    found |= {v.actor for v in visits if v.actor}
    return {id for id in found | {t.assignee_id for t in tasks if t.assignee_id} if id and id != "system"}


def happenings(
    definitions: Definitions,
    compiled: Compiled,
    case: Case,
    events: Iterable[CaseEvent],
    names: Mapping[str, Text],
) -> list[Happening]:
    """The case's events with who did them, oldest first; steps by the names that the case's present version gives."""
    found = []
    rows = [(event, json.loads(event.data)) for event in events]
    moved = [(event.seq, data["steps"]) for event, data in rows if event.type == "case.migrated"]
    for event, data in rows:
        for seq, steps in moved:
            if event.seq < seq and data.get("step") in steps:
                data["step"] = steps[data["step"]]
        system = event.actor == "system"
        who = names.get(event.actor)
        mine = not system and who is None
        given = event.type == "task.assigned"  # by supervision, which is no role of the service, or by who leads it
        department = None if mine or system or given else department_at(definitions, compiled, case, data)
        told = (data, who, department, mine, system, event.token_id, event.idem)
        others = (names.get(event.on_behalf_of or ""), names.get(str(data.get("to", ""))))
        person = event.actor.removeprefix("applicant:") if mine else ""
        found.append(Happening(event.seq, event.at, event.type, *told, *others, person))
    return found


def department_at(
    definitions: Definitions, compiled: Compiled, case: Case, data: Mapping[str, Any]
) -> Text | None:  # fmt: skip
    """Name of the department in whose role somebody acted, else of the one that holds the step, where it sits."""
    where = compiled.steps.get(data.get("step") or "")
    role = data.get("role") or (where.owner if where is not None else None)
    kind = department_kind(compiled, role)
    found = definitions.catalogue.department_for(kind, place_of(case, role)) if kind else None
    return definitions.catalogue.departments[found].name if found else None


def notices_of(session: Session, case_id: str) -> list[Message]:
    """The applicant's own; what other people of the case were told is theirs."""
    own = select(Message).where(Message.case_id == case_id, Message.kind.not_in(("invite", "remind")))
    return list(session.scalars(own.order_by(Message.created_at)))


def reads_of(session: Session, case: Case) -> int:
    """How often the applicant's data was read for this case, by people and by the portal."""
    found = session.scalar(select(func.count()).select_from(DataAccess).where(DataAccess.case_id == case.id))
    return int(found or 0)


def words_of(session: Session, case: Case, ids: Sequence[str | None]) -> dict[str, str]:
    """Words people wrote about the case, by id of `case_texts`; those of an erased person are gone."""
    wanted = [id for id in ids if id]
    box = box_of(session, case.applicant_id) if wanted else None
    if box is None:
        return {}
    rows = session.scalars(select(CaseText).where(CaseText.case_id == case.id, CaseText.id.in_(wanted)))
    return {row.id: box.open_text(row.text_enc, f"case_texts:{row.id}") for row in rows if row.text_enc}
