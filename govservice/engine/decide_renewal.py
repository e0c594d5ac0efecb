"""A licence that is to be renewed expires while its case is undecided: the law counts silence as renewal
(Administrative Licensing Law art. 50), where the definition says so. The date hangs on the licence, on no step."""

from __future__ import annotations

from govservice.definitions.compile_edges import RENEWED
from govservice.engine import decide_moves as moves
from govservice.engine.decide_work import Work
from govservice.engine.types import MAIN

TIMER = "renewal:expiry"


def begun(work: Work) -> None:
    """With a submission: which licence it renews, and when that expires."""
    said = work.cmd.data.get("renews")
    if not said:
        return
    output, due = work.d.service.output, said["expires_at"]
    deemed = output is not None and output.on_expiry_undecided == "renewed" and due > work.at
    timers = [[MAIN, TIMER, None, due]] if deemed else []
    data = {"document": said["document"], "expires_on": said["expires_on"], "expires_at": due, "timers": timers}
    work.emit("renewal.begun", MAIN, data)


def possible(work: Work) -> bool:
    """Whether the case can be granted as it stands: not while a document is missing."""
    return work.d.edge(work.st.main.step, RENEWED) is not None and not work.st.open_gaps


def expire(work: Work) -> None:
    """The licence has expired undecided."""
    edge = work.d.edge(work.st.main.step, RENEWED)
    if edge is not None and possible(work):
        moves.move(work, MAIN, edge, work.take(work.st.main.step, edge), {"deemed": True})
