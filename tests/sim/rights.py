"""Who may do what, said a second time: from the words of the definition and the account of the events alone."""

from __future__ import annotations

import re
from typing import Any

from govservice.engine import Actor, Command
from tests.sim.reading import Case, Token
from tests.sim.reading_parts import MAIN

ANSWERS = ("@ok", "@fail")


class Rules:
    """The procedure's own data, departments and answers. `answers` are those of every revision, as they were given."""

    def __init__(self, definitions: Any, catalogue: Any) -> None:
        self.definitions, self.catalogue = definitions, catalogue
        self.answers: dict[tuple[str, int], dict[str, Any]] = {}

    def of(self, case: Case) -> Any:
        return self.definitions.by_sha(case.sha)

    def renamed(self, case: Case, rev: int, fields: dict[str, str]) -> None:
        """The same answers under the names of another version."""
        if case.rev != rev and (case.id, rev) in self.answers:
            given = self.answers[(case.id, rev)]
            self.answers[(case.id, case.rev)] = {fields.get(name, name): value for name, value in given.items()}

    def department(self, case: Case, role: str) -> str | None:
        """The nearest department of the role's kind, from its area upwards: that which the application named when it
        was sent, else the case's."""
        kind, here = self.of(case).service.roles[role].department, case.area
        rev, sha = case.sent
        then = self.definitions.by_sha(sha).service.roles.get(role) if sha else None
        if then is not None and then.area is not None:
            here = self.value(case, then.area.removeprefix("form."), rev) or here
        while here is not None:
            if f"{here}.{kind}" in self.catalogue.departments:
                return f"{here}.{kind}"
            here = self.catalogue.areas[here].parent
        return None

    def value(self, case: Case, name: str, rev: int | None = None) -> Any:
        given = self.answers.get((case.id, case.rev if rev is None else rev), {}).get(name)
        return float(given) if isinstance(given, str) and re.fullmatch(r"[0-9]+(\.[0-9]+)?", given) else given

    def holds(self, case: Case, source: str) -> bool:
        """An expression of the procedures: comparisons of one field with a constant, nothing else."""
        name, sign, constant = source.split()
        have = self.value(case, name)
        wanted = {"True": True, "False": False}.get(constant)
        wanted = float(constant) if wanted is None else wanted
        if have is None:
            return False
        return bool({"==": have == wanted, ">": have > wanted, ">=": have >= wanted}[sign])

    def elements(self, case: Case, name: str) -> int:
        return (
            len(dict.fromkeys(re.split(r"[,\s]+", str(self.value(case, name) or "").strip())))
            if self.value(case, name)
            else 0
        )

    def in_role(self, case: Case, actor: Actor, role: str) -> bool:
        """Whether the role is theirs here, or that of a colleague for whom they stand in."""
        pair = (role, self.department(case, role))
        return actor.kind == "user" and any(pair in each.roles for each in (actor, *actor.deputy_for))

    def for_whom(self, case: Case, actor: Actor, role: str, token: Token | None) -> Actor | None:
        """The absent colleague for whom somebody acts: whose task it is, else whose role alone gives the right."""
        pair = (role, self.department(case, role))
        fitting = [each for each in actor.deputy_for if pair in each.roles]
        task = case.task_of(token.id) if token is not None else None
        for each in fitting:
            if task is not None and (task["assignee"], task["role"]) == (each.id, role):
                return each
        return None if pair in actor.roles or not fitting else fitting[0]

    def own(self, case: Case, actor: Actor) -> bool:
        return actor.person_id is not None and actor.person_id == case.person

    def conflict(self, case: Case, actor: Actor, role: str, token: Token | None) -> bool:
        """Their own application, or that of the colleague for whom they act."""
        absent = self.for_whom(case, actor, role, token)
        return self.own(case, actor) or (absent is not None and self.own(case, absent))

    def supervises(self, case: Case, actor: Actor) -> bool:
        here, above = case.area, []
        while here is not None:
            above.append(here)
            here = self.catalogue.areas[here].parent
        mine = [dept.partition(".")[0] for role, dept in actor.roles if role == "supervisor"]
        return any(area in above for area in mine) and not self.own(case, actor)


def may_act(rules: Rules, case: Case, token: Token, edge: Any, actor: Actor) -> str | None:
    """Why this actor may not take this edge of this token; None where they may. Needs and conditions apart."""
    bundle = actor.kind == "system" and case.parent and edge.by == "applicant"
    if not (bundle and (case.status == "draft" or edge.kind == "always")) and (
        why := _right(rules, case, token, edge, actor)
    ):
        return why
    if not token.open or (case.status == "closed" and token.kind != "after"):
        return "it is over"
    if edge.kind not in ("always", "join", "lapse") and token.status != "active":
        return "the token waits"
    if edge.requires_gaps and any(case.gaps.values()):
        return "a document has not come"
    task = case.task_of(token.id)
    if task is not None and task["role"] == edge.by and task["assignee"] not in (None, *ids(actor)):
        return "somebody else has taken it"
    if actor.kind == "user":
        absent = rules.for_whom(case, actor, edge.by, token)
        both = {actor.id, absent.id if absent is not None else actor.id}
        first = token.confirmed
        if edge.two_people and first is not None and first[0] == edge.name and both & set(first[1:]):
            return "the same person twice"
        if any(both & case.acts.get(path, set()) for path in edge.not_same_as):
            return "four eyes"
    if edge.once and any(end is not None and kind == "correction" for _, end, kind in token.pauses):
        return "one round to put it right"
    if edge.consult is not None and asked(rules, case, token, edge):
        return "asked already"
    moves = edge.kind == "action" and not (edge.consult or edge.correction or edge.pause or edge.resume)
    if moves and any(asked(rules, case, token, e) for e in consulting(rules, case, token.step) if e.consult.blocking):
        return "an opinion has not come"
    held = [kind for id, kind in case.holds if id == token.id]
    if edge.pause in held or (edge.resume is not None and edge.resume not in held):
        return "the clock stands still, or does not"
    return None


def consulting(rules: Rules, case: Case, step: str) -> list[Any]:
    """The actions of a step that ask other departments for their opinion."""
    return [edge for edge in rules.of(case).out.get(step, ()) if edge.consult is not None]


def asked(rules: Rules, case: Case, token: Token, edge: Any) -> list[Token]:
    """The departments that were asked by an action and have not answered."""
    place = f"{edge.source}@{edge.name}@"
    return [t for t in case.tokens.values() if t.open and t.asked_by == token.id and t.step.startswith(place)]


def ids(actor: Actor) -> tuple[str, ...]:
    """Themselves and those for whom they stand in."""
    return (actor.id, *(each.id for each in actor.deputy_for))


def _right(rules: Rules, case: Case, token: Token, edge: Any, actor: Actor) -> str | None:
    if edge.by == "applicant" and token.branch and rules.of(case).steps[token.step].person:
        return None if actor.kind == "applicant" and actor.person_id == token.person else "not the person asked"
    if edge.by == "person":
        return None if actor.kind == "applicant" and actor.person_id == token.person else "not the person asked"
    if edge.by == "applicant":
        return None if actor.kind == "applicant" and actor.person_id == case.person else "not the applicant"
    if edge.by == "system":
        return None if actor.kind == "system" else "only the system"
    if not rules.in_role(case, actor, edge.by):
        return "not in this role here"
    return "their own case" if rules.conflict(case, actor, edge.by, token) else None


def verdict(rules: Rules, case: Case, cmd: Command) -> str | None:
    """Why a command of a person must be refused; None where it must be carried out. "?" where this cannot say."""
    d = rules.of(case)
    token = case.tokens.get(cmd.token_id or MAIN)
    if token is None:
        return "no such part"
    if cmd.data.get("data_rev", case.rev) < case.rev:
        return "an older revision"
    own = OWN.get(cmd.trigger.partition(":")[0])
    if own is not None:
        return own(rules, case, token, cmd)
    if cmd.trigger.startswith("@"):
        return "?" if cmd.actor.kind == "system" else "the system's"
    edge = next(
        (e for e in d.out.get(token.step, ()) if e.name == cmd.trigger and e.kind in ("action", "always")), None
    )
    if edge is None:
        return "no such action here"
    if why := may_act(rules, case, token, edge, cmd.actor):
        return why
    return needs(token, edge, cmd)


def needs(token: Token, edge: Any, cmd: Command) -> str | None:
    if edge.two_people and token.confirmed is not None and token.confirmed[0] == edge.name:
        return None
    if (edge.reason or edge.consult or (edge.pause and edge.notice is None)) and not cmd.reason:
        return "no reason"
    if any(name not in cmd.attachments for name in edge.requires_attachments):
        return "an attachment is missing"
    if edge.correction and not cmd.data.get("items"):
        return "nothing is named"
    return "no length" if edge.pause and edge.length is None and not cmd.data.get("length") else None


def _claim(rules: Rules, case: Case, token: Token, cmd: Command) -> str | None:
    task = case.task_of(token.id)
    if task is None or token.status != "active" or not rules.in_role(case, cmd.actor, task["role"]):
        return "not theirs to take"
    if rules.conflict(case, cmd.actor, task["role"], token) or task["assignee"] not in (None, *ids(cmd.actor)):
        return "own, or taken"
    return "they confirmed" if token.confirmed is not None and cmd.actor.id in token.confirmed[1:] else None


def _release(_rules: Rules, case: Case, token: Token, cmd: Command) -> str | None:
    task = case.task_of(token.id)
    return None if task is not None and task["assignee"] in ids(cmd.actor) else "not theirs"


def _send_notice(rules: Rules, case: Case, _token: Token, cmd: Command) -> str | None:
    d = rules.of(case)
    block = d.blocks.get(case.main.step) if case.status == "open" else None
    if block is None or block.correction is None or not rules.in_role(case, cmd.actor, d.steps[block.path].owner):
        return "no lead here"
    if rules.conflict(case, cmd.actor, d.steps[block.path].owner, None) or case.notice is not None:
        return "own, or it is out"
    return None if any(not told for told in case.asks.values()) else "nothing was asked"


def _resubmit(_rules: Rules, case: Case, _token: Token, cmd: Command) -> str | None:
    mine = cmd.actor.kind == "applicant" and cmd.actor.person_id == case.person
    return None if mine and case.status == "open" and case.notice is not None else "no notice, or not theirs"


def _supply(_rules: Rules, case: Case, _token: Token, cmd: Command) -> str | None:
    mine = cmd.actor.kind == "applicant" and cmd.actor.person_id == case.person and case.status == "open"
    due = {name for name, is_open in case.gaps.items() if is_open}
    names = set(cmd.data["supplied"])
    return None if mine and names and names <= due else "nothing due, or not theirs"


def _extend(rules: Rules, case: Case, _token: Token, cmd: Command) -> str | None:
    name = cmd.trigger.partition(":")[2]
    limit, said = case.limits.get(f"limit:{name}"), rules.of(case).limits.get(name)
    if limit is None or said is None or said.extend is None or limit.stopped or case.status == "closed":
        return "nothing to extend"
    role = said.extend.role
    if not rules.in_role(case, cmd.actor, role) or rules.conflict(case, cmd.actor, role, None):
        return "not theirs"
    if limit.extended or (MAIN, f"limit:{name}:statutory") not in case.timers:
        return "once, and in time"
    return None if cmd.reason else "no reason"


def _assign(rules: Rules, case: Case, token: Token, cmd: Command) -> str | None:
    task, d = case.task_of(token.id), rules.of(case)
    if task is None or case.status == "closed":
        return "no task"
    owner = d.steps[case.main.step].owner if token.kind == "branch" else None
    leads = owner is not None and rules.in_role(case, cmd.actor, owner)
    leads = leads and not rules.conflict(case, cmd.actor, owner, None)
    if not leads and not rules.supervises(case, cmd.actor):
        return "neither lead nor supervisor"
    to = cmd.assignee
    assert to is not None
    if not rules.in_role(case, to, task["role"]) or rules.own(case, to):
        return "not to them"
    if token.confirmed is not None and to.id in token.confirmed[1:]:
        return "they confirmed"
    return None if cmd.reason or task["assignee"] is None else "no reason"


def _part(rules: Rules, case: Case, token: Token, cmd: Command) -> str | None:
    """Cancelling and reopening: whether the case could go on is the engine's to say."""
    if token.kind == "consult" and cmd.trigger == "@cancel":
        return _take_back(rules, case, token, cmd)
    if case.status == "closed" or not rules.supervises(case, cmd.actor) or not cmd.reason:
        return "no supervisor, or no reason"
    block = case.main.step
    if token.kind != "branch" or not token.scope.startswith(block + ".") or token.round != case.rounds.get(block):
        return "no part of this round"
    if cmd.trigger == "@cancel":
        return "?" if token.open else "it has ended"
    return "it is open, or not needed" if token.open or token.outcome == "not_needed" else None


def _take_back(rules: Rules, case: Case, token: Token, cmd: Command) -> str | None:
    """A question is taken back by the step that asked it, or by supervision."""
    if not token.open:
        return "it is over"
    d = rules.of(case)
    owner = d.steps[token.step.partition("@")[0]].owner
    mine = rules.in_role(case, cmd.actor, owner) and not rules.conflict(case, cmd.actor, owner, None)
    if not mine and (case.status == "closed" or not rules.supervises(case, cmd.actor)):
        return "neither who asked nor a supervisor"
    return None if cmd.reason else "no reason"


OWN = {
    "@claim": _claim, "@release": _release, "@send_notice": _send_notice, "@resubmit": _resubmit, "@supply": _supply,
    "@extend": _extend, "@assign": _assign, "@cancel": _part, "@reopen": _part,
}  # fmt: skip
