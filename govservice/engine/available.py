"""Which actions an actor may take now, and why not the others: the same questions that `apply` asks, answered ahead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from govservice.definitions.compiled import Branch, Compiled, Edge
from govservice.engine import rights
from govservice.engine.decide_work import case_values, department_of
from govservice.engine.state import CaseState, Token
from govservice.engine.types import MAIN, Actor, Ctx, Needs, Offer, Refusal
from govservice.errors import NotAllowed

CLAIM: Mapping[str, str] = {"en": "Take this task", "zh": "签收"}
RELEASE: Mapping[str, str] = {"en": "Put it back", "zh": "退回待办"}
SEND: Mapping[str, str] = {"en": "Send the notice now", "zh": "立即发出补正通知"}
ANSWER: Mapping[str, str] = {"en": "Send the corrections", "zh": "提交补正"}
EXTEND: Mapping[str, str] = {"en": "Extend the limit", "zh": "延长办理期限"}
SUPPLY: Mapping[str, str] = {"en": "Bring what was put off", "zh": "补交容缺材料"}
ANSWER_NEEDS = Needs()


def available(d: Compiled, st: CaseState, actor: Actor, ctx: Ctx) -> list[Offer]:
    """Every action of every open token as this actor sees it, in the order of the definition; case-wide actions and
    the engine's own (`@claim`, `@release`, `@send_notice`, `@resubmit`, `@supply`) after a step's own. Of a closed case
    only work that lives on is open.

    Guards are weighed with `ctx.values`; without them an action with a guard counts as allowed and `apply` decides.
    """
    offers: list[Offer] = []
    for token in st.tokens.values():
        if token.open:
            offers += _at(d, st, token, actor, ctx)
    notice = _notice(d, st, actor, ctx)
    return [
        *offers, *([notice] if notice else []), *_resubmission(st, actor), *_supply(st, actor),
        *_extensions(d, st, actor, ctx),
    ]  # fmt: skip


def overlooked(d: Compiled, st: CaseState, ctx: Ctx) -> list[Branch]:
    """Branches that were not needed when their step ran and would be on the answers as they are now: a register has
    said otherwise since. Only of a case that stands behind that step and is not decided."""
    if ctx.values is None or "decided" in st.milestones or st.main.step in d.blocks:
        return []
    idle = [
        branch for block in d.blocks.values() for branch in block.branches
        if branch.when is not None and branch.each is None
        and (parts := st.parts_of(branch.scope)) and all(part.outcome == "not_needed" for part in parts)
    ]  # fmt: skip
    values = case_values(st, ctx, ctx.calendar) if idle else {}
    return [branch for branch in idle if branch.when is not None and branch.when.evaluate(values).value]


def _at(d: Compiled, st: CaseState, token: Token, actor: Actor, ctx: Ctx) -> list[Offer]:
    edges = [e for e in d.out.get(token.step, ()) if e.kind in ("action", "always") and e.by != "system"]
    first = next((e.name for e in edges if e.kind == "action" and not (e.correction or e.pause)), None)
    offers = [_offer(d, st, token, edge, actor, ctx, edge.name == first) for edge in edges]
    task = st.task_of(token.id)
    if task is not None and token.status == "active":
        why = rights.claim_refusal(d, st, task, actor, ctx)
        if task.assignee is None or task.assignee not in actor.ids:
            offers.append(_own(token, "@claim", CLAIM, "claim", why))
        else:
            offers.append(_own(token, "@release", RELEASE, "release", rights.release_refusal(task, actor)))
    return offers


def _offer(d: Compiled, st: CaseState, token: Token, edge: Edge, actor: Actor, ctx: Ctx, primary: bool) -> Offer:
    why = rights.refusal(d, st, token, edge, actor, ctx)
    if why is None and edge.guard is not None:
        why = rights.by_guard(edge, guard_values(d, st, edge, ctx))
    second = edge.two_people and token.confirmed is not None and token.confirmed[0] == edge.name
    return Offer(
        token.id, token.step, edge.name, edge.label, edge.kind, rights.needs_of(token, edge), why is None, why, primary,
        edge.correction, second, edge.two_people, edge.hint,
    )  # fmt: skip


def guard_values(d: Compiled, st: CaseState, edge: Edge, ctx: Ctx) -> Mapping[str, Any] | None:
    """What a guard sees; None where the answers were not loaded."""
    if ctx.values is None:
        return None
    try:
        department = department_of(d, ctx, edge.by, st.place_of(edge.by)) if edge.by in d.service.roles else None
    except NotAllowed:
        department = None
    return {**case_values(st, ctx, ctx.calendar), "actor.role": edge.by, "actor.department": department}


def _own(token: Token, action: str, label: Mapping[str, str], kind: str, why: Refusal | None) -> Offer:
    return Offer(token.id, token.step, action, label, kind, ANSWER_NEEDS, why is None, why)


def _notice(d: Compiled, st: CaseState, actor: Actor, ctx: Ctx) -> Offer | None:
    """The lead's early notice is offered only in a parallel step that knows corrections."""
    block = d.blocks.get(st.main.step)
    if block is None or block.correction is None:
        return None
    return _own(st.tokens[MAIN], "@send_notice", SEND, "notice", rights.notice_refusal(d, st, actor, ctx))


def _resubmission(st: CaseState, actor: Actor) -> list[Offer]:
    if st.notice is None:
        return []
    why = rights.resubmit_refusal(st, actor)
    return [Offer(MAIN, st.main.step, "@resubmit", ANSWER, "resubmit", ANSWER_NEEDS, why is None, why, primary=True)]


def _extensions(d: Compiled, st: CaseState, actor: Actor, ctx: Ctx) -> list[Offer]:
    """Limits that whoever holds the role named may make longer, with reasons."""
    offers = []
    for name, limit in d.limits.items():
        clock = st.clocks.get(f"limit:{name}")
        if limit.extend is None or clock is None or clock.stopped_at is not None:
            continue
        if rights.holds(d, st, actor, limit.extend.role, ctx):
            why = rights.extend_refusal(d, st, actor, name, ctx)
            needs = Needs(reason=True)
            offers.append(Offer(MAIN, st.main.step, f"@extend:{name}", EXTEND, "extend", needs, why is None, why))
    return offers


def _supply(st: CaseState, actor: Actor) -> list[Offer]:
    if st.status == "closed" or not st.open_gaps:
        return []
    why = rights.supply_refusal(st, actor)
    return [Offer(MAIN, st.main.step, "@supply", SUPPLY, "supply", ANSWER_NEEDS, why is None, why)]
