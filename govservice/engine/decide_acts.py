"""What a person, an auto step's answer or a timer does at one token."""

from __future__ import annotations

from typing import Any

from govservice.definitions.compile import APPOINT
from govservice.definitions.compiled import Edge, Step, TimerRule
from govservice.engine import decide_clocks as clocks
from govservice.engine import decide_consult as consult
from govservice.engine import decide_correction as correction
from govservice.engine import decide_moves as moves
from govservice.engine import decide_pauses as pauses
from govservice.engine import decide_promises as promises
from govservice.engine import decide_renewal as renewal
from govservice.engine import rights
from govservice.engine.decide_work import Work
from govservice.engine.state import TimerState, Token
from govservice.engine.types import MAIN
from govservice.errors import N_, Invalid, NotAllowed

WORDS = ("text", "address")  # types of results that people write


def act(work: Work, token: Token, edge: Edge) -> None:
    """An action (or an auto step's answer) at a token. Raises NotAllowed where it is not possible now."""
    facts = facts_of(work, edge.by)
    role = edge.by if work.actor.kind == "user" else None
    sending = token.id == MAIN and work.st.status == "draft" and edge.kind == "action"
    if sending:
        facts |= submitted(work)
    if edge.kind == "answer" and "data_rev" in work.cmd.data:
        facts["rev"] = work.cmd.data["data_rev"]  # what the answer brought forth stands in this revision
    if edge.result:
        facts["result"] = declared(work, edge)
    dest = work.take(token.step, edge, role)
    if sending:
        promises.given(work)
        renewal.begun(work)
    if edge.correction:
        items = sorted(work.cmd.data.get("items") or {})
        correction.ask(work, token.id, edge.name, {**facts, "items": items})
    elif edge.two_people and work.actor.kind == "user" and not _confirmed_by_another(work, token, edge):
        confirm(work, token, edge, facts)
    elif edge.consult is not None:
        consult.ask(work, token.id, edge, facts)
    elif edge.pause is not None:
        pauses.begin(work, token.id, edge, facts)
    elif edge.resume is not None:
        more = {"effects": list(edge.effects)} if edge.effects else {}
        pauses.end(work, token.id, edge.resume, "action", {"trigger": edge.name, **more, **facts})
        correction.after_act(work)
    else:
        moves.move(work, token.id, edge, dest, facts)
        correction.after_act(work)


def facts_of(work: Work, by: str) -> dict[str, Any]:
    """What the event says of who acted and what they brought; words stay outside, only their digest is told."""
    facts: dict[str, Any] = {}
    if work.actor.kind == "user":
        facts["role"] = by
    if work.ctx is not None and work.ctx.text is not None:
        facts["text"], facts["text_sha"] = work.ctx.text
    files = work.cmd.data.get("files")
    if files:
        facts["files"] = {name: list(shas) for name, shas in files.items()}
    return facts


def _confirmed_by_another(work: Work, token: Token, edge: Edge) -> bool:
    return token.confirmed is not None and token.confirmed[0] == edge.name and token.confirmed[1] != work.actor.id


def confirm(work: Work, token: Token, edge: Edge, facts: dict[str, Any]) -> None:
    """The first of two people: nothing moves until a second holder of the role confirms."""
    work.emit("action.confirmed", token.id, {"step": token.step, "trigger": edge.name, **facts})
    correction.after_act(work)


def keep(work: Work, edge: Edge) -> None:
    """An answer came before its step: it is kept, and used on arrival."""
    data = {"step": edge.source, "trigger": edge.name, "result": declared(work, edge)}
    work.emit("answer.kept", None, data)


def declared(work: Work, edge: Edge) -> dict[str, Any]:
    """Of an auto step's answer what the definition declares, and no words of people: all that guards may read of it."""
    names = {name for name, kind in edge.result.items() if kind not in WORDS}
    return {name: value for name, value in work.result.items() if name in names}


# -- submission


def submitted(work: Work) -> dict[str, Any]:
    """Leaving the draft pins the answers and settles which area's departments decide."""
    facts: dict[str, Any] = {}
    rev = work.cmd.data.get("data_rev")
    if rev is not None:
        facts["rev"] = rev
    area = area_of(work)
    if area != work.st.area:
        facts["area"] = area
        work.st.area = area  # guards of this very step may read it; the event that follows says so too
        work.forget_area()
    places = _places(work)
    if places != work.st.places:
        facts["places"] = work.st.places = places
    return facts


def _places(work: Work) -> dict[str, str]:
    """The areas of the roles that sit where an answer says; a role whose question was left empty sits where the case
    lies. Raises Invalid where the answer names no area that has departments."""
    assert work.ctx is not None
    found = {}
    for code, role in work.d.service.roles.items():
        field = (role.area or "").removeprefix("form.")
        if field and (value := (work.ctx.values or {}).get(field)) not in (None, ""):
            found[code] = _area_at(work, field, value)
    return found


def area_of(work: Work) -> str | None:
    """The jurisdiction: the field that the definition names, else where the case was opened, else the highest
    department's. Raises Invalid where the answer names no area that has departments."""
    assert work.ctx is not None
    source, catalogue = work.d.service.area, work.ctx.catalogue
    if source is None:
        if work.st.area is not None:
            return work.st.area
        kind = work.d.service.department
        tops = [d.area for d in catalogue.departments.values() if d.code == kind]
        return next((a for a in tops if catalogue.department_for(kind, a) and _top(work, a, tops)), None)
    field = source.removeprefix("form.")
    return _area_at(work, field, (work.ctx.values or {}).get(field))


def _area_at(work: Work, field: str, value: Any) -> str:
    assert work.ctx is not None
    catalogue = work.ctx.catalogue
    area = value if value in catalogue.areas else catalogue.area_of_region(str(value))
    if area is None:
        raise Invalid({field: N_("No department answers for this district.")})
    return str(area)


def _top(work: Work, area: str, among: list[str]) -> bool:
    assert work.ctx is not None
    above = [a.code for a in work.ctx.catalogue.line_of_areas(area)][1:]
    return not any(a in among for a in above)


# -- tasks


def claim(work: Work, token: Token) -> None:
    task = work.st.task_of(token.id)
    if task is not None and task.assignee is None:
        work.emit("task.claimed", token.id, {"task": task.opened_seq, "step": task.step, "role": task.role})


def release(work: Work, token: Token) -> None:
    task = work.st.task_of(token.id)
    if task is not None and task.assignee is not None:
        work.emit("task.released", token.id, {"task": task.opened_seq, "step": task.step, "by": task.assignee})


def appoint(work: Work) -> None:
    """A time for the meeting of a step. That nobody else has it is held outside the case, by who asks for this."""
    token = rights.resolve_token(work.d, work.st, work.cmd)
    step, data = work.step(token.step), work.cmd.data
    facts = facts_of(work, step.owner or "") if work.actor.kind == "user" else {}
    said = {"step": step.path, "kind": step.appointment, "starts_at": data["starts_at"], **facts}
    work.emit("appointment.made", token.id, {**said, "effects": ["notice.appointment"]})


# -- timers


def fire(work: Work, timer: TimerState) -> None:
    """A timer's hour has come. It always leaves its mark, and never stops the case: where its action is not possible
    (a guard says no) the mark says so and supervision sees it."""
    kind, _, rest = timer.key.rpartition(":")
    if timer.key.startswith("limit:"):
        if rest == "extend":
            _fire_extend(work, timer, kind.partition(":")[2])
            return
        fired(work, timer, "breach")
        work.emit("clock.breached", None, {"key": kind, "kind": rest})
    elif timer.key.startswith(pauses.TIMER):
        fired(work, timer, "resume", step=work.token(timer.token_id).step)
        pauses.end(work, timer.token_id, rest, "timer")
        correction.after_act(work)
    elif timer.key == renewal.TIMER:
        fired(work, timer, "renew", done=renewal.possible(work))
        renewal.expire(work)
    elif timer.key == "correction:collect":
        _fire_collect(work, timer)
    elif timer.key == "correction:warn":
        fired(work, timer, "warn", effects=["notice.warning"])
    elif timer.key == "correction:lapse":
        _fire_lapse(work, timer)
    elif timer.key.startswith("deferral:") and rest in ("warn", "lapse"):
        _fire_deferral(work, timer)
    else:
        _fire_rule(work, timer, work.step(kind), int(rest))


def fired(work: Work, timer: TimerState, do: str, **facts: Any) -> None:
    data = {"key": timer.key, "do": do, "due_at": timer.due_at, "done": True, **facts}
    work.emit("timer.fired", timer.token_id, data)


def _fire_extend(work: Work, timer: TimerState, name: str) -> None:
    """Four fifths of a limit are used: whoever may extend it is shown the case while that is still possible."""
    more, step = work.d.limits[name].extend, work.st.main.step
    fired(work, timer, "escalate", step=step)
    if more is not None and work.st.status == "open":
        data = {"step": step, "role": more.role, "department": work.department(more.role), "limit": name}
        work.emit("task.escalated", MAIN, data)


def _fire_collect(work: Work, timer: TimerState) -> None:
    fired(work, timer, "notice")
    block = work.d.blocks.get(work.st.main.step)
    if block is not None and block.correction is not None and work.st.notice is None and correction.pending(work):
        correction.notify(work, block.path, block.correction)


def _fire_lapse(work: Work, timer: TimerState) -> None:
    step = work.st.main.step
    policy = correction.policy_of(work, work.st.main._replace(scope=step if step in work.d.blocks else ""))
    edge = lapse_edge(work, policy.lapse_to)
    fired(work, timer, "lapse", done=edge is not None)
    if edge is not None:
        correction.lapse(work, edge)


def _fire_deferral(work: Work, timer: TimerState) -> None:
    """A deferred material: a reminder, or the case ends because it did not come."""
    due = promises.fire(work, timer)
    if due == "warn":
        fired(work, timer, "warn", effects=["notice.gap"])
        return
    edge = lapse_edge(work, due) if due is not None else None
    fired(work, timer, "lapse", done=edge is not None)
    if edge is not None:
        correction.lapse(work, edge)


def lapse_edge(work: Work, to: str) -> Edge | None:
    """The lapse out of the main token's step to an end; None where the definition has none."""
    edges = work.d.out[work.st.main.step]
    return next((e for e in edges if e.kind == "lapse" and e.targets[0].to == to), None)


def _fire_rule(work: Work, timer: TimerState, step: Step, index: int) -> None:
    rule = step.timers[index]
    if rule.do == "warn":
        reminder = {"effects": ["person.remind"]} if step.person is not None else {}
        fired(work, timer, "warn", step=step.path, **reminder)
    elif rule.do == "escalate":
        fired(work, timer, "escalate", step=step.path)
        if rule.to_role is not None:
            data = {"step": step.path, "role": rule.to_role, "department": work.department(rule.to_role)}
            work.emit("task.escalated", timer.token_id, data)
    elif rule.do == APPOINT:
        fired(work, timer, "appoint", step=step.path, effects=["appointment.set"])
    elif rule.do == "lapse":
        edge = lapse_edge(work, rule.to or "")
        fired(work, timer, "lapse", step=step.path, done=edge is not None)
        if edge is not None:
            correction.lapse(work, edge)
    else:
        _fire_action(work, timer, step, rule)


def _fire_action(work: Work, timer: TimerState, step: Step, rule: TimerRule) -> None:
    """A deemed act: the law or the definition lets silence count. `as: received` lets it count from receipt."""
    edge = work.d.edge(step.path, rule.do)
    try:
        if edge is None or (edge.requires_gaps and work.st.open_gaps):
            raise NotAllowed(action=rule.do)
        dest = work.take(step.path, edge)
    except NotAllowed:
        fired(work, timer, rule.do, step=step.path, done=False)
        return
    marked_at = effective_from(work, rule)
    fired(work, timer, rule.do, step=step.path)
    facts: dict[str, Any] = {"deemed": True}
    if rule.note is not None:
        facts["note"] = dict(rule.note)
    moves.move(work, timer.token_id, edge, dest, facts, marked_at=marked_at)
    correction.after_act(work)


def effective_from(work: Work, rule: TimerRule) -> str | None:
    """From when a deemed act counts: the milestone it names; after a correction, the resubmission that began the limit
    afresh."""
    if rule.as_of is None:
        return None
    if rule.of is not None and work.d.limits[rule.of].start == rule.as_of:
        clock = work.st.clocks.get(clocks.limit_key(rule.of))
        if clock is not None:
            return clock.started_at
    return work.st.milestones.get(rule.as_of)
