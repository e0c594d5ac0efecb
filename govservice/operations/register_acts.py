"""An auto step that has a registry do something, and what takes it back: the steps of a saga.

The call is made outside any transaction, its answer written in one. An act is asked for again, under the same key,
until the registry says how it ended; only then, or when the step's tries are used up, does the case go on. A step
that cannot succeed answers `fail`, and the definition leads that to the act which undoes what was done.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.values import elements
from govservice.engine import Token, load_state
from govservice.errors import Unavailable
from govservice.exchange.acting import Order, Said, perform
from govservice.exchange.connectors.base import SubjectKey
from govservice.messaging.outbox import Effect
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.people import Organisation
from govservice.models.personal import read_person
from govservice.operations.answering import answer
from govservice.operations.asked import branch_of
from govservice.operations.runtime import Runtime

log = structlog.get_logger(__name__)


def ask(rt: Runtime, effect: Effect, now: datetime) -> Said | None:
    """Before the transaction: the registry's word. None where the case waits for it no more. Raises Unavailable where
    it did not say, or where somebody there has still to act."""
    with rt.read() as session:
        order = order_of(rt, session, effect, now)
    if order is None:
        return None
    said = perform(rt.gateway, rt.database, order)
    if said.state == "pending":
        raise Unavailable(why="pending")
    return said


def write(rt: Runtime, session: Session, effect: Effect, now: datetime, said: Said | None) -> None:
    """The case goes on by `ok` or `fail`; a refusal is final, it is not asked again."""
    if said is None:
        return
    if said.state == "refused":
        log.warning("registry_act.refused", case_id=effect.case_id, topic=effect.topic, code=said.reason)
    answer(rt, session, effect, "@ok" if said.state == "done" else "@fail", now, {"result": dict(said.brings)})


def order_of(rt: Runtime, session: Session, effect: Effect, now: datetime) -> Order | None:
    """What the registry is told: the act, whose entry it is, and what the act's `sends` names of the answers."""
    case = session.get_one(Case, effect.case_id)
    compiled = rt.definitions.by_sha(case.def_sha)
    token = load_state(session, case.id).tokens.get(effect.payload["token_id"])
    waits = token is not None and token.open and compiled.steps[token.step].call == effect.topic
    subject = _subject(session, case) if waits else None
    if not waits:
        return None
    if subject is None:
        raise Unavailable(why="nobody to act for")
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    sends = rt.definitions.catalogue.acts[effect.topic].sends
    values = _values(rt, compiled, sends, {**form.answers, **_own_entry(compiled, token, form.answers)})
    return Order(
        act=effect.topic, case_id=case.id, service=compiled.code, department=compiled.service.department,
        order=effect.seq, key=effect.key, subject=subject, subject_id=case.organisation_id or case.applicant_id,
        person_id=case.applicant_id, values=values, names=tuple(name for key, name in sends.items() if key in values),
        at=now, today=rt.today(now),
    )  # fmt: skip


def _own_entry(compiled: Compiled, token: Token | None, answers: Mapping[str, Any]) -> dict[str, Any]:
    """In a branch with a part for each entry of a list: the entry of this part, where the list would be sent."""
    if token is None or "/" not in token.scope:
        return {}
    name, place = branch_of(compiled, token).each or "", int(token.scope.rpartition("/")[2])
    entries = elements(answers.get(name))
    return {name: entries[place]} if place < len(entries) else {}


def _subject(session: Session, case: Case) -> SubjectKey | None:
    """Whose entry: the applicant's own, or the organisation's. None for somebody who was erased."""
    if case.organisation_id is not None:
        return SubjectKey("organisation", session.get_one(Organisation, case.organisation_id).uscc)
    person = read_person(session, case.applicant_id)
    return SubjectKey("person", person.number) if person is not None else None


def _values(rt: Runtime, compiled: Compiled, sends: Mapping[str, str], answers: Mapping[str, Any]) -> dict[str, Any]:
    """By the act's own keys; a district goes as the code that registries use. What was not answered is left out."""
    catalogue = rt.definitions.catalogue
    found: dict[str, Any] = {}
    for key, name in sends.items():
        value, field = answers.get(name), compiled.service.fields.get(name)
        if value is not None and field is not None and field.type == "district":
            value = catalogue.areas[str(value)].region if str(value) in catalogue.areas else None
        if value is not None:
            found[key] = value
    return found
