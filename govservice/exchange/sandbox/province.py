"""The synthetic province: people in households, enterprises with premises and staff, all from one seed.

Deterministic: the same seed gives the same province on every machine. The cast is in it whatever the seed. Most
enterprises have exactly one property with a title; some rent (none) and some hold two, as in life.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from random import Random
from types import MappingProxyType

from govservice.exchange.sandbox import cast, words
from govservice.exchange.sandbox.records import Certificate, Enterprise, Person, Premises, Triple
from govservice.identifiers import cn_check, organisation_check, uscc_check

DEFAULT_SEED = 2026
PEOPLE = 10_000
ENTERPRISES = 2_000
AS_OF = date(2026, 7, 31)  # the day up to which the registries were fed
RENTS, HOLDS_TWO = 0.04, 0.03  # shares of enterprises without a title, with two
STAFF_KNOWN = 0.85  # share of food enterprises whose staff's certificates are registered
_ORG_CHARS = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True)
class Province:
    """Everything the registries hold, by the key they are asked with."""

    seed: int
    people: Mapping[str, Person]
    enterprises: Mapping[str, Enterprise]
    premises: Mapping[str, tuple[Premises, ...]]  # by owner
    certificates: Mapping[str, tuple[Certificate, ...]]  # by employer
    households: Mapping[str, tuple[Person, ...]]  # by number of the book

    def triples(self, count: int, area: str | None = None, trade: str | None = "catering") -> list[Triple]:
        """Up to `count` enterprises that can file without a gap: legal representative, one title; without the cast."""
        found: list[Triple] = []
        for enterprise in self.enterprises.values():
            if len(found) == count:
                break
            held = self.premises.get(enterprise.uscc, ())
            fits = area in (None, enterprise.area) and trade in (None, enterprise.trade)
            if fits and len(held) == 1 and enterprise not in cast.ENTERPRISES:
                found.append(Triple(self.people[enterprise.legal_person], enterprise, held[0]))
        return found

    def household(self, number: str) -> tuple[Person, ...]:
        """Everybody of a household book."""
        return self.households.get(number, ())

    def plain_people(self, count: int, area: str | None = None) -> list[Person]:
        """Up to `count` adults who run no enterprise; without the cast."""
        busy = {e.legal_person for e in self.enterprises.values()} | {p.id for p in cast.PEOPLE}
        free = (p for p in self.people.values() if p.id not in busy and _age(p) >= 18 and area in (None, p.area))
        return [p for p, _ in zip(free, range(count), strict=False)]


@lru_cache(maxsize=2)
def build(seed: int = DEFAULT_SEED) -> Province:
    """The province of this seed; about half a second."""
    random = Random(seed)
    people = {p.id: p for p in cast.PEOPLE}
    for person in _households(random, set(people)):
        if len(people) >= PEOPLE:
            break
        people[person.id] = person
    enterprises = {e.uscc: e for e in cast.ENTERPRISES} | _enterprises(random, people)
    premises = _premises(random, enterprises)
    certificates = _certificates(random, enterprises, people)
    return Province(
        seed,
        MappingProxyType(people),
        MappingProxyType(enterprises),
        MappingProxyType(premises),
        MappingProxyType(certificates),
        MappingProxyType(_books(people)),
    )


def _books(people: Mapping[str, Person]) -> dict[str, tuple[Person, ...]]:
    found: dict[str, list[Person]] = {}
    for person in people.values():
        found.setdefault(person.household, []).append(person)
    return {number: tuple(members) for number, members in found.items()}


def _age(person: Person) -> int:
    return AS_OF.year - person.born.year - ((AS_OF.month, AS_OF.day) < (person.born.month, person.born.day))


def _households(random: Random, taken: set[str]) -> Iterator[Person]:
    """Households without end: a head, often a partner, children who bear a parent's name."""
    number = 100
    while True:
        number += 1
        area = random.choice(tuple(words.DISTRICTS))
        zh, _, _, streets = words.DISTRICTS[area]
        at = f"{random.choice(streets)[0]} {random.randint(1, 199)} 号"
        flat = f"{random.randint(1, 6)} 单元 {random.randint(1, 28)}0{random.randint(1, 4)} 室"
        book = f"{'HX' if area == 'huaxi' else 'NM'}{number:07d}"
        home = (area, f"{zh}区{at} {flat}", book)
        surname = random.choices(words.SURNAMES, cum_weights=_SURNAME_WEIGHTS)[0]
        head_born = date(1946, 1, 1) + timedelta(days=random.randrange(60 * 365))
        yield _person(random, taken, surname, random.choice("FM"), head_born, home, head=True)
        if random.random() < 0.72:
            partner = random.choices(words.SURNAMES, cum_weights=_SURNAME_WEIGHTS)[0]
            born = min(head_born + timedelta(days=random.randint(-1800, 1800)), date(2006, 12, 31))
            yield _person(random, taken, partner, random.choice("FM"), born, home)
        for _ in range(random.choice((0, 1, 1, 2, 2, 3))):
            born = min(head_born + timedelta(days=random.randint(22 * 365, 36 * 365)), AS_OF)
            yield _person(random, taken, surname, random.choice("FM"), born, home)


_SURNAME_WEIGHTS = [sum(len(words.SURNAMES) - j + 12 for j in range(i + 1)) for i in range(len(words.SURNAMES))]


def _person(
    random: Random, taken: set[str], surname: tuple[str, str], sex: str, born: date, home: tuple[str, str, str],
    *, head: bool = False,
) -> Person:  # fmt: skip
    given = words.GIVEN_WOMEN if sex == "F" else words.GIVEN_MEN
    parts = random.sample(given, random.choice((1, 2, 2, 2)))
    region = words.DISTRICTS[home[0]][2]
    id = ""
    while not id or id in taken:
        place = random.randrange(0, 998, 2) + (1 if sex == "M" else 2)
        first17 = f"{region}{born:%Y%m%d}{place:03d}"
        id = first17 + cn_check(first17)
    taken.add(id)
    pinyin = f"{surname[1]} {''.join(p for _, p in parts).capitalize()}"
    name = surname[0] + "".join(c for c, _ in parts)
    return Person(
        id, name, pinyin, sex, born, random.choice(words.NATIONS), home[0], home[1], home[2], head, _moment(random)
    )


def _moment(random: Random) -> datetime:
    """Some instant of office time in the six years before AS_OF, UTC."""
    day = AS_OF - timedelta(days=random.randrange(6 * 365))
    return datetime(day.year, day.month, day.day, random.randint(1, 9), random.randrange(60), tzinfo=UTC)


def _uscc(random: Random, region: str) -> str:
    organisation = "MA" + "".join(random.choices(_ORG_CHARS, k=6))
    first17 = f"91{region}{organisation}{organisation_check(organisation)}"
    return first17 + uscc_check(first17)


def _enterprises(random: Random, people: Mapping[str, Person]) -> dict[str, Enterprise]:
    """Enterprises, each led by another adult of its district, each with a name nobody else has."""
    kept = {p.id for p in cast.PEOPLE}
    adults = [p for p in people.values() if 22 <= _age(p) <= 68 and p.id not in kept]
    found: dict[str, Enterprise] = {}
    names = {e.name for e in cast.ENTERPRISES}
    for leader in random.sample(adults, ENTERPRISES - len(cast.ENTERPRISES)):
        zh, en, region, streets = words.DISTRICTS[leader.area]
        name = ""
        while not name or name in names:
            mark = random.sample(words.TRADE_NAMES, random.choice((2, 2, 3)))
            trade, kind_zh, kind_en = random.choice(words.TRADES)
            name = f"贵阳{zh}{''.join(c for c, _ in mark)}{kind_zh}有限公司"
        names.add(name)
        romanised = "".join(p for _, p in mark).capitalize()
        uscc = ""
        while not uscc or uscc in found:
            uscc = _uscc(random, region)
        found[uscc] = Enterprise(
            uscc, name, f"Guiyang {en} {romanised} {kind_en} Co., Ltd.", trade, leader.area,
            f"{zh}区{random.choice(streets)[0]} {random.randint(1, 299)} 号", leader.id,
            Decimal(random.choice((10, 30, 50, 100, 200, 500))),
            AS_OF - timedelta(days=random.randrange(30, 12 * 365)), _moment(random),
        )  # fmt: skip
    return found


def _premises(random: Random, enterprises: Mapping[str, Enterprise]) -> dict[str, tuple[Premises, ...]]:
    found: dict[str, tuple[Premises, ...]] = {p.owner: (p,) for p in cast.PREMISES}
    for number, enterprise in enumerate(enterprises.values(), start=20_001):
        if enterprise.uscc in found:
            continue
        draw = random.random()
        count = 0 if draw < RENTS else 2 if draw < RENTS + HOLDS_TWO else 1
        if count:
            found[enterprise.uscc] = tuple(_title(random, enterprise, number * 10 + n) for n in range(count))
    return found


def _title(random: Random, enterprise: Enterprise, number: int) -> Premises:
    updated = _moment(random)
    floor_area = Decimal(round(random.lognormvariate(5.2, 0.55) * 100)) / 100  # median about 180 m2
    return Premises(
        f"黔（{updated.year}）{words.DISTRICTS[enterprise.area][0]}区不动产权第 {number:07d} 号",
        f"{enterprise.address}{random.choice(('一层', '一层', '二层', '一至二层'))}",
        enterprise.area, floor_area.quantize(Decimal("0.01")), random.choice(words.USES), enterprise.uscc, updated,
    )  # fmt: skip


def _certificates(
    random: Random, enterprises: Mapping[str, Enterprise], people: Mapping[str, Person]
) -> dict[str, tuple[Certificate, ...]]:
    found: dict[str, tuple[Certificate, ...]] = {}
    for enterprise in cast.ENTERPRISES:
        found[enterprise.uscc] = tuple(c for c in cast.CERTIFICATES if c.employer == enterprise.uscc)
    workers = [p.name for p in people.values() if 18 <= _age(p) <= 60]
    for enterprise in enterprises.values():
        food = enterprise.trade in ("catering", "food_retail")
        if enterprise.uscc in found or not food or random.random() > STAFF_KNOWN:
            continue
        region = words.DISTRICTS[enterprise.area][2]
        found[enterprise.uscc] = tuple(
            _certificate(random, enterprise.uscc, region, holder)
            for holder in random.sample(workers, random.randint(2, 8))
        )
    return found


def _certificate(random: Random, employer: str, region: str, holder: str) -> Certificate:
    """Issued in the five months before AS_OF: valid through the demonstration's 90 days and beyond."""
    issued = AS_OF - timedelta(days=random.randrange(1, 150))
    until = issued + timedelta(days=365)
    return Certificate(f"JK{region}{random.randrange(10_000, 10**7):07d}", holder, employer, issued, until)
