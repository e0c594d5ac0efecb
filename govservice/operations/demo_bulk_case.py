"""One case of the large demonstration: drawn from a seed, played in memory by the engine's own decisions.

Who is asked, how long it takes, what is corrected, refused, withdrawn or left alone is drawn; rights, joins, clocks,
timers and deemed acts are the engine's. What lies after `now` does not happen: those cases stay open, with their tasks
and timers.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from govservice.definitions.compiled import Compiled, Edge
from govservice.engine import MAIN, SYSTEM, Actor, Command, Token, rights
from govservice.engine.bulk import Played
from govservice.engine.types import moment
from govservice.models.base import to_iso
from govservice.operations import demo_words as words
from govservice.operations.completeness import submit_action
from govservice.operations.demo_run import REFUSING
from govservice.worktime.calendar import Calendar

ABANDONS, WITHDRAWS, CORRECTS, REFUSES, LAPSES, STAYS, CLAIMS = 0.02, 0.04, 0.12, 0.05, 0.08, 0.004, 0.3
SPREAD = 0.7  # sigma of the logarithm of a stay
USUAL = 0.45  # median of a stay, as a share of the step's limit
WITHOUT_LIMIT = 1.0  # working days


@dataclass(frozen=True, slots=True)
class Filed:
    """What is drawn before anything happens. `at`: when the applicant begins; `answers` as they are stored."""

    key: str
    d: Compiled
    actor: Actor
    number: str
    at: datetime
    answers: Mapping[str, Any]


class Player:
    """Takes one case along its time line."""

    def __init__(
        self, filed: Filed, played: Played, holders: Mapping[tuple[str, str], list[Actor]], cal: Calendar,
        random: Random, now: datetime,
    ) -> None:  # fmt: skip
        self.filed, self.case, self.holders, self.cal, self.random, self.now = filed, played, holders, cal, random, now
        self.line: list[tuple[datetime, int, str, Any]] = []
        self.order = self.commands = 0
        self.planned: set[Any] = set()
        self.revisions: list[tuple[datetime, tuple[str, ...]]] = []  # when the answers were sent, and what was changed

    @property
    def state(self) -> Any:
        return self.case.state

    def play(self) -> None:
        """The whole way, up to `now`."""
        filed, d = self.filed, self.filed.d
        data = {
            "number": filed.number, "service": d.code, "def_sha": d.sha, "person_id": filed.actor.person_id,
            "organisation_id": filed.actor.organisation_id, "mandate_id": filed.actor.mandate_id, "channel": "online",
            "area": None,
        }  # fmt: skip
        self.case.open(self.command("@open", filed.actor, filed.at, data=data))
        if self.random.random() < ABANDONS:
            return
        self.at(filed.at + timedelta(minutes=self.random.uniform(6, 40)), "submit", None)
        while self._next():
            pass
        if self.state.status != "draft":
            self.case.tick(to_iso(self.now))

    def _next(self) -> bool:
        """What comes first: somebody's act or the law's timer. False when nothing more lies before `now`."""
        due = self.case.due()
        due_at = moment(due) if due is not None else None
        if self.line and (due_at is None or self.line[0][0] <= due_at):
            at, _, what, facts = heapq.heappop(self.line)
            if at > self.now:
                return False
            getattr(self, f"_{what}")(at, facts)
        elif due_at is not None and due_at <= self.now:
            at = due_at
            self.case.tick(to_iso(at))
        else:
            return False
        self._follow(at)
        return True

    def at(self, when: datetime, what: str, facts: Any) -> None:
        self.order += 1
        heapq.heappush(self.line, (when, self.order, what, facts))

    def command(self, trigger: str, actor: Actor, at: datetime, **more: Any) -> Command:
        self.commands += 1
        id = self.state.case_id if self.state is not None else None
        return Command(id, trigger, f"bulk:{self.filed.key}:{self.commands}", at, actor, **more)

    def once(self, *what: Any) -> bool:
        if what in self.planned:
            return False
        self.planned.add(what)
        return True

    # -- what comes next

    def _follow(self, at: datetime) -> None:
        state, d = self.state, self.filed.d
        for token in state.tokens.values():
            if token.status != "active" or not self.once(_place(token)):
                continue
            kind = d.steps[token.step].kind
            if kind == "auto":
                soon = at + timedelta(seconds=self.random.uniform(2, 90))
                self.at(
                    min(soon, self.now), "answer", _place(token)
                )  # no call is left under way: its row counts as done
            elif kind == "human" and self.random.random() >= STAYS:
                self._plan(token, at)
        notice = state.notice
        if notice is not None and self.once("notice", notice.seq) and self.random.random() >= LAPSES:
            self.at(at + timedelta(days=self.random.lognormvariate(0.9, 0.7), minutes=7), "correct", notice.seq)

    def _plan(self, token: Token, at: datetime) -> None:
        limit = self.filed.d.steps[token.step].limit
        usual = USUAL * limit.n if limit is not None and limit.unit in ("wd", "d") else WITHOUT_LIMIT
        days = usual * self.random.lognormvariate(0, SPREAD) * (0.25 if token.confirmed or token.pauses else 1)
        if self.random.random() < CLAIMS and token.confirmed is None:
            self.at(self._later(at, days * self.random.uniform(0.3, 0.9)), "claim", _place(token))
        self.at(self._later(at, days), "act", _place(token))

    def _later(self, at: datetime, days: float) -> datetime:
        return self.cal.add_office_time(at, self.cal.office_day * max(days, 0.01))

    def _there(self, place: tuple[Any, ...]) -> Token | None:
        token: Token | None = self.state.tokens.get(place[0])
        return token if token is not None and token.status == "active" and _place(token) == place else None

    # -- who does what

    def _submit(self, at: datetime, _: None) -> None:
        changed = tuple(sorted(self.filed.answers))
        self._send(submit_action(self.filed.d), at, changed)
        if self.random.random() < WITHDRAWS:
            self.at(self._later(at, self.random.uniform(0.2, 6)), "withdraw", None)

    def _correct(self, at: datetime, seq: int) -> None:
        notice = self.state.notice
        if notice is not None and notice.seq == seq:
            self._send("@resubmit", at, notice.items)

    def _send(self, trigger: str, at: datetime, changed: tuple[str, ...]) -> None:
        data = {"data_rev": len(self.revisions) + 1, "changed": list(changed)}
        before = self.state.seq
        self.case.tick(to_iso(at))
        if trigger == "@resubmit" and self.state.seq != before and self.state.notice is None:
            return  # it lapsed in this very moment
        self.case.do(self.command(trigger, self.filed.actor, at, token_id=MAIN, data=data))
        self.revisions.append((at, changed))

    def _withdraw(self, at: datetime, _: None) -> None:
        edge = self.filed.d.edge(self.state.main.step, "withdraw")
        if self.state.status == "closed" or edge is None:
            return
        reason = self.random.choice(words.WITHDRAWALS)
        self.case.do(self.command("withdraw", self.filed.actor, at, token_id=MAIN, reason=reason))

    def _answer(self, at: datetime, place: tuple[Any, ...]) -> None:
        token = self._there(place)
        if token is not None:
            self.case.do(self.command("@ok", SYSTEM, at, token_id=token.id))

    def _claim(self, at: datetime, place: tuple[Any, ...]) -> None:
        token = self._there(place)
        task = self.state.task_of(token.id) if token is not None else None
        if token is None or task is None or task.assignee is not None:
            return
        able = self._able(token, self._choose(token, asking=False), task)
        if able is not None:
            self.case.do(self.command("@claim", able, at, token_id=token.id))

    def _act(self, at: datetime, place: tuple[Any, ...]) -> None:
        token = self._there(place)
        task = self.state.task_of(token.id) if token is not None else None
        if token is None or task is None:
            return
        edge = self._choose(token, asking=True)
        actor = self._able(token, edge, task)
        if actor is None:
            return  # whoever could act has taken part before: the case waits, and supervision sees it
        needs = rights.needs_of(token, edge)
        more: dict[str, Any] = {"data": {"length": "10wd"}} if needs.length else {}
        if edge.correction:
            more = {"data": {"items": self._items(edge, token)}}
            self.planned.add(("asked", token.step))
        reason = words.REFUSALS.get(token.step, words.CORRECTION_REASON) if needs.reason else None
        self.case.do(
            self.command(edge.name, actor, at, token_id=token.id, reason=reason, attachments=needs.attachments, **more)
        )

    def _choose(self, token: Token, *, asking: bool) -> Edge:
        """A second person confirms; now and then a correction or a no; else the first way on."""
        edges = [e for e in self.filed.d.out[token.step] if e.kind == "action" and e.by not in ("applicant", "system")]
        if token.confirmed is not None:
            return next(e for e in edges if e.name == token.confirmed[0])
        plain = [e for e in edges if not (e.correction or e.pause or e.resume or e.consult)]
        if asking and self.random.random() < REFUSES:
            return next((e for e in plain if e.name in REFUSING), plain[0])
        asks = next((e for e in edges if e.correction), None)
        if (
            asking
            and asks is not None
            and self.random.random() < CORRECTS
            and ("asked", token.step) not in self.planned
        ):
            return asks
        return next((e for e in plain if e.name not in REFUSING), plain[0])

    def _able(self, token: Token, edge: Edge, task: Any) -> Actor | None:
        if task.assignee is not None:
            people = [a for a in self.holders[(task.role, task.department)] if a.id == task.assignee]
        else:
            people = list(self.holders[(task.role, task.department)])
            self.random.shuffle(people)
        d, ctx = self.filed.d, self.case.ctx
        return next((a for a in people if rights.refusal(d, self.state, token, edge, a, ctx) is None), None)

    def _items(self, edge: Edge, token: Token) -> dict[str, str]:
        d = self.filed.d
        reads = d.steps[token.step].reads
        may = [
            name for name in (*d.service.fields, *d.service.materials)
            if reads is None or any(name == r or name.startswith(r + ".") for r in reads)
        ]  # fmt: skip
        return {self.random.choice(may or list(d.service.fields)): words.CORRECTION_REASON}


def _place(token: Token) -> tuple[Any, ...]:
    """Where a token stands, as somebody sees it who plans to act on it."""
    return (token.id, token.entered_seq, len(token.pauses), token.confirmed is not None)
