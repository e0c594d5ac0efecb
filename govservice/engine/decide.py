"""`decide`: what follows from a command. Pure: the definition, the state, the command, the calendars, nothing else.

Whether the actor may (rights, needs, stale pages) is asked before, in `apply`; a replay never comes here.
"""

from __future__ import annotations

from govservice.definitions.compiled import Compiled
from govservice.engine import decide_acts as acts
from govservice.engine import decide_bundle as bundle
from govservice.engine import decide_clocks as clocks
from govservice.engine import decide_correction as correction
from govservice.engine import decide_data as data
from govservice.engine import decide_moves as moves
from govservice.engine import decide_promises as promises
from govservice.engine import decide_review as review
from govservice.engine import decide_supervision as supervision
from govservice.engine import rights
from govservice.engine.decide_work import CalendarsLike, Work
from govservice.engine.state import CaseState, TimerState
from govservice.engine.types import MAIN, Command, Event
from govservice.errors import NotAllowed
from govservice.models.base import to_iso

OPEN, CLAIM, RELEASE, SEND_NOTICE, RESUBMIT = "@open", "@claim", "@release", "@send_notice", "@resubmit"
INVITED, SUPPLY, CHILD, RESTART, APPOINT = "@invited", "@supply", "@child", "@restart", "@appoint"
DATA, SETTLED, REVIEW = data.TRIGGER, "@settled", review.TRIGGER
TIMER, RECALCULATE, MIGRATE, EXTEND = "@timer", "@recalculate", "@migrate", "@extend"
AD_HOC = ASSIGN, CANCEL, REOPEN = "@assign", "@cancel", "@reopen"
ANSWERS = rights.ANSWERS


def decide(d: Compiled, st: CaseState, cmd: Command, calendars: CalendarsLike) -> list[Event]:
    """The events that a command leads to; none where nothing changes. `st.ctx` carries the answers that guards read.

    Raises NotAllowed where the step has no such action or a guard refuses, Tampered where a definition goes in circles.
    """
    return plan(d, st, cmd, calendars).events


def plan(d: Compiled, st: CaseState, cmd: Command, calendars: CalendarsLike) -> Work:
    """`decide` with the state that its events lead to, so that it need not be folded twice."""
    return carried_out(Work(d, st, cmd, calendars, to_iso(cmd.now)))


def carried_out(work: Work) -> Work:
    """The work with everything done that its command asks for."""
    d, st, cmd = work.d, work.st, work.cmd
    handler = _HANDLERS.get(cmd.trigger.partition(":")[0])
    if handler is not None:
        handler(work)
        return work
    if cmd.trigger.startswith("@") and cmd.trigger not in ANSWERS:
        raise NotAllowed(action=cmd.trigger)
    token = rights.resolve_token(d, st, cmd)
    early = "step" in cmd.data and cmd.trigger in ANSWERS and token.step != cmd.data["step"]
    edge = d.edge(cmd.data["step"] if early else token.step, cmd.trigger)
    if early and edge is not None:
        acts.keep(work, edge)
        return work
    if edge is None or not token.open:
        raise NotAllowed(action=cmd.trigger, step=token.step)
    acts.act(work, token, edge)
    return work


def _open(work: Work) -> None:
    told = work.cmd.data
    work.emit(
        "case.opened",
        None,
        {
            "case": told["case_id"], "number": told["number"], "service": told["service"], "sha": told["def_sha"],
            "person": told["person_id"], "organisation": told.get("organisation_id"), "mandate": told.get("mandate_id"),
            "channel": told.get("channel", "online"), "area": told.get("area"),
            **({"parent": told["parent"], "effects": ["bundle.report"]} if told.get("parent") else {}),
        },
    )  # fmt: skip
    moves.arrive(work, MAIN, work.d.start)


def _claim(work: Work) -> None:
    acts.claim(work, rights.resolve_token(work.d, work.st, work.cmd))


def _release(work: Work) -> None:
    acts.release(work, rights.resolve_token(work.d, work.st, work.cmd))


def _invited(work: Work) -> None:
    token = rights.resolve_token(work.d, work.st, work.cmd)
    if token.status == "active" and token.person is None and work.step(token.step).person is not None:
        work.emit("person.invited", token.id, {"step": token.step, "person": work.cmd.data["person_id"]})


def _child(work: Work) -> None:
    bundle.heard(work)
    moves.settle(work)


def _restart(work: Work) -> None:
    bundle.restart(work)
    moves.settle(work)


def _send_notice(work: Work) -> None:
    block = work.d.blocks.get(work.st.main.step)
    if block is None or block.correction is None or work.st.notice is not None or not correction.pending(work):
        raise NotAllowed(action=SEND_NOTICE)
    correction.notify(work, block.path, block.correction)


def _extend(work: Work) -> None:
    limit = work.d.limits.get(work.cmd.trigger.partition(":")[2])
    if limit is None or limit.extend is None or clocks.limit_key(limit.name) not in work.st.clocks:
        raise NotAllowed(action=work.cmd.trigger)
    clocks.extend(work, acts.facts_of(work, limit.extend.role))


def _timer(work: Work) -> None:
    timer = work.st.timers.get(str(work.cmd.data["timer"]))
    if timer is None or timer.armed_seq != work.cmd.data["armed_seq"]:
        return  # it was armed anew or cancelled in the meantime
    acts.fire(work, timer)


_HANDLERS = {
    OPEN: _open,
    CLAIM: _claim,
    RELEASE: _release,
    INVITED: _invited,
    CHILD: _child,
    RESTART: _restart,
    APPOINT: acts.appoint,
    DATA: data.changed,
    SETTLED: data.settled,
    REVIEW: review.review,
    SEND_NOTICE: _send_notice,
    RESUBMIT: promises.resubmit,
    SUPPLY: promises.supply,
    TIMER: _timer,
    EXTEND: _extend,
    ASSIGN: supervision.assign,
    CANCEL: supervision.cancel,
    REOPEN: supervision.reopen,
    RECALCULATE: clocks.recalculate,
}


def due_timer(st: CaseState, now: str) -> TimerState | None:
    """The timer that must act first at `now`: by its hour, missed dates before acts, then in the order of arming."""
    due = [t for t in st.timers.values() if t.due_at is not None and t.due_at <= now]
    if not due:
        return None
    return min(due, key=lambda t: (t.due_at, not t.key.startswith("limit:"), t.armed_seq, t.name))
