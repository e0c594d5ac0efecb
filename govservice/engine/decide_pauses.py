"""Excluded time by kind (Administrative Licensing Law art. 45): a hearing, an expert review and the like stop the
limits that list their kind, from a written notice of the expected length to their end, at the latest when that length
is over.

Every stay and every limit stands still for one reason at a time, so that what overlaps counts once: where a reason ends
and another remains, the pause goes on under the other's name from that instant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from govservice.definitions.compiled import Edge
from govservice.engine import decide_clocks as clocks
from govservice.engine import decide_waits as waits
from govservice.engine.clocks import duration
from govservice.engine.decide_work import Work
from govservice.engine.state import ClockState, Hold, Token
from govservice.engine.types import MAIN, moment
from govservice.models.base import to_iso
from govservice.worktime.duration import Duration

CORRECTION = "correction"
TIMER = "@pause:"  # key of the timer that ends a pause which nobody ended
_LAST_INSTANT = timedelta(microseconds=1)


def begin(work: Work, token_id: int, edge: Edge, facts: Mapping[str, Any]) -> None:
    """A pause of the edge's kind begins at a token; the applicant is told for how long.

    It ends by itself with the last instant of its last day, so that the next working day counts again.
    """
    assert edge.pause is not None
    length = edge.length or duration(str(work.cmd.data["length"]))
    said = {"step": edge.source, "trigger": edge.name, **facts}
    hold(work, token_id, said, edge.pause, length, edge.effects)


def hold(
    work: Work, token_id: int, said: Mapping[str, Any], kind: str, length: Duration, effects: Sequence[str] = ()
) -> None:
    """Excluded time of a kind runs at a token; `said`: where and by which act it began."""
    until = work.deadline(work.at, length)
    data: dict[str, Any] = {
        "kind": kind, "length": str(length), "until_on": until.on,
        "until_at": to_iso(moment(until.at) - _LAST_INSTANT), "provisional": until.provisional, **said,
    }  # fmt: skip
    data["timers"] = [[token_id, TIMER + kind, None, data["until_at"]]]
    data["effects"] = ["notice.pause", *effects]
    work.emit("pause.begun", token_id, data)
    reconcile(work)


def end(work: Work, token_id: int, kind: str, how: str, facts: Mapping[str, Any] | None = None) -> None:
    """A pause is over; `how`: action, timer, left (its token left the step) or settled."""
    step = work.token(token_id).step
    work.emit("pause.ended", token_id, {"step": step, "kind": kind, "how": how, **(facts or {})})
    reconcile(work)


def drop(work: Work, token_id: int) -> None:
    """The pauses of a token that is about to leave its step end with its stay."""
    for hold in work.st.holds:
        if hold.token_id == token_id:
            end(work, token_id, hold.kind, "left")


def reconcile(work: Work) -> None:
    """Lets stand still what has a reason to, and run what has none any more. Limits that a correction stopped run on
    with its answer only (`decide_correction`), what waits for a gap or a fee when it is there (`decide_waits`)."""
    for id in list(work.st.tokens):
        token = work.token(id)
        if token.open:
            _stay(work, token, _reason_of_stay(work, token))
    for clock in list(work.st.clocks.values()):
        if clock.token_id is None and clock.stopped_at is None:
            _limit(work, clock, _reason_of_limit(work, clock))


def _stay(work: Work, token: Token, wanted: str | None) -> None:
    present = token.pauses[-1][2] if token.paused else None
    if present in (wanted, CORRECTION, waits.KIND, waits.PAYMENT):
        return
    if present is not None:
        clocks.resume_stay(work, token.id)
    if wanted is not None:
        clocks.pause_stay(work, token.id, wanted)


def _limit(work: Work, clock: ClockState, wanted: str | None) -> None:
    present = clock.pauses[-1][2] if clock.paused_since is not None else None
    if present in (wanted, CORRECTION, waits.KIND, waits.PAYMENT):
        return
    if present is not None:
        clocks.resume(work, clock.key)
    if wanted is not None:
        clocks.pause(work, [clock.key], wanted)


def _reason_of_stay(work: Work, token: Token) -> str | None:
    """Its own pause, its own request for a correction; of a parallel step the pause of a branch."""
    for hold in work.st.holds:
        if token.id in (hold.token_id, MAIN if _in_block(work, hold) else None):
            return hold.kind
    return CORRECTION if token.id in work.st.asks or token.status == "suspended" else None


def _in_block(work: Work, hold: Hold) -> bool:
    return work.st.main.step in work.d.blocks and work.token(hold.token_id).kind == "branch"


def _reason_of_limit(work: Work, clock: ClockState) -> str | None:
    listed = work.d.limits[clock.key.partition(":")[2]].pauses
    return next((hold.kind for hold in work.st.holds if hold.kind in listed), None)
