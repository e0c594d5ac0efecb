"""What the registries of tax, education and licences answer: what somebody earned, learned, and may do,
and which enterprises broke the law badly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.answers_people import drawn, record, works
from govservice.exchange.sandbox.province import AS_OF, Province
from govservice.exchange.sandbox.words import DISTRICTS

Record = dict[str, Any]
LEVELS = ("初中", "高中", "专科", "本科", "硕士")
SCHOOLS = ("贵州大学", "贵州师范大学", "贵阳学院", "贵州民族大学", "贵州财经大学")
CAMPUSES = {"贵阳学院": ("nanming", "南明区市南路 103 号")}  # the others stand together
UNIVERSITY_TOWN = ("huaxi", "花溪区学士路 1 号")


def income(province: Province, subject: str) -> Iterable[Record]:
    """The last assessed year of those who work."""
    person = province.people.get(subject)
    if person is None or not works(person):
        return []
    taxable = 12 * (1800 + drawn(subject, "wage") % 9000)
    return [record(person, f"SW-{subject[-8:]}", taxable=f"{taxable}.00", year=AS_OF.year - 1)]


def qualifications(province: Province, subject: str) -> Iterable[Record]:
    """The highest degree of every adult."""
    person = province.people.get(subject)
    if person is None or AS_OF.year - person.born.year < 18:
        return []
    level = LEVELS[drawn(subject, "level") % len(LEVELS)]
    school = SCHOOLS[drawn(subject, "school") % len(SCHOOLS)]
    graduated = date(person.born.year + 17 + LEVELS.index(level), 7, 1)
    return [
        record(
            person, f"XL-{subject[-8:]}", level=level, institution=school, graduated_on=graduated.isoformat()
        )
    ]  # fmt: skip


def enrolments(province: Province, subject: str) -> Iterable[Record]:
    """Those between eighteen and twenty-two study."""
    person = province.people.get(subject)
    if person is None or not 18 <= AS_OF.year - person.born.year <= 22:
        return []
    school = SCHOOLS[drawn(subject, "enrolled") % len(SCHOOLS)]
    since = date(person.born.year + 18, 9, 1)
    area, address = CAMPUSES.get(school, UNIVERSITY_TOWN)
    campus = {"address": address, "region": DISTRICTS[area][2]}
    return [record(person, f"XJ-{subject[-8:]}", school=school, enrolled_on=since.isoformat(), campus=campus)]


def licences(province: Province, subject: str) -> Iterable[Record]:
    """One of three enterprises holds a licence of the trade; some of them are revoked."""
    enterprise = province.enterprises.get(subject)
    if enterprise is None or drawn(subject, "licence") % 3:
        return []
    issued = enterprise.established + timedelta(days=drawn(subject, "days") % 200)
    return [
        {
            "record_id": f"XK-{subject[-8:]}", "holder": {"uscc": subject},
            "number": f"JY{drawn(subject, 'number') % 10**14:014d}",
            "status": "revoked" if drawn(subject, "revoked") % 20 == 0 else "valid",
            "valid_until": (issued + timedelta(days=5 * 365)).isoformat(),
            "updated_at": f"{issued.isoformat()}T08:00:00Z",
        }
    ]  # fmt: skip


def breaches(province: Province, subject: str) -> Iterable[Record]:
    """One of forty enterprises is on the list of serious breaches; none of the cast."""
    enterprise = province.enterprises.get(subject)
    if enterprise is None:
        return []
    kept = subject in {e.uscc for e in cast.ENTERPRISES}
    listed = not kept and drawn(subject, "listed") % 40 == 0
    return [
        {
            "record_id": f"SX-{subject[-8:]}", "uscc": subject, "listed": listed, "updated_at": "2026-01-05T01:00:00Z",
        }
    ]  # fmt: skip
