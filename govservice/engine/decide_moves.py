"""How tokens move: leaving a step, entering the next, branches, joins, the end. Never crosses a branch's border."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from govservice.definitions.compiled import Block, Branch, Edge, Step
from govservice.engine import consults
from govservice.engine import decide_bundle as bundles
from govservice.engine import decide_clocks as clocks
from govservice.engine import decide_leaving as leaving
from govservice.engine import decide_waits as waits
from govservice.engine.decide_work import Work
from govservice.engine.state import Token
from govservice.engine.types import MAIN

# What the law or good manners make us tell the applicant, by what happened.
NOTICE_OF_MARK = {"received": "notice.receipt", "accepted": "notice.acceptance"}
NOTICE_OF_EFFECT = {"document.revoke": "notice.revoked"}
NOTICE_OF_END = {
    "granted": "notice.grant",
    "refused": "notice.refusal",
    "withdrawn": "notice.withdrawn",
    "lapsed": "notice.lapsed",
    "terminated": "notice.terminated",
}

REFUND = "payment.refund"  # the effect that gives a fee back


def move(
    work: Work, token_id: int, edge: Edge, dest: str, facts: Mapping[str, Any], *, marked_at: str | None = None
) -> None:
    """A token leaves its step by an edge and arrives. `facts` go into `step.left`; `marked_at` makes a mark count from
    another instant (deemed acceptance: from receipt)."""
    leave(work, token_id, edge, dest, facts, marked_at)
    if "#" in dest and work.token(token_id).kind == "after":
        step, _, outcome = dest.partition("#")
        work.emit("after.ended", token_id, {"step": step, "outcome": outcome})
    elif "#" in dest and work.token(token_id).kind == consults.KIND:
        step, _, outcome = dest.partition("#")
        work.emit("consult.ended", token_id, {"step": step, "outcome": outcome})
    elif "#" in dest:
        end_branch(work, token_id, dest)
    else:
        arrive(work, token_id, dest, edge)
    settle(work)


def leave(
    work: Work, token_id: int, edge: Edge, dest: str, facts: Mapping[str, Any], marked_at: str | None = None
) -> None:
    leaving.drop(work, token_id)
    token = work.token(token_id)
    if token_id == MAIN and token.step in work.d.blocks:
        cancel_branches(work, token.step)
    if token_id == MAIN and token.step in work.d.bundles:
        bundles.cancel(work, token.step)
    data: dict[str, Any] = {"step": token.step, "trigger": edge.name, **facts}
    effects = [*(NOTICE_OF_EFFECT[e] for e in edge.effects if e in NOTICE_OF_EFFECT), *edge.effects]
    if edge.marks is not None:
        data |= {"marks": edge.marks, "marked_at": marked_at or work.at}
        if edge.marks in NOTICE_OF_MARK and _goes_on(work, dest):
            effects = with_notice(NOTICE_OF_MARK[edge.marks], effects)
    if edge.flag is not None:
        data["flag"] = edge.flag
    if effects:
        data["effects"] = effects
    work.emit("step.left", token_id, data)
    if "area" in data:
        work.forget_area()
    if edge.marks is not None:
        clocks.mark(work, edge.marks, data["marked_at"], dest)
    if token_id == MAIN and not _is_end(work, dest):
        _end_correction_pauses(work)


def _goes_on(work: Work, dest: str) -> bool:
    return not _is_end(work, dest) or work.step(dest).outcome == "granted"


def _is_end(work: Work, dest: str) -> bool:
    return "#" not in dest and work.step(dest).kind == "end"


def _end_correction_pauses(work: Work) -> None:
    """The main token moved on while a correction was out (a join fired): the applicant owes nothing any more."""
    for clock in list(work.st.clocks.values()):
        if clock.token_id is None and clock.stopped_at is None and clock.paused_since is not None:
            clocks.resume(work, clock.key)


# -- arriving


def arrive(work: Work, token_id: int, path: str, edge: Edge | None = None) -> None:
    step = work.step(path)
    if step.kind == "end":
        close(work, step, edge)
        return
    stay = entry(work, step, work.st.tokens.get(token_id), token_id)
    work.emit("step.entered", token_id, waits.waiting(work, step, stay))
    waits.hold(work, token_id)
    if step.kind == "parallel":
        fork(work, work.d.blocks[path])
    elif step.kind == "cases":
        bundles.enter(work, work.d.bundles[path])


def entry(work: Work, step: Step, token: Token | None, token_id: int) -> dict[str, Any]:
    """What `step.entered` and `branch.opened` say of a stay: whose it is and when it is due."""
    data: dict[str, Any] = {"step": step.path, "kind": step.kind}
    if step.owner is not None and step.kind in ("human", "parallel", "cases"):
        data |= {"role": step.owner, "department": work.department(step.owner)}
        if step.kind == "human" and (hand := work.st.hands.get(step.path)) is not None:
            data["assignee"] = hand  # it comes back to whoever had it: they know the case
    if step.limit is not None:
        due = work.deadline(work.at, step.limit)
        data |= {
            "limit": str(step.limit), "due_on": due.on, "due_at": due.at, "provisional": due.provisional,
            "calendar": work.cal.version,
        }  # fmt: skip
    if step.person is not None and (token is None or token.person is None):
        data["effects"] = ["person.invite"]
    if step.timers:
        arriving = _arriving(step, token, token_id, work)
        data["timers"] = clocks.armed(work, step, arriving)
    if step.call is not None and step.path not in work.st.kept:  # an answer is here: nothing is asked any more
        data["effects"] = [step.call]
        if step.call == waits.COLLECT:
            data |= {"effects": ["notice.fee", step.call], "waits_on": "applicant"}
    return data


def _arriving(step: Step, token: Token | None, token_id: int, work: Work) -> Token:
    base = token or Token(token_id, "main", None, "", step.path, "active", None, 0, 0, 0, work.at, work.st.seq + 1)
    return base._replace(step=step.path, entered_at=work.at, entered_seq=work.st.seq + 1, pauses=())


def close(work: Work, step: Step, edge: Edge | None) -> None:
    notice = NOTICE_OF_END[step.outcome or "terminated"]
    if edge is not None and edge.kind == "lapse" and step.outcome not in ("terminated", "granted"):
        notice = "notice.lapsed"
    effects = with_notice(notice, step.effects)
    effects += money_back(work, step.outcome, effects)
    if work.st.parent_id is not None:
        effects.append("bundle.report")
    leaving.drop_all(work)
    work.emit("case.closed", MAIN, {"step": step.path, "outcome": step.outcome, "effects": effects})
    if step.outcome == "granted":
        check_pledges(work)
    for opening in step.opens:
        if opening.when is None or opening.when.evaluate(work.values()).value:
            open_after(work, opening.step, [])


# -- after the case has closed


def check_pledges(work: Work) -> None:
    """Granted on a pledge: whether it is kept is looked at afterwards, one task for each step that says so."""
    found: dict[str, list[str]] = {}
    for material in sorted(work.st.pledges):
        check = work.d.post_checks.get(material)
        if check is not None:
            found.setdefault(check.step, []).append(material)
    for path, materials in found.items():
        open_after(work, path, materials)


def open_after(work: Work, path: str, materials: list[str], fact: str | None = None) -> None:
    """Due by the shortest of the step's own limit and what the materials say; `materials`: whose pledges it checks,
    `fact`: of which a register told that it has changed."""
    old = work.st.token_of(path)
    if old is not None and old.open:
        return  # the case was opened again while the check goes on
    token_id = old.id if old else max(work.st.tokens) + 1
    step = work.step(path)
    limits = [work.d.post_checks[name].within for name in materials] + ([step.limit] if step.limit else [])
    step = replace(step, limit=min(limits, key=lambda limit: work.deadline(work.at, limit).at, default=None))
    told = {"fact": fact} if fact is not None else {}
    work.emit("after.opened", token_id, {"materials": materials, **told, **entry(work, step, old, token_id)})


def with_notice(notice: str, effects: Iterable[str]) -> list[str]:
    """Effects with the notice that the law asks for; the same one asked for by the definition is not sent again."""
    kind = notice.partition(".")[2]
    return [notice, *(e for e in effects if e not in (notice, f"message.{kind}"))]


def money_back(work: Work, outcome: str | None, effects: list[str]) -> list[str]:
    """What an end without a grant does about the fee: it is given back when the applicant withdraws or the case lapses
    (nothing was done for it); a refusal keeps it unless the definition says so; either way nobody can pay any more."""
    told = {*effects, *(effect for event in work.events for effect in event.data.get("effects", ()))}
    if work.d.service.fee is None or outcome == "granted" or REFUND in told:
        return []
    return ["payment.close" if outcome == "refused" else REFUND]


# -- branches


def fork(work: Work, block: Block) -> None:
    """Every branch starts anew; one whose `when` is false ends at once as not needed."""
    for branch in block.branches:
        open_branch(work, branch, reopened=False)


def needed(work: Work, branch: Branch) -> bool:
    if branch.when is not None and not branch.when.evaluate(work.values()).value:
        return False
    return branch.each is None or bool(work.elements(branch))


def open_branch(work: Work, branch: Branch, *, reopened: bool) -> None:
    """A branch begins, or begins again: one part, or with `each` one part for each element known now."""
    if not needed(work, branch):
        not_needed(work, branch.scope)
        return
    for scope in scopes_of(work, branch):
        open_part(work, branch, scope, reopened=reopened)


def scopes_of(work: Work, branch: Branch) -> list[str]:
    """The parts that a branch has now. An element goes by its place in the list: events hold no words of people."""
    if branch.each is None:
        return [branch.scope]
    return [f"{branch.scope}/{index}" for index in range(len(work.elements(branch)))]


def open_part(
    work: Work, branch: Branch, scope: str, *, reopened: bool, more: Mapping[str, Any] | None = None
) -> None:  # fmt: skip
    old = work.st.token_of(scope)
    token_id = old.id if old else max(work.st.tokens) + 1
    leaving.drop(work, token_id)
    asked_anew = old._replace(person=None) if old else None
    data = {"branch": scope, "round": work.st.rounds[branch.block], "reopened": reopened, **(more or {})}
    step = work.step(branch.start)
    work.emit("branch.opened", token_id, waits.waiting(work, step, {**data, **entry(work, step, asked_anew, token_id)}))
    waits.hold(work, token_id)


def not_needed(work: Work, scope: str) -> None:
    old = work.st.token_of(scope)
    token_id = old.id if old else max(work.st.tokens) + 1
    leaving.drop(work, token_id)
    data = {"branch": scope, "outcome": "not_needed", "round": work.st.rounds[scope.partition(".")[0]]}
    work.emit("branch.ended", token_id, data)


def end_branch(work: Work, token_id: int, dest: str) -> None:
    """The outcome pins the revision of the answers that it was given on."""
    token = work.token(token_id)
    outcome = dest.partition("#")[2]
    data = {"branch": token.scope, "outcome": outcome, "round": token.round, "rev": work.st.data_rev}
    work.emit("branch.ended", token_id, data)


def cancel_branches(work: Work, block: str) -> None:
    for token in work.st.branches_of(block):
        if token.open:
            leaving.drop(work, token.id)
            work.emit("branch.cancelled", token.id, {"branch": token.scope})


# -- answers that came early


def use_kept(work: Work) -> bool:
    """A token stands at an auto step whose answer is here already: it goes on at once. False where there is none."""
    for token in work.st.tokens.values() if work.st.kept else ():
        kept = work.st.kept.get(token.step)
        edge = work.d.edge(token.step, kept.trigger) if kept is not None and token.status == "active" else None
        if kept is not None and edge is not None:
            before, work.result = work.result, kept.result
            dest = work.take(token.step, edge)
            leave(work, token.id, edge, dest, {"kept": kept.seq})
            work.result = before
            if "#" in dest:
                end_branch(work, token.id, dest)
            else:
                arrive(work, token.id, dest, edge)
            return True
    return False


# -- joins


def settle(work: Work) -> None:
    """Uses answers that came early, then takes the first join rule that holds, until neither is there. Called when all
    branches of a parallel step are open, so that none of them acts while the step is still being entered."""
    while work.st.status != "closed":
        if use_kept(work):
            continue
        found = holding(work)
        if found is None:
            return
        edge, outcomes = found
        dest = work.take(edge.source, edge)
        leave(work, MAIN, edge, dest, {"outcomes": outcomes})
        arrive(work, MAIN, dest, edge)


def holding(work: Work) -> tuple[Edge, dict[str, str]] | None:
    """The join rule that holds at the main token's step, with what it saw: of branches or of a bundle's children."""
    block, bundle = work.d.blocks.get(work.st.main.step), work.d.bundles.get(work.st.main.step)
    seen: dict[str, str | None] = {}
    edge = None
    if block is not None and (edge := holding_join(work, block)) is not None:
        seen = outcomes_of(work, block)
    elif bundle is not None and (edge := bundles.holding_join(work, bundle)) is not None:
        seen = bundles.outcomes(work, bundle)
    return None if edge is None else (edge, {name: outcome for name, outcome in seen.items() if outcome})


def outcomes_of(work: Work, block: Block) -> dict[str, str | None]:
    """Outcome by branch (by part, where a branch has one for each element), None while it is open or was given on
    answers that have changed since. Only the present round counts."""
    found: dict[str, str | None] = {}
    for branch in block.branches:
        parts = work.st.parts_of(branch.scope)
        if not parts:
            found[branch.name] = None
        for token in parts:
            ended = not token.open and not outdated(work, block, branch, token)
            found[token.scope.removeprefix(f"{block.path}.")] = token.outcome if ended else None
    return found


def holding_join(work: Work, block: Block) -> Edge | None:
    outcomes = outcomes_of(work, block)
    complete = None not in outcomes.values()
    for edge in block.joins:
        rule = edge.join
        may = complete or (edge.siblings == "cancel" and rule is not None and not rule.needs_all)
        if may and (rule is None or rule.holds(outcomes)):
            return edge
    return None


def outdated(work: Work, block: Block, branch: Branch, token: Token) -> bool:
    """Whether a branch ended before a change of something that it reads (the answers of the correction)."""
    if block.correction is None or block.correction.recheck is None or token.outcome == "not_needed":
        return False
    return any(rev > token.data_rev and reads(work, branch, names) for rev, names in work.st.changes)


def reads(work: Work, branch: Branch, names: tuple[str, ...]) -> bool:
    """Whether one of these fields or materials is in what a branch reads."""
    if any(work.d.parts_of(name) & set(branch.reads) for name in names):
        return True
    return not branch.reads and bool(names)
