"""The office of the simulation: one database, the procedures, the cast, the time and the chance that all is drawn from.

Everything that could differ between two runs is handed in: ids, salts and numbers come from the seed, the clock is a
value that the scheduler moves, the payment provider is an object (`till.py`). So a seed replays a run.
"""

from __future__ import annotations

import itertools
import random
import secrets
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import uuid6

from config import ROOT
from govservice.definitions.catalogue import load_catalogue
from govservice.definitions.compile import canonical_json, compile_service
from govservice.definitions.library import Definitions
from govservice.definitions.reader import read
from govservice.definitions.schema import Service
from govservice.engine import Actor, store
from govservice.exchange.sandbox.direct import direct_gateway
from govservice.models.accounts import Role, User
from govservice.models.cases import Definition
from govservice.models.keyring import Keyring
from govservice.models.session import Database
from govservice.operations.in_force import take_in_force
from govservice.operations.people import Identity, add_person
from govservice.operations.publishing import sync_places
from govservice.operations.runtime import Runtime
from govservice.worktime.calendar import Calendars, load_calendars
from tests.sim.versions import CHANGES, second

MONDAY = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in China
AREA, ELSEWHERE = "huaxi", "nanming"
KEYS, INDEX_KEY = (("sim", bytes(range(32))),), bytes(range(32, 64))
KEYRING = Keyring(dict(KEYS), INDEX_KEY)
PROCEDURES = Path(__file__).parent / "procedures"
FEES = Path(__file__).parents[1] / "payments" / "data"
CATALOGUE = load_catalogue(ROOT / "workflows")
CALENDARS: Calendars = load_calendars(ROOT / "workflows" / "calendars")
GATEWAY = direct_gateway(CATALOGUE)  # registries in this process: what a case has them do is done
SHIPPED = ("open_restaurant", "food_business_licence")
HOLDERS = {  # who holds which roles in the area where the cases are decided
    "li": "window@service_hall", "na": "window@service_hall",
    "zhang": "food@market_reg", "wu": "food@market_reg inspector@market_reg", "qin": "food@market_reg",
    "feng": "inspector@market_reg", "xu": "inspector@market_reg head@market_reg",
    "zhou": "fire@fire_rescue", "jin": "fire@fire_rescue", "sun": "urban@urban_mgmt", "lu": "urban@urban_mgmt",
    "he": "head@market_reg", "tao": "head@market_reg food@market_reg", "lead": "lead@market_reg",
    "gov": "government_office@government", "boss": "supervisor@service_hall", "qian": "designer@government",
    "lin": "designer@government",
}  # fmt: skip
COLLECTORS = ("wen", "shu")  # of another district, where an application may be handed in


@lru_cache(maxsize=1)
def _read() -> tuple[Definitions, dict[str, list[str]]]:
    made, shas = Definitions(CATALOGUE), {}
    shipped = [ROOT / "workflows" / "services" / f"{code}.yaml" for code in SHIPPED]
    for path in (*shipped, *sorted(PROCEDURES.glob("*.yaml")), *sorted(FEES.glob("*.yaml"))):
        text = path.read_text(encoding="utf-8")
        texts = [text, second(path.stem, text)] if path.stem in CHANGES else [text]
        for n, version in enumerate(texts):
            service = Service.model_validate(read(version.encode()).data)
            d = made.add(compile_service(service, catalogue=CATALOGUE), current=n == 0)
            shas.setdefault(d.code, []).append(d.sha)
    return made, shas


def procedures() -> Definitions:
    """The shipped procedures that the simulation plays, and those made for it, some in two versions."""
    return _read()[0].for_one_portal()


@dataclass
class Time:
    """The one clock: the portal's time and the machine's time alike."""

    at: datetime = MONDAY

    def now(self) -> datetime:
        return self.at

    def pass_by(self, span: timedelta) -> None:
        self.at += span


@dataclass
class Office:
    """Everything that the actors share."""

    database: Database
    random: random.Random
    definitions: Definitions
    provider: Any
    time: Time = field(default_factory=Time)
    calendars: Calendars = field(default_factory=lambda: CALENDARS)
    keys: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def __post_init__(self) -> None:
        settings: Any = SimpleNamespace(  # of the settings what an office reads
            demo=True, base_url="http://sim", max_upload_mb=1, session_hours=8, registry_endpoints={},
            workflows_dir=ROOT / "workflows", storage_dir=ROOT, secret_key="the simulation's secret, known to all",
        )  # fmt: skip
        self.rt = Runtime(
            self.database, self.definitions, self.calendars, GATEWAY, settings,
            provider=self.provider, wall=self.time,
        )  # fmt: skip
        self.shas = _read()[1]  # hashes of the versions by service, the first one first
        self.names = {self.shas[code][1]: change.fields for code, change in CHANGES.items()}  # fields as they say
        self.staff = {name: staff(name, roles) for name, roles in HOLDERS.items()}
        self.staff |= {name: staff(name, "window@service_hall", ELSEWHERE) for name in COLLECTORS}
        self.outsiders = [
            staff("ma", "food@market_reg head@market_reg window@service_hall", ELSEWHERE), staff("nobody", ""),
        ]  # fmt: skip
        self.citizens: list[Actor] = []
        self.numbers: dict[str, str] = {}  # person id by identity number
        self.called: dict[str, str] = {}  # person id by name
        self._move_in()

    @property
    def now(self) -> datetime:
        return self.time.at

    def key(self) -> str:
        return f"k{next(self.keys)}"

    def holders(self, role: str) -> list[Actor]:
        return [actor for actor in self.staff.values() if any(held == role for held, _ in actor.roles)]

    def take_in_force(self) -> None:
        """As every process does now and then: another one may have died before it knew."""
        take_in_force(self.rt)

    def _move_in(self) -> None:
        """People and versions. A clerk and a head are citizens too: own cases are not for them."""
        with self.database.write() as session:
            for n in range(6):
                name, number = f"Citizen-Nr-{n}", f"99011119800101{n:03d}X"
                person = add_person(session, self.database.keyring, Identity(name, "cn_id", number), now=MONDAY)
                session.flush()
                session.add(private(person.id, number))
                self.numbers[number] = self.called[name] = person.id
                self.citizens.append(Actor(f"applicant:{person.id}", "applicant", (), person.id))
            for code, versions in self.shas.items():
                for n, sha in enumerate(versions, start=1):
                    status = "published" if n == 1 else "retired"
                    session.add(
                        Definition(
                            sha=sha, service=code, version=n, status=status, source_yaml="",
                            canonical_json=canonical_json(self.definitions.by_sha(sha).service), published_by="sim",
                            published_at=MONDAY,
                        )
                    )  # fmt: skip
        for citizen, name in zip(self.citizens, ("zhang", "he"), strict=False):
            self.staff[name] = replace(self.staff[name], person_id=citizen.person_id)
        with self.database.write() as session:
            sync_places(session, CATALOGUE)
            for actor in (*self.staff.values(), *self.outsiders):
                session.add(account(actor))


def staff(name: str, roles: str, area: str = AREA) -> Actor:
    held = tuple((role, f"{area}.{kind}") for role, _, kind in (r.partition("@") for r in roles.split()))
    return Actor(name, "user", held, None, name=name)


def account(actor: Actor) -> User:
    """The row behind a member of staff."""
    roles = [Role(id=f"{actor.id}-{n}", role=role, department_id=department, valid_from=None, valid_to=None)
             for n, (role, department) in enumerate(actor.roles)]  # fmt: skip
    return User(
        id=actor.id, login=actor.id, password_hash="", kind="staff",
        name=dict.fromkeys(("en", "zh"), f"Clerk-{actor.id}"),
        private_person_id=actor.person_id, created_at=MONDAY, password_changed_at=MONDAY, roles=roles,
    )  # fmt: skip


def private(person_id: str, login: str) -> User:
    """The row by which a person signs in."""
    return User(
        id=person_id, login=login, password_hash="", kind="citizen", name={}, person_id=person_id, created_at=MONDAY,
        password_changed_at=MONDAY,
    )  # fmt: skip


@contextmanager
def drawn(chance: random.Random, time: Time) -> Iterator[None]:
    """Ids, salts and the machine's time come from the seed while this holds."""
    count = itertools.count(1)

    def next_id() -> uuid.UUID:
        n = next(count)
        return uuid.UUID(f"01900000-{n >> 12 & 0xFFFF:04x}-7{n & 0xFFF:03x}-8000-{chance.getrandbits(48):012x}")

    def hexed(size: int = 32) -> str:
        return f"{chance.getrandbits(size * 8):0{size * 2}x}"

    with (
        mock.patch.object(uuid6, "uuid7", next_id),
        mock.patch.object(secrets, "token_hex", hexed),
        mock.patch.object(secrets, "choice", chance.choice),
        mock.patch.object(secrets, "token_urlsafe", hexed),
        mock.patch.object(store, "WALL", time),
    ):
        yield
