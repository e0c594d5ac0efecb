"""A running case moves to another version of its service: whether it can, and the one event that says everything.

Nothing of what the case has behind it changes: who acted, when it was accepted, which days are used up. Limits and
timers are counted again by the new version from the same starts and pauses, so that consumed time is kept. A case that
would not be sound there, or for which something would happen at once, does not move, and every reason is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from govservice.definitions.compiled import Compiled, CorrectionPolicy, TimerRule
from govservice.engine import decide_clocks as clocks
from govservice.engine import decide_moves as moves
from govservice.engine import migration_ahead as ahead
from govservice.engine.decide_work import CalendarsLike, Work
from govservice.engine.invariants import breaches
from govservice.engine.migration_paths import Paths
from govservice.engine.state import CaseState, Task, TimerState, Token
from govservice.engine.types import MAIN, Command, Refusal
from govservice.errors import N_, NotAllowed
from govservice.models.base import to_iso
from govservice.worktime.limits import resolved

CLOSED = Refusal("closed", N_("The case is closed: it stays with its version."))
SAME = Refusal("same", N_("The case has this version already."))
OTHER_SERVICE = Refusal("service", N_("That is a version of another service."))
AT_ONCE = N_("%(action)s would happen at once at %(step)s: its hour has passed already.")
JOIN = N_("The step %(step)s would end at once in the new version: one of its join rules holds already.")
NEW_BRANCH = N_("The branch %(branch)s is new: this case has not begun it.")
NO_BRANCH = N_("The branch %(branch)s has no place in the new version.")
TWO_IN_ONE = N_("Two branches of this case would become the branch %(branch)s.")
NO_OUTCOME = N_("The branch %(branch)s ended as %(outcome)s, which the new version does not know.")
NO_LIMIT = N_("The limit %(limit)s runs, and the new version has none of that name.")
NO_CORRECTION = N_("A correction is asked for, and the new version has no way to answer it at %(step)s.")
NO_ITEM = N_("The applicant is asked to correct %(item)s, which the new version does not have.")
NO_CONFIRMED = N_("A first person has confirmed %(action)s, which the new version does not let two people do.")
NO_ROLE = N_("The role %(role)s watches this case, and the new version does not have it.")
NO_DEPARTMENT = N_("No department of this area has the role %(role)s.")
NOT_ASKED = N_("The new version decides by %(field)s, which this case was never asked for.")
OTHER_PLACE = N_("Where the role %(role)s sits comes from another answer in the new version; this case has settled it.")
UNSOUND = N_("The case would not be sound in the new version (%(what)s).")
PAUSED = N_("The limit %(limit)s would begin while the applicant's correction is awaited.")
NO_PROMISE = N_("The applicant put off or pledged %(item)s, and the new version does not let one do so.")
OTHER_CHILDREN = N_("The child case %(service)s is in one of the two versions only.")
NO_KEPT = N_("An answer for the step %(step)s came early and is kept, and the new version could not use it.")
KEEPS = ("correction:",)  # keys of timers whose dates were told to the applicant: they stay


def plan(old: Compiled, new: Compiled, st: CaseState, cmd: Command, calendars: CalendarsLike) -> Work:
    """The decision to move a case. `cmd.data`: `steps` and `fields` (what the map renames), `data_rev` where the
    answers were written anew under the new names. Raises NotAllowed with every reason."""
    refusals, work = attempt(old, new, st, cmd, calendars)
    if work is None:
        raise NotAllowed(
            N_("This case cannot be moved to that version."), why=[r.code for r in refusals], reasons=refusals
        )
    return work


def attempt(
    old: Compiled, new: Compiled, st: CaseState, cmd: Command, calendars: CalendarsLike
) -> tuple[list[Refusal], Work | None]:
    """What `plan` would do, or every reason why not: the dry run and the real one are this."""
    first = CLOSED if st.status == "closed" else SAME if old.sha == new.sha else None
    if first is None and old.code != new.code:
        first = OTHER_SERVICE
    if first is not None:
        return [first], None
    move = _Move(Work(new, st, cmd, calendars, to_iso(cmd.now)), Paths.between(old, new, cmd.data.get("steps") or {}))
    refusals = {(r.code, *r.facts.values()): r for r in move.refusals()}  # each reason once
    if not refusals:
        move.emit()
        refusals = {(r.code, *r.facts.values()): r for r in move.afterwards()}
    return list(refusals.values()), None if refusals else move.work


class _Move:
    """One case on its way between two versions; `work` is of the new one, its state still stands in the old."""

    def __init__(self, work: Work, paths: Paths) -> None:
        self.work, self.paths, self.new, self.old, self.st = work, paths, paths.new, paths.old, work.st
        self.fields: dict[str, str] = dict(work.cmd.data.get("fields") or {})

    # -- why not

    def refusals(self) -> Iterator[Refusal]:
        stands = [r for t in self.st.tokens.values() if t.open and (r := self.paths.refusal(t.step)) is not None]
        yield from stands
        if stands:
            return  # what follows asks about the steps that the tokens would stand at
        yield from self._branches()
        yield from self._tokens()
        yield from self._limits()
        yield from self._asked()
        yield from self._never_asked()
        yield from self._promised()
        yield from self._children()
        for kept in self.st.kept.values():
            if self.new.edge(self.paths.path(kept.step), kept.trigger) is None:
                yield Refusal("kept", NO_KEPT, {"step": kept.step})

    def _branches(self) -> Iterator[Refusal]:
        """The branches of the parallel step that the case stands in: each must have begun, none may be lost."""
        block = self.new.blocks.get(self.paths.path(self.st.main.step))
        if block is None:
            return
        known = {branch.scope: branch for branch in block.branches}
        mine = {b.scope: self.paths.scope(b.scope) for b in self.old.blocks[self.st.main.step].branches}
        for old in self.old.blocks[self.st.main.step].branches:
            branch = known.get(mine[old.scope])
            if branch is None or (branch.each is None) != (old.each is None):
                yield Refusal("no_branch", NO_BRANCH, {"branch": old.scope})
                continue
            for token in self.st.parts_of(old.scope):
                if not token.open and token.outcome not in (*branch.outcomes, "not_needed", "cancelled"):
                    yield Refusal("outcome", NO_OUTCOME, {"branch": token.scope, "outcome": token.outcome})
        scopes = list(mine.values())
        for scope in known:
            if scopes.count(scope) > 1:
                yield Refusal("two_branches", TWO_IN_ONE, {"branch": scope})
            if scope not in scopes:
                yield Refusal("new_branch", NEW_BRANCH, {"branch": scope})

    def _tokens(self) -> Iterator[Refusal]:
        for token in self._open():
            step = self.paths.path(token.step)
            if token.confirmed is not None:
                edge = self.new.edge(step, token.confirmed[0])
                if edge is None or not edge.two_people:
                    yield Refusal("confirmed", NO_CONFIRMED, {"action": token.confirmed[0]})
            for rule, row in self._rules(token):
                if rule.do not in ("warn", "escalate", "@appoint") and row[3] is not None and row[3] <= self.work.at:
                    yield Refusal("at_once", AT_ONCE, {"action": rule.do, "step": step})
        for task in self.st.tasks.values():
            role = self._role(task)
            if role not in self.new.service.roles:
                yield Refusal("role", NO_ROLE, {"role": role})
            else:
                yield from self._no_department(role)

    def _no_department(self, role: str) -> Iterator[Refusal]:
        try:
            self.work.department(role)
        except NotAllowed:
            yield Refusal("department", NO_DEPARTMENT, {"role": role})

    def _limits(self) -> Iterator[Refusal]:
        for clock in self.st.clocks.values():
            name = clock.key.partition(":")[2]
            if clock.token_id is None and clock.stopped_at is None and name not in self.new.limits:
                yield Refusal("limit", NO_LIMIT, {"limit": name})
        for name in self._begun():
            if self.st.notice is not None:
                yield Refusal("paused", PAUSED, {"limit": name})

    def _asked(self) -> Iterator[Refusal]:
        """A correction that is asked for must be answerable, and able to lapse, in the new version."""
        if not self.st.asks and self.st.notice is None:
            return
        step = self.paths.path(self.st.main.step)
        block = self.new.blocks.get(step)
        policy: CorrectionPolicy | None = block.correction if block is not None else self.new.correction
        lapses = [e for e in self.new.out[step] if e.kind == "lapse"]
        if policy is None or not any(e.targets[0].to == policy.lapse_to for e in lapses):
            yield Refusal("correction", NO_CORRECTION, {"step": step})
        known = {*self.new.service.fields, *self.new.service.materials}
        asked = {i for ask in self.st.asks.values() for i in ask.items} | set(
            self.st.notice.items if self.st.notice else ()
        )
        for item in sorted(asked):
            if self.fields.get(item, item) not in known:
                yield Refusal("item", NO_ITEM, {"item": item})

    def _promised(self) -> Iterator[Refusal]:
        """What was put off must be able to end the case, and a pledge must be checked, in the new version too."""
        gaps = [gap.material for gap in self.st.open_gaps if gap.material not in self.new.deferrals]
        checked = [name for name in self.st.pledges if name in self.old.post_checks]
        for item in sorted({*gaps, *(name for name in checked if name not in self.new.post_checks)}):
            yield Refusal("promise", NO_PROMISE, {"item": item})

    def _children(self) -> Iterator[Refusal]:
        """The step of a bundle must have the very children that this case has planned."""
        bundle = self.new.bundles.get(self.paths.path(self.st.main.step))
        if bundle is not None:
            planned = {c.service for c in self.st.children.values() if c.step == self.st.main.step}
            for service in sorted(planned ^ {spawn.service for spawn in bundle.spawns}):
                yield Refusal("child", OTHER_CHILDREN, {"service": service})

    def _never_asked(self) -> Iterator[Refusal]:
        """A guard over an answer that was never asked for is always false, and where a role sits is settled when a case
        is sent: a case that was sent does not move to where it would come to either."""
        if self.st.status == "draft":
            return
        steps = ahead.steps_ahead(self.new, [self.paths.path(t.step) for t in self._open()])
        asked = {self.fields.get(name, name) for name in self.old.service.fields}
        for name in sorted(ahead.read_by(self.new, steps) - asked):
            if name in self.new.service.fields:
                yield Refusal("not_asked", NOT_ASKED, {"field": name})
        for role in sorted(ahead.roles_of(self.new, steps)):
            if self._place(self.old, role) != self.new.service.roles[role].area:
                yield Refusal("place", OTHER_PLACE, {"role": role})

    def _place(self, old: Compiled, role: str) -> str | None:
        """The question that says where a role sits in the old version, by its name in the new one."""
        source = old.service.roles[role].area if role in old.service.roles else None
        if source is None:
            return None
        name = source.removeprefix("form.")
        return f"form.{self.fields.get(name, name)}"

    def afterwards(self) -> Iterator[Refusal]:
        """What can be seen only of the state as it would be."""
        if moves.holding(self.work) is not None:
            yield Refusal("join", JOIN, {"step": self.work.st.main.step})
        for broken in breaches(self.new, self.work.st):
            yield Refusal("unsound", UNSOUND, {"what": broken})

    # -- how

    def emit(self) -> None:
        timers = [row for token in self._open() for _, row in self._rules(token)]
        limits, dates = self._counted()
        armed = {f"{row[0]}/{row[1]}" for row in (*timers, *dates)}
        data: dict[str, Any] = {
            "from": self.old.sha, "to": self.new.sha, "steps": dict(self.paths.steps),
            "scopes": dict(self.paths.scopes), "fields": self.fields,
            "tokens": [[t.id, self.paths.state(t.step), self.paths.scope(t.scope)] for t in self.st.tokens.values()],
            "tasks": list(self._tasks()), "stays": [self._stay(token) for token in self._open()], "limits": limits,
            "timers": [*timers, *dates],
            "ended": [t.name for t in self.st.timers.values() if not self._stays_armed(t) and t.name not in armed],
        }  # fmt: skip
        if "data_rev" in self.work.cmd.data:
            data["rev"] = self.work.cmd.data["data_rev"]
        self.work.emit("case.migrated", None, data)

    def _open(self) -> list[Token]:
        return [t for t in self.st.tokens.values() if t.open]

    def _stays_armed(self, timer: TimerState) -> bool:
        """Not counted again: dates that were told to the applicant, and what hangs on no step and no limit."""
        token = self.st.tokens.get(timer.token_id)
        mine = token is not None and timer.key.startswith(f"{token.step}:")
        return timer.key.startswith(KEEPS) or not (mine or timer.key.startswith("limit:"))

    def _tasks(self) -> Iterator[list[Any]]:
        """[seq, step, role, department, kept]: whoever took a task keeps it where role and department stay."""
        for task in self.st.tasks.values():
            step = self.paths.path(task.step)
            role = self._role(task)
            department = self.work.department(role)
            yield [task.opened_seq, step, role, department, (role, department) == (task.role, task.department)]

    def _role(self, task: Task) -> str:
        """Whoever only watches goes on watching; else it is the owner of the step."""
        return task.role if task.watch else self.new.steps[self.paths.path(task.step)].owner or task.role

    def _there(self, token: Token) -> Token:
        return token._replace(step=self.paths.path(token.step), scope=self.paths.scope(token.scope))

    def _stay(self, token: Token) -> list[Any]:
        """[token, limit, day, instant, provisional, calendar] of a stay by the new step's own limit."""
        step = self.new.steps[self.paths.path(token.step)]
        if step.limit is None:
            return [token.id, None, None, None, False, self.work.cal.version]
        if token.paused:
            return [token.id, str(step.limit), None, None, False, self.work.cal.version]
        due = self.work.deadline(token.entered_at, step.limit, token.pauses)
        return [token.id, str(step.limit), due.on, due.at, due.provisional, self.work.cal.version]

    # -- timers of steps

    def _rules(self, token: Token) -> Iterator[tuple[TimerRule, list[Any]]]:
        """The timers of a token's step in the new version that have not fired yet, with their dates there."""
        there = self._there(token)
        step = self.new.steps[there.step]
        fired = self._fired(token)
        for rule in step.timers:
            if _same(rule) in fired:
                fired.remove(_same(rule))
                continue
            yield rule, [token.id, f"{step.path}:{rule.id}", *self._due(rule, there)]

    def _fired(self, token: Token) -> list[tuple[Any, ...]]:
        rules = self.old.steps[token.step].timers
        return [_same(r) for r in rules if f"{token.id}/{token.step}:{r.id}" not in self.st.timers]

    def _due(self, rule: TimerRule, there: Token) -> tuple[str | None, str | None]:
        """As `clocks.timer_due`, of limits as they will be counted."""
        if rule.of is None:
            return clocks.timer_due(self.work, rule, self.new.steps[there.step], there)
        key = clocks.limit_key(rule.of)
        clock = self.st.clocks.get(key)
        begun = rule.of in self._begun()
        if (clock is None and not begun) or (clock is not None and not clock.running) or there.paused:
            return key, None
        limit = self.new.limits[rule.of]
        start, pauses = (clock.started_at, clock.pauses) if clock else (self.st.milestones[limit.start], ())
        return key, self.work.deadline(start, resolved(rule.at, clocks.length_now(limit, clock)), pauses).at

    # -- limits of the case

    def _begun(self) -> list[str]:
        """Limits that only the new version has and that run by what the case has behind it."""
        marks, step = self.st.milestones, self.paths.path(self.st.main.step)
        return [
            name
            for name, limit in self.new.limits.items()
            if clocks.limit_key(name) not in self.st.clocks
            and limit.start in marks
            and limit.stop not in marks
            and clocks.leads_to_grant(self.new, step)
        ]

    def _counted(self) -> tuple[list[dict[str, Any]], list[list[Any]]]:
        """The case's running limits by the new version, from their old starts and pauses, and the timers of dates."""
        limits, timers = [], []
        running = {c.key: c for c in self.st.clocks.values() if c.token_id is None and c.stopped_at is None}
        begun = {clocks.limit_key(name): name for name in self._begun()}
        for key in (*running, *begun):
            limit, clock = self.new.limits[key.partition(":")[2]], running.get(key)
            start = clock.started_at if clock is not None else self.st.milestones[limit.start]
            length = clocks.length_now(limit, clock)
            said = {
                "key": key, "statutory": str(length), "started_at": start, "calendar": self.work.cal.version,
                "promised": str(limit.promised) if limit.promised else None,
            }  # fmt: skip
            if clock is not None and not clock.running:
                limits.append({**said, **clocks.NO_DATES})
                timers += [[MAIN, t.key, key, None] for t in self.st.timers.values() if t.key.startswith(f"{key}:")]
                continue
            pauses = clock.pauses if clock is not None else ()
            statutory = self.work.deadline(start, length, pauses)
            promised = self.work.deadline(start, limit.promised, pauses) if limit.promised else None
            limits.append({**said, **clocks.dates(statutory, promised)})
            ask = clocks.asked(self.work, limit, clock, start, length, pauses)
            rows = clocks.limit_timers(key, statutory, promised, ask)
            timers += [r for r in rows if clock is None or f"{MAIN}/{r[1]}" in self.st.timers or r[3] > self.work.at]
        return limits, timers


def _same(rule: TimerRule) -> tuple[Any, ...]:
    """What makes a timer the same in two versions: what it does, of which limit; not when, not its place."""
    return rule.do, rule.of, rule.to, rule.to_role
