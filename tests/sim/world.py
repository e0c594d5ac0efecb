"""One run: what was acknowledged, what is seen, and the judgement after every step.

`Sim.step` draws an actor and perhaps a fault, lets it act, looks at what was committed, and raises `Broken` where an
invariant does not hold. Everything that an actor is told is remembered; what it was told must be there, once.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from govservice.engine import SYSTEM, Actor, Applied, Command, apply_retrying
from govservice.errors import (
    Forbidden,
    Invalid,
    KeyReused,
    LostRace,
    Missing,
    NotAllowed,
    NotFound,
    PortalError,
    Stale,
    Unavailable,
    Unverified,
)
from tests.sim import faults as failing
from tests.sim.absences import Deputies
from tests.sim.acts import Acts
from tests.sim.days import Days
from tests.sim.db import Eye
from tests.sim.faults import Crash, Faults
from tests.sim.law import at_rest
from tests.sim.office import AREA, CATALOGUE, Office
from tests.sim.reading import Case
from tests.sim.rights import Rules, verdict
from tests.sim.tables import Account, Broken, compare
from tests.support.verified import verify

REFUSALS = (Forbidden, NotAllowed, Stale, Missing, Invalid, NotFound)
KEY = "SELECT case_id, result FROM commands WHERE actor = ? AND idem = ?"


@dataclass
class Said:
    """How a command was answered. `applied` where it was acknowledged; `fault` names what was injected."""

    outcome: str  # done | refused | crashed | failed | raced
    applied: Applied | None = None
    error: BaseException | None = None
    fault: str = ""
    hit: str = ""


class Sim:
    """The office, the eye on its database, and the accounts of all cases."""

    def __init__(self, office: Office, eye: Eye, faults: Faults) -> None:
        self.office, self.eye, self.faults, self.random = office, eye, faults, office.random
        self.rules, self.days = Rules(office.definitions, CATALOGUE), Days(office.calendars.for_area(AREA))
        self.people: dict[str, Actor] = {SYSTEM.id: SYSTEM}
        for actor in (*office.staff.values(), *office.outsiders, *office.citizens):
            self.people[actor.id] = actor
        self.deputies = Deputies(office.staff)
        self.acts = Acts(self.rules, self.days, lambda id: self.acting(self.who(id)))
        self.accounts: dict[str, Account] = {}
        self.live: list[str] = []
        self.acks: dict[tuple[str, str], tuple[str, int, int, int]] = {}
        self.sent: deque[Command] = deque(maxlen=400)
        self.retries: list[Command] = []
        self.pages: dict[tuple[str, str, int], tuple[int, int, int]] = {}  # token version, revision, last move
        self.receipts: dict[str, str] = {}  # hash that the applicant holds, by case
        self.count: Counter[str] = Counter()
        self.events = self.batches = self.tried = 0
        self.fault = ""  # what is to be injected in this step
        self.faulty = False  # whether something was
        self.held = ""  # the case that the command under way holds
        self.unlocked = False  # whether somebody else could have held it too
        self.nested = 0  # how many act in the middle of somebody's transaction
        self.repeated = False  # the command of this step was carried out before
        self.trace: deque[str] = deque(maxlen=40)
        eye.changed()

    def who(self, id: str) -> Actor:
        if id not in self.people:
            person = id.partition(":")[2]
            self.people[id] = Actor(id, "applicant", (), person) if person else Actor(id, "user", (), None)
        return self.people[id]

    def acting(self, actor: Actor) -> Actor:
        """Somebody as they act today: with the colleagues for whom they stand in."""
        return self.deputies.acting(actor, self.today())

    def today(self) -> date:
        return self.days.day(self.office.now.isoformat())

    def case(self, id: str) -> Case:
        return self.accounts[id].case

    def note(self, what: str) -> None:
        self.trace.append(f"{self.office.now:%m-%d %H:%M} {what}")

    # -- acting

    def arm(self) -> str:
        """The fault of this step, if one was drawn, is waiting at a boundary. Returns its name."""
        kind, self.fault = self.fault, ""
        if kind not in ("crash", "full", "race"):
            return ""
        raises: Callable[[], BaseException] = Crash
        if kind == "full":
            raises = failing.pg_full if self.eye.pg else failing.lite_full
        if kind == "race":
            raises = failing.pg_race
        most = 6 if kind == "race" and self.eye.pg else 3 if self.eye.pg else 14
        self.faults.arm(raises, self.random.randrange(1 if kind == "race" else most))
        return kind

    def carry_out(self, work: Callable[[], Any]) -> Said:
        """Whatever an actor does, with the step's fault. Raises Broken for an error that no one may see."""
        armed = self.arm()
        self.tried += 1
        said = Said("done", fault=armed)
        try:
            said.applied = work()
        except Crash as crash:
            said.outcome, said.error = "crashed", crash
            self.faults.bury(self.office.database.engine)
        except LostRace as error:
            said.outcome, said.error = "raced", error
        except REFUSALS as error:
            said.outcome, said.error = "refused", error
        except (Unavailable, DBAPIError, sqlite3.Error, psycopg.Error) as error:
            said.outcome, said.error = "failed", error
        except PortalError as error:
            raise Broken("I2", f"{type(error).__name__}: {error} {error.facts}") from error
        finally:
            said.hit = self.faults.disarm()
        self.faulty = self.faulty or bool(said.hit)
        if said.outcome == "failed" and not said.hit:
            raise Broken("I2", f"it failed without a fault: {said.error!r}") from said.error
        if said.hit:
            self.count[f"fault {armed} {said.hit}"] += 1
        return said

    def send(self, cmd: Command, expect: str | None = "?") -> Said:
        """One command through the door, judged. `expect`: why it must be refused, None: must be done, "?": unknown."""
        office = self.office
        before = self.accounts.get(cmd.case_id or "")
        seq = before.case.seq if before is not None else 0
        outer, self.held = self.held, cmd.case_id or ""
        said = self.carry_out(lambda: self._applied(cmd))
        if isinstance(said.error, Unverified) and said.error.ask:  # there are no registries here: somebody compares
            with office.database.write() as session:
                verify(session, cmd.case_id or "", said.error.ask, cmd.now)
            said = self.carry_out(lambda: self._applied(cmd))
        self.held = outer
        self.note(f"{cmd.actor.id} {cmd.trigger} {cmd.token_id} of {(cmd.case_id or 'new')[-4:]}: {said.outcome} "
                  f"{said.fault} {said.hit} {said.error or ''}")  # fmt: skip
        self.count[said.outcome] += 1
        self.settle()
        self._judge(cmd, said, expect, seq)
        return said

    def _judge(self, cmd: Command, said: Said, expect: str | None, seq: int) -> None:
        key, applied = (cmd.actor.id, cmd.idem), said.applied
        if self.unlocked:
            raise Broken("I3", f"while {cmd.trigger} was on its way somebody else could hold the case")
        if said.outcome == "raced" and not self.nested:
            raise Broken("I6", f"{cmd.trigger} lost a race once and was not tried again")
        after = self.accounts.get(cmd.case_id or "")
        moved = after is not None and after.case.seq != seq
        if said.outcome in ("refused", "failed", "raced") and moved and said.hit != "after commit":
            raise Broken("I10", f"{cmd.trigger} was refused ({said.error!r}) and changed the case")
        if said.outcome == "crashed" or said.hit == "after commit":
            known = self.eye.row(KEY, *key)
            if (said.hit == "after commit") != (known is not None) and not self.repeated:
                raise Broken("I3", f"the process died {said.hit} and the key of {cmd.trigger} is {known}")
            if moved and known is None:
                raise Broken("I10", f"{cmd.trigger} died {said.hit} and left something behind")
            self.retries.append(cmd)
            return
        if said.outcome == "refused" and expect is None:
            raise Broken("I6", f"{cmd.actor.id} may do {cmd.trigger}, and it was refused: {said.error!r}")
        if applied is None:
            if said.outcome in ("failed", "raced"):
                self.retries.append(cmd)
            return
        if expect not in (None, "?") and not applied.replayed:
            raise Broken("I4", f"{cmd.actor.id} did {cmd.trigger} although: {expect}")
        self._acknowledged(cmd, applied, key)

    def _acknowledged(self, cmd: Command, applied: Applied, key: tuple[str, str]) -> None:
        told = (applied.case_id, applied.seq_from, applied.seq_to, applied.version)
        if self.acks.setdefault(key, told) != told:
            raise Broken("I3", f"{cmd.trigger} with the same key: {told}, before {self.acks[key]}")
        case = self.case(applied.case_id)
        if case.seq < applied.seq_to or (not applied.replayed and case.seq != applied.seq_to):
            raise Broken("I1", f"{cmd.trigger} was acknowledged up to {applied.seq_to}, there are {case.seq}")
        if not applied.replayed:
            if [e.seq for e in applied.events] != list(range(applied.seq_from, applied.seq_to + 1)):
                raise Broken("I3", f"{cmd.trigger} answered with other events than it says")
            self.sent.append(cmd)

    # -- looking

    def settle(self) -> list[Case]:
        """Reads what was committed since the last look, and judges it. Returns the cases that moved."""
        if self.eye.changed() is False:
            return []
        moved = []
        for case_id in self.eye.touched(self.accounts):
            account = self.accounts.get(case_id)
            if account is None:
                account = self.accounts[case_id] = Account(case_id)
                self.live.append(case_id)
            self._read(account)
            moved.append(account.case)
        return moved

    def _read(self, account: Account) -> None:
        case, events = account.case, account.new_events(self.eye)
        before = case.batches
        for ev in events:
            for law, what in self.acts.ask(case, ev, self.office.now):
                raise Broken(law, what)
            rev = case.rev
            case.tell(ev)
            if ev.type == "case.migrated":
                self.rules.renamed(case, rev, ev.data["fields"])
        for ev in events:
            self.count[f"event {ev.type}"] += 1
            self.count["for a colleague"] += ev.on_behalf_of is not None
            known = self.eye.row(KEY, ev.actor, ev.idem)
            if known is None or known[0] != case.id:
                raise Broken("I3", f"{ev.type} has no key")
        self.events += len(events)
        self.batches += case.batches - before
        for law, what in at_rest(self.rules, self.days, case):
            raise Broken(law, what)
        compare(self.eye, account, events)

    # -- a command as an actor makes it

    def command(self, case: Case | None, actor: Actor, trigger: str, token: int | None = None, **more: Any) -> Command:
        return Command(
            case_id=case.id if case is not None else None, trigger=trigger, idem=more.pop("idem", self.office.key()),
            now=self.office.now, actor=self.acting(actor), token_id=token, **more,
        )  # fmt: skip

    def wish(self, cmd: Command, stale: bool = False) -> Said:
        """Sends a command with what must come of it by our own reading; what would be refused mostly stays a wish."""
        expected = self.expect(cmd, stale)
        if expected not in (None, "?") and not stale and self.random.random() < 0.9:
            return Said("thought better of")
        return self.send(cmd, expected)

    def due(self, case: Case) -> bool:
        """Whether something of the case's timers is to act first: then it is another case."""
        now = self.office.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return any(t[0] is not None and t[0] <= now for t in case.timers.values())

    def expect(self, cmd: Command, stale: bool = False) -> str | None:
        case = self.case(cmd.case_id or "")
        if self.due(case):
            return "?"
        return "the page is stale" if stale else verdict(self.rules, case, cmd)

    def again(self, cmd: Command) -> None:
        """The same request once more, as after a lost answer or a double click, perhaps much later."""
        key = (cmd.actor.id, cmd.idem)
        known, was = self.eye.row(KEY, *key), key in self.acks
        self.repeated = known is not None
        said = self.send(replace(cmd, now=self.office.now, actor=self.acting(cmd.actor)), "?")
        self.repeated = False
        answered = said.applied is not None and said.applied.replayed
        if known is not None and not answered and said.outcome not in ("crashed", "failed", "raced"):
            raise Broken("I3", f"{cmd.trigger} sent again was {said.outcome}: {said.error!r}")
        if was and known is None:
            raise Broken("I1", f"{cmd.trigger} was acknowledged and its key is gone")

    def reuse(self, cmd: Command) -> None:
        """The key of one request with another one: refused, whoever asks."""
        other = replace(cmd, reason=(cmd.reason or "") + "!", now=self.office.now)
        said = self.carry_out(lambda: self._applied(other))
        self.settle()
        if said.outcome == "done" or (said.outcome == "refused" and not isinstance(said.error, KeyReused)):
            raise Broken("I3", f"a key was used twice: {said.outcome} {said.error!r}")

    def _applied(self, cmd: Command) -> Applied:
        return apply_retrying(self.office.database, cmd, self.office.definitions, self.office.calendars)

    def open_cases(self) -> Iterator[Case]:
        return (self.case(id) for id in self.live)

    def pass_by(self, span: timedelta) -> None:
        self.office.time.pass_by(span)
