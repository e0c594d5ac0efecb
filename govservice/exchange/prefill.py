"""Asks the registries for what a case needs: which facts, about whom, by which right; then the gateway does it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.periods import period_of
from govservice.definitions.schema_form import Fact as FactNode
from govservice.errors import NotFound
from govservice.exchange import conditional, consents
from govservice.exchange.connectors.base import SubjectKey
from govservice.exchange.gateway import BUDGET, Gateway
from govservice.exchange.outcomes import Outcome
from govservice.exchange.queries import Call, FactResult, Trigger, Wanted
from govservice.exchange.views import Facts, FactView, current_facts
from govservice.models.base import new_id
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.people import Mandate, Organisation
from govservice.models.personal import read_person
from govservice.models.session import Database

RESERVE = 0.03  # seconds of the budget kept for writing down what came


class ActorLike(Protocol):
    """Who asked (`engine.Actor`)."""

    @property
    def id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Prefill:
    """What asking brought. `facts` is how every need of the case stands now; `results` the calls just made."""

    facts: Facts
    results: tuple[FactResult, ...]

    @property
    def waiting(self) -> tuple[str, ...]:
        """Names of the facts whose registry did not answer: worth another try."""
        return tuple(name for name, view in self.facts.items() if view.state == "deferred")


def prefill(
    database: Database, gateway: Gateway, compiled: Compiled, case_id: str, *, actor: ActorLike, now: datetime,
    declined: Collection[str] = (), trigger: Trigger = "prefill", budget: float = BUDGET, today: date | None = None,
) -> Prefill:  # fmt: skip
    """Asks for every fact that is neither declined nor held fresh already, in parallel within `budget` seconds.

    Subjects' keys come from the applicant's own record and the organisation of the case, never from a form. Raises
    NotFound for an unknown case; never for a registry's fault. `today` is the legal day on which grants and a
    mandate must hold (the offices' calendar); without it the day of `now` in UTC counts.
    """
    began = time.monotonic()
    with database.read() as session:
        wanted, settled = needs(session, gateway.catalogue, compiled, case_id, actor, now, declined, trigger, today)
    left = budget - RESERVE - (time.monotonic() - began)
    results = gateway.fetch(database, wanted, max(left, 0.0), settled=settled)
    with database.read() as session:
        return Prefill(current_facts(session, case_id, gateway.catalogue), tuple(results))


def needs(
    session: Session, catalogue: Catalogue, compiled: Compiled, case_id: str, actor: ActorLike, now: datetime,
    declined: Collection[str], trigger: Trigger, today: date | None = None, names: Collection[str] | None = None,
    form: Form | None = None,
) -> tuple[list[Wanted], list[FactResult]]:  # fmt: skip
    """What is to be asked, and the needs that end without a call (declined, or nobody to ask about).

    `names`: these alone, however fresh they are, in the authority's own right: it looks again before it decides, and
    whether the mandate under which the case was filed still holds does not matter for that. A fact with a condition
    (`if`) is asked for where it holds by the answers: `form`, else those that were sent, or of a draft the newest.
    """
    case = session.get(Case, case_id)
    if case is None:
        raise NotFound()
    known = current_facts(session, case_id, catalogue)
    agreed = consents.newest(session, case_id) if consents.wants_consent(compiled) else {}
    subjects = _subjects(session, case)
    today = today or now.date()
    may_act = names is not None or case.organisation_id is None or _may_act(session, case, today)
    if form is None and compiled.fact_conditions:
        form = read_form(session, case.applicant_id, case_id, case.data_rev or None)
    left_out = conditional.unneeded(compiled, form) if form is not None else frozenset()
    wanted: list[Wanted] = []
    settled: list[FactResult] = []
    for name, node in compiled.service.facts.items():
        if name in left_out or (names is not None and name not in names):
            continue
        each = _wanted(case, compiled, name, node, subjects, catalogue, actor, trigger, now, today)
        if names is not None:
            each = replace(each, vault=())  # looking again is asking the registry, not ourselves
        given = agreed.get(name)
        if given is not None and not consents.covers(session, given, compiled, name):
            given = None  # agreed to less than this version of the service asks
        each = replace(each, consent=given.id if given is not None else None)
        if given is not None and not consents.holds(given, now):
            refused = _refused(each, catalogue, Outcome.REFUSED)
            settled.append(FactResult(each, Outcome.REFUSED, (refused,), withdrawn=name not in declined))
        elif name in declined or (node.consent == "explicit" and given is None):
            if not (name in known and known[name].state == "refused"):
                settled.append(FactResult(each, Outcome.REFUSED, ()))
        elif names is None and _is_fresh(known.get(name), node, catalogue, now):
            continue
        elif each.subject.kind == "organisation" and not may_act:
            settled.append(FactResult(each, Outcome.DENIED, (_refused(each, catalogue, Outcome.DENIED),)))
        elif not each.subject.value or not each.sources:
            settled.append(FactResult(each, Outcome.NO_RECORD, ()))
        else:
            wanted.append(each)
    return wanted, settled


def _refused(wanted: Wanted, catalogue: Catalogue, outcome: Outcome) -> Call:
    """The line of the log for a question that we did not ask: nobody may ask it for this organisation now, or the
    person has taken the consent back."""
    dataset = wanted.sources[0][0]
    return Call(new_id(), catalogue.registry_of(dataset) or "", dataset, None, None, outcome, None, 0, ())


def _subjects(session: Session, case: Case) -> Mapping[str, tuple[str, str]]:
    """Per kind of subject the row's id and the key to ask with ("" where there is none to ask about)."""
    found = {"person": (case.applicant_id, ""), "organisation": ("", "")}
    if (person := read_person(session, case.applicant_id)) is not None and person.id_type == "cn_id":
        found["person"] = (case.applicant_id, person.number)
    if case.organisation_id is not None:
        found["organisation"] = (case.organisation_id, session.get_one(Organisation, case.organisation_id).uscc)
    return found


def _may_act(session: Session, case: Case, today: date) -> bool:
    """Whether the mandate under which the case was opened still holds: an expired one opens no registry."""
    if case.mandate_id is None:
        return False
    mandate = session.scalars(select(Mandate).where(Mandate.id == case.mandate_id)).one_or_none()
    return (
        mandate is not None
        and mandate.person_id == case.applicant_id
        and mandate.organisation_id == case.organisation_id
        and mandate.holds(today)
        and mandate.covers(case.service)
    )


def _wanted(
    case: Case, compiled: Compiled, name: str, node: FactNode, subjects: Mapping[str, tuple[str, str]],
    catalogue: Catalogue, actor: ActorLike, trigger: Trigger, now: datetime, today: date,
) -> Wanted:  # fmt: skip
    sources = tuple((s.dataset, s.grant or "") for s in node.sources if s.dataset is not None)
    dataset = catalogue.datasets.get(sources[0][0]) if sources else None
    kind = dataset.subject if dataset else "person"
    subject_id, key = subjects[kind]
    return Wanted(
        case_id=case.id, service=case.service, department=compiled.service.department, name=name, sources=sources,
        take=node.taken, purpose=node.purpose, subject=SubjectKey(kind, key), subject_id=subject_id,
        person_id=case.applicant_id, actor=actor.id, trigger=trigger, at=now,
        today=today, predicate=node.predicate is not None,
        as_of=period_of(node.as_of, today) if node.as_of is not None else None,
        vault=tuple((s.vault, s.max_age) for s in node.sources if s.vault is not None),
    )  # fmt: skip


def _is_fresh(view: FactView | None, node: FactNode, catalogue: Catalogue, now: datetime) -> bool:
    """Whether what is held is young enough: the fact's own freshness, else the dataset's."""
    if view is None or not view.filled or view.fetched_at is None or view.state == "stale":
        return False  # what came out of an old copy is asked for anew: a newer copy may be there
    dataset = catalogue.datasets.get(view.dataset)
    limit = node.freshness or (dataset.freshness if dataset else None)
    return limit is None or timedelta(0) <= now - view.fetched_at <= limit.span
