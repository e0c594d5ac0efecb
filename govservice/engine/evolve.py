"""`evolve`: the state after an event. Pure, total, and the only thing a replay runs.

Each type of event has one function here that changes a working copy; `evolve` makes the copy. Nothing here decides
anything: what is not in the event does not happen. Old versions of an event are brought up to date by `UPCASTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from govservice.engine import fold_bundle as bundle
from govservice.engine import fold_clocks as clocks
from govservice.engine import fold_consult as consult
from govservice.engine import fold_data as data
from govservice.engine import fold_migration as migration
from govservice.engine import fold_promises as promises
from govservice.engine import fold_steps as steps
from govservice.engine.state import CaseState
from govservice.engine.types import Event

Upcast = Callable[[Mapping[str, Any]], Mapping[str, Any]]
UPCASTS: dict[tuple[str, int], Upcast] = {}  # (type, old version) -> data of the next version


def evolve(state: CaseState, event: Event) -> CaseState:
    """The state after an event; the given one stays as it was. An unknown type changes nothing but the sequence."""
    after = state.copy()
    fold(after, event)
    return after


def fold(st: CaseState, ev: Event) -> None:
    """`evolve` in place, for a state that nobody else holds."""
    key = f"{ev.actor}\x1f{ev.idem}"
    if key != st.last_key:
        st.version += 1
        st.last_key = key
    st.seq, st.last_at = ev.seq, ev.at
    handler = HANDLERS.get(ev.type)
    if handler is not None:
        handler(st, ev if (ev.type, ev.v) not in UPCASTS else upcast(ev))


def upcast(ev: Event) -> Event:
    """An event in the newest version of its type."""
    while (step := UPCASTS.get((ev.type, ev.v))) is not None:
        ev = ev._replace(v=ev.v + 1, data=step(ev.data))
    return ev


def nothing(_st: CaseState, _ev: Event) -> None:
    """A fact that moves nothing, such as a missed date."""


HANDLERS: dict[str, Callable[[CaseState, Event], None]] = {
    "case.opened": steps.case_opened,
    "case.closed": steps.case_closed,
    "step.entered": steps.step_entered,
    "step.left": steps.step_left,
    "branch.opened": steps.branch_opened,
    "branch.ended": steps.branch_ended,
    "branch.cancelled": steps.branch_cancelled,
    "branch.suspended": steps.branch_suspended,
    "branch.resumed": steps.branch_resumed,
    "action.confirmed": steps.action_confirmed,
    "answer.kept": steps.answer_kept,
    "pause.begun": clocks.pause_begun,
    "pause.ended": clocks.pause_ended,
    "after.opened": promises.after_opened,
    "after.ended": promises.after_ended,
    "token.paused": steps.token_paused,
    "token.resumed": steps.token_resumed,
    "child.planned": bundle.child_planned,
    "child.asked": bundle.child_asked,
    "child.opened": bundle.child_opened,
    "child.ended": bundle.child_ended,
    "consult.asked": consult.consult_asked,
    "consult.opened": consult.consult_opened,
    "consult.ended": consult.consult_ended,
    "data.changed": data.data_changed,
    "person.invited": steps.person_invited,
    "appointment.made": nothing,
    "task.claimed": steps.task_claimed,
    "task.assigned": steps.task_assigned,
    "task.released": steps.task_released,
    "task.escalated": steps.task_escalated,
    "correction.asked": clocks.correction_asked,
    "correction.notified": clocks.correction_notified,
    "correction.resubmitted": clocks.correction_resubmitted,
    "pledge.made": promises.pledge_made,
    "pledge.ended": promises.pledge_ended,
    "gap.opened": promises.gap_opened,
    "gap.closed": promises.gap_closed,
    "renewal.begun": promises.renewal_begun,
    "step.called": promises.step_called,
    "clock.started": clocks.clock_started,
    "clock.paused": clocks.clock_paused,
    "clock.resumed": clocks.clock_resumed,
    "clock.moved": clocks.clock_moved,
    "clock.extended": clocks.clock_extended,
    "clock.stopped": clocks.clock_stopped,
    "clock.breached": nothing,
    "timer.fired": clocks.timer_fired,
    "timers.set": clocks.timers_set,
    "case.migrated": migration.case_migrated,
}
