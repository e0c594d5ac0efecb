"""What the lead and supervision do ad hoc. Whether they may is asked before (`rights_supervision`)."""

from __future__ import annotations

from typing import Any

from govservice.definitions.compiled import Branch
from govservice.engine import consults, rights
from govservice.engine import decide_acts as acts
from govservice.engine import decide_correction as correction
from govservice.engine import decide_leaving as leaving
from govservice.engine import decide_moves as moves
from govservice.engine.decide_work import Work
from govservice.engine.rights_supervision import SUPERVISOR
from govservice.engine.state import Token


def assign(work: Work) -> None:
    """A task is given to somebody, whoever had it."""
    token = rights.resolve_token(work.d, work.st, work.cmd)
    task, to = work.st.task_of(token.id), work.cmd.assignee
    if task is None or to is None or task.assignee == to.id:
        return
    data: dict[str, Any] = {"task": task.opened_seq, "step": task.step, "to": to.id}
    if task.assignee is not None:
        data["was"] = task.assignee
    work.emit("task.assigned", token.id, {**data, **_words(work)})


def _words(work: Work) -> dict[str, Any]:
    """The digest of the reasons; supervising is no role of the service."""
    return {k: v for k, v in acts.facts_of(work, SUPERVISOR).items() if k != "role"}


def cancel(work: Work) -> None:
    """A department's part ends without an outcome of its own; the join rules go on from there."""
    token = rights.resolve_token(work.d, work.st, work.cmd)
    if token.kind == consults.KIND:
        leaving.take_back(work, token.id, _words(work))
        return
    leaving.drop(work, token.id)
    work.emit("branch.cancelled", token.id, {"branch": token.scope, "by_supervision": True, **_words(work)})
    correction.after_act(work)
    moves.settle(work)


def reopen(work: Work) -> None:
    """A finished part is looked at again from its start, within the same round."""
    token = rights.resolve_token(work.d, work.st, work.cmd)
    more = {"by_supervision": True, **_words(work)}
    moves.open_part(work, _branch(work, token), token.scope, reopened=True, more=more)
    correction.after_act(work)
    moves.settle(work)


def _branch(work: Work, token: Token) -> Branch:
    block = work.d.blocks[work.st.main.step]
    return next(branch for branch in block.branches if branch.scope == token.branch)
