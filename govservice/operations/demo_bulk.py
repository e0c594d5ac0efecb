"""`flask demo bulk`: cases by the hundred thousand, over two years, for trials of size.

Applicants, organisations and mandates are made with them, each with keys of their own; staff is the cast's. A part of a
few hundred cases is one transaction: a load that is broken off leaves whole cases behind. On PostgreSQL several
processes play and copy; on SQLite there is one writer.
"""

from __future__ import annotations

import hashlib
import multiprocessing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any

from sqlalchemy import text

from govservice.codes import CASE_NUMBER
from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.engine import Actor
from govservice.engine.bulk import TABLES, Played, write
from govservice.engine.chain import canonical
from govservice.errors import N_, NotAllowed
from govservice.models.base import new_id, to_iso
from govservice.models.casedata import YOU, Form
from govservice.models.keyring import Box
from govservice.models.session import Database, make_engine
from govservice.operations import demo_words as words
from govservice.operations.demo_bulk_case import Filed, Player
from govservice.operations.demo_cast import load_cast
from govservice.operations.demo_filing import named_answers, typed_answer
from govservice.operations.demo_plan import HOUR_WEIGHTS, HOURS
from govservice.operations.demo_staff import Staff
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from govservice.operations.startup import open_runtime

DAYS = 730
PART = 250  # cases of one transaction
PER_PERSON = 3  # cases of one applicant
SERVICES = {
    "food_business_licence": 45, "resident_medical_insurance": 12, "enterprise_registration": 12,
    "open_restaurant": 8, "household_registration": 8, "tax_information": 8, "social_security_card": 7,
}  # fmt: skip
FAMILIES, GIVEN = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗",
    ("敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰"),
)
MANDATES_FROM = date(2020, 1, 1)
# What is written beside the engine's tables, with their columns; people before what refers to them.
BEFORE = {
    "people": (
        "id", "key_wrapped", "key_id", "name_enc", "id_type", "id_enc", "id_index", "area", "created_at",
    ),
    "organisations": ("id", "uscc", "name", "area", "created_at"),
    "mandates": (
        "id", "person_id", "organisation_id", "kind", "services", "valid_from", "source", "created_at",
    ),
}  # fmt: skip
AFTER = {
    "case_data": ("case_id", "rev", "form_enc", "sha", "changed", "by", "at"),
    "snapshots": (
        "id", "case_id", "n", "reason", "subject_id", "canonical_enc", "sha256", "prev_sha256", "created_at",
    ),
}  # fmt: skip
WRITTEN: Mapping[str, tuple[str, ...]] = {**BEFORE, **TABLES, **AFTER}
Rows = dict[str, list[tuple[Any, ...]]]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Order:
    """A part of the load: cases `first` to `first + count - 1` of the run `seed`, up to `now`."""

    seed: str
    first: int
    count: int
    now: datetime


def bulk(rt: Runtime, cases: int, progress: Progress, *, processes: int = 1, seed: str | None = None) -> int:
    """Adds `cases` cases. Returns how many. Raises NotAllowed outside demo mode."""
    if not rt.settings.demo:
        raise NotAllowed(N_("The demonstration's accounts exist in demo mode only."))
    now = rt.now()
    publish_all(rt, by="system", now=now)
    load_cast(rt, now=now)
    drawn = seed or new_id()
    orders = [Order(drawn, at, min(PART, cases - at), now) for at in range(0, cases, PART)]
    done = 0
    progress(0, cases)
    for made in _made(rt, orders, processes):
        done += made
        progress(done, cases)
    _refresh(rt)
    return done


def _made(rt: Runtime, orders: list[Order], processes: int) -> Iterator[int]:
    if processes == 1:
        maker = Maker(rt)
        yield from map(maker.make, orders)
        maker.close()
        return
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(processes, _start, (rt.settings,)) as pool:
        yield from pool.imap_unordered(_make, orders)


_maker: Maker | None = None


def _start(settings: Any) -> None:
    global _maker
    _maker = Maker(open_runtime(settings))


def _make(order: Order) -> int:
    assert _maker is not None
    return _maker.make(order)


def _refresh(rt: Runtime) -> None:
    """The planner of the database learns what is there now."""
    with rt.database.engine.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("ANALYZE"))


class Maker:
    """Plays and writes parts, on a connection of its own that does not wait for the disk."""

    def __init__(self, rt: Runtime) -> None:
        self.rt = rt
        url = rt.database.engine.url.render_as_string(hide_password=False)
        self.db = Database(make_engine(url, synchronous="OFF"), rt.keyring)
        with self.db.read() as session:
            self.holders = Staff(session).holders
        self.areas = sorted(area.code for area in rt.definitions.catalogue.areas.values() if area.serves)
        self.services = [rt.definitions.current(code) for code in SERVICES if code in rt.definitions.codes()]
        self.weights = [SERVICES[d.code] for d in self.services]
        self._days: dict[str, list[date]] = {}

    def close(self) -> None:
        self.db.engine.dispose()

    def make(self, order: Order) -> int:
        with self.db.write() as session:
            if session.connection().dialect.name == "postgresql":
                session.execute(text("SET LOCAL synchronous_commit = off"))
            write(session, WRITTEN, self._part(order))
        return order.count

    def _part(self, order: Order) -> Iterator[Rows]:
        random = Random(f"{order.seed}:{order.first}")
        recorded = to_iso(self.rt.wall.now())
        for number in range(order.first, order.first + order.count):
            if (number - order.first) % PER_PERSON == 0:
                area = random.choice(self.areas)
                rows, actor, box = self._applicant(random, f"{order.seed}:{number}", area, order.now)
                yield rows
            yield self._case(random, f"{order.seed}:{number}", area, actor, box, order.now, recorded)

    # -- who asks

    def _applicant(self, random: Random, key: str, area: str, now: datetime) -> tuple[Rows, Actor, Box]:
        keyring, id = self.rt.keyring, new_id()
        wrapped, key_id = keyring.new_key()
        box = keyring.box(wrapped, key_id)
        assert box is not None
        digest = hashlib.sha256(key.encode()).hexdigest().upper()
        name, passport = random.choice(FAMILIES) + random.choice(GIVEN), f"X{digest[:15]}"
        since = to_iso(now - timedelta(days=DAYS + 30))
        person = (
            id, wrapped, key_id, box.seal_text(name, f"people:{id}:name"), "passport",
            box.seal_text(passport, f"people:{id}:id"), keyring.blind("passport", passport), area, since,
        )  # fmt: skip
        organisation, mandate = new_id(), new_id()
        firm = (organisation, f"X{digest[15:32]}", f"{random.choice(words.SIGNS)}餐饮有限公司", area, since)
        right = (mandate, id, organisation, "legal_representative", "*", MANDATES_FROM.isoformat(), "demo", since)
        actor = Actor(f"applicant:{id}", "applicant", (), id, organisation, name, mandate)
        return {"people": [person], "organisations": [firm], "mandates": [right]}, actor, box

    # -- what they ask for

    def _case(
        self, random: Random, key: str, area: str, actor: Actor, box: Box, now: datetime, recorded: str
    ) -> Rows:  # fmt: skip
        d = random.choices(self.services, self.weights)[0]
        if "organisation" not in (d.service.audience or ("organisation",)):
            actor = replace(actor, organisation_id=None, mandate_id=None)
        cal = self.rt.calendars.for_area(area)
        answers = _answers(d, random, area)
        values = typed(d.service.fields, answers)
        number = CASE_NUMBER.random()
        filed = Filed(key, d, actor, number, self._arrival(random, area, now), answers)
        played = Played(d, self.rt.definitions.catalogue, self.rt.calendars, values, box, recorded)
        player = Player(filed, played, self.holders, cal, random, now)
        player.play()
        return played.batch() | _sent(player, box)

    def _arrival(self, random: Random, area: str, now: datetime) -> datetime:
        """Nearly always on a working day, at an hour at which people file."""
        cal = self.rt.calendars.for_area(area)
        today = cal.local_date(now)
        if area not in self._days:
            span = (today - timedelta(days=n) for n in range(DAYS, -1, -1))
            self._days[area] = [day for day in span if cal.is_working_day(day)]
        days = self._days[area]
        day = random.choice(days) if random.random() < 0.94 else today - timedelta(days=random.randrange(1, DAYS))
        hour = random.choices(HOURS, HOUR_WEIGHTS)[0]
        clock = time(hour, random.randrange(60), random.randrange(60))
        at = datetime.combine(day, clock, cal.zone).astimezone(UTC)
        return at if at < now else at - timedelta(days=7)


def _answers(d: Compiled, random: Random, area: str) -> dict[str, Any]:
    """Something fitting for every field, by its name or its type; the place of business or home lies in the area."""
    named = named_answers(random, {})
    found: dict[str, Any] = {}
    for name, asked in d.service.fields.items():
        value = area if asked.type == "district" else named.get(name, typed_answer(random, asked))
        if value is not None:
            found[name] = value
    return found


def _sent(player: Player, box: Box) -> Rows:
    """The revisions of the answers and the sealed snapshots of what was sent."""
    state, filed = player.state, player.filed
    sources = dict.fromkeys(filed.answers, YOU)
    data: list[tuple[Any, ...]] = []
    snapshots: list[tuple[Any, ...]] = []
    previous: str | None = None
    for n, (at, changed) in enumerate(player.revisions, start=1):
        form = Form(answers=filed.answers, sources=sources, agreed_at=to_iso(filed.at)).as_json()
        content = canonical({**form, "salt": f"{player.random.getrandbits(128):032x}"}).encode()
        data.append((
            state.case_id, n, box.seal(content, f"case_data:{state.case_id}:{n}"), hashlib.sha256(content).hexdigest(),
            canonical(list(changed)), filed.actor.id, to_iso(at),
        ))  # fmt: skip
        id = new_id()
        sealed: dict[str, Any] = {
            "format": 1, "case": state.number, "service": state.service, "definition": filed.d.sha, "n": n,
            "reason": "submit" if n == 1 else "correction", "at": to_iso(at), "previous": previous, "form": form,
            "files": {}, "facts": {},
        }  # fmt: skip
        plain = canonical(sealed).encode()
        digest = hashlib.sha256(plain).hexdigest()
        snapshots.append((
            id, state.case_id, n, sealed["reason"], state.applicant_id, box.seal(plain, f"snapshots:{id}"), digest,
            previous, to_iso(at),
        ))  # fmt: skip
        previous = digest
    return {"case_data": data, "snapshots": snapshots}
