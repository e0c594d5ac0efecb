"""The one correction (补正, Administrative Licensing Law art. 32(4)): asks are collected, ONE notice goes out, clocks
stand still from the notice to the resubmission, and what rested on the old answers is looked at again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govservice.definitions.compiled import Block, Branch, CorrectionPolicy, Edge
from govservice.engine import decide_clocks as clocks
from govservice.engine import decide_moves as moves
from govservice.engine import decide_pauses as pauses
from govservice.engine.decide_work import Work
from govservice.engine.state import Ask, ClockState, Token
from govservice.engine.types import MAIN
from govservice.errors import NotAllowed
from govservice.worktime.limits import fraction

KIND = "correction"
WARN_AT = 80  # per cent of the time to answer: then the applicant is told that the case will lapse


def policy_of(work: Work, token: Token) -> CorrectionPolicy:
    """What holds for a correction asked at a token. Raises NotAllowed where the definition says nothing."""
    block = work.d.blocks.get(token.scope.partition(".")[0])
    policy = block.correction if block is not None else work.d.correction
    if policy is None:
        raise NotAllowed("This service has no way to ask for a correction.")
    return policy


def ask(work: Work, token_id: int, trigger: str, facts: Mapping[str, Any]) -> None:
    """A department asks; its token waits and its own limit stands still from now on."""
    token, step = work.token(token_id), work.token(token_id).step
    policy = policy_of(work, token)
    data: dict[str, Any] = {"step": step, "trigger": trigger, **facts}
    at_once = token_id == MAIN or policy.notice == "each"
    if not at_once and not pending(work) and policy.collect_within is not None and work.st.notice is None:
        data["timers"] = [_collect_timer(work, policy)]
    work.emit("correction.asked", token_id, data)
    if not work.token(token_id).paused:
        clocks.pause_stay(work, token_id, KIND)
    if at_once:
        notify(work, work.st.main.step, policy)
    else:
        after_act(work)


def _collect_timer(work: Work, policy: CorrectionPolicy) -> list[Any]:
    assert policy.collect_within is not None
    return [MAIN, "correction:collect", None, work.deadline(work.at, policy.collect_within).at]


def pending(work: Work) -> list[Ask]:
    """Asks that no notice has carried to the applicant yet."""
    return [a for a in work.st.asks.values() if not a.notified]


def after_act(work: Work) -> None:
    """Somebody acted in a parallel step: is it time for the notice, does the clock stand still now?"""
    block = work.d.blocks.get(work.st.main.step) if work.st.status != "closed" else None
    if block is None and work.st.notice is not None and work.d.correction is not None:
        _pause_clocks(work, work.d.correction)
    if block is None or block.correction is None:
        return
    if pending(work) and work.st.notice is None and _everybody_acted(work, block):
        notify(work, block.path, block.correction)
    elif work.st.notice is not None:
        _pause_clocks(work, block.correction)


def _everybody_acted(work: Work, block: Block) -> bool:
    """Every open branch has acted since it was entered (or since the last resubmission it took part in)."""
    return all(t.acted for t in work.st.branches_of(block.path) if t.open)


def notify(work: Work, scope: str, policy: CorrectionPolicy) -> None:
    """ONE notice with everything that was asked; the applicant's time and the pause of the clocks begin.

    Where the definition says `notice: each`, every ask goes out by itself; one answer then settles all that are out.
    """
    asks = pending(work)
    lapse = work.deadline(work.at, policy.within)
    warn = work.deadline(work.at, fraction(policy.within, WARN_AT))
    timers: list[list[Any]] = [[MAIN, "correction:lapse", None, lapse.at]]
    if warn.at < lapse.at:
        timers.append([MAIN, "correction:warn", None, warn.at])
    data: dict[str, Any] = {
        "scope": scope, "tokens": [a.token_id for a in asks], "items": sorted({i for a in asks for i in a.items}),
        "texts": [a.text_id for a in asks if a.text_id], "lapse_on": lapse.on, "lapse_at": lapse.at,
        "provisional": lapse.provisional, "timers": timers, "effects": ["notice.correction"],
    }  # fmt: skip
    if any(a.step in work.st.noticed for a in asks):
        data["second_notice"] = True  # the law allows one: supervision counts these (art. 32(4))
    work.emit("correction.notified", MAIN, data)
    block = work.d.blocks.get(scope)
    if block is not None and policy.siblings == "suspend":
        _suspend(work, block)
    _pause_clocks(work, policy)


def _suspend(work: Work, block: Block) -> None:
    """The other departments wait too, and so do their limits; what the system is doing goes on."""
    for token in work.st.branches_of(block.path):
        if token.status == "active" and work.step(token.step).kind != "auto":
            work.emit("branch.suspended", token.id, {"branch": token.scope})
            if not token.paused:
                clocks.pause_stay(work, token.id, KIND)


# -- the clocks of the case


def _pause_clocks(work: Work, policy: CorrectionPolicy) -> None:
    block = work.d.blocks.get(work.st.main.step)
    if block is not None:
        opened = [t for t in work.st.branches_of(block.path) if t.open]
        waiting = [t for t in opened if t.waits_for == "correction"]
        if policy.clock == "run" or not waiting or (policy.clock == "pause_all" and len(waiting) < len(opened)):
            return
        if not work.st.main.paused:
            clocks.pause_stay(work, MAIN, KIND)
    clocks.pause(work, [c.key for c in work.st.clocks.values() if _stops(work, c)], KIND)


def _stops(work: Work, clock: ClockState) -> bool:
    """Limits that list corrections stop; the check for completeness always does, for it begins afresh later."""
    if clock.token_id is not None or not clock.running:
        return False
    return KIND in work.d.limits[clock.key.partition(":")[2]].pauses or is_intake(work, clock)


def is_intake(work: Work, clock: ClockState) -> bool:
    limit = work.d.limits[clock.key.partition(":")[2]]
    return (limit.start, limit.stop) == clocks.INTAKE


# -- the answer


def resubmit(work: Work) -> None:
    """The applicant answers the notice: pins the new revision, clocks run on, branches are weighed again."""
    notice = work.st.notice
    assert notice is not None
    rev, changed = work.cmd.data.get("data_rev", work.st.data_rev), tuple(work.cmd.data.get("changed", ()))
    block = work.d.blocks.get(work.st.main.step)
    # A part that asked may have been ended since, or begun anew by supervision: the answer lets only those go on that
    # still wait for it.
    waiting = tuple(id for id in notice.tokens if id in work.st.asks and work.st.asks[id].notified)
    data: dict[str, Any] = {
        "rev": rev, "changed": list(changed), "tokens": list(waiting),
        "unconfirmed": unconfirmed(work, block, changed),
    }  # fmt: skip
    policy = block.correction if block is not None else None
    if policy is not None and policy.collect_within is not None and pending(work):
        data["timers"] = [_collect_timer(work, policy)]  # asked while the notice was out: their own collecting begins
    work.emit("correction.resubmitted", MAIN, data)
    _run_on(work, waiting)
    if block is not None:
        weigh_again(work, block, changed)
        after_act(work)
        moves.settle(work)


def unconfirmed(work: Work, block: Block | None, changed: tuple[str, ...]) -> list[int]:
    """Tokens where a first person confirmed on answers that have changed: both must look again."""
    if block is None:
        return []
    return [
        token.id
        for branch in block.branches
        for token in work.st.parts_of(branch.scope)
        if token.confirmed is not None and moves.reads(work, branch, changed)
    ]


def _run_on(work: Work, tokens: tuple[int, ...]) -> None:
    for id in tokens:
        clocks.resume_stay(work, id)
    for token in list(work.st.tokens.values()):
        if token.status == "suspended":
            work.emit("branch.resumed", token.id, {"branch": token.scope})
            clocks.resume_stay(work, token.id)
    if work.st.main.paused:
        clocks.resume_stay(work, MAIN)
    for clock in list(work.st.clocks.values()):
        if clock.token_id is None and clock.stopped_at is None and clock.paused_since is not None:
            if is_intake(work, clock):  # a fresh check, counted from the resubmission
                name = clock.key.partition(":")[2]
                clocks.start(work, name, work.d.limits[name], work.at)
            else:
                clocks.resume(work, clock.key)
    pauses.reconcile(work)


def weigh_again(work: Work, block: Block, changed: tuple[str, ...]) -> None:
    """Every `when` is asked again, and a finished branch that reads what changed starts over."""
    for branch in block.branches:
        parts = work.st.parts_of(branch.scope)
        known = moves.scopes_of(work, branch) if moves.needed(work, branch) else []
        for token in parts:
            if token.scope not in known and token.outcome != "not_needed":
                moves.not_needed(work, token.scope)
        for scope in known if parts else ():
            if branch.each in changed or _over_again(work, block, branch, work.st.token_of(scope)):
                moves.open_part(work, branch, scope, reopened=True)


def _over_again(work: Work, block: Block, branch: Branch, token: Token | None) -> bool:
    """Whether a part starts over: it is new, was not needed so far, or ended on answers that have changed. Where the
    list of a branch with `each` itself has changed, every part does: its place may be another element's now."""
    if token is None or token.outcome == "not_needed" or token.round != work.st.rounds[branch.block]:
        return True
    return not token.open and moves.outdated(work, block, branch, token)


# -- no answer


def lapse(work: Work, edge: Edge) -> None:
    """The applicant did not answer in time: the case ends as the definition says."""
    dest = work.take(work.st.main.step, edge)
    moves.move(work, MAIN, edge, dest, {})
