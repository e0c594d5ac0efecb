"""What a decision relies on: no milestone is marked on data that is old, has changed, or that nobody verified.

Asked after `decide`, of the events that it led to: so a join that decides is held to the same as an action. Only reads:
`operations.revalidating` asks the registries before, and what it found stands in `revalidations`. A deemed act is
not held up: the law lets silence count, and no one may undo that by asking again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import Fact as FactNode
from govservice.engine.decide_work import Work
from govservice.engine.types import moment
from govservice.errors import N_, Unverified
from govservice.models.exchange import UNNEEDED, VAULT, EvidenceRequirement, Fact
from govservice.models.reliance import CHANGED, EXAMINED, SAID, Dispute, Revalidation

SETTLES = ("verified", "waived")  # a clerk looked at the value itself: it stands without the registry
OWED, GIVEN = ("deferred", "fetching"), ("declared", "uploaded")  # states of a need that no register met
HELD_BY_NOBODY = ("no_record", "ambiguous", "withheld", "refused")  # no register will meet it: the applicant is asked
PATIENCE = timedelta(seconds=30)  # a registry that did not answer is not asked again sooner
CONDITION = "proceed_with_condition"

SENTENCES: Mapping[str, str] = {
    "changed": N_("Data that this decision relies on has changed since it was sent. Look at the difference first."),
    "disputed": N_(
        "The applicant says that a register is wrong about them. This decision waits for the answer of the register's "
        "owner."
    ),
    "unavailable": N_("A register that this decision relies on does not answer. The decision waits for it."),
    "unverified": N_("This decision would rely on data that nobody has verified. Verify it first."),
}


@dataclass(frozen=True, slots=True)
class Standing:
    """How one fact stands that a decision relies on. `state` is the requirement's; None: it was never asked for."""

    state: str | None
    outcome: str | None
    fetched_at: datetime | None  # of the oldest value that stands
    last: Revalidation | None


def check(session: Session, work: Work) -> None:
    """Raises Unverified where the events of a decision in the making mark a milestone that relies on facts which do
    not hold, or that the applicant says are wrong."""
    for event in work.events:
        milestone = event.data.get("marks") if event.type == "step.left" else None
        adverse = work.st.main.step not in work.d.granting
        if adverse and _theirs(work.d, event.data):
            continue
        if milestone == "decided":
            refuse(disputed(session, work.d, work.st.case_id, adverse=adverse))
            refuse(owed(session, work.d, work.st.case_id) if adverse else {})
        if milestone is None or not _relied_on(work.d, milestone):
            continue
        found = lacks(session, work.d, work.st.case_id, milestone, moment(event.at), adverse=adverse)
        refuse(found)


def _theirs(d: Compiled, left: Mapping[str, Any]) -> bool:
    """Whether a join decided because somebody said no, or nothing, whose yes it takes (the head of a household): that
    rests on them, not on what registers say, and their no is taken whatever a register owes."""
    block = d.blocks.get(str(left.get("step")))
    edge = d.edge(str(left.get("step")), str(left.get("trigger")))
    if block is None or edge is None or edge.join is None or edge.join.needs_all:
        return False
    others = {branch.name: branch.person is not None for branch in block.branches}
    grounds = [name for name, said in left["outcomes"].items() if said in edge.join.outcomes]
    return bool(grounds) and all(others[name.partition("/")[0]] for name in grounds)


def refuse(found: Mapping[str, str]) -> None:
    """Raises Unverified for what is lacking, by fact: what cannot be mended by asking comes first."""
    for why, sentence in SENTENCES.items():
        if why in found.values():
            raise Unverified(sentence, why=found)
    if found:
        raise Unverified(ask=list(found))


def disputed(session: Session, d: Compiled, case_id: str, *, adverse: bool) -> dict[str, str]:
    """Facts that the applicant says are wrong and whose owner has not answered, as far as this decision waits for it.
    Nothing is read for a decision in favour unless the definition holds that up too."""
    if not adverse and not any(node.dispute and node.dispute.hold == "all" for node in d.service.facts.values()):
        return {}
    holds = ("adverse", "all") if adverse else ("all",)
    rows = select(Dispute.name).where(Dispute.case_id == case_id, Dispute.state == "sent", Dispute.hold.in_(holds))
    return dict.fromkeys(session.scalars(rows), "disputed")


def owed(session: Session, d: Compiled, case_id: str) -> dict[str, str]:
    """Facts that the case was sent without and that nobody has confirmed: nobody is refused while that is so."""
    names = [name for name, node in d.service.facts.items() if node.pending == "allowed"]
    if not names:
        return {}
    asked = and_(
        EvidenceRequirement.state.in_(HELD_BY_NOBODY),
        or_(EvidenceRequirement.ask_at.is_not(None), EvidenceRequirement.asked_at.is_not(None)),
    )
    rows = session.execute(
        select(EvidenceRequirement.name, EvidenceRequirement.state).where(
            EvidenceRequirement.case_id == case_id, EvidenceRequirement.name.in_(names),
            or_(EvidenceRequirement.state.in_((*OWED, *GIVEN)), asked),
        )
    )  # fmt: skip
    return {name: "unavailable" if state in OWED else "unverified" for name, state in rows}


def lacks(
    session: Session, d: Compiled, case_id: str, milestone: str, now: datetime, *, adverse: bool
) -> dict[str, str]:
    """What stands in the way of marking a milestone, by fact: stale | changed | unavailable | unverified."""
    relied = _relied_on(d, milestone)
    known = standings(session, case_id, relied)
    found = {name: _lack(node, known[name], now, adverse) for name, node in relied.items()}
    return {name: why for name, why in found.items() if why is not None}


def _relied_on(d: Compiled, milestone: str) -> dict[str, FactNode]:
    facts = d.service.facts.items()
    return {name: node for name, node in facts if node.revalidate is not None and node.revalidate.before == milestone}


def _lack(node: FactNode, known: Standing, now: datetime, adverse: bool) -> str | None:
    """The hard rule: nobody is refused on data that nobody verified or that the registry could not confirm."""
    assert node.revalidate is not None
    if known.state == UNNEEDED:
        return None
    last, within = known.last, node.revalidate.within.span
    may_proceed = not adverse and node.revalidate.if_unavailable == CONDITION
    if last is not None and last.result in CHANGED and last.resolution is None:
        return "changed"
    if last is not None and last.resolution in SETTLES:
        return None
    fresh = known.fetched_at is not None and timedelta(0) <= now - known.fetched_at <= within
    if known.state == "available" and fresh:
        if not adverse or known.outcome != EXAMINED:
            return None
        return (
            "unverified" if last is not None and last.outcome == EXAMINED else "stale"
        )  # asked, a clerk can settle it
    if last is not None and last.result == "unavailable" and now - last.at <= PATIENCE:
        return None if may_proceed else "unavailable"
    if last is not None and last.result == "unverified" and last.trigger == SAID:
        return "stale"  # no register was asked since it was sent
    if last is not None and last.result in ("unverified", *CHANGED) and now - last.at <= within:
        return None if may_proceed or last.resolution == "kept" else "unverified"
    return "stale"


def unsettled(session: Session, case_id: str, names: Sequence[str] | Mapping[str, FactNode]) -> set[str]:
    """Which of these facts were found changed, and nobody has said yet what follows."""
    known = {name: each.last for name, each in standings(session, case_id, names).items()}
    return {name for name, last in known.items() if last and last.result in CHANGED and last.resolution is None}


def standings(session: Session, case_id: str, names: Sequence[str] | Mapping[str, FactNode]) -> dict[str, Standing]:
    """How each of these facts of a case stands."""
    needs = {row.name: row for row in session.scalars(
        select(EvidenceRequirement).where(EvidenceRequirement.case_id == case_id, EvidenceRequirement.name.in_(names))
    )}  # fmt: skip
    oldest = dict(_fetched(session, case_id))
    last = {row.name: row for row in session.scalars(
        select(Revalidation).where(Revalidation.case_id == case_id).order_by(Revalidation.at, Revalidation.id)
    )}  # fmt: skip
    return {
        name: Standing(
            needs[name].state if name in needs else None, needs[name].outcome if name in needs else None,
            oldest.get(name), last.get(name),
        )
        for name in names
    }  # fmt: skip


def _fetched(session: Session, case_id: str) -> Iterator[tuple[str, datetime]]:
    """When registries told what stands. What came out of the vault was told for another case: it fills a form, and
    nothing is decided on it before its registry was asked."""
    rows = session.execute(
        select(Fact.name, func.min(Fact.fetched_at))
        .where(Fact.case_id == case_id, Fact.superseded_by.is_(None), Fact.registry_code != VAULT)
        .group_by(Fact.name)
    )
    return ((name, at) for name, at in rows)
