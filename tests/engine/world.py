"""A small office for tests: a database, compiled definitions, a cast, and verbs that go through the one door."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config import ROOT
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.compile import canonical_json, compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.library import Definitions, load_library
from govservice.definitions.reader import read
from govservice.definitions.schema import Service
from govservice.engine import (
    MAIN,
    SYSTEM,
    Actor,
    Applied,
    CaseState,
    Command,
    Expected,
    load_state,
    rebuild,
    recount,
    tick,
)
from govservice.models.base import new_id
from govservice.models.cases import CaseData, Definition
from govservice.models.people import Person
from govservice.models.session import Database
from govservice.worktime.calendar import Calendars, load_calendars
from tests.support.verified import apply_verified

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in China; no holiday until April
AREA = "huaxi"
CATALOGUE = load_catalogue(ROOT / "workflows")
CALENDARS: Calendars = load_calendars(ROOT / "workflows" / "calendars")
SHIPPED: Definitions = load_library(ROOT / "workflows")
SERVICES = Path(__file__).parent / "services"


def staff(login: str, *roles: str, area: str = AREA, person_id: str | None = None) -> Actor:
    """`staff("li", "window@service_hall")`: roles as role@department kind, in the area."""
    held = tuple((role, f"{area}.{kind}") for role, _, kind in (r.partition("@") for r in roles))
    return Actor(login, "user", held, person_id, name=login)


LI = staff("li.na", "window@service_hall")
ZHANG = staff("zhang.qiang", "food@market_reg")
WU = staff("wu.gang", "food@market_reg")
ZHOU = staff("zhou.jie", "fire@fire_rescue")
SUN = staff("sun.min", "urban@urban_mgmt")
HE = staff("he.tao", "head@market_reg")
LEAD = staff("lead", "lead@market_reg")
MA = staff("ma.jun", "food@market_reg", area="nanming")
ANSWERS = {
    "premises.district": AREA, "premises.area": "400", "menu.seats": 20, "menu.kind": ["hot"], "signage.text": "x",
}  # fmt: skip


def compiled_from(text: str) -> Compiled:
    """A definition written in a test: read and compiled, not judged (a test may want an odd one)."""
    return compile_service(Service.model_validate(read(text.encode()).data), catalogue=CATALOGUE)


class World:
    """One database with one applicant; `now` moves only by `at`."""

    def __init__(self, database: Database, service: str | Compiled = "open_restaurant") -> None:
        self.db = database
        self.now = MONDAY
        self.count = itertools.count(1)
        self.definitions = Definitions(CATALOGUE)
        self.d = SHIPPED.current(service) if isinstance(service, str) else service
        self.definitions.add(self.d, current=True)
        self.person = self._person()
        self.wang = Actor("wang.fang", "applicant", (), self.person)
        self.case_id = ""
        self.answers: dict[str, Any] = {}

    def _person(self) -> str:
        key, key_id = self.db.keyring.new_key()
        id = new_id()
        with self.db.write() as session:
            session.add(
                Person(
                    id=id, key_wrapped=key, key_id=key_id, id_type="passport", id_index=new_id(), created_at=self.now
                )
            )
            if session.get(Definition, self.d.sha) is None:
                session.add(
                    Definition(
                        sha=self.d.sha, service=self.d.code, version=1, status="published", source_yaml="",
                        canonical_json=canonical_json(self.d.service), published_by="test", published_at=self.now,
                    )
                )  # fmt: skip
        return id

    # -- verbs

    def do(self, actor: Actor, trigger: str, token: int | str | None = None, **more: Any) -> Applied:
        """One command in its own transaction. `token`: an id, or a branch such as `review.food`."""
        if isinstance(token, str):
            found = self.state.token_of(token)
            assert found is not None, f"there is no token of {token}"
            token = found.id
        command = Command(
            case_id=more.pop("case_id", self.case_id), trigger=trigger,
            idem=more.pop("idem", f"{self.person}:{next(self.count)}"), now=more.pop("now", self.now), actor=actor,
            token_id=token, **more,
        )  # fmt: skip
        with self.db.write() as session:
            return apply_verified(session, command, self.definitions, CALENDARS)

    def open(self, actor: Actor | None = None, **data: Any) -> str:
        number = f"T{new_id()}"
        data = {
            "number": number, "service": self.d.code, "def_sha": self.d.sha, "person_id": self.person,
            "organisation_id": None, "mandate_id": None, "channel": "online", "area": AREA, **data,
        }  # fmt: skip
        self.case_id = self.do(actor or self.wang, "@open", case_id=None, data=data).case_id
        return self.case_id

    def answer(self, rev: int, answers: Mapping[str, Any]) -> int:
        """A revision of the answers, as operations write it."""
        self.answers = dict(answers)
        with self.db.write() as session:
            keyring = self.db.keyring
            person = session.get_one(Person, self.person)
            box = keyring.box(person.key_wrapped, person.key_id)
            assert box is not None
            content = {"answers": dict(answers), "sources": {}, "materials": {}, "declined": [], "pages_done": []}
            session.add(
                CaseData(
                    case_id=self.case_id, rev=rev, form_enc=box.seal_json(content, f"case_data:{self.case_id}:{rev}"),
                    sha="0" * 64, changed=[], by="wang.fang", at=self.now,
                )
            )  # fmt: skip
        return rev

    def submit(self, answers: Mapping[str, Any] = ANSWERS, trigger: str = "submit") -> Applied:
        self.open()
        return self.do(self.wang, trigger, MAIN, data={"data_rev": self.answer(1, answers)})

    def resubmit(self, rev: int, changed: list[str], answers: Mapping[str, Any] | None = None) -> Applied:
        rev = self.answer(rev, answers or self.answers)
        return self.do(self.wang, "@resubmit", data={"data_rev": rev, "changed": changed})

    def ask(self, actor: Actor, token: int | str, *items: str, trigger: str = "ask") -> Applied:
        return self.do(actor, trigger, token, reason="missing", data={"items": dict.fromkeys(items, "wrong")})

    def at(self, now: datetime) -> World:
        self.now = now
        return self

    def tick(self, now: datetime | None = None) -> int:
        fired = 0
        self.now = now or self.now
        while batch := tick(self.db, self.now, self.definitions, CALENDARS):
            fired += batch
        return fired

    # -- questions

    @property
    def state(self) -> CaseState:
        with self.db.read() as session:
            return load_state(session, self.case_id)

    def check(self) -> None:
        """Tables equal the fold of the events, the chain verifies, the kept state is the fold."""
        with self.db.read() as session:
            differences = recount(session, self.case_id, self.definitions, CALENDARS)
            assert not differences, "\n".join(differences)
            assert rebuild(session, self.case_id) == load_state(session, self.case_id)

    def steps(self) -> list[str]:
        return [t.step for t in self.state.tokens.values() if t.open]

    def types(self, applied: Applied) -> list[str]:
        return [e.type for e in applied.events]

    def rows(self, table: str, where: str = "") -> list[Mapping[str, Any]]:
        with self.db.read() as session:
            from sqlalchemy import text

            found = session.execute(text(f"SELECT * FROM {table} {where} ORDER BY 1, 2"))
            return [dict(row) for row in found.mappings()]

    def topics(self) -> list[str]:
        return [row["topic"] for row in sorted(self.rows("outbox"), key=lambda r: r["seq"])]


def shown(state: CaseState, token: int) -> Expected:
    """What a page made from this state would carry."""
    return Expected(state.tokens[token].version, state.data_rev)


def data_of(applied: Applied, type: str) -> Mapping[str, Any]:
    return next(e.data for e in applied.events if e.type == type)


def as_json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


__all__ = [name for name in dir() if not name.startswith("_")] + ["SYSTEM"]
