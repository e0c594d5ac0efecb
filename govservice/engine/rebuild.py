"""Replaying a case, checking its chain, and comparing the tables with what its events say."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.values import typed
from govservice.engine.apply import DefinitionsLike
from govservice.engine.chain import verify
from govservice.engine.decide_work import CalendarsLike
from govservice.engine.evolve import fold
from govservice.engine.state import CaseState
from govservice.engine.store import Store, event_of
from govservice.engine.types import Ctx, Event
from govservice.errors import NotFound
from govservice.models.cases import Case


def rebuild(session: Session, case_id: str, upto: int | None = None) -> CaseState:
    """The state from the events alone, up to and with seq `upto`. Verifies the chain on the way.

    Raises NotFound, and Tampered naming the first event that does not fit.
    """
    state = CaseState()
    for event in verified_events(session, case_id):
        if upto is not None and event.seq > upto:
            break
        fold(state, event)
    return state


def verified_events(session: Session, case_id: str) -> list[Event]:
    """All events of a case, after its chain was checked against the head that `cases` holds."""
    row = session.execute(select(Case.head, Case.last_seq).where(Case.id == case_id)).one_or_none()
    if row is None:
        raise NotFound()
    links = list(Store(session).links(case_id))
    verify(links, row.head, row.last_seq)
    return [event_of(link) for link, _, _ in links]


def load_state(session: Session, case_id: str) -> CaseState:
    """The present state, unlocked: for pages and queries. Raises NotFound."""
    return Store(session).hold(case_id, "", "", lock=False).state


def context(session: Session, definitions: DefinitionsLike, calendars: CalendarsLike, state: CaseState) -> Ctx:
    """What `available` asks beside the state: the pinned answers, typed, the departments, the area's calendar."""
    d = definitions.by_sha(state.def_sha)
    answers, _ = Store(session).answers(state.case_id, state.data_rev, state.applicant_id)
    return Ctx(definitions.catalogue, typed(d.service.fields, answers), None, calendars.for_area(state.area))


def correction_items(session: Session, case_id: str) -> tuple[str, ...]:
    """Names of the fields and materials that the notice out now asks to correct; none where none is out."""
    notice = load_state(session, case_id).notice
    return notice.items if notice is not None else ()
