"""What happens by itself: timers, two workers at the outbox, payers and the provider's callbacks, the clock."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from govservice.engine import SYSTEM, tick
from govservice.messaging.outbox import Effect, claim
from govservice.operations import effects, fees, paying
from govservice.payments.signing import Refused
from tests.sim import meetings
from tests.sim.office import CATALOGUE
from tests.sim.reading_parts import MAIN
from tests.sim.tables import Broken
from tests.sim.till import PAYABLE
from tests.sim.world import Sim

MESSAGES = "SELECT count(*) FROM messages WHERE case_id = ? AND seq = ? AND kind = ?"
ROW = "SELECT done_at, claimed_by, attempts FROM outbox WHERE id = ?"
REPORTS = "SELECT count(*) FROM outbox WHERE case_id = ? AND topic = 'bundle.report' AND done_at IS NULL"
LEASE = timedelta(seconds=60)
ORDER = "SELECT case_id, status, seq, pay_url FROM payments WHERE id = ?"


class Machinery:
    """Two workers with what they hold in hand, and the post between portal and provider."""

    def __init__(self, sim: Sim) -> None:
        self.sim = sim
        self.hands: dict[str, list[Effect]] = {"w1": [], "w2": []}
        self.leased: dict[str, tuple[str, datetime]] = {}  # who took a row last, and until when it is theirs
        self.delivered: set[str] = set()
        self.heard: dict[str, int] = {}  # the provider's highest number that the portal has believed, by order
        self.hurried: set[str] = set()  # cases whose fee step was answered early

    # -- time

    def timers(self) -> int:
        """Whatever is due acts."""
        sim, office = self.sim, self.sim.office
        limit = sim.random.choice((1, 5, 200, 200))
        said = sim.carry_out(lambda: tick(office.database, office.now, office.definitions, office.calendars, limit))
        moved = sim.settle()
        sim.note(f"timers: {said.outcome} {said.applied} {said.hit}, {len(moved)} cases")
        if said.outcome == "done" and not said.hit and not moved and self.due():
            raise Broken("I7", f"{self.due()} timers were due and none acted")
        return len(moved)

    def due(self) -> int:
        now = self.sim.office.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return sum(t[0] is not None and t[0] <= now for c in self.sim.open_cases() for t in c.timers.values())

    def jump(self) -> None:
        """To somewhere near the next instant that anything waits for, over nights, weekends and holidays."""
        sim = self.sim
        waits = [t[0] for c in sim.open_cases() for t in c.timers.values() if t[0] is not None]
        if not waits:
            return
        due = sorted(waits)[sim.random.randrange(min(4, len(waits)))]
        now = sim.office.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if due > now:
            span = datetime.fromisoformat(due) - sim.office.now
            span += timedelta(seconds=sim.random.choice((-60, 0, 0, 1, 3600, 86_400)))
            sim.pass_by(max(span, timedelta(0)))
        sim.count["clock jumps"] += 1
        sim.faulty = True
        if sim.random.random() < 0.6:  # else people come before the timers do
            self.timers()

    # -- the outbox

    def work(self) -> int:
        """One worker claims, and delivers some of what it holds."""
        sim, pick = self.sim, self.sim.random
        name = pick.choice(("w1", "w1", "w2"))
        hand = self.hands[name]
        if not hand:
            found = self.claim(name)
            other = "w2" if name == "w1" else "w1"
            if found and not self.hands[other] and pick.random() < 0.4:  # both come at the same instant
                self.claim(other)
            return found
        for _ in range(min(len(hand), pick.randrange(1, 4))):
            if pick.random() < 0.01:  # the worker dies between claim and delivery
                hand.clear()
                sim.faulty = True
                break
            self.deliver(name, hand.pop(pick.randrange(len(hand)) if pick.random() < 0.2 else 0))
        return 1

    def claim(self, name: str) -> int:
        sim, office = self.sim, self.sim.office

        def work() -> list[Effect]:
            with office.database.write() as session:
                return claim(session, name, office.now, sim.random.choice((1, 4, 20)), wall=office.now)

        said = sim.carry_out(work)
        sim.settle()
        if said.outcome == "done":
            self.hands[name] = list(said.applied)  # type: ignore[call-overload]
            for effect in self.hands[name]:
                holder, until = self.leased.get(effect.key, (name, office.now))
                if holder != name and until > office.now:
                    raise Broken("I5", f"{effect.key} is held by {holder} and was given to {name}")
                self.leased[effect.key] = (name, office.now + LEASE)
        return len(self.hands[name])

    def deliver(self, name: str, effect: Effect) -> None:
        sim, office = self.sim, self.sim.office
        before, lost = sim.eye.row(ROW, effect.key), office.provider.lost
        mixed = sim.count["interleaved"]
        said = sim.carry_out(lambda: effects.deliver(office.rt, effect, office.now, name))
        sim.settle()
        done = sim.eye.row(ROW, effect.key)
        sim.note(f"{name} {effect.topic} {effect.case_id[-4:]}:{effect.seq}: {said.outcome} {said.applied} {said.hit}")
        if said.applied is True and (done[0] is None or effect.key in self.delivered or before[0] is not None):
            raise Broken("I5", f"{effect.key} was delivered twice, or is not marked as done")
        disturbed = said.hit or office.provider.lost != lost or sim.count["interleaved"] != mixed
        mine = before[0] is None and (before[1], before[2]) == (name, effect.attempts)
        if said.outcome == "done" and mine and not said.applied and not disturbed and not self._owes(effect):
            raise Broken("I11", f"{effect.topic} of {effect.key} failed, and nothing had gone wrong")
        if done[0] is not None:
            self.delivered.add(effect.key)
        self._arrived(effect, done[0] is not None)

    def _owes(self, effect: Effect) -> bool:
        """A licence waits for a fee that was answered before it was paid; a registry does nothing for us once the
        grant has ended (a seed may play on into years after that)."""
        if effect.topic in CATALOGUE.acts:
            today = self.sim.office.rt.today(self.sim.office.now)
            return not any(g.holds_on(today) for g in CATALOGUE.grants.values() if effect.topic in g.acts)
        if effect.topic == "appointment.set":  # a timer that is due may end the very step: it comes first
            now = self.sim.office.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            timers = self.sim.case(effect.case_id).timers.values()
            return any(due is not None and due <= now for due, *_ in timers)
        return effect.topic == "document.issue" and effect.case_id in self.hurried

    def _arrived(self, effect: Effect, done: bool) -> None:
        """What was delivered is where it belongs, once."""
        kind = effect.topic.partition(".")[2]
        if effect.topic.startswith(("notice.", "message.")):
            there = self.sim.eye.row(MESSAGES, effect.case_id, effect.seq, kind)[0]
            if there != done and not (effect.topic == "notice.fee" and there == 0):
                raise Broken("I5", f"{effect.key} lies {there} times in the inbox, done: {done}")
        if effect.topic == "document.issue":
            self.documents(effect.case_id)
        if effect.topic == "appointment.set" and done:
            meetings.judge(self.sim)
        if effect.topic == "bundle.report" and done:
            self.reported(effect.case_id)

    def reported(self, case_id: str) -> None:
        """A bundle that waits for a child knows how it ended, once all that the child had to tell was delivered."""
        sim, child = self.sim, self.sim.case(case_id)
        parent = sim.case(child.parent or "")
        known = parent.children.get(child.service, {})
        if known.get("case") != case_id or sim.eye.row(REPORTS, case_id)[0]:
            return
        if known["status"] != "ended" and child.status == "closed":
            raise Broken("I6", f"{child.service} was {child.outcome}, and its bundle has not heard of it")

    def documents(self, case_id: str) -> None:
        """A document exists exactly when its case knows it, and its fee was paid."""
        sim, case = self.sim, self.sim.case(case_id)
        there = sim.eye.row("SELECT count(*) FROM documents WHERE case_id = ?", case_id)[0]
        known = case.outcome == "granted" or "delivered" in case.marks  # a case may have more to do when it is out
        if there != (known and sim.rules.of(case).service.output is not None):
            raise Broken("I5", f"{there} documents, and the case is {case.status} {case.outcome}")
        paid = sim.eye.row("SELECT count(*) FROM payments WHERE case_id = ? AND status = 'paid'", case_id)[0]
        if there and sim.rules.of(case).service.fee is not None and not paid:
            raise Broken("I5", "a document was issued without its fee")
        twice = sim.eye.row("SELECT count(*) - count(DISTINCT number) FROM documents")[0]
        if twice:
            raise Broken("I5", "two documents have one number")

    # -- money

    def money(self) -> None:
        sim, pick = self.sim, self.sim.random
        till: Any = sim.office.provider
        payable = [id for id in till.orders if till.status(id) in PAYABLE]
        if pick.random() < 0.15:
            self.early()
        elif payable and pick.random() < 0.4:
            self.pay(pick.choice(payable))
        elif till.post:
            self.post()
        else:
            sim.carry_out(lambda: fees.reconcile_due(sim.office.rt, sim.office.now))
            sim.settle()
        self.books()

    def early(self) -> None:
        """The answer to a step comes before a case stands there: it is kept (a persistent trigger)."""
        sim = self.sim
        ahead = [c for c in sim.open_cases() if c.status == "open" and c.main.step in ("acceptance", "decision")]
        chosen = [c for c in ahead if c.service == "stall_permit" and c.id not in self.hurried]
        if chosen:
            case = sim.random.choice(chosen)
            self.hurried.add(case.id)
            sim.send(sim.command(case, SYSTEM, "@ok", MAIN, data={"step": "fee"}), "?")

    def pay(self, order: str) -> None:
        sim, till = self.sim, self.sim.office.provider
        row = sim.eye.row(ORDER, order)
        if row is not None and row[3] is not None:
            case = sim.case(row[0])
            actor = sim.who(f"applicant:{case.person}")
            sim.carry_out(lambda: paying.begin(sim.office.rt, actor, case.id, now=sim.office.now))
            sim.settle()
        for _ in range(sim.random.choice((1, 1, 2, 3))):  # a payer tries again, and the bank takes its time
            sim.random.choices((till.pay, till.refuse, till.wait), (4, 3, 3))[0](order)

    def post(self) -> None:
        """A callback arrives: whichever, perhaps a second time, perhaps from somebody else."""
        sim, pick, till = self.sim, self.sim.random, self.sim.office.provider
        n = len(till.post) - 1 if pick.random() < 0.5 else pick.randrange(len(till.post))
        raw = till.post[n]
        odds = pick.random()
        if odds < 0.1:
            del till.post[n]  # lost on the way
            return
        forged = odds < 0.2
        key = bytes(32) if odds < 0.15 else till.account.key
        if 0.15 <= odds < 0.2:
            raw = raw.replace(b'"amount": ', b'"amount": 1')
        headers = till.headers(raw, sim.office.now.timestamp(), key)
        said = sim.carry_out(lambda: self._hear(headers, raw))
        sim.settle()
        sim.note(f"callback {said.outcome} {said.applied} {said.hit}")
        if forged and said.outcome == "done" and said.applied in ("applied", "known"):
            raise Broken("I4", "a forged callback was believed")
        if odds > 0.5 and said.outcome == "done":
            del till.post[n]
            sim.faulty = True

    def _hear(self, headers: Any, raw: bytes) -> str:
        try:
            return fees.hear(self.sim.office.rt, headers, raw, self.sim.office.now)
        except Refused as refused:
            return refused.why

    def books(self) -> None:
        """What the portal believes of an order is something that the provider said."""
        sim, till = self.sim, self.sim.office.provider
        for id, status, seq in sim.eye.rows("SELECT id, status, seq FROM payments WHERE seq >= 0"):
            past = till.orders[id]["past"] if id in till.orders else []
            if seq >= len(past) or past[seq] != status:
                raise Broken("I5", f"the order is {status}/{seq}, the provider says {past}")
            if self.heard.setdefault(id, seq) > seq:
                raise Broken("I5", f"the order is {status}/{seq} after the provider's word number {self.heard[id]}")
            self.heard[id] = seq
        twice = sim.eye.row(
            "SELECT count(*) FROM (SELECT case_id FROM payments WHERE status NOT IN ('closed', 'refunded') "
            "GROUP BY case_id HAVING count(*) > 1) AS t"
        )[0]
        if twice:
            raise Broken("I5", "a case owes twice")
