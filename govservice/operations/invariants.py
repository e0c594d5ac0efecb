"""What must hold of every case at any moment, checked against the rows as they are (trust in numbers, not in tests).

I1  what was sent exists, sealed and byte-equal to the hash of its receipt
I2  the tables are the fold of the events, each event a legal step      I4  the chain of events verifies
I5  each effect has exactly one row                                     I7  clocks equal a recount from the events
I6  an open case has an owner, a due date and a step that somebody may take
I8  every call that told us something about a person left a row that the person sees
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.engine import Actor, CaseState, available, context, load_state, recount
from govservice.errors import NotFound, Tampered
from govservice.exchange.outcomes import IS_A_READ
from govservice.exchange.snapshot import verify_snapshot
from govservice.models.accounts import User
from govservice.models.cases import Case, Outbox
from govservice.models.exchange import DataAccess, Exchange, Snapshot
from govservice.operations.runtime import Runtime
from govservice.payments import ledger

SUBMITTED = ("open", "suspended", "closed")


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that does not hold of a case. `seq`: the first event at fault, where one is."""

    number: str
    invariant: str
    what: str
    seq: int | None = None


def check_cases(rt: Runtime, case_ids: Iterable[str] | None = None) -> Iterator[tuple[str, list[Broken]]]:
    """(number, what is broken) of each case, all cases by default. Reads only."""
    with rt.read() as session:
        query = select(Case.id).order_by(Case.id)
        staff = staff_actors(session)
        for case_id in list(session.scalars(query)) if case_ids is None else case_ids:
            case = session.get_one(Case, case_id)
            yield case.number, list(check_case(rt, session, case, staff))
            session.expunge_all()


def check_case(rt: Runtime, session: Session, case: Case, staff: Iterable[Actor]) -> Iterator[Broken]:
    """What is broken of one case. `staff` are the members of staff as they may act now (`staff_actors`)."""
    number = case.number
    try:
        differences = recount(session, case.id, rt.definitions, rt.calendars)
    except Tampered as fault:
        seq = fault.facts.get("seq")
        yield Broken(number, "I4", "the chain of its events is broken", seq if isinstance(seq, int) else None)
        return
    yield from (Broken(number, "I2", difference) for difference in differences)
    yield from (Broken(number, "I1", what) for what in _receipts(session, case))
    yield from (Broken(number, "I8", what) for what in _unseen_reads(session, case))
    state = load_state(session, case.id)
    if case.status == "open":
        yield from (Broken(number, "I6", what) for what in _goes_on(rt, session, state, staff))
    elif case.status == "closed":
        yield from (Broken(number, "I6", what) for what in _stuck(rt, session, state, staff))


def staff_actors(session: Session) -> list[Actor]:
    """Every member of staff who may sign in, with all roles."""
    users = session.scalars(select(User).where(User.kind == "staff", User.disabled_at.is_(None)))
    return [
        Actor(user.id, "user", tuple((r.role, r.department_id) for r in user.roles), user.person_id) for user in users
    ]


# -- I1


def _receipts(session: Session, case: Case) -> Iterator[str]:
    snapshots = session.scalars(select(Snapshot).where(Snapshot.case_id == case.id).order_by(Snapshot.n)).all()
    if case.status in SUBMITTED and not snapshots:
        yield "it was submitted and there is no snapshot"
    for snapshot in snapshots:
        try:
            verify_snapshot(session, snapshot)
        except (Tampered, NotFound) as fault:
            yield f"snapshot {snapshot.n}: {fault}"


# -- I6


def _goes_on(rt: Runtime, session: Session, state: CaseState, staff: Iterable[Actor]) -> Iterator[str]:
    gaps = bool(state.open_gaps)  # the applicant owes something, by a day that the engine checks
    if not state.tasks and state.notice is None and not gaps and not _waits_for_system(session, state):
        yield "nobody owns it"
    due = any(timer.due_at for timer in state.timers.values()) or any(
        clock.promised_on or clock.statutory_on for clock in state.clocks.values()
    )
    if not due and not _waits_for_system(session, state):
        yield "it has no date"
    if state.notice is not None:
        return  # the applicant may answer, or the notice lapses at its date
    yield from _stuck(rt, session, state, staff)


def _stuck(rt: Runtime, session: Session, state: CaseState, staff: Iterable[Actor]) -> Iterator[str]:
    """Steps of people at which nobody may act; of a closed case those that live on."""
    d = rt.definitions.by_sha(state.def_sha)
    ctx = context(session, rt.definitions, rt.calendars, state)
    actors = list(staff)
    for token in state.tokens.values():
        if token.status == "active" and d.steps[token.step].kind == "human":
            offers = (o for actor in actors for o in available(d, state, actor, ctx) if o.token_id == token.id)
            if not any(offer.allowed and offer.kind == "action" for offer in offers):
                yield f"nobody may act at {token.step}"


def _waits_for_system(session: Session, state: CaseState) -> bool:
    """An auto step's call is under way, or the applicant owes a fee whose order stands."""
    called = select(Outbox.id).where(Outbox.case_id == state.case_id, Outbox.done_at.is_(None))
    return session.scalar(called) is not None or ledger.live(session, state.case_id) is not None


# -- I8


def _unseen_reads(session: Session, case: Case) -> Iterator[str]:
    said = [outcome.value for outcome in IS_A_READ]
    calls = select(Exchange.id).where(Exchange.case_id == case.id, Exchange.outcome.in_(said))
    seen = select(DataAccess.exchange_id).where(DataAccess.case_id == case.id, DataAccess.exchange_id.is_not(None))
    unseen = set(session.scalars(calls)) - set(session.scalars(seen))
    if unseen:
        yield f"{len(unseen)} calls to registries left no row for the person"
