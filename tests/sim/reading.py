"""A case as its events tell it, read by the words of docs/events.md: the simulation's own account.

It shares no code with the engine's fold. What it says is held against the tables (`tables.py`) and against the law of
the procedure (`law.py`).
"""

from __future__ import annotations

import json
from typing import Any, cast

from tests.sim.reading_parts import MAIN, Limit, Node, Token, Told, end_pause
from tests.sim.reading_waits import Waiting


class Case(Waiting):
    """The account of one case. `tell` takes the next event."""

    def __init__(self, case_id: str) -> None:
        self.id, self.seq, self.last_at, self.batches, self.last_key = case_id, 0, "", 0, ("", "")
        self.sha = self.service = self.person = self.number = ""
        self.organisation: str | None = None
        self.parent: str | None = None
        self.area: str | None = None
        self.sent: tuple[int, str] = (0, "")  # revision of the answers and version by which it was first sent
        self.status, self.outcome, self.closed_at, self.rev = "draft", None, None, 0
        self.tokens: dict[int, Token] = {}
        self.tasks: dict[int, Node] = {}
        self.timers: dict[tuple[int, str], list[Any]] = {}  # [due, clock, seq of arming]
        self.stays: dict[int, list[Any]] = {}  # token: [limit, too late]
        self.limits: dict[str, Limit] = {}
        self.acts: dict[str, set[str]] = {}
        self.hands: dict[str, str] = {}
        self.marks: dict[str, str] = {}
        self.rounds: dict[str, int] = {}
        self.asks: dict[int, bool] = {}
        self.notice: Node | None = None
        self.changes: list[tuple[int, list[str]]] = []
        self.holds: list[tuple[int, str]] = []
        self.gaps: dict[str, bool] = {}
        self.pledges: dict[str, Node] = {}
        self.kept: dict[str, Node] = {}
        self.children: dict[str, Node] = {}
        self.meetings: dict[int, str] = {}  # when people meet, by token of the present stay
        self.fired: set[tuple[int, str]] = set()  # timers of the present stays that have acted

    @property
    def main(self) -> Token:
        return self.tokens[MAIN]

    def parts(self, block: str) -> list[Token]:
        prefix = block + "."
        return [t for t in self.tokens.values() if t.kind == "branch" and t.scope.startswith(prefix)]

    def task_of(self, token: int) -> Node | None:
        return next((t for t in self.tasks.values() if t["token"] == token and not t["watch"]), None)

    def tell(self, ev: Told) -> None:
        self.seq, self.last_at = ev.seq, ev.at
        if (ev.actor, ev.idem) != self.last_key:
            self.batches, self.last_key = self.batches + 1, (ev.actor, ev.idem)
        if "role" in ev.data and "step" in ev.data and ev.type not in NO_ACTS and not ev.type.startswith("task."):
            self.acts.setdefault(ev.data["step"], set()).update({ev.actor, ev.on_behalf_of or ev.actor})
            self.hands[ev.data["step"]] = ev.on_behalf_of or ev.actor
        getattr(self, "_" + ev.type.replace(".", "_"), _nothing)(ev)

    # -- the case

    def _case_opened(self, ev: Told) -> None:
        d = ev.data
        self.sha, self.service, self.person, self.number = d["sha"], d["service"], d["person"], d["number"]
        self.organisation, self.parent, self.area = d["organisation"], d.get("parent"), d["area"]

    def _case_closed(self, ev: Told) -> None:
        self.status, self.outcome, self.closed_at = "closed", ev.data["outcome"], ev.at
        after = {t.id for t in self.tokens.values() if t.kind == "after"}
        for token in self.tokens.values():
            if token.open and token.id not in after:
                token.status, token.waits_for, token.confirmed = "ended", None, None
                token.outcome = ev.data["outcome"] if token.id == MAIN else "cancelled"
                token.step = ev.data["step"] if token.id == MAIN else token.step
        self.asks, self.notice, self.kept, self.holds = {}, None, {}, []
        self.meetings = {}
        self.tasks = {seq: t for seq, t in self.tasks.items() if t["token"] in after}
        self.timers = {k: t for k, t in self.timers.items() if k[0] in after}
        self.stays = {k: s for k, s in self.stays.items() if k in after}
        for limit in self.limits.values():
            if limit.stopped is None:
                end_pause(limit.pauses, ev.at)
                limit.stopped = ev.at

    def _case_migrated(self, ev: Told) -> None:
        """The same case under the names of another version, its dates counted anew."""
        d, steps, fields = ev.data, ev.data["steps"], ev.data["fields"]
        for name in d["ended"]:
            token, _, key = name.partition("/")
            self.timers.pop((int(token), key), None)
        moves_of(self, d["tokens"], ev.seq)
        for seq, step, role, department, kept in d["tasks"]:
            self.tasks[seq] |= {"step": step, "role": role, "department": department}
            self.tasks[seq] |= {} if kept else {"assignee": None}
        for token, limit, _on, at, _provisional, _calendar in d["stays"]:
            self.stays[token] = [limit, at]
            if limit is None:
                del self.stays[token]
        for said in d["limits"]:
            limit = self.limits.setdefault(said["key"], Limit(said))
            limit.statutory, limit.promised = said["statutory"], said["promised"]
            limit.statutory_on, limit.promised_on = said["statutory_on"], said["promised_on"]
        acted = {name for name in self.fired if not name[1].startswith("limit:")}
        self._set(d["timers"], ev.seq)
        self.fired |= acted  # what a step's timer has done it does not do again
        self.sha, self.rev = d["to"], d.get("rev", self.rev)
        for names in cast("tuple[dict[str, Any], ...]", (self.acts, self.hands, self.rounds, self.kept)):
            renamed = {steps.get(path, path): what for path, what in names.items()}
            names.clear()
            names.update(renamed)
        self.changes = [(rev, [fields.get(name, name) for name in names]) for rev, names in self.changes]
        if self.notice is not None:
            self.notice["scope"] = steps.get(self.notice["scope"], self.notice["scope"])

    # -- stays

    def _arrive(self, token: Token, ev: Told) -> None:
        d = ev.data
        self._clear(token.id)
        token.step, token.outcome, token.waits_for = d["step"], None, d.get("waits_for")
        token.status = "waiting" if d["kind"] in ("parallel", "cases") or token.waits_for else "active"
        token.entered_at, token.entered_seq, token.moved = ev.at, ev.seq, ev.seq
        token.acted, token.confirmed, token.pauses = False, None, []
        if d["kind"] == "parallel":
            self.rounds[d["step"]] = self.rounds.get(d["step"], 0) + 1
            self.acts = {step: who for step, who in self.acts.items() if not step.startswith(d["step"] + ".")}
        if d.get("role") and d.get("department"):
            status = "waiting" if d["kind"] in ("parallel", "cases") else "open"
            self.tasks[ev.seq] = _task(token.id, d, d.get("assignee"), status)
        if "limit" in d:
            self.stays[token.id] = [d["limit"], d["due_at"]]
        self._set(d.get("timers", ()), ev.seq)

    def _clear(self, token: int) -> None:
        """A stay ends: its tasks, its clock, its timers."""
        self.tasks = {seq: t for seq, t in self.tasks.items() if t["token"] != token}
        self.stays.pop(token, None)
        self.meetings.pop(token, None)
        keep = ("limit:", "deferral:")
        self.timers = {k: t for k, t in self.timers.items() if k[0] != token or k[1].startswith(keep)}
        self.fired = {f for f in self.fired if f[0] != token or f[1].startswith(keep)}

    def _set(self, timers: Any, seq: int) -> None:
        for token, key, clock, due in timers:
            self.timers[(token, key)] = [due, clock, seq]
            self.fired.discard((token, key))

    def _step_entered(self, ev: Told) -> None:
        self._arrive(self.tokens.setdefault(ev.token, Token(ev.token, "main", "")), ev)

    def _step_left(self, ev: Told) -> None:
        d, token = ev.data, self.tokens[ev.token]
        self.rev, self.area = d.get("rev", self.rev), d.get("area", self.area)
        if "marks" in d:
            self.marks[d["marks"]] = d["marked_at"]
        if "kept" in d:
            self.kept.pop(d["step"], None)
        if self.status == "draft" and ev.token == MAIN:
            self.status, self.sent = "open", (self.rev, self.sha)
        self._leave(token, ev)

    def _leave(self, token: Token, ev: Told) -> None:
        self._clear(token.id)
        self.asks.pop(token.id, None)
        if token.id == MAIN:
            self.asks, self.notice = {}, None
        token.moved, token.rev, token.waits_for, token.acted, token.confirmed = ev.seq, self.rev, None, True, None
        end_pause(token.pauses, ev.at)

    def _branch_opened(self, ev: Told) -> None:
        d = ev.data
        token = self.tokens[ev.token] = Token(ev.token, "branch", d["branch"])
        token.rev, token.round = self.rev, d["round"]
        self._arrive(token, ev)

    def _branch_ended(self, ev: Told) -> None:
        d, token = ev.data, self.tokens.get(ev.token)
        if token is None:
            token = self.tokens[ev.token] = Token(ev.token, "branch", d["branch"])
            token.entered_at = ev.at
        elif d["outcome"] == "not_needed" and token.open:
            self._leave(token, ev)
        token.status, token.outcome, token.round, token.rev = "ended", d["outcome"], d["round"], self.rev
        token.step, token.waits_for, token.confirmed, token.moved = f"{d['branch']}#{d['outcome']}", None, None, ev.seq

    def _branch_cancelled(self, ev: Told) -> None:
        token = self.tokens[ev.token]
        self._leave(token, ev)
        token.status, token.outcome = "ended", "cancelled"

    def _branch_suspended(self, ev: Told) -> None:
        self._status(ev, "suspended", "waiting", "correction")

    def _branch_resumed(self, ev: Told) -> None:
        self._status(ev, "active", "open", None)

    def _status(self, ev: Told, status: str, task: str, waits_for: str | None) -> None:
        token = self.tokens[ev.token]
        token.status, token.waits_for, token.moved = status, waits_for, ev.seq
        self._task_status(ev.token, task)

    def _task_status(self, token: int, status: str) -> None:
        if (task := self.task_of(token)) is not None:
            task["status"] = status

    def _action_confirmed(self, ev: Told) -> None:
        token, task = self.tokens[ev.token], self.task_of(ev.token)
        token.confirmed, token.waits_for = (ev.data["trigger"], ev.actor, ev.on_behalf_of), "second_person"
        token.acted, token.moved, token.rev = True, ev.seq, self.rev
        if task is not None:
            task["assignee"] = None

    def _after_opened(self, ev: Told) -> None:
        token = self.tokens[ev.token] = Token(ev.token, "after", ev.data["step"])
        token.rev = self.rev
        self._arrive(token, ev)

    def _after_ended(self, ev: Told) -> None:
        token = self.tokens[ev.token]
        token.step, token.status, token.outcome = f"{ev.data['step']}#{ev.data['outcome']}", "ended", ev.data["outcome"]

    def _consult_asked(self, ev: Told) -> None:
        self.tokens[ev.token].moved = ev.seq

    def _consult_opened(self, ev: Told) -> None:
        token = self.tokens[ev.token] = Token(ev.token, "consult", ev.data["scope"])
        token.rev, token.asked_by = self.rev, ev.data["asked_by"]
        self._arrive(token, ev)

    def _consult_ended(self, ev: Told) -> None:
        token = self.tokens[ev.token]
        if self.task_of(token.id) is not None:
            self._leave(token, ev)
        token.step, token.status, token.outcome = f"{ev.data['step']}#{ev.data['outcome']}", "ended", ev.data["outcome"]
        token.moved = ev.seq

    def _appointment_made(self, ev: Told) -> None:
        self.meetings[ev.token] = ev.data["starts_at"]

    def _answer_kept(self, ev: Told) -> None:
        self.kept[ev.data["step"]] = {"trigger": ev.data["trigger"], "seq": ev.seq}

    def _person_invited(self, ev: Told) -> None:
        self.tokens[ev.token].person, self.tokens[ev.token].moved = ev.data["person"], ev.seq

    def _step_called(self, ev: Told) -> None:
        token = self.tokens[ev.token]
        token.status, token.waits_for, token.moved = "active", None, ev.seq

    # -- tasks

    def _task_claimed(self, ev: Told) -> None:
        self.tasks[ev.data["task"]]["assignee"] = ev.actor

    def _task_assigned(self, ev: Told) -> None:
        task = self.tasks[ev.data["task"]]
        task["assignee"] = self.hands[task["step"]] = ev.data["to"]

    def _task_released(self, ev: Told) -> None:
        self.tasks[ev.data["task"]]["assignee"] = None

    def _task_escalated(self, ev: Told) -> None:
        self.tasks[ev.seq] = {**_task(ev.token, ev.data, None, "waiting"), "watch": ev.data.get("limit", True)}


def moves_of(case: Case, tokens: list[Any], seq: int) -> None:
    """Every part stands at the step, in the branch, as the new version calls it; so do its timers that have acted."""
    for id, step, scope in tokens:
        token = case.tokens[id]
        old = token.step + ":"
        case.fired = {(t, f"{step}:{k.removeprefix(old)}" if t == id and k.startswith(old) else k)
                      for t, k in case.fired}  # fmt: skip
        token.step, token.scope, token.moved = step, scope, seq


NO_ACTS = ("step.entered", "branch.opened", "after.opened", "appointment.made")  # a day for a visit examines nothing


def told(row: Any) -> Told:
    """A row (seq, at, type, actor, on_behalf_of, token_id, data, idem) of `case_events`, times as text."""
    return Told(row[0], row[1], row[2], row[3], row[4], row[5] or MAIN, json.loads(row[6]), row[7])


def _task(token: int, d: Node, assignee: str | None, status: str) -> Node:
    return {
        "token": token, "step": d["step"], "role": d["role"], "department": d["department"], "assignee": assignee,
        "status": status, "watch": False,
    }  # fmt: skip


def _nothing(_ev: Told) -> None:
    """A fact that moves nothing, such as a missed date."""
