"""A migration rehearsed: what the real one would do to a case as it is now, without a lock and without a trace."""

from __future__ import annotations

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.engine.apply import DefinitionsLike, timer_command
from govservice.engine.decide import due_timer, plan
from govservice.engine.decide_migration import attempt
from govservice.engine.decide_work import CalendarsLike, Work
from govservice.engine.needs import reads_answers
from govservice.engine.state import CaseState
from govservice.engine.store import Store
from govservice.engine.types import Command, Ctx, Refusal
from govservice.models.base import to_iso


def rehearse(
    session: Session, command: Command, definitions: DefinitionsLike, calendars: CalendarsLike
) -> tuple[list[Refusal], Work | None]:
    """Why the case would not move by this `@migrate` command (nothing: it would), and the decision. What is due acts
    first, as it does before every command. Raises NotFound."""
    assert command.case_id is not None
    store = Store(session)
    held = store.hold(command.case_id, "", "", lock=False)
    old, new = definitions.by_sha(held.state.def_sha), definitions.by_sha(str(command.data["to"]))
    state, now = held.state, to_iso(command.now)
    while (timer := due_timer(state, now)) is not None:
        due = timer_command(state, timer)
        state.ctx = _context(store, definitions, old, state, due, held.applicant_id)
        state = plan(old, state, due, calendars).st
        state.journal = []
    state.ctx = Ctx(definitions.catalogue)
    return attempt(old, new, state, command, calendars)


def _context(
    store: Store, definitions: DefinitionsLike, d: Compiled, state: CaseState, command: Command, applicant_id: str
) -> Ctx:
    if not reads_answers(d, state, command):
        return Ctx(definitions.catalogue)
    answers, _ = store.answers(state.case_id, state.data_rev, applicant_id)
    return Ctx(definitions.catalogue, typed(d.service.fields, answers))
