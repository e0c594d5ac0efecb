"""What must hold of every case at rest, whatever it went through (I4, I6, I7): said of the account of its events by
rules of this module alone. Each rule yields what is wrong; none changes anything."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.sim import joins
from tests.sim.days import Days, share
from tests.sim.reading import Case, Token
from tests.sim.reading_parts import MAIN
from tests.sim.rights import Rules

INTAKE = ("received", "accepted")


def at_rest(rules: Rules, days: Days, case: Case) -> Iterator[tuple[str, str]]:
    """(invariant, what is wrong)."""
    d = rules.of(case)
    yield from _ends(d, case)
    yield from _owners(rules, d, case)
    if case.status != "closed":
        yield from _parts(rules, d, case)
        yield from _corrections(d, case)
        yield from _limits(d, days, case)
    yield from _stays(d, days, case)
    yield from _timers(d, days, case)
    yield from _opinions(d, case)


def _opinions(d: Any, case: Case) -> Iterator[tuple[str, str]]:
    """A department is asked as long as somebody has a use for its opinion, and its answer is one of the words."""
    for token in case.tokens.values():
        if token.kind != "consult":
            continue
        place, action, _ = token.scope.partition("/")[0].split("@")
        asking, edge = case.tokens[token.asked_by], d.edge(place, action)
        if token.open and edge.consult.blocking and not (asking.open and asking.step == place):
            yield "I6", f"{token.scope} is still asked, and {place} has been left"
        silent = edge.consult.on_timeout == "no_objection"
        words = {"agreed", "conditional", "objected", "cancelled", *(["no_answer"] if silent else [])}
        if not token.open and token.outcome not in words:
            yield "I2", f"{token.scope} answered {token.outcome}"


def _ends(d: Any, case: Case) -> Iterator[tuple[str, str]]:
    if (case.status == "closed") != (d.steps[case.main.step].kind == "end"):
        yield "I6", f"{case.status} at {case.main.step}"
    if case.status != "closed":
        return
    after = {t.id for t in case.tokens.values() if t.kind == "after" and t.open}
    owners = {t["token"] for t in case.tasks.values()} | {token for token, _ in case.timers} | set(case.stays)
    if any(t.open and t.id not in after for t in case.tokens.values()) or owners - after or case.notice:
        yield "I6", "something outlives the case"
    if any(limit.stopped is None for limit in case.limits.values()):
        yield "I7", "a clock runs on after the end"
    if case.outcome == "granted":
        if any(case.gaps.values()):
            yield "I6", "granted although a document has not come"
        checks = {d.post_checks[m].step for m in case.pledges if m in d.post_checks}
        if checks - {t.scope for t in case.tokens.values() if t.kind == "after"}:
            yield "I6", "a pledge is not checked"


def _owners(rules: Rules, d: Any, case: Case) -> Iterator[tuple[str, str]]:
    """One task for every open step that has an owner, in the right department, none beside."""
    for token in case.tokens.values():
        mine = [t for t in case.tasks.values() if t["token"] == token.id and not t["watch"]]
        step = d.steps.get(token.step)
        owned = token.open and step is not None and step.owner and step.kind in ("human", "parallel", "cases")
        if len(mine) != bool(owned):
            yield "I6", f"{len(mine)} owners at {token.step}"
        elif owned and step is not None:
            task = mine[0]
            if (task["role"], task["department"]) != (step.owner, rules.department(case, step.owner)):
                yield "I6", f"{token.step} is with {task['role']} of {task['department']}"
            waits = token.status != "active" and step.kind == "human"
            if step.kind == "human" and (task["status"] == "waiting") != waits:
                yield "I6", f"the task at {token.step} is {task['status']}, the step {token.status}"
            if token.confirmed is not None and task["assignee"] in [*filter(None, token.confirmed[1:])]:
                yield "I4", "who confirmed holds the task for the second person"
        if token.open and token.status == "active" and token.step in case.kept:
            yield "I6", f"the answer to {token.step} is here, and the case still waits for it"
        if step is not None and step.kind == "auto" and step.requires_gaps and token.open:
            waiting = any(case.gaps.values()) and token.step not in case.kept
            if waiting != (token.waits_for == "gaps"):
                yield "I6", f"{token.step} waits for documents: {token.waits_for}"


def _parts(rules: Rules, d: Any, case: Case) -> Iterator[tuple[str, str]]:
    """Parallel steps: no part outside, none of another round, every one that is needed, no join that should fire."""
    block = d.blocks.get(case.main.step)
    for token in case.tokens.values():
        if token.kind == "branch" and token.open:
            if block is None or not token.scope.startswith(block.path + "."):
                yield "I2", f"{token.scope} is open outside its step"
            elif token.round != case.rounds[block.path]:
                yield "I2", f"{token.scope} is of round {token.round}, the step of {case.rounds[block.path]}"
    if block is None:
        return
    known = (case.id, case.rev) in rules.answers
    for branch in block.branches:
        parts = [t for t in case.parts(block.path) if t.branch == branch.scope and t.round == case.rounds[block.path]]
        live = [t for t in parts if t.outcome != "not_needed"]
        wanted = 1 if branch.each is None else rules.elements(case, branch.each)
        if branch.when is not None and not rules.holds(case, branch.when.source):
            wanted = 0
        if known and (len(live) != wanted or not parts):
            yield "I2", f"{branch.scope} has {len(live)} parts, not {wanted}"
        for token in live:
            if not token.open and joins.outdated(rules, case, block, branch, token):
                yield "I2", f"{token.scope} rests on answers that have changed"
    if (edge := joins.first(block.joins, joins.outcomes(rules, case, block))) is not None:
        yield "I6", f"{edge.name} should have fired"


def policy_of(d: Any, case: Case) -> Any:
    block = d.blocks.get(case.main.step)
    return block.correction if block is not None else d.correction


def _corrections(d: Any, case: Case) -> Iterator[tuple[str, str]]:
    block, pending = d.blocks.get(case.main.step), [id for id, told in case.asks.items() if not told]
    for id in case.asks:
        if not case.tokens[id].open or not (case.tokens[id].waits_for or "").startswith("correction"):
            yield "I2", f"{case.tokens[id].step} asked and does not wait"
    if case.notice is None and any(t.status == "suspended" for t in case.tokens.values()):
        yield "I6", "a part waits for a correction that nobody was asked for"
    if (case.notice is not None) != ((MAIN, "correction:lapse") in case.timers):
        yield "I6", "a notice without a last day, or the reverse"
    if not pending:
        return
    if block is None or block.correction.notice == "each":
        yield "I6", "an ask was not sent at once"
    elif case.notice is None and all(t.acted for t in case.parts(block.path) if t.open):
        yield "I6", "everybody has acted and no notice went out"
    elif case.notice is None and block.correction.collect_within and (MAIN, "correction:collect") not in case.timers:
        yield "I7", "an ask waits for ever"


def _limits(d: Any, days: Days, case: Case) -> Iterator[tuple[str, str]]:
    """Every limit that its milestone began, running unless the law stops it, with the law's dates."""
    for name, said in d.limits.items():
        key = f"limit:{name}"
        limit = case.limits.get(key)
        if limit is None:
            if said.start in case.marks and case.status == "open":
                yield "I7", f"{key} never began"
            continue
        if limit.stopped is None and said.stop in case.marks and case.marks[said.stop] >= limit.started:
            yield "I7", f"{key} did not stop"
        if limit.stopped is not None:
            continue
        must, may = _stands_still(d, case, said)
        if must and not limit.paused:
            yield "I7", f"{key} runs although it must stand still"
        if limit.paused and not (must or may):
            yield "I7", f"{key} stands still for nothing"
        if limit.paused:
            continue
        length = str(said.statutory)
        if limit.extended:
            length = f"{said.statutory.n + limit.extended * said.extend.by.n}{said.statutory.unit}"
        wanted = days.last(limit.started, length, limit.pauses).isoformat()
        if limit.statutory_on != wanted:
            yield "I7", f"{key} is due {limit.statutory_on}, by the law {wanted}"
        promised = days.last(limit.started, str(said.promised), limit.pauses).isoformat() if said.promised else None
        if limit.promised_on != promised:
            yield "I7", f"{key} was promised for {limit.promised_on}, should be {promised}"


def _stands_still(d: Any, case: Case, said: Any) -> tuple[bool, bool]:
    """(must, may) a limit stand still now."""
    held = any(kind in said.pauses for _, kind in case.holds) or case.main.waits_for == "gaps"
    held = held or d.steps[case.main.step].call == "fee.collect"  # the days until somebody pays are theirs
    if case.notice is None:
        return held, False
    listed = "correction" in said.pauses or (said.start, said.stop) == INTAKE
    block, policy = d.blocks.get(case.main.step), policy_of(d, case)
    waiting = True
    if block is not None:
        opened = [t for t in case.parts(block.path) if t.open]
        asked = [t for t in opened if t.waits_for == "correction"]
        waiting = bool(asked) and policy.clock != "run" and (policy.clock == "pause_any" or len(asked) == len(opened))
    return held or (listed and waiting), listed


def _stays(d: Any, days: Days, case: Case) -> Iterator[tuple[str, str]]:
    for token in case.tokens.values():
        if not token.open:
            continue
        held = any(id == token.id for id, _ in case.holds)
        must = token.id in case.asks or token.status == "suspended" or held or token.waits_for == "gaps"
        block = d.blocks.get(token.step) if token.id == MAIN else None
        must = must or (block is not None and any(case.tokens[id].kind == "branch" for id, _ in case.holds))
        may = must or (block is not None and case.notice is not None)
        if must != token.paused and (must or not may):
            yield "I7", f"the stay at {token.step} is {'paused' if token.paused else 'running'}"
        step, stay = d.steps[token.step], case.stays.get(token.id)
        if step.limit is not None and stay is None:
            yield "I7", f"no clock at {token.step}"
        if stay is not None:
            wanted = None if token.paused else days.too_late(token.entered_at, stay[0], token.pauses)
            if (token.kind != "after" and stay[0] != str(step.limit)) or stay[1] != wanted:
                yield "I7", f"{token.step} is due {stay}, should be {step.limit}, {wanted}"


def _timers(d: Any, days: Days, case: Case) -> Iterator[tuple[str, str]]:
    """A timer is armed exactly where something runs for it, for the instant that the law says."""
    wanted = {}
    for token in case.tokens.values():
        if token.open:
            wanted |= dict(_of_step(d, days, case, token))
    if case.status != "closed":
        wanted |= dict(_of_limits(d, days, case))
    wanted = {name: due for name, due in wanted.items() if name not in case.fired}
    idle = {name for name, timer in case.timers.items() if timer[0] is None and _stopped(case, timer[1])}
    armed = {name: t[0] for name, t in case.timers.items() if not _of_correction(name[1]) and name not in idle}
    if armed != wanted:
        wrong = [n for n in {*armed, *wanted} if armed.get(n, "") != wanted.get(n, "")]
        told = ", ".join(f"{n}: {armed.get(n, 'nothing')}, not {wanted.get(n, 'nothing')}" for n in wrong)
        yield "I7", f"timers: {told}"
    for token, key in case.timers:
        kind = key.partition(":")
        if kind[0] == "@pause" and (token, kind[2]) not in case.holds:
            yield "I7", f"{key} ends no pause"
        if kind[0] == "deferral" and not case.gaps.get(kind[2].partition(":")[0]):
            yield "I7", f"{key} waits for nothing"
    missing = [h for h in case.holds if (h[0], f"@pause:{h[1]}") not in case.timers]
    gaps = [m for m, is_open in case.gaps.items() if is_open and (MAIN, f"deferral:{m}:lapse") not in case.timers]
    if missing or (gaps and case.status != "closed"):
        yield "I7", f"nothing ends {missing}{gaps}"


def _stopped(case: Case, clock: str | None) -> bool:
    """A step that is entered again after its limit has ended keeps a timer without a date."""
    limit = case.limits.get(clock or "")
    return limit is not None and limit.stopped is not None


def _of_correction(key: str) -> bool:
    return key.startswith(("correction:", "@pause:", "deferral:"))


def _of_step(d: Any, days: Days, case: Case, token: Token) -> Iterator[tuple[tuple[int, str], str | None]]:
    step, stay = d.steps[token.step], case.stays.get(token.id)
    for rule in step.timers:
        due: str | None = None
        if rule.of is not None:
            limit = case.limits.get(f"limit:{rule.of}")
            if limit is not None and limit.stopped is not None:
                continue
            if limit is not None and limit.running and not token.paused:
                due = days.too_late(limit.started, share(str(rule.at), limit.statutory), limit.pauses)
        elif not token.paused:
            due = days.too_late(token.entered_at, share(str(rule.at), stay[0] if stay else "1d"), token.pauses)
        yield (token.id, f"{step.path}:{rule.id}"), due


def _of_limits(d: Any, days: Days, case: Case) -> Iterator[tuple[tuple[int, str], str | None]]:
    for key, limit in case.limits.items():
        if limit.stopped is not None:
            continue
        said = d.limits[key.partition(":")[2]]
        for kind, day in (("promised", limit.promised_on), ("statutory", limit.statutory_on)):
            if kind == "statutory" or said.promised is not None:
                yield (MAIN, f"{key}:{kind}"), f"{day}T16:00:00.000000Z" if day else None
        if said.extend is not None and not limit.extended:
            due = None
            if limit.running:
                due = days.too_late(limit.started, share("80%limit", limit.statutory), limit.pauses)
            yield (MAIN, f"{key}:extend"), due
