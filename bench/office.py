"""The bench's workload: one restaurant through three departments at once, eleven steps, from draft to licence."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from config import ROOT
from govservice.definitions.library import Definitions, load_library
from govservice.engine import MAIN, SYSTEM, Actor, Applied, CaseState, Command, apply_retrying
from govservice.models.base import new_id
from govservice.models.casedata import Form, write_form
from govservice.models.cases import Definition
from govservice.models.keyring import Keyring
from govservice.models.people import Person
from govservice.models.reliance import Revalidation
from govservice.models.session import Database
from govservice.worktime.calendar import Calendars, load_calendars

AREA = "huaxi"
SERVICE = "open_restaurant"
MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in China
KEYRING = Keyring({"bench": bytes(range(32))}, bytes(range(32, 64)))
ANSWERS = {
    "premises.district": AREA, "premises.area": "400", "menu.seats": 20, "menu.kind": ["hot"], "signage.text": "x",
}  # fmt: skip


def _staff(id: str, role: str, kind: str) -> Actor:
    return Actor(id, "user", ((role, f"{AREA}.{kind}"),), None)


WINDOW, HEAD = _staff("window", "window", "service_hall"), _staff("head", "head", "market_reg")
FOOD, FOOD_2 = _staff("food-1", "food", "market_reg"), _staff("food-2", "food", "market_reg")
FIRE, URBAN = _staff("fire", "fire", "fire_rescue"), _staff("urban", "urban", "urban_mgmt")
REPORT = {"attachments": ("site_report",)}
# (actor, action, scope of the token, what comes with it); None: the applicant
WAY: tuple[tuple[Actor | None, str, str, dict[str, Any]], ...] = (
    (None, "submit", "", {}),
    (WINDOW, "accept", "", {}),
    (FOOD, "pass", "review.food", {}),
    (FOOD, "pass", "review.food", REPORT),
    (FOOD_2, "pass", "review.food", {}),
    (FIRE, "pass", "review.fire", {}),
    (URBAN, "pass", "review.sign", {}),
    (HEAD, "approve", "", {}),
    (SYSTEM, "@ok", "", {}),
)  # fmt: skip


class Office:
    """A database with one applicant and the definition. `cases` prepares drafts, `way` yields the commands of one."""

    def __init__(self, database: Database) -> None:
        self.db = database
        self.definitions: Definitions = load_library(ROOT / "workflows")
        self.calendars: Calendars = load_calendars(ROOT / "workflows" / "calendars")
        self.d = self.definitions.current(SERVICE)
        self.count: Iterator[Any] = itertools.count(1)  # what makes a key its own
        self.applicant = Actor("bench-applicant", "applicant", (), self._found())

    def _found(self) -> str:
        """The applicant; the first office of a database adds what is missing."""
        with self.db.write() as session:
            person = session.query(Person).first()
            if person is None:
                key, key_id = KEYRING.new_key()
                person = Person(id=new_id(), key_wrapped=key, key_id=key_id, id_type="passport", id_index=new_id())
                person.created_at = MONDAY
                session.add(person)
            if session.get(Definition, self.d.sha) is None:
                session.add(
                    Definition(
                        sha=self.d.sha, service=SERVICE, version=1, status="published", source_yaml="",
                        canonical_json="", published_by="bench", published_at=MONDAY,
                    )
                )  # fmt: skip
            return person.id

    def draft(self) -> CaseState:
        """An opened case with its answers."""
        data = {
            "number": f"B{new_id()}", "service": SERVICE, "def_sha": self.d.sha, "person_id": self.applicant.person_id,
            "organisation_id": None, "mandate_id": None, "channel": "online", "area": None,
        }  # fmt: skip
        state = self.do(self.command(None, "@open", self.applicant, MONDAY, data=data)).state
        with self.db.write() as session:
            form = Form(answers=ANSWERS, sources=dict.fromkeys(ANSWERS, "you"))
            write_form(session, str(self.applicant.person_id), state.case_id, form, self.applicant.id, MONDAY)
            session.add_all(self._verified(state.case_id))
        return state

    def _verified(self, case_id: str) -> Iterator[Revalidation]:
        """What the decision relies on: there are no registries here, a clerk has looked at the papers."""
        for name, node in self.d.service.facts.items():
            if node.revalidate is not None:
                yield Revalidation(
                    id=new_id(), case_id=case_id, name=name, trigger="clerk", actor="bench", result="unverified",
                    outcome="no_record", at=MONDAY, resolution="verified", resolved_by="bench", resolved_at=MONDAY,
                )  # fmt: skip

    def command(self, case_id: str | None, trigger: str, actor: Actor, now: datetime, **more: Any) -> Command:
        return Command(case_id, trigger, f"bench:{next(self.count)}", now, actor, **more)

    def do(self, command: Command) -> Applied:
        """In a transaction of its own, as operations do it."""
        return apply_retrying(self.db, command, self.definitions, self.calendars)

    def way(self, draft: CaseState) -> Generator[Command, CaseState, None]:
        """The commands of one case; the generator is sent the state after each."""
        state = draft
        for number, (actor, trigger, scope, more) in enumerate(WAY, start=1):
            token = state.token_of(scope) if scope else None
            given = {"data": {"data_rev": 1}} if trigger == "submit" else more
            state = yield self.command(
                state.case_id, trigger, actor or self.applicant, MONDAY + timedelta(minutes=number),
                token_id=token.id if token else MAIN, **given,
            )  # fmt: skip

    def play(self, draft: CaseState) -> int:
        """Takes a case to its end; returns how many steps that were."""
        way, state, steps = self.way(draft), draft, 0
        try:
            command = next(way)
            while True:
                state = self.do(command).state
                steps += 1
                command = way.send(state)
        except StopIteration:
            assert state.status == "closed", state.status
            return steps
