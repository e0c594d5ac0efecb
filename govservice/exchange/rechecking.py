"""Facts of a running case asked again: before a decision, at a clerk's or an event's word, when a registry is back.

What the case rests on is what was sent: the answers of its pinned revision, and for facts that fill no field the values
of the call it rested on. The new answer is recorded like every other; beside it stands one row of `revalidations`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import brought
from govservice.exchange import recording
from govservice.exchange.comparing import judge
from govservice.exchange.gateway import BUDGET, Gateway
from govservice.exchange.outcomes import GIVES_VALUES, NOT_TO_DECIDE_ON, Outcome
from govservice.exchange.pending import UNMET
from govservice.exchange.prefill import ActorLike, needs
from govservice.exchange.queries import FactResult, Trigger, Wanted
from govservice.exchange.requirement import move, rows_of
from govservice.models.base import new_id
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement, Fact
from govservice.models.reliance import CHANGED, Revalidation
from govservice.models.session import Database, box_of


@dataclass(frozen=True, slots=True)
class Basis:
    """What a case rests on for one fact: values in JSON forms by fact type, and the call that gave them (None: the
    applicant did). `last` is how it was found when it was asked again last."""

    values: Mapping[str, Any] = field(repr=False)
    exchange_id: str | None
    last: Revalidation | None
    owed: bool = False  # the case was sent without all of it

    @property
    def from_registry(self) -> bool:
        return self.exchange_id is not None


def recheck(
    database: Database, gateway: Gateway, compiled: Compiled, case_id: str, names: Collection[str], *,
    actor: ActorLike, now: datetime, today: date, trigger: Trigger, budget: float = BUDGET,
) -> list[Revalidation]:  # fmt: skip
    """Asks the registries for these facts whatever their age, in parallel within `budget` seconds, and notes for each
    how the answer compares. Raises NotFound for an unknown case; never for a registry's fault."""
    with database.read() as session:
        around = _prepare(session, gateway.catalogue, compiled, case_id, names, actor, now, today, trigger)
    if around.asked or around.settled:
        gateway.fetch(database, around.asked, budget, settled=around.settled, then=around.note)
    else:  # what the applicant chose to bring themselves, and was noted as such, is not asked for
        with database.write() as session:
            around.note(session, ())
    return around.found


def recheck_in(
    session: Session, database: Database, gateway: Gateway, compiled: Compiled, case_id: str, names: Collection[str], *,
    actor: ActorLike, now: datetime, today: date, trigger: Trigger,
) -> list[Revalidation]:  # fmt: skip
    """The same within the caller's transaction: for registries in memory, which keep nobody waiting."""
    around = _prepare(session, gateway.catalogue, compiled, case_id, names, actor, now, today, trigger)
    results = [*gateway.ask(database, around.asked), *around.settled]
    if results:
        results = recording.record(session, gateway.catalogue, results)
    around.note(session, results)
    return around.found


@dataclass(frozen=True, slots=True)
class _Round:
    """One asking again: what is to be asked, what needs no call, and what each answer is held against."""

    compiled: Compiled
    catalogue: Catalogue
    case_id: str
    bases: Mapping[str, Basis]
    actor: ActorLike
    now: datetime
    trigger: Trigger
    asked: Sequence[Wanted]
    settled: Sequence[FactResult]
    found: list[Revalidation] = field(default_factory=list)

    def note(self, session: Session, results: Sequence[FactResult]) -> None:
        """Writes a row for each fact, in the caller's transaction."""
        known = {result.wanted.name: result for result in results}
        for name, basis in self.bases.items():
            row = _row(
                self.compiled, self.catalogue, self.case_id, name, basis, known.get(name), self.actor, self.now,
                self.trigger,
            )  # fmt: skip
            session.add(row)
            self.found.append(row)
            if row.result == "material" and row.old_exchange_id is None and basis.values:
                move(rows_of(session, self.case_id, [name])[name], "contradict", self.now)


def _prepare(
    session: Session, catalogue: Catalogue, compiled: Compiled, case_id: str, names: Collection[str],
    actor: ActorLike, now: datetime, today: date, trigger: Trigger,
) -> _Round:  # fmt: skip
    case = session.get_one(Case, case_id)
    form = read_form(session, case.applicant_id, case_id, case.data_rev or None)
    asked, settled = needs(session, catalogue, compiled, case_id, actor, now, form.declined, trigger, today, names)
    bases = {name: basis_of(session, compiled, case, name) for name in names}
    return _Round(compiled, catalogue, case_id, bases, actor, now, trigger, asked, settled)


def basis_of(session: Session, compiled: Compiled, case: Case, name: str) -> Basis:
    """What the case rests on for a fact. A difference that a clerk let stand is the new ground."""
    last = session.scalars(
        select(Revalidation)
        .where(Revalidation.case_id == case.id, Revalidation.name == name)
        .order_by(Revalidation.at.desc(), Revalidation.id.desc())
        .limit(1)
    ).one_or_none()
    open_change = last is not None and last.result in CHANGED and last.resolution is None
    call = last.old_exchange_id if last is not None and open_change else None
    held, held_by = values_of(session, case.id, name, call)
    if last is not None and last.resolution == "kept":
        return Basis(held, held_by or last.exchange_id, last)
    form = read_form(session, case.applicant_id, case.id, case.data_rev or None)
    sent = {n: form.answers[n] for n in brought(name, compiled.service.facts[name]) if n in form.answers}
    declared = {n for n in sent if form.own(n)}
    if declared or not (held or open_change):
        return Basis(sent, None, last, _is_owed(session, compiled, case, name))
    return Basis({**held, **sent}, held_by, last)


def _is_owed(session: Session, compiled: Compiled, case: Case, name: str) -> bool:
    """Whether the case was sent without this fact, or without some of it."""
    if compiled.service.facts[name].pending != "allowed":
        return False
    need = select(EvidenceRequirement.state).where(
        EvidenceRequirement.case_id == case.id, EvidenceRequirement.name == name
    )
    return session.scalar(need) in UNMET


def values_of(session: Session, case_id: str, name: str, exchange_id: str | None) -> tuple[dict[str, Any], str | None]:
    """A fact's values by type, and the call that gave them: of that call, or those that stand now."""
    which = Fact.exchange_id == exchange_id if exchange_id is not None else Fact.superseded_by.is_(None)
    values: dict[str, Any] = {}
    by: str | None = exchange_id
    for fact in session.scalars(select(Fact).where(Fact.case_id == case_id, Fact.name == name, which)):
        box = box_of(session, fact.subject_id)
        if box is not None and fact.value_enc is not None:
            values[fact.fact_type] = box.open_json(fact.value_enc, f"facts:{fact.id}")
            by = fact.exchange_id
    return values, by


def _row(
    compiled: Compiled, catalogue: Catalogue, case_id: str, name: str, basis: Basis, result: FactResult | None,
    actor: ActorLike, now: datetime, trigger: Trigger,
) -> Revalidation:  # fmt: skip
    said = _said(compiled, catalogue, name, basis, result)
    outcome = result.outcome if result is not None else Outcome.REFUSED
    row = Revalidation(
        id=new_id(), case_id=case_id, name=name, trigger=trigger, actor=actor.id, result=said, outcome=outcome.value,
        old_exchange_id=basis.exchange_id, exchange_id=result.last.id if result and result.last else None, at=now,
    )  # fmt: skip
    last = basis.last
    if said == "gone" and last is not None and last.result == "gone":  # a clerk looked at this very thing already
        row.resolution, row.resolved_by, row.resolved_at = last.resolution, last.resolved_by, last.resolved_at
    return row


def _said(
    compiled: Compiled, catalogue: Catalogue, name: str, basis: Basis, result: FactResult | None
) -> str:  # fmt: skip
    if result is None or result.outcome is Outcome.REFUSED:
        return "unverified"
    if result.outcome in NOT_TO_DECIDE_ON:
        return "unavailable"
    if result.outcome in GIVES_VALUES and basis.owed:
        told = {each: value for each, value in result.values.items() if each in basis.values}
        return judge(compiled, catalogue, name, basis.values, told)  # what was left out is no difference
    if result.outcome in GIVES_VALUES:
        return judge(compiled, catalogue, name, basis.values, result.values)
    gone = result.outcome is Outcome.NO_RECORD and basis.from_registry
    return "gone" if gone else "unverified"
