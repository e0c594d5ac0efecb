"""What must hold of every single event, asked before it is taken into the account (I2, I3, I4, I5): an act is an edge
of the definition, by somebody who may, in time, and it says and sends what the law asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from govservice.engine import Actor, Command
from govservice.models.base import to_iso
from tests.sim import joins, rights
from tests.sim.days import Days, share
from tests.sim.reading import Case, Told
from tests.sim.rights import Rules

Found = Iterator[tuple[str, str]]
NOTICES = {
    "granted": "notice.grant", "refused": "notice.refusal", "withdrawn": "notice.withdrawn",
    "lapsed": "notice.lapsed", "terminated": "notice.terminated",
}  # fmt: skip
BY_EDGE = ("step.left", "action.confirmed", "correction.asked", "pause.begun", "consult.asked")


class Acts:
    """Asks one event after the other. `who` gives the actor of an id."""

    def __init__(self, rules: Rules, days: Days, who: Callable[[str], Actor]) -> None:
        self.rules, self.days, self.who = rules, days, who
        self.batch: tuple[str, str, str] = ("", "", "")
        self.lapsed = self.answered = False

    def ask(self, case: Case, ev: Told, now: datetime) -> Found:
        if (case.id, ev.actor, ev.idem) != self.batch:
            self.batch, self.lapsed, self.answered = (case.id, ev.actor, ev.idem), False, False
            yield from self._in_time(case, ev, to_iso(now))
        if ev.at < case.last_at:
            yield "I2", f"{ev.type} goes back in time"
        if case.status == "closed" and case.tokens.get(ev.token, case.main).kind != "after":
            allowed = (ev.type == "after.opened", ev.type == "case.closed")
            if not any(allowed):
                yield "I6", f"{ev.type} after the end"
        if not case.sha:
            return
        d = self.rules.of(case)
        if ev.type in BY_EDGE:
            yield from self._edge(d, case, ev)
        yield from self._person(case, ev)
        yield from self._dates(d, case, ev)
        if ev.type == "case.migrated" and not any(role == "designer" for role, _ in self.who(ev.actor).roles):
            yield "I4", f"{ev.actor} moved the case to another version"
        if ev.type == "child.asked":
            yield from self._child(d, case, ev.data["service"])
        missing = self._owed(d, case, ev) - set(ev.data.get("effects", ()))
        if missing:
            yield "I5", f"{ev.type} at {ev.data.get('step')} sends no {sorted(missing)}"

    def _in_time(self, case: Case, ev: Told, now: str) -> Found:
        """A timer acts at its own hour, the first that is due; whatever else acts finds none that is due."""
        due = sorted((t[0], key) for key, t in case.timers.items() if t[0] is not None and t[0] <= now)
        if not ev.idem.startswith("timer:"):
            if due:
                yield "I7", f"{ev.type} although {due[0]} was due"
            return
        if not due or ev.type != "timer.fired":
            yield "I7", f"{ev.type} by a timer that is not due"
        elif ev.data["due_at"] != due[0][0] or case.timers.get((ev.token, ev.data["key"]), [None])[0] != due[0][0]:
            yield "I7", f"{ev.data['key']} of {ev.data['due_at']} acted, {due[0]} was due"
        elif ev.at != max(ev.data["due_at"], case.last_at):
            yield "I7", f"{ev.data['key']} of {ev.data['due_at']} acted at {ev.at}"

    # -- by whom

    def _edge(self, d: Any, case: Case, ev: Told) -> Found:
        token, name = case.tokens[ev.token], ev.data["trigger"]
        edge = next((e for e in d.out.get(token.step, ()) if e.name == name), None)
        if edge is None or ev.data["step"] != token.step:
            yield "I2", f"{name} is no way out of {token.step}"
            return
        if ev.data.get("marks") != edge.marks and ev.type == "step.left":
            yield "I2", f"{name} marks {ev.data.get('marks')}, not {edge.marks}"
        if edge.marks is not None and ev.data.get("marked_at", ev.at) != (counts := self._from(d, case, token, ev)):
            yield "I7", f"{name} counts from {ev.data['marked_at']}, should be {counts}"
        by_timer = ev.idem.startswith("timer:")
        self.lapsed = self.lapsed or edge.kind == "lapse"
        if edge.kind == "join":
            block = d.blocks.get(token.step)
            if block is not None:
                ends = joins.outcomes(self.rules, case, block)
                if joins.first(block.joins, ends) is not edge:
                    yield "I6", f"{name} does not hold"
                seen = ev.data["outcomes"]  # without those that end by this very act
                if seen != {part: end for part, end in ends.items() if part in seen or end not in (None, "cancelled")}:
                    yield "I2", f"{name} saw {ev.data['outcomes']}, there is {ends}"
        elif edge.kind == "lapse" or ev.data.get("deemed"):
            if not by_timer:
                yield "I4", f"{name} without its time having come"
        elif edge.kind == "answer":
            if ev.actor != "system" and "kept" not in ev.data:
                yield "I4", f"{ev.actor} answered for the system"
        elif why := rights.may_act(self.rules, case, token, edge, self.who(ev.actor)):
            yield "I4", f"{ev.actor} did {name} at {token.step}: {why}"
        else:
            yield from self._whole(edge, token, ev)
            yield from self._for_whom(case, ev, edge.by)

    @staticmethod
    def _from(d: Any, case: Case, token: Any, ev: Told) -> str:
        """From when a mark counts: its own instant; what silence did as of the receipt, from the day on which the
        check for completeness began."""
        as_of = [r.as_of for r in d.steps[token.step].timers if r.do == ev.data["trigger"]]
        if not ev.data.get("deemed") or as_of != ["received"]:
            return ev.at
        limits = [key for key, limit in case.limits.items() if not limit.stopped]
        mine = [key for key in limits if d.limits[key.partition(":")[2]].stop == "accepted"]
        return case.limits[mine[0]].started if mine else case.marks["received"]

    def _whole(self, edge: Any, token: Any, ev: Told) -> Found:
        second = edge.two_people and token.confirmed is not None and token.confirmed[0] == edge.name
        if ev.type == "step.left" and edge.two_people and not second and ev.actor != "system":
            yield "I4", f"{edge.name} by one person alone"
        if ev.type == "step.left" and (edge.correction or edge.pause or edge.consult):
            yield "I2", f"{edge.name} left the step"
        wants_text = edge.reason or edge.consult or (edge.pause and edge.notice is None)
        if wants_text and not second and "text" not in ev.data:
            yield "I4", f"{edge.name} without a reason"

    def _for_whom(self, case: Case, ev: Told, role: str) -> Found:
        """The log says for which absent colleague somebody acted, and only then."""
        actor = self.who(ev.actor)
        if actor.kind == "user":
            absent = self.rules.for_whom(case, actor, role, case.tokens[ev.token])
            if ev.on_behalf_of != (absent.id if absent is not None else None):
                yield "I4", f"{ev.actor} did {ev.type} for {ev.on_behalf_of}, should be for {absent}"

    def _person(self, case: Case, ev: Told) -> Found:
        actor, trigger = self.who(ev.actor), PEOPLE.get(ev.type)
        if trigger is None or ev.data.get("by_supervision") is False:
            return
        if ev.type in ("branch.cancelled", "branch.opened") and "by_supervision" not in ev.data:
            return
        if ev.type == "clock.extended":
            trigger = "@extend:" + ev.data["key"].partition(":")[2]
        to = self.who(ev.data["to"]) if ev.type == "task.assigned" else None
        data = {"supplied": [ev.data.get("material")]}
        cmd = Command(case.id, trigger, "x", datetime.fromisoformat(ev.at), actor, token_id=ev.token, data=data,
                      reason="r", assignee=to)  # fmt: skip
        if ev.type == "gap.closed" and case.notice is not None:
            return
        why = rights.verdict(self.rules, case, cmd)
        if why not in (None, "?"):
            yield "I4", f"{ev.actor} did {ev.type} at {case.main.step}: {why}"

    # -- when, and what follows

    def _dates(self, d: Any, case: Case, ev: Told) -> Found:
        days = self.days
        for timer in ev.data.get("timers", ()):
            if timer[1] == "correction:collect":
                policy = d.blocks[case.main.step].correction
                if timer[3] != days.too_late(ev.at, str(policy.collect_within)):
                    yield "I7", f"asks are collected until {timer[3]}"
        if ev.type == "correction.notified":
            block = d.blocks.get(ev.data["scope"])
            within = str((block.correction if block else d.correction).within)
            due, warn = days.too_late(ev.at, within), days.too_late(ev.at, share("80%limit", within))
            said = {timer[1]: timer[3] for timer in ev.data["timers"]}
            if block and block.correction.notice == "once" and not self._once(case, ev, d.steps[block.path].owner):
                yield "I6", "the one notice went out before everybody had acted"
            if ev.data["lapse_at"] != due or said != {"correction:lapse": due, "correction:warn": warn}:
                yield "I7", f"the notice lapses {said}, should be {due}, warned of {warn}"
        self.answered = self.answered or ev.type == "correction.resubmitted"
        if ev.type == "clock.paused" and ev.data["kind"] == "correction" and case.main.step in d.blocks:
            opened = [t for t in case.parts(case.main.step) if t.open]
            asked = [t for t in opened if t.waits_for == "correction"]
            if d.blocks[case.main.step].correction.clock == "pause_all" and len(asked) < len(opened):
                yield "I7", "the clock stopped although others work on"
        if ev.type == "clock.resumed" and self.answered:
            said, limit = d.limits[ev.data["key"].partition(":")[2]], case.limits[ev.data["key"]]
            if (said.start, said.stop) == ("received", "accepted") and limit.pauses[-1][2] == "correction":
                yield "I7", "the check for completeness does not begin afresh"
        if ev.type == "clock.started":
            begins = ev.at if self.answered else case.marks[d.limits[ev.data["key"].partition(":")[2]].start]
            if ev.data["started_at"] != begins:
                yield "I7", f"{ev.data['key']} begins {ev.data['started_at']}, should be {begins}"
        if ev.type == "gap.opened":
            due = days.too_late(ev.at, str(d.deferrals[ev.data["material"]].within))
            if ev.data["due_at"] != due or due not in [timer[3] for timer in ev.data["timers"]]:
                yield "I7", f"{ev.data['material']} is due {ev.data['due_at']}, should be {due}"
        if ev.type == "pause.begun" and days.day(ev.data["until_at"]) != days.last(ev.at, ev.data["length"]):
            yield "I7", f"the pause of {ev.data['length']} ends {ev.data['until_at']}"
        if ev.type == "case.closed" and ev.data["outcome"] != d.steps[ev.data["step"]].outcome:
            yield "I2", f"closed as {ev.data['outcome']}"
        if ev.type == "clock.breached" and not self._breached(case, ev):
            yield "I7", f"{ev.data['key']} was not missed"

    def _once(self, case: Case, ev: Told, lead: str) -> bool:
        """Everybody has acted, or the days of collecting are over, or the lead sends it."""
        all_acted = all(t.acted for t in case.parts(case.main.step) if t.open)
        return all_acted or ev.idem.startswith("timer:") or self.rules.in_role(case, self.who(ev.actor), lead)

    @staticmethod
    def _child(d: Any, case: Case, service: str) -> Found:
        """What a child takes over from another one is there: that one was granted."""
        spawn = next(s for s in d.bundles[case.main.step].spawns if s.service == service)
        others = {source.partition(".")[0] for source in spawn.given.values()} & set(case.children)
        if early := sorted(o for o in others if case.children[o]["outcome"] != "granted"):
            yield "I6", f"{service} was asked for before {early} had come to a good end"

    @staticmethod
    def _breached(case: Case, ev: Told) -> bool:
        limit = case.limits[ev.data["key"]]
        day = limit.statutory_on if ev.data["kind"] == "statutory" else limit.promised_on
        return day is not None and f"{day}T16:00:00.000000Z" <= ev.at

    def _owed(self, d: Any, case: Case, ev: Told) -> set[str]:
        kind, data = ev.type, ev.data
        if kind == "step.left":
            edge = next((e for e in d.out.get(data["step"], ()) if e.name == data["trigger"]), None)
            owed = {e for e in (edge.effects if edge else ()) if not e.startswith("message.")}
            if data.get("marks") == "received":
                owed.add("notice.receipt")
            if data.get("marks") == "accepted":
                owed.add("notice.acceptance")
            return owed
        if kind in ("step.entered", "branch.opened"):
            step = d.steps[data["step"]]
            owed = {step.call} if step.call and step.path not in case.kept and not data.get("waits_for") else set()
            owed |= {"notice.fee"} if "fee.collect" in owed else set()
            return owed | ({"person.invite"} if step.person and kind == "branch.opened" else set())
        if kind == "case.closed":
            lapsed = self.lapsed and data["outcome"] != "terminated"
            owed = {"notice.lapsed" if lapsed else NOTICES[data["outcome"]]}
            return owed | ({"bundle.report"} if case.parent else set())
        return {SENDS[kind]} if kind in SENDS else set()


SENDS = {
    "correction.notified": "notice.correction", "clock.extended": "notice.extension", "pause.begun": "notice.pause",
    "appointment.made": "notice.appointment",
    "child.asked": "bundle.spawn",
}  # fmt: skip
PEOPLE = {
    "task.claimed": "@claim", "task.assigned": "@assign", "correction.resubmitted": "@resubmit",
    "gap.closed": "@supply", "clock.extended": "@extend", "branch.cancelled": "@cancel", "branch.opened": "@reopen",
}  # fmt: skip
