"""What the registries of people answer beside the population register: household, marriage, home, work, illness.

A person of the synthetic province has these from their own number: the same person the same things on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.province import AS_OF, Province
from govservice.exchange.sandbox.records import Person
from govservice.exchange.sandbox.words import DISTRICTS

Record = dict[str, Any]
ADULT = 18
SOURCES = ("银行存款", "不动产登记", "社会保险")  # the last one only for those who work
STANDARDS = {"huaxi": "785.00", "nanming": "820.00"}
EMPLOYERS = (  # with where they are
    ("贵阳云岭商贸有限公司", "nanming", "南明区中华南路 88 号"),
    ("贵州黔程物流有限公司", "huaxi", "花溪区明珠大道 9 号"),
    ("贵阳南明建筑工程有限公司", "nanming", "南明区沙冲路 140 号"),
    ("花溪区第三人民医院", "huaxi", "花溪区清溪路 201 号"),
)
BANKS = ("贵阳银行", "贵州农村信用社", "中国邮政储蓄银行")


def households(province: Province, subject: str) -> Iterable[Record]:
    """The household book: its number, how many stand in it, and who of the others is of age."""
    person = province.people.get(subject)
    if person is None:
        return []
    members = province.household(person.household)
    adults = [m.id for m in members if m.id != subject and AS_OF.year - m.born.year > ADULT]
    return [record(person, person.household, size=len(members), adults=", ".join(adults))]


def marriages(province: Province, subject: str) -> Iterable[Record]:
    """The couple of the cast; of others no marriage is recorded."""
    person = province.people.get(subject)
    spouse = next((b for a in (cast.COUPLE, cast.COUPLE[::-1]) for b in a[1:] if a[0].id == subject), None)
    if person is None or spouse is None:
        return []
    return [record(person, f"JH-{subject[-6:]}", spouse={"name": spouse.name, "national_id": spouse.id})]


def kinship(province: Province, subject: str) -> Iterable[Record]:
    """Parents and children, of those whose birth was registered: the cast's."""
    person = province.people.get(subject)
    parents = cast.PARENTS.get(subject, ())
    children = [child for child, known in cast.PARENTS.items() if subject in known]
    if person is None or not (parents or children):
        return []
    return [record(person, f"QS-{subject[-8:]}", parents=", ".join(parents), children=", ".join(children))]


def dwellings(province: Province, subject: str) -> Iterable[Record]:
    """The head of a household owns the home, one in four another one in the other district; others own none."""
    person = province.people.get(subject)
    if person is None or not person.head:
        return []
    title, area, address = f"黔（2019）不动产权第 {drawn(subject, 'home') % 10**7:07d} 号", person.area, person.address
    if elsewhere(subject, "bought"):
        area = other(person.area)
        address = (
            f"{DISTRICTS[area][0]}区{DISTRICTS[area][3][0][0]} {1 + drawn(subject, 'house') % 180} 号 1 单元 902 室"
        )
    return [record(person, title, address=address, region=DISTRICTS[area][2])]


def tenancies(province: Province, subject: str) -> Iterable[Record]:
    """Every third adult rents a flat that is registered, whatever their household owns; one in four of them in the
    other district."""
    person = province.people.get(subject)
    if person is None or AS_OF.year - person.born.year < ADULT or drawn(subject, "rents") % 3:
        return []
    name, _, region, _ = DISTRICTS[other(person.area) if elsewhere(subject, "rented") else person.area]
    return [
        record(
            person, f"ZL-{region}-{drawn(subject, 'tenancy') % 10**6:06d}",
            address=f"{name}区人才公寓 {1 + drawn(subject, 'flat') % 20} 栋", region=region,
        )
    ]  # fmt: skip


def vehicles(province: Province, subject: str) -> Iterable[Record]:
    """Vehicles in somebody's own name."""
    person = province.people.get(subject)
    return [] if person is None else [record(person, f"JD-{subject[-8:]}", count=drawn(subject, "car") % 2)]


def employment(province: Province, subject: str) -> Iterable[Record]:
    """Two of three adults under sixty work."""
    person = province.people.get(subject)
    if person is None or not works(person):
        return []
    months = 1 + drawn(subject, "months") % 240
    employer, area, address = EMPLOYERS[drawn(subject, "employer") % len(EMPLOYERS)]
    place = {"address": address, "region": DISTRICTS[area][2]}
    return [record(person, f"CB-{subject[-8:]}", employer=employer, months=months, workplace=place)]


def household_employment(province: Province, subject: str) -> Iterable[Record]:
    """How many of a household are insured as employed."""
    person = province.people.get(subject)
    if person is None:
        return []
    return [record(person, f"HC-{person.household}", insured=sum(map(works, province.household(person.household))))]


def cards(province: Province, subject: str) -> Iterable[Record]:
    """Nine of ten adults use the bank account of their social security card; everybody of the cast does."""
    person = province.people.get(subject)
    known = subject in {p.id for p in cast.PEOPLE}
    if person is None or AS_OF.year - person.born.year < ADULT or (not known and drawn(subject, "card") % 10 == 0):
        return []
    bank = f"{BANKS[drawn(subject, 'bank') % len(BANKS)]}{DISTRICTS[person.area][0]}支行"
    number = f"62{drawn(subject, 'account') % 10**9:09d}{drawn(subject, 'more') % 10**8:08d}"
    return [record(person, f"SK-{subject[-8:]}", account={"bank": bank, "number": number})]


def medical_costs(province: Province, subject: str) -> Iterable[Record]:
    """One in eight was seriously ill."""
    person = province.people.get(subject)
    if person is None or drawn(subject, "ill") % 8:
        return []
    return [record(person, f"DB-{subject[-8:]}", costs=f"{2000 + drawn(subject, 'costs') % 30000}.00")]


def means(province: Province, subject: str) -> Iterable[Record]:
    """What the verification centre finds for the household of a person."""
    person = province.people.get(subject)
    if person is None:
        return []
    earning = [m for m in province.household(person.household) if works(m)]
    earned = sum(1800 + drawn(m.id, "wage") % 9000 for m in earning)
    income, deposits = f"{earned}.00", f"{drawn(person.household, 'deposits') % 60_000}.00"
    vehicles = drawn(person.household, "vehicles") % 2
    income, deposits, vehicles = cast.MEANS.get(person.household, (income, deposits, vehicles))
    sources = "、".join(SOURCES[: 2 + bool(earning)])
    return [
        record(
            person, f"HD-{person.household}", income=income, deposits=deposits, vehicles=vehicles, sources=sources
        )
    ]  # fmt: skip


def standards(province: Province, subject: str) -> Iterable[Record]:
    """What a person needs to live on in their district, per month."""
    person = province.people.get(subject)
    return [] if person is None else [record(person, f"BZ-{person.area}-2026", standard=STANDARDS[person.area])]


def agrees(subject: str, source: str) -> bool:
    """Nine of ten stated what a source holds; everybody of the cast did."""
    return subject in {p.id for p in cast.PEOPLE} or drawn(subject, source) % 10 > 0


def works(person: Person) -> bool:
    age = AS_OF.year - person.born.year
    return ADULT < age < 60 and drawn(person.id, "work") % 3 > 0


def elsewhere(subject: str, what: str) -> bool:
    """Whether something of somebody's is in the other district; nothing of the cast's is."""
    return subject not in {p.id for p in cast.PEOPLE} and drawn(subject, what) % 4 == 0


def other(area: str) -> str:
    return next(code for code in DISTRICTS if code != area)


def drawn(subject: str, what: str) -> int:
    """A number of somebody's own."""
    return int.from_bytes(hashlib.sha256(f"{subject}:{what}".encode()).digest()[:4], "big")


def record(person: Person, record_id: str, **values: Any) -> Record:
    """A record about a person, with what always stands in one."""
    at = max(person.updated_at, datetime(2026, 1, 5, 1, 0, tzinfo=UTC))
    return {
        "record_id": record_id, "person": {"national_id": person.id}, "updated_at": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **values,
    }  # fmt: skip
