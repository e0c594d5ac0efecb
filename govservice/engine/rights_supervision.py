"""What supervision may do to a case ad hoc: give a task to somebody, end a department's part, let it be looked at
again.

A supervisor acts in the areas of the departments where the role is held, and below them; the lead of a parallel step
may give out the tasks of its branches. Nobody does it to their own application.
"""

from __future__ import annotations

from itertools import product

from govservice.definitions.compiled import Block, Compiled
from govservice.engine import consults, rights
from govservice.engine.state import CaseState, Task, Token
from govservice.engine.types import Actor, Ctx, Refusal

SUPERVISOR = "supervisor"
CANCELLED = "cancelled"
NOT_SUPERVISOR = Refusal("role", "Only a supervisor of this area may do this.")
NO_JOIN = Refusal("no_join", "The case could not go on without this part: no rule says what follows.")
NOT_TO_THEM = Refusal("assignee", "This person cannot take the task.")


def supervises(st: CaseState, actor: Actor, ctx: Ctx | None) -> bool:
    """Whether the actor watches over the case's area."""
    if actor.kind != "user" or ctx is None or st.area is None:
        return False
    above = {area.code for area in ctx.catalogue.line_of_areas(st.area)}
    held = (ctx.catalogue.departments.get(department) for role, department in actor.roles if role == SUPERVISOR)
    return any(department is not None and department.area in above for department in held)


def supervisor_refusal(st: CaseState, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    if st.status == "closed":
        return rights.CLOSED
    if not supervises(st, actor, ctx):
        return NOT_SUPERVISOR
    return rights.conflict(st, actor)


def assign_refusal(
    d: Compiled, st: CaseState, token: Token, actor: Actor, assignee: Actor | None, ctx: Ctx | None
) -> Refusal | None:
    """May this actor give the token's task to that person? `assignee` None: the question in general."""
    task = st.task_of(token.id)
    if task is None or st.status == "closed":
        return rights.CLOSED if st.status == "closed" else rights.NOT_HERE
    owner = d.steps[st.main.step].owner if token.kind == "branch" else None
    leads = owner is not None and rights.by_right(d, st, actor, owner, ctx) is None
    if not leads and (why := supervisor_refusal(st, actor, ctx)):
        return why
    return None if assignee is None else _not_to(d, st, token, task, assignee, ctx)


def _not_to(
    d: Compiled, st: CaseState, token: Token, task: Task, assignee: Actor, ctx: Ctx | None
) -> Refusal | None:  # fmt: skip
    """The same questions as for claiming, asked about the other person."""
    why = rights.by_right(d, st, assignee, task.role, ctx)
    if why is None and token.confirmed is not None and assignee.id in token.confirmed[1:]:
        why = rights.SAME_PERSON
    return None if why is None else NOT_TO_THEM._replace(facts={"because": why.code})


def cancel_refusal(d: Compiled, st: CaseState, token: Token, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    """May this department's part be ended? Only where the case can go on whatever the others come to. A question to
    another department may also be taken back by the step that asked it."""
    if token.kind == consults.KIND:
        return _take_back_refusal(d, st, token, actor, ctx)
    if why := supervisor_refusal(st, actor, ctx):
        return why
    block = d.blocks.get(st.main.step)
    if token.kind != "branch" or not token.open or block is None:
        return rights.NOT_HERE
    return None if goes_on(st, block, token) else NO_JOIN


def _take_back_refusal(d: Compiled, st: CaseState, token: Token, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    if not token.open:
        return rights.CLOSED if st.status == "closed" else rights.NOT_HERE
    asked_at = d.steps[token.step].asked_at  # none of a task over a change: nobody asked, so supervision alone
    asking = d.steps[asked_at].owner if asked_at is not None else None
    if asking is not None and rights.by_right(d, st, actor, asking, ctx) is None:
        return None
    return supervisor_refusal(st, actor, ctx)


def goes_on(st: CaseState, block: Block, without: Token) -> bool:
    """Whether some rule fires for every way in which the other parts may end, this one being cancelled."""
    outcomes: list[tuple[str, ...]] = []
    for branch in block.branches:
        for part in st.parts_of(branch.scope):
            if part.id == without.id:
                outcomes.append((CANCELLED,))
            else:
                outcomes.append(branch.outcomes if part.open else (part.outcome or CANCELLED,))
    return all(
        any(edge.join is None or edge.join.holds({str(n): end for n, end in enumerate(ends)}) for edge in block.joins)
        for ends in product(*outcomes)
    )


def reopen_refusal(d: Compiled, st: CaseState, token: Token, actor: Actor, ctx: Ctx | None) -> Refusal | None:
    """May a finished part of the present round be looked at again? Not one that is not needed."""
    if why := supervisor_refusal(st, actor, ctx):
        return why
    block = d.blocks.get(st.main.step)
    ended = token.kind == "branch" and not token.open and token.outcome != "not_needed"
    present = block is not None and token in st.branches_of(block.path) and token.round == st.rounds[block.path]
    return None if ended and present else rights.NOT_HERE
