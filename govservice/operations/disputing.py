"""A person says that a registry is wrong: its owner answers by a day, and what it corrects reaches every case.

While a dispute is open no adverse decision is made on the case (`dispute: {hold: ...}` of the fact; adverse unless
said). The owner corrects its own register, not the portal: after a yes every running case of the person or enterprise
that rests on that dataset is asked again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from govservice import logs
from govservice.engine import SYSTEM, Actor
from govservice.errors import N_, Invalid, Missing, NotAllowed, NotFound, told
from govservice.exchange import evidence
from govservice.exchange.requirement import move, rows_of
from govservice.messaging.notices import tell
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.exchange import UNNEEDED
from govservice.models.reliance import Dispute
from govservice.models.session import box_of
from govservice.operations.own_cases import own_case
from govservice.operations.revalidating import ask_again
from govservice.operations.runtime import Runtime
from govservice.worktime.limits import due_on

log = logs.get(__name__)
MAX_CLAIM, MAX_REASON = 500, 2000  # characters
MOST_OPEN = 20  # of one person at once
Verdict = Literal["accepted", "rejected"]


@dataclass(frozen=True, slots=True)
class Said:
    """What a dispute says, opened: what the registry holds, what the person says is right, and why."""

    held: Any = field(repr=False)
    claimed: str = field(repr=False)
    reason: str = field(repr=False)
    answer: str = field(repr=False, default="")


def said_in(session: Session, row: Dispute) -> Said | None:
    """None where the person was erased."""
    box = box_of(session, row.person_id)
    if box is None or row.said_enc is None:
        return None
    words = box.open_json(row.said_enc, f"disputes:{row.id}")
    answer = box.open_text(row.answer_enc, f"disputes:{row.id}:answer") if row.answer_enc else ""
    return Said(words["held"], words["claimed"], words["reason"], answer)


def dispute(
    rt: Runtime, actor: Actor, case_id: str, fact_type: str, claimed: str, reason: str, *, now: datetime
) -> str:  # fmt: skip
    """Says that a registry's value is wrong. Returns the dispute's id; saying it again while it is open, the same one.

    Raises Missing, Invalid for words that are too long, NotFound for a case that is not one's own, NotAllowed for what
    no registry gave or the applicant is not shown, or a case that is closed.
    """
    claimed, reason = claimed.strip(), reason.strip()
    if missing := [name for name, words in (("claimed", claimed), ("reason", reason)) if not words]:
        raise Missing(missing)
    if len(claimed) > MAX_CLAIM or len(reason) > MAX_REASON:
        raise Invalid({"reason": N_("This is too long.")})
    with rt.write() as session:
        case = own_case(session, actor, case_id, rt.today(now), lock=True)
        view = _view(rt, session, case, fact_type)
        open_now = session.scalars(
            select(Dispute).where(Dispute.person_id == case.applicant_id, Dispute.state == "sent")
        ).all()
        for row in open_now:
            if (row.case_id, row.fact_type) == (case_id, fact_type):
                return row.id
        if case.status == "closed" or view is None or len(open_now) >= MOST_OPEN:
            raise NotAllowed(N_("This cannot be disputed here. Ask the department that keeps the register."))
        row = _row(rt, case, view, fact_type, now)
        box = box_of(session, case.applicant_id)
        if box is None:
            raise NotFound()
        words = {"held": view.values[fact_type], "claimed": claimed, "reason": reason}
        row.said_enc = box.seal_json(words, f"disputes:{row.id}")
        session.add(row)
        need = rows_of(session, case_id, [view.name])[view.name]
        if need.state != "disputed":
            move(need, "dispute", now)
        return row.id


def _view(rt: Runtime, session: Session, case: Case, fact_type: str) -> evidence.FactView | None:
    facts = evidence.current_facts(session, case.id, rt.definitions.catalogue)
    nodes = rt.definitions.by_sha(case.def_sha).service.facts
    seen = (view for view in facts.values() if nodes[view.name].show != "hidden")
    return next((view for view in seen if fact_type in view.values and view.registry), None)


def _row(rt: Runtime, case: Case, view: evidence.FactView, fact_type: str, now: datetime) -> Dispute:
    registry = rt.definitions.catalogue.registries[view.registry]
    node = rt.definitions.by_sha(case.def_sha).service.facts[view.name].dispute
    owner = rt.definitions.catalogue.departments[registry.owner]
    due = due_on(rt.calendars.for_area(owner.area), now, registry.corrects_within)
    return Dispute(
        id=new_id(), case_id=case.id, person_id=case.applicant_id, name=view.name, fact_type=fact_type,
        registry_code=view.registry, dataset=view.dataset, owner_id=registry.owner,
        hold=node.hold if node is not None else "adverse", state="sent", sent_at=now, due_on=due,
    )  # fmt: skip


def withdraw(rt: Runtime, actor: Actor, case_id: str, dispute_id: str, *, now: datetime) -> None:
    """The person takes it back; the registry's value stands. Twice changes nothing. Raises NotFound, NotAllowed."""
    with rt.write() as session:
        own_case(session, actor, case_id, rt.today(now), lock=True)
        row = session.get(Dispute, dispute_id, with_for_update=True)
        if row is None or row.case_id != case_id:
            raise NotFound()
        if row.state == "withdrawn":
            return
        if row.state != "sent":
            raise NotAllowed(N_("This was answered already."))
        row.state, row.answered_at = "withdrawn", now
        _release(session, row, "uphold", now)


def answer(rt: Runtime, actor: Actor, dispute_id: str, verdict: Verdict, words: str, *, now: datetime) -> None:
    """The owner's answer, with reasons. After a yes every running case that rests on the dataset is asked again.

    Raises NotFound for whoever does not look after the registry, Missing without words, NotAllowed where it was
    answered."""
    words = words.strip()[:MAX_REASON]
    if not words:
        raise Missing(["words"])
    with rt.write() as session:
        row = session.get(Dispute, dispute_id, with_for_update=True)
        if row is None or row.owner_id not in owners(actor) or verdict not in ("accepted", "rejected"):
            raise NotFound()
        if (row.state, row.answered_by) == (verdict, actor.id):
            return
        if row.state != "sent":
            raise NotAllowed(N_("This was answered already."))
        box = box_of(session, row.person_id)
        row.state, row.answered_by, row.answered_at = verdict, actor.id, now
        row.answer_enc = box.seal_text(words, f"disputes:{row.id}:answer") if box is not None else None
        _release(session, row, "correct" if verdict == "accepted" else "uphold", now)
        tell(session, session.get_one(Case, row.case_id), "disputed", row.id, now)
        touched = _resting(rt, session, row, now) if verdict == "accepted" else []
    for case_id, names in touched:
        _ask(rt, case_id, names, now)


def _ask(rt: Runtime, case_id: str, names: Collection[str], now: datetime) -> None:
    """One of the cases that a correction reaches, at once where that goes: what could not be asked stands due, and the
    worker asks for it (`settling`)."""
    try:
        found = ask_again(rt, SYSTEM, case_id, names, now=now, trigger="event")
    except Exception as error:  # meant to be broad: the answer is given, and no case may keep it from the others
        log.error("dispute.not_asked", **told(error, case_id=case_id))
        return
    told_now = {row.name for row in found if row.result != "unavailable"}
    with rt.write() as session:
        for need in rows_of(session, case_id, told_now).values():
            need.next_try_at = None


def open_disputes(session: Session, case_id: str) -> Sequence[Dispute]:
    """What the applicant of a case says is wrong in a registry and nobody has answered yet, the oldest first."""
    rows = select(Dispute).where(Dispute.case_id == case_id, Dispute.state == "sent").order_by(Dispute.sent_at)
    return session.scalars(rows).all()


def owners(actor: Actor) -> frozenset[str]:
    """Departments whose registries a member of staff looks after."""
    return frozenset(department for role, department in actor.roles if role == "steward")


def _release(session: Session, row: Dispute, trigger: str, now: datetime) -> None:
    """The need is no longer disputed, unless something else of it still is."""
    others = select(Dispute.id).where(
        Dispute.case_id == row.case_id, Dispute.name == row.name, Dispute.state == "sent", Dispute.id != row.id
    )
    need = rows_of(session, row.case_id, [row.name]).get(row.name)
    if need is not None and need.state == "disputed" and session.scalar(others.limit(1)) is None:
        move(need, trigger, now)


def _resting(rt: Runtime, session: Session, row: Dispute, now: datetime) -> list[tuple[str, Collection[str]]]:
    """Running cases of the same person or enterprise with the facts that rest on the dataset, which stand due from now
    on; drafts ask by themselves once what they hold counts as stale."""
    case = session.get_one(Case, row.case_id)
    party = [Case.applicant_id == case.applicant_id]
    if case.organisation_id is not None:
        party.append(Case.organisation_id == case.organisation_id)
    found: list[tuple[str, Collection[str]]] = []
    for other in session.scalars(select(Case).where(Case.status != "closed", or_(*party)).order_by(Case.id)):
        facts = rt.definitions.by_sha(other.def_sha).service.facts
        held = [name for name, node in facts.items() if any(s.dataset == row.dataset for s in node.sources)]
        needs = {name: n for name, n in rows_of(session, other.id, held).items() if n.state != UNNEEDED}
        for need in needs.values():
            if need.state in ("available", "verified"):
                move(need, "age", need.updated_at)
            if other.status == "open":
                need.next_try_at, need.tries, need.silent_since = now, 0, now
        if needs and other.status == "open":
            found.append((other.id, list(needs)))
    return found
