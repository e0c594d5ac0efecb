"""What must hold of every state, checked before it is written. A breach is a fault of the engine, never of the
person."""

from __future__ import annotations

from collections.abc import Iterator

from govservice.definitions.compiled import Compiled
from govservice.engine.state import CaseState
from govservice.engine.types import MAIN
from govservice.errors import Tampered


def check(d: Compiled, st: CaseState) -> None:
    """Raises Tampered naming what does not hold."""
    broken = next(breaches(d, st), None)
    if broken is not None:
        raise Tampered(case_id=st.case_id, seq=st.seq, invariant=broken)


def breaches(d: Compiled, st: CaseState) -> Iterator[str]:
    """Everything that does not hold, one sentence each."""
    main = st.tokens.get(MAIN)
    step = d.steps.get(main.step) if main is not None else None
    if main is None or step is None:
        yield "the main token stands in no step of the definition"
        return
    if (st.status == "closed") != (step.kind == "end"):
        yield "closed exactly where the main token is at an end"
    if st.status == "closed":
        yield from _left_over(st)
        yield from _without_owner(d, st)
        return
    block = main.step if step.kind == "parallel" else None
    for token in st.tokens.values():
        if token.kind == "branch" and token.open and token.scope.partition(".")[0] != block:
            yield f"branch {token.scope} is open outside its parallel step"
    if block is not None and not any(t.open for t in st.branches_of(block)):
        yield f"no branch of {block} is open and no join has fired"
    if main.step in d.bundles and all(c.status == "ended" for c in st.children.values() if c.step == main.step):
        yield f"no child of {main.step} runs and no join has fired"
    yield from _without_owner(d, st)
    yield from _gaps(st)
    if st.notice is not None and f"{MAIN}/correction:lapse" not in st.timers:
        yield "a notice is out without a last day"


def _gaps(st: CaseState) -> Iterator[str]:
    if any(f"{MAIN}/deferral:{gap.material}:lapse" not in st.timers for gap in st.open_gaps):
        yield "a deferred material has no last day"
    if not st.open_gaps and any(t.waits_for == "gaps" for t in st.tokens.values()):
        yield "a step waits for deferred materials and none is open"


def _left_over(st: CaseState) -> Iterator[str]:
    """Only work after the case (the check of a pledge) lives on, with its own task, clock and timers."""
    lives_on = {t.id for t in st.tokens.values() if t.kind == "after" and t.open}
    if any(t.open and t.id not in lives_on for t in st.tokens.values()):
        yield "a token is open in a closed case"
    owners = [task.token_id for task in st.tasks.values()] + [timer.token_id for timer in st.timers.values()]
    clocks = [clock.token_id for clock in st.clocks.values() if clock.stopped_at is None]
    if not lives_on.issuperset([*owners, *clocks]):
        yield "a task, timer or clock outlives its case"
    if st.outcome == "granted" and st.open_gaps:
        yield "granted although a deferred material has not come"


def _without_owner(d: Compiled, st: CaseState) -> Iterator[str]:
    """I6: somebody, or the system, is to act on every open token."""
    for token in st.tokens.values():
        if st.status == "closed" and token.kind != "after":
            continue
        if token.status == "active" and d.steps[token.step].kind == "human" and st.task_of(token.id) is None:
            yield f"nobody has a task at {token.step}"
