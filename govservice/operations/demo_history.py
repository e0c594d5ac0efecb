"""Ninety days of ordinary cases, made by driving the real engine along simulated time.

Everything that people of the plan do is an event on one time line: opening, submitting, claiming, acting, correcting,
withdrawing, rating; so are the law's timers and the delivery of effects. Each is one command through the one door.
All of it is one transaction: a load that is broken off leaves nothing behind.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from govservice.engine import MAIN, SYSTEM, Actor, Applied, Command, Ctx, Expected, Token, apply, load_state
from govservice.engine.apply import TIMERS
from govservice.engine.projections import outbox_rows
from govservice.engine.types import moment
from govservice.errors import Unverified
from govservice.exchange.rechecking import recheck_in
from govservice.messaging.notices import PREFIXES, notice_row
from govservice.messaging.outbox import Effect
from govservice.models.base import new_id
from govservice.models.exchange import DataAccess
from govservice.models.papers import Message, Rating
from govservice.models.session import box_of
from govservice.operations import demo_outside
from govservice.operations import demo_words as words
from govservice.operations.completeness import promises, submit_action
from govservice.operations.demo_filing import Filing
from govservice.operations.demo_later import Later
from govservice.operations.demo_plan import Fate
from govservice.operations.demo_run import Run, reason
from govservice.operations.demo_staff import Staff, pick
from govservice.operations.filing import case_number
from govservice.operations.revalidating import after_decision, resolve_in
from govservice.operations.runtime import Runtime

Progress = Callable[[int, int], None]  # cases filed, of how many
FLUSH = 400  # events of the time line between two writings of what can wait
OPEN_EFFECTS = text("SELECT id, case_id, seq, topic, payload FROM outbox WHERE done_at IS NULL AND case_id = :case")


class History:
    """The time line. `run` plays it up to `now`; what lies later does not happen."""

    def __init__(self, rt: Runtime, session: Session, staff: Staff, now: datetime) -> None:
        self.rt, self.session, self.staff, self.now = rt, session, staff, now
        self.ctx = Ctx(rt.definitions.catalogue)
        self.line: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self.order = 0
        self.filed = 0
        self.later = Later(session)

    def plan(self, fates: Sequence[Fate], applicants: Mapping[str, Actor]) -> None:
        for fate in fates:
            actor, d = applicants[fate.enterprise.uscc], self.rt.definitions.current(fate.service)
            if "organisation" not in d.service.audience:  # whoever leads the enterprise applies for themselves
                actor = replace(actor, organisation_id=None, mandate_id=None)
            run = Run(fate, actor, Random(f"{fate.key}"), d, self.rt.calendars.for_area(fate.enterprise.area))
            self.at(fate.at, partial(self.open, run))

    def at(self, when: datetime, what: Callable[[datetime], None]) -> None:
        if when <= self.now:
            self.order += 1
            heapq.heappush(self.line, (when, self.order, what))

    def play(self, progress: Progress, total: int) -> None:
        done = 0
        while self.line:
            when, _, what = heapq.heappop(self.line)
            what(when)
            done += 1
            if done % FLUSH == 0:
                self.later.write()
            progress(self.filed, total)
        self.later.write()

    # -- the one door

    def do(self, run: Run, actor: Actor, trigger: str, at: datetime, **more: Any) -> Applied:
        run.commands += 1
        command = Command(
            case_id=run.case_id or None, trigger=trigger, idem=f"demo:{run.fate.key}:{run.commands}", now=at,
            actor=actor, **more,
        )  # fmt: skip
        try:
            applied = apply(self.session, command, self.rt.definitions, self.rt.calendars)
        except Unverified as lack:
            self.ask_again(run, actor, lack, at)
            applied = apply(self.session, command, self.rt.definitions, self.rt.calendars)
        after_decision(self.rt, self.session, applied, at)
        run.case_id, run.state = applied.case_id, applied.state
        if applied.fired:
            self.effects(run, self.session.execute(OPEN_EFFECTS, {"case": run.case_id}), at)
        else:
            self.effects(run, [row for event in applied.events for row in outbox_rows(run.d, run.case_id, event)], at)
        self.follow(run, at)
        return applied

    def ask_again(self, run: Run, actor: Actor, lack: Unverified, at: datetime) -> None:
        """What the decision relies on is asked of the registries again; what they do not hold is compared with the
        papers that were brought. Raises `lack` where it wants another thing."""
        if not lack.ask:
            raise lack
        found = recheck_in(
            self.session, self.rt.database, self.rt.gateway, run.d, run.case_id, lack.ask,
            actor=actor, now=at, today=run.cal.local_date(at), trigger="decision",
        )  # fmt: skip
        self.session.flush()
        for row in found:
            if row.result == "unverified":
                resolve_in(self.rt, self.session, actor, run.case_id, row.id, "verified", words.COMPARED, now=at)

    def follow(self, run: Run, at: datetime) -> None:
        """What comes next by itself or by somebody's work, now that the case stands as it does."""
        state = run.state
        first = min((t.due_at for t in state.timers.values() if t.due_at), default=None)
        due = moment(first) if first else None
        if due is not None and (run.tick_at is None or due < run.tick_at or run.tick_at <= at):
            run.tick_at = due
            self.at(max(due, at), partial(self.tick, run))
        for token in state.tokens.values():
            if token.status == "active" and run.d.steps[token.step].kind == "human":
                self.work(run, token, at)
        if state.notice is not None and run.once("notice", state.notice.seq) and not run.fate.lapses:
            self.at(at + timedelta(days=run.random.lognormvariate(0.9, 0.7), minutes=7), partial(self.correct, run))
        if state.status == "closed" and run.fate.stars and run.once("rating"):
            self.at(at + timedelta(hours=run.random.uniform(1, 60)), partial(self.rate, run))

    # -- the applicant

    def open(self, run: Run, at: datetime) -> None:
        service = run.fate.service
        data = {
            "number": case_number(self.rt, run.actor, f"demo:{run.fate.key}"), "service": service, "def_sha": run.d.sha,
            "person_id": run.actor.person_id, "organisation_id": run.actor.organisation_id,
            "mandate_id": run.actor.mandate_id, "channel": "online", "area": None,
        }  # fmt: skip
        self.do(run, run.actor, "@open", at, data=data)
        run.filing = Filing(self.rt, self.session, run.d, run.fate, run.actor, run.case_id, run.random)
        self.filed += 1
        self.at(at + timedelta(seconds=run.random.randrange(30, 180)), partial(self.fill, run))

    def fill(self, run: Run, at: datetime) -> None:
        assert run.filing is not None
        run.filing.agree(at)
        run.filing.answer(at + timedelta(minutes=5))
        self.session.flush()
        self.session.expunge_all()
        if not run.fate.abandons:
            self.at(at + timedelta(minutes=run.random.uniform(6, 40)), partial(self.submit, run))

    def submit(self, run: Run, at: datetime) -> None:
        assert run.filing is not None
        form = run.filing.form
        data = {"data_rev": form.rev, "changed": form.changed_from(type(form)()), **promises(run.d, form, draft=True)}
        self.do(run, run.actor, submit_action(run.d), at, token_id=MAIN, data=data)
        run.filing.seal("submit", at)
        if form.deferred and not run.fate.lapses:
            self.at(at + timedelta(days=run.random.uniform(1, 3)), partial(self.bring, run))
        if run.fate.withdraws is not None:
            self.at(run.after(at, run.fate.withdraws), partial(self.withdraw, run))

    def correct(self, run: Run, at: datetime) -> None:
        notice = run.state.notice
        assert run.filing is not None
        if notice is None or run.state.status == "closed":
            return
        changed = run.filing.correct(notice.items, at)
        data = {"data_rev": run.filing.form.rev, "changed": changed, **promises(run.d, run.filing.form, draft=False)}
        self.do(run, run.actor, "@resubmit", at, token_id=MAIN, data=data)
        run.filing.seal("correction", at)

    def bring(self, run: Run, at: datetime) -> None:
        """What was put off comes, if it is still missing."""
        assert run.filing is not None
        due = [gap.material for gap in run.state.open_gaps]
        if run.state.status == "closed" or not due:
            return
        run.filing.bring(due, at)
        data = {"data_rev": run.filing.form.rev, "supplied": due}
        self.do(run, run.actor, "@supply", at, token_id=MAIN, data=data)
        run.filing.seal("supplement", at)

    def withdraw(self, run: Run, at: datetime) -> None:
        edge = run.d.edge(run.state.main.step, "withdraw")
        if run.state.status == "closed" or edge is None:
            return
        self.do(run, run.actor, edge.name, at, token_id=MAIN, reason=run.random.choice(words.WITHDRAWALS))

    def rate(self, run: Run, at: datetime) -> None:
        stars, person = run.fate.stars or 5, str(run.actor.person_id)
        said = run.random.choice(words.COMMENTS[stars]) if run.random.random() < 0.4 else None
        box = box_of(self.session, person)
        sealed = box.seal_text(said, f"ratings:{run.case_id}") if said and box else None
        row = {
            "case_id": run.case_id, "stars": stars, "comment_enc": sealed, "at": at, "service": run.fate.service,
            "area": run.state.area,
        }  # fmt: skip
        self.later.add(Rating, row)

    # -- the departments

    def work(self, run: Run, token: Token, at: datetime) -> None:
        """Plans who will act on a task that is new, comes back from a correction, or waits for the second person."""
        key = (token.id, token.entered_seq, len(token.pauses), token.confirmed is not None)
        if token.step in run.fate.stays:
            if (login := run.fate.claimed.get(token.step)) and run.once("claimed", token.step):
                self.at(run.after(at, 0.05), partial(self.claim, run, key, self.staff.by_login[login]))
            return
        if not run.once(key):
            return
        days = run.fate.days(run.random, token.step) * (0.25 if token.confirmed or token.pauses else 1)
        if run.random.random() < 0.8 and token.confirmed is None:
            self.at(run.after(at, days * run.random.uniform(0.3, 0.9)), partial(self.claim, run, key, None))
        self.at(run.after(at, days), partial(self.act, run, key))

    def token(self, run: Run, key: tuple[int, int, int, bool]) -> Token | None:
        """The token if it still stands where it stood when this was planned."""
        token = run.state.tokens.get(key[0])
        if token is None or token.status != "active" or (run.state.status == "closed" and token.kind != "after"):
            return None
        there = (token.id, token.entered_seq, len(token.pauses), token.confirmed is not None)
        return token if there == key else None

    def claim(self, run: Run, key: tuple[int, int, int, bool], actor: Actor | None, at: datetime) -> None:
        token, task = self.token(run, key), run.state.task_of(key[0])
        if token is None or task is None or task.assignee is not None:
            return
        if actor is None:
            edge = run.choose(token)
            able = self.staff.able(run.d, run.state, self.ctx, token.id, edge.name, task.role, task.department)
            if not able:
                return
            actor = pick(run.random, able)[0]
        self.look(run, actor, task.role, task.department, "list", at)
        self.do(run, actor, "@claim", at, token_id=token.id)

    def act(self, run: Run, key: tuple[int, int, int, bool], at: datetime) -> None:
        token, task = self.token(run, key), run.state.task_of(key[0])
        if token is None or task is None:
            return
        edge = run.choose(token)
        able = self.staff.able(run.d, run.state, self.ctx, token.id, edge.name, task.role, task.department)
        if not able:
            return  # whoever could act has taken part before: the case waits, and supervision sees it
        actor, offer = pick(run.random, able)
        self.look(run, actor, task.role, task.department, "task", at)
        self.do(
            run, actor, edge.name, at, token_id=token.id, expected=Expected(token.version, run.state.data_rev),
            data=run.said(token, edge, offer.needs.attachments), attachments=offer.needs.attachments,
            reason=reason(token, edge) if offer.needs.reason else None,
        )  # fmt: skip
        if edge.correction:
            run.planned.add(("asked", token.step))
        for name in offer.needs.attachments:
            assert run.filing is not None
            run.filing.attach(name, "attachment", actor.id, at)

    def look(self, run: Run, actor: Actor, role: str, department: str, purpose: str, at: datetime) -> None:
        """Opening a page is a read that the applicant sees."""
        assert run.filing is not None
        form = run.filing.form
        what = ["person.name"] if purpose == "list" else [*form.answers, *form.materials]
        row = {
            "id": new_id(), "subject_id": run.actor.person_id, "actor": actor.id, "role": role,
            "department_id": department, "case_id": run.case_id, "what": what, "purpose": purpose,
            "registry_code": None, "exchange_id": None, "at": at,
        }  # fmt: skip
        self.later.add(DataAccess, row)

    # -- what happens by itself

    def tick(self, run: Run, at: datetime) -> None:
        if run.state.status != "closed" and run.tick_at is not None:
            run.tick_at = None
            self.do(run, SYSTEM, TIMERS, at)

    def effects(self, run: Run, rows: Iterable[Sequence[Any]], at: datetime) -> None:
        """Effects are delivered in order, a few seconds after the transition that asked for them."""
        for id, case_id, seq, topic, payload, *_ in sorted(rows, key=lambda r: (r[2], r[0])):
            if run.once(id):
                effect = Effect(id, case_id, seq, topic, json.loads(payload), 1)
                at += timedelta(seconds=run.random.uniform(1, 5))
                self.at(at, partial(self.deliver, run, effect))

    def deliver(self, run: Run, effect: Effect, at: datetime) -> None:
        """As the worker does. A notice is a row that can wait; a call's answer moves the case."""
        self.later.settle(effect.key, at)
        if effect.topic.startswith(PREFIXES):
            self.later.add(Message, notice_row(effect, str(run.actor.person_id), at))
            return
        demo_outside.deliver(self.rt, self.session, effect, at, pays=partial(self.will_pay, run, at))
        self.went_on(run, at)

    def will_pay(self, run: Run, at: datetime, payment_id: str) -> None:
        if not run.fate.lapses:
            hours = run.fate.pace.get("fee", run.random.uniform(1, 60))
            self.at(at + timedelta(hours=hours), partial(self.pay, run, payment_id))

    def pay(self, run: Run, payment_id: str, at: datetime) -> None:
        demo_outside.pay(self.rt, self.session, payment_id, at)
        self.went_on(run, at)

    def went_on(self, run: Run, at: datetime) -> None:
        """Something outside moved the case."""
        self.session.flush()
        self.session.expunge_all()
        run.state = load_state(self.session, run.case_id)
        self.effects(run, self.session.execute(OPEN_EFFECTS, {"case": run.case_id}), at)
        self.follow(run, at)
