"""The workflow engine: the only writer of case state.

    apply(session, command, definitions, calendars) -> Applied        one command, in the caller's transaction
    apply_retrying(database, command, definitions, calendars)         the same in its own transaction, races tried again
    tick(database, now, definitions, calendars, limit=200) -> int     fires what is due; how many timers fired
    decide(compiled, state, command, calendars) -> list[Event]        pure: what follows
    evolve(state, event) -> CaseState                                 pure: the state after an event
    available(compiled, state, actor, ctx) -> list[Offer]             what an actor may do now, and why not the rest
    overlooked(compiled, state, ctx) -> list[Branch]                  parts that were not needed then and would be now
    load_state(session, case_id) -> CaseState                         the present state, one row
    context(session, definitions, calendars, state) -> Ctx            for `available`: answers, departments, calendar
    rebuild(session, case_id, upto=None) -> CaseState                 folded from the events, chain verified
    recount(session, case_id, definitions, calendars) -> list[str]    what differs between tables and events
    correction_items(session, case_id) -> tuple[str, ...]             what the notice that is out asks to correct

Triggers beside the definition's own actions: `@open` (case_id None; data: number, service, def_sha, person_id,
organisation_id, mandate_id, channel, area), `@claim`, `@release`, `@send_notice` (lead), `@resubmit` (applicant; data:
data_rev, changed), `@ok` / `@fail` (system; data: result; with `step` in place of a token: meant for that
step wherever the case stands, kept where it comes early), `@extend:<limit>` (the
role that the definition names; reason), `@assign` (lead or supervisor; assignee), `@cancel` and
`@reopen` (supervisor; reason) of a part of a parallel step, `@recalculate` (system, after a new calendar).
A submission's data: data_rev. A correction's data: items {field or material: note}. data.opinion and reason are
words: they
go sealed into `case_texts` as {"reason", "items", "opinion", "salt"} (context `case_texts:<id>`), events carry
`text` (its id).
Effects are outbox rows `case:seq:topic`; an auto step's row has `token_id` in its payload, notices have not.
"""

from govservice.engine.apply import apply, apply_retrying
from govservice.engine.available import available, overlooked
from govservice.engine.decide import decide
from govservice.engine.evolve import evolve
from govservice.engine.rebuild import context, correction_items, load_state, rebuild
from govservice.engine.recount import recount
from govservice.engine.state import Ask, CaseState, ClockState, Gap, Hold, Notice, Pledged, Task, TimerState, Token
from govservice.engine.tick import Backoff, tick
from govservice.engine.types import MAIN, SYSTEM, Actor, Applied, Command, Ctx, Event, Expected, Needs, Offer, Refusal

__all__ = [
    "MAIN",
    "SYSTEM",
    "Actor",
    "Applied",
    "Ask",
    "Backoff",
    "CaseState",
    "ClockState",
    "Command",
    "Ctx",
    "Event",
    "Expected",
    "Gap",
    "Hold",
    "Needs",
    "Notice",
    "Offer",
    "Pledged",
    "Refusal",
    "Task",
    "TimerState",
    "Token",
    "apply",
    "apply_retrying",
    "available",
    "context",
    "correction_items",
    "decide",
    "evolve",
    "load_state",
    "overlooked",
    "rebuild",
    "recount",
    "tick",
]
