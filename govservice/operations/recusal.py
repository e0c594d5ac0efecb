"""Conflict of interest by the registries: nobody handles a relative's case (Civil Servant Law art. 76, 公务回避).

Before a member of staff whose private person is known takes a case or acts on it, the registries are asked who that
person's relatives are; the engine is given what came of it as a fact (`Actor.recused`) and refuses. A registry that
is silent holds nobody up: the act goes on, is marked for a later look, and supervision sees the mark at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.values import elements
from govservice.engine import SYSTEM, Actor, Command, apply
from govservice.errors import NotFound
from govservice.exchange import kinship
from govservice.identifiers import WrongIdentifier, parse
from govservice.models.accounts import User
from govservice.models.base import new_id
from govservice.models.casedata import read_form
from govservice.models.cases import Case, CaseEvent, Task, Token
from govservice.models.people import Mandate, Person
from govservice.models.recusals import KEPT, Recusal
from govservice.operations.runtime import Runtime
from govservice.queries.recusals import state_of

TAKING = ("task.claimed", "task.released", "task.assigned")  # events that decide nothing
BATCH = 20  # looks at once
log = logs.get(__name__)


def weigh(rt: Runtime, actor: Actor, case_id: str, now: datetime, *, acts: bool = True) -> Actor:
    """The actor, and each colleague whom they stand in for, with the fact whether the case is a relative's.

    Asks registries where that is not known freshly; opens transactions of its own. `acts`: whether something is about
    to be done, so that a silent registry is to be told."""
    if actor.kind != "user" or not any(each.person_id for each in (actor, *actor.deputy_for)):
        return actor
    deputies = tuple(replace(each, recused=_found(rt, each, case_id, now, acts)) for each in actor.deputy_for)
    return replace(actor, recused=_found(rt, actor, case_id, now, acts), deputy_for=deputies)


def _found(rt: Runtime, actor: Actor, case_id: str, now: datetime, acts: bool) -> tuple[str, ...]:
    if actor.person_id is None:
        return ()
    kinship.ask(rt.gateway, rt.database, [actor.person_id], now, rt.today(now))
    with rt.read() as session:
        case, own = session.get(Case, case_id), session.get(Person, actor.person_id)
        if case is None or own is None or case.applicant_id == own.id:
            return ()  # one's own application is refused as such
        known = kinship.known(session, rt.gateway.catalogue, own.id, now)
        related = any(index in known.kin or index == own.id_index for index in _people_of(rt, session, case))
        before = state_of(session, actor.id, case_id)
        late = related and before != "kept_away" and _has_acted(session, actor.id, case_id)
    if related:
        _keep(rt, actor.id, case_id, "found_late" if late else "kept_away", now)
        put_back(rt, now, user_id=actor.id)
        return (case_id,)
    if known.silent and acts and before not in KEPT:
        _keep(rt, actor.id, case_id, "unchecked", now)
    elif not known.silent and before is not None:
        _keep(rt, actor.id, case_id, "cleared", now)
    return ()


def _people_of(rt: Runtime, session: Session, case: Case) -> Iterator[str]:
    """Blind indexes of everybody in a case whose number is known: who applies, who was asked, whom the answers name,
    and the legal representative of the organisation."""
    asked = select(Token.person_id).where(Token.case_id == case.id, Token.person_id.is_not(None))
    heads = select(Mandate.person_id).where(
        Mandate.organisation_id == case.organisation_id, Mandate.kind == "legal_representative"
    )
    people = or_(Person.id == case.applicant_id, Person.id.in_(asked), Person.id.in_(heads))
    yield from session.scalars(select(Person.id_index).where(people, Person.id_type == kinship.NUMBER))
    try:
        answers = read_form(session, case.applicant_id, case.id).answers
    except NotFound:  # erased
        return
    facts = rt.gateway.catalogue.facts
    for name, value in answers.items():
        if name in facts and facts[name].identifier == kinship.NUMBER:
            for number in elements(value):
                try:
                    yield rt.keyring.blind(kinship.NUMBER, parse(kinship.NUMBER, number))
                except WrongIdentifier:  # typed, and nobody's
                    continue


def _has_acted(session: Session, user_id: str, case_id: str) -> bool:
    did = or_(CaseEvent.actor == user_id, CaseEvent.on_behalf_of == user_id)
    return bool(
        session.scalar(select(exists().where(CaseEvent.case_id == case_id, did, CaseEvent.type.not_in(TAKING))))
    )


def _keep(rt: Runtime, user_id: str, case_id: str, state: str, now: datetime) -> None:
    """The state of one member of staff in one case; the same again keeps when it began."""

    def work(session: Session) -> None:
        row = session.scalar(select(Recusal).where(Recusal.user_id == user_id, Recusal.case_id == case_id))
        if row is None:
            row = Recusal(id=new_id(), case_id=case_id, user_id=user_id, state="", at=now)
            session.add(row)
        if row.state != state:
            row.state, row.at = state, now
            log.info("recusal", case_id=case_id, user=user_id, status=state)

    rt.database.retrying(work)


def put_back(rt: Runtime, now: datetime, *, user_id: str | None = None) -> int:
    """Gives tasks that stand with somebody who keeps away from the case back to the department, as the system: also
    where a step came back to the same person. Returns how many."""
    held = (
        select(Task.case_id, Task.token_id, Task.opened_seq, Task.assignee_id)
        .join(Recusal, (Recusal.case_id == Task.case_id) & (Recusal.user_id == Task.assignee_id))
        .where(Recusal.state.in_(KEPT), Task.status.in_(("open", "waiting")))
        .limit(BATCH)
    )
    with rt.read() as session:
        rows = session.execute(held.where(Task.assignee_id == user_id) if user_id else held).all()
    for case_id, token_id, seq, assignee in rows:
        key = f"recused:{case_id}:{token_id}:{assignee}:{seq}"
        _release(rt, Command(case_id=case_id, trigger="@release", idem=key, now=now, actor=SYSTEM, token_id=token_id))
    return len(rows)


def _release(rt: Runtime, command: Command) -> None:
    rt.database.retrying(lambda session: apply(session, command, rt.definitions, rt.calendars))


def look_again(rt: Runtime, now: datetime) -> int:
    """The worker's part: what was done while a registry was silent is looked at once it answers, and tasks that came
    back to somebody who keeps away go on to the others. Returns how many changed."""
    waiting = (
        select(Recusal.case_id, User).join(User, User.id == Recusal.user_id)
        .where(Recusal.state == "unchecked").order_by(Recusal.at).limit(BATCH)
    )  # fmt: skip
    with rt.read() as session:
        rows = session.execute(waiting).all()
        doubtful = [(case_id, Actor(u.id, "user", (), u.own_person_id)) for case_id, u in rows]
    changed = 0
    for case_id, actor in doubtful:
        _found(rt, actor, case_id, now, acts=False)
        with rt.read() as session:
            changed += state_of(session, actor.id, case_id) != "unchecked"
    return changed + put_back(rt, now)
