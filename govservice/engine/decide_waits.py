"""An auto step that waits for the applicant: for every deferred material (容缺受理), or for the fee.

The time until then is the applicant's, not the authority's: the case's limits stand still, and they were told so with
the notice. It has an end that they were told too: the last day of the gap, or of the payment.
"""

from __future__ import annotations

from typing import Any

from govservice.definitions.compiled import Step
from govservice.engine import decide_clocks as clocks
from govservice.engine.decide_work import Work
from govservice.engine.types import MAIN

KIND, PAYMENT = "deferral", "payment"  # why limits stand still
GAPS = "gaps"
COLLECT = "fee.collect"  # the call that waits for a payer


def waiting(work: Work, step: Step, data: dict[str, Any]) -> dict[str, Any]:
    """What the entry into a step says when its call must wait: no effect yet."""
    if not (step.requires_gaps and step.call is not None and work.st.open_gaps):
        return data
    return {**{name: value for name, value in data.items() if name != "effects"}, "waits_for": GAPS}


def hold(work: Work, token_id: int) -> None:
    """After an entry: where the step waits for a document, its stay stands still; on the main token the case's limits
    do, also for a fee. They run on when the token moves on."""
    gaps = work.token(token_id).waits_for == GAPS
    if gaps:
        clocks.pause_stay(work, token_id, KIND)
    if token_id == MAIN and (gaps or _owes(work)):
        running = [c.key for c in work.st.clocks.values() if c.token_id is None and c.running]
        clocks.pause(work, running, KIND if gaps else PAYMENT)


def _owes(work: Work) -> bool:
    """Whether the case stands at its fee and no payment came before it."""
    path = work.st.main.step
    return work.step(path).call == COLLECT and path not in work.st.kept


def release(work: Work) -> None:
    """The last gap was closed: steps that waited are called, and what stood still counts on."""
    if work.st.open_gaps:
        return
    for token in [t for t in work.st.tokens.values() if t.waits_for == GAPS]:
        clocks.resume_stay(work, token.id)
        if token.id == MAIN:
            for clock in [c for c in work.st.clocks.values() if _stands(c.pauses)]:
                clocks.resume(work, clock.key)
        call = work.step(token.step).call
        effects = [call] if token.step not in work.st.kept else []  # an answer that came early is there already
        work.emit("step.called", token.id, {"step": token.step, "effects": effects})


def _stands(pauses: Any) -> bool:
    return bool(pauses) and pauses[-1][1] is None and pauses[-1][2] == KIND
