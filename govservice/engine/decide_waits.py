"""An auto step that requires every deferred material waits for the applicant, and does not fail (容缺受理).

The time until then is the applicant's, not the authority's: the stay and the case's limits stand still. It has an end
that the applicant was told: the last day of the gap.
"""

from __future__ import annotations

from typing import Any

from govservice.definitions.compiled import Step
from govservice.engine import decide_clocks as clocks
from govservice.engine.decide_work import Work
from govservice.engine.types import MAIN

KIND = "deferral"
GAPS = "gaps"


def waiting(work: Work, step: Step, data: dict[str, Any]) -> dict[str, Any]:
    """What the entry into a step says when its call must wait: no effect yet."""
    if not (step.requires_gaps and step.call is not None and work.st.open_gaps):
        return data
    return {**{name: value for name, value in data.items() if name != "effects"}, "waits_for": GAPS}


def hold(work: Work, token_id: int) -> None:
    """After an entry: where the step waits, its stay (and on the main token the case's limits) stand still."""
    if work.token(token_id).waits_for != GAPS:
        return
    clocks.pause_stay(work, token_id, KIND)
    if token_id == MAIN:
        clocks.pause(work, [c.key for c in work.st.clocks.values() if c.token_id is None and c.running], KIND)


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
