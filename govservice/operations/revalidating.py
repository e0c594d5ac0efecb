"""Before a decision: what it relies on is asked again, a difference is shown and settled, the applicant is told.

The engine makes no calls. It refuses a decision on facts that are old (`Unverified.ask`); then they are asked for here,
outside any transaction, and the decision is tried once more on what came.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Literal, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import brought
from govservice.engine import Actor, Applied
from govservice.errors import N_, Missing, NotAllowed, NotFound, Unverified
from govservice.exchange import evidence
from govservice.exchange.comparing import judge
from govservice.exchange.found import Found
from govservice.exchange.outcomes import Outcome
from govservice.exchange.queries import Trigger
from govservice.exchange.rechecking import recheck
from govservice.exchange.requirement import move, rows_of
from govservice.exchange.snapshot import seal_snapshot
from govservice.messaging.notices import tell
from govservice.models.base import new_id
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement
from govservice.models.reliance import CHANGED, EXAMINED, SAID, Revalidation
from govservice.models.session import box_of
from govservice.operations.changing import follow, settle, take_over
from govservice.operations.runtime import Runtime

MAX_REASON = 4000
Resolution = Literal["kept", "verified", "waived"]
SETTLES: dict[Resolution, tuple[str, ...]] = {
    "kept": CHANGED,  # the case is decided on what the registry says now; what was sent stays beside it
    "verified": ("unverified", "unavailable", "gone"),  # compared with an original or with the registry's own paper
    "waived": ("unverified", "unavailable", "gone"),  # this decision does not need it
}
BECOMES: dict[Resolution, str] = {"kept": "accept", "verified": "verify", "waived": "waive"}
T = TypeVar("T")


def relying(rt: Runtime, actor: Actor, case_id: str, now: datetime, act: Callable[[], T]) -> T:
    """Does `act`; where the engine wants registries asked first, asks them and does it once more.

    Raises Unverified where the decision cannot rest on what came."""
    try:
        return act()
    except Unverified as lack:
        if not lack.ask:
            raise
        ask_again(rt, actor, case_id, lack.ask, now=now, trigger="decision")
        return act()


def ask_again(
    rt: Runtime, actor: Actor, case_id: str, names: Collection[str], *, now: datetime, trigger: Trigger
) -> list[Revalidation]:
    """Asks the registries for facts of a running case whatever their age. The applicant is told at once of a change
    that matters: nobody is refused on data they have not seen."""
    with rt.read() as session:
        case = session.get(Case, case_id)
        if case is None:
            raise NotFound()
        compiled = rt.definitions.by_sha(case.def_sha)
    known = [name for name in compiled.service.facts if name in set(names)]
    found = recheck(
        rt.database, rt.gateway, compiled, case_id, known, actor=actor, now=now, today=rt.today(now), trigger=trigger
    )
    changed = [row for row in found if row.result in CHANGED and row.resolution is None]
    if changed and not follow(rt, compiled, case_id, changed, now):
        with rt.write() as session:
            tell(session, session.get_one(Case, case_id), "data_changed", found[0].id, now)
    return found


def resolve(
    rt: Runtime, actor: Actor, case_id: str, found_id: str, how: Resolution, reason: str, *, now: datetime
) -> None:
    """A clerk settles what was found, with a reason that the record keeps. The same answer twice changes nothing. A
    change that the decision takes into account is taken over into the answers: which departments are needed is weighed
    on what the register says now.

    Raises Missing without a reason, NotFound, NotAllowed where it does not fit what was found or was settled already.
    """
    if not reason.strip():
        raise Missing(["reason"])
    name = rt.database.retrying(lambda session: resolve_in(rt, session, actor, case_id, found_id, how, reason, now=now))
    if how == "kept":
        take_over(rt, case_id, [name], now, newer=True)


def resolve_in(
    rt: Runtime, session: Session, actor: Actor, case_id: str, found_id: str, how: Resolution, reason: str, *,
    now: datetime,
) -> str:  # fmt: skip
    """The same in the caller's transaction, without what is taken over. Returns which fact it is."""
    row = session.scalars(select(Revalidation).where(Revalidation.id == found_id).with_for_update()).one_or_none()
    if row is None or row.case_id != case_id or how not in SETTLES:
        raise NotFound()
    if row.resolution == how and row.resolved_by == actor.id:
        return row.name
    if row.resolution is not None or how not in ways_of(row) or not _newest(session, row):
        raise NotAllowed(N_("This was settled already, or looked at again since. Please open the page again."))
    need = rows_of(session, case_id, [row.name]).get(row.name)
    stands = need is not None and need.state == "available" and how == "verified"  # what was told still stands
    if need is not None and not stands and (how != "kept" or need.state == "contradicted"):
        move(need, BECOMES[how], now)
    box = box_of(session, session.get_one(Case, case_id).applicant_id)
    row.resolution, row.resolved_by, row.resolved_at = how, actor.id, now
    words = reason.strip()[:MAX_REASON]
    row.reason_enc = box.seal_text(words, f"revalidations:{row.id}") if box is not None else None
    settle(rt, session, case_id, [row.name], found_id, now)
    return row.name


def ways_of(row: Revalidation | Found) -> tuple[Resolution, ...]:
    """How a clerk may settle what was found. Where the applicant says something else than a register, either may turn
    out to be right; what a register is examining itself refuses nobody before somebody has looked at it elsewhere."""
    if row.result in ("same", "immaterial"):
        return ("verified", "waived") if row.outcome == EXAMINED else ()
    declared = row.declared if isinstance(row, Found) else row.old_exchange_id is None
    return tuple(
        how for how, results in SETTLES.items()
        if row.result in results or (how == "verified" and declared and row.result == "material")
    )  # fmt: skip


def _newest(session: Session, row: Revalidation) -> bool:
    newer = select(Revalidation.id).where(
        Revalidation.case_id == row.case_id, Revalidation.name == row.name, Revalidation.at > row.at
    )
    return session.scalars(newer.limit(1)).one_or_none() is None


def note_overridden(
    rt: Runtime, session: Session, case: Case, compiled: Compiled, form: Form, facts: evidence.Facts, now: datetime
) -> None:
    """At sending: where the applicant put something else in the place of a register's value (`show: editable`), both
    stand side by side for the clerk. Another way of writing is no conflict."""
    names = evidence.overridden(compiled, facts, form)
    needs = rows_of(session, case.id, names)
    for name in names:
        view, said = facts[name], {n: form.answers.get(n) for n in brought(name, compiled.service.facts[name])}
        if needs[name].state != "available" or judge(compiled, rt.definitions.catalogue, name, said, view.values) in (
            "same", "immaterial",
        ):  # fmt: skip
            continue
        move(needs[name], "contradict", now)
        session.add(Revalidation(
            id=new_id(), case_id=case.id, name=name, trigger=SAID, actor=case.applicant_id, result="material",
            outcome="ok", old_exchange_id=None, exchange_id=view.exchange_id, at=now,
        ))  # fmt: skip


def open_to_verify(
    session: Session, case: Case, compiled: Compiled, need: EvidenceRequirement, now: datetime
) -> None:  # fmt: skip
    """What the applicant gave in place of a register stands on the clerk's page from its sending on, to be verified
    before a decision wants it; a change that a register told and nobody has settled stays first."""
    node = compiled.service.facts[need.name]
    last = session.scalars(
        select(Revalidation)
        .where(Revalidation.case_id == case.id, Revalidation.name == need.name)
        .order_by(Revalidation.at.desc(), Revalidation.id.desc())
        .limit(1)
    ).one_or_none()
    changed = last is not None and last.result in CHANGED and last.resolution is None
    if changed or (node.revalidate is None and node.pending != "allowed"):
        return
    session.add(Revalidation(
        id=new_id(), case_id=case.id, name=need.name, trigger=SAID, actor=case.applicant_id, result="unverified",
        outcome=need.outcome or Outcome.NO_RECORD.value, old_exchange_id=None, exchange_id=None, at=now,
    ))  # fmt: skip


def after_correction(session: Session, case: Case, form: Form, facts: evidence.Facts, now: datetime) -> list[str]:
    """The applicant's answer took a registry's new values over: what was found is settled by that. Returns of which
    facts."""
    rows = session.scalars(
        select(Revalidation).where(
            Revalidation.case_id == case.id, Revalidation.result.in_(CHANGED), Revalidation.resolution.is_(None)
        )
    )
    settled = []
    for row in rows:
        view = facts.get(row.name)
        if view is not None and view.filled and all(form.answers.get(n, v) == v for n, v in view.values.items()):
            row.resolution, row.resolved_by, row.resolved_at = "corrected", case.applicant_id, now
            settled.append(row.name)
    return settled


def after_decision(rt: Runtime, session: Session, applied: Applied, now: datetime) -> None:
    """What was decided on is sealed beside what was sent, chained to it; a decision without a registry's word says so
    on the record. Only where the definition relies on facts."""
    decided = any(e.type == "step.left" and e.data.get("marks") == "decided" for e in applied.events)
    case = session.get_one(Case, applied.case_id)
    compiled = rt.definitions.by_sha(case.def_sha)
    relied = [name for name, node in compiled.service.facts.items() if node.revalidate is not None]
    if applied.replayed or not decided or not relied or box_of(session, case.applicant_id) is None:
        return
    _conditional(session, case.id, relied, now)
    facts = evidence.current_facts(session, case.id, rt.definitions.catalogue)
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    seal_snapshot(session, case, compiled, form.as_json(), facts, reason="decision", now=now)


def _conditional(session: Session, case_id: str, names: Sequence[str], now: datetime) -> None:
    rows = session.scalars(
        select(Revalidation)
        .where(Revalidation.case_id == case_id, Revalidation.name.in_(names))
        .order_by(Revalidation.at, Revalidation.id)
    )
    for row in {row.name: row for row in rows}.values():
        if row.result in ("unavailable", "unverified") and row.resolution is None:
            row.resolution, row.resolved_at = "conditional", now
