"""What the registries around a building project answer: the project itself, what planning says of its site, and what
others have reviewed or filed already.

Whoever holds one property has one project on it. Not everybody has everything on file: some bring a paper themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.answers_people import drawn
from govservice.exchange.sandbox.province import Province
from govservice.exchange.sandbox.records import Premises
from govservice.exchange.sandbox.words import DISTRICTS

Record = dict[str, Any]
KINDS = {"DWELLING": "住宅楼", "COMMERCE": "商业综合楼", "INDUSTRY": "生产车间"}
ON_FILE = {
    "SG": 95,
    "TZ": 90,
    "XF": 95,
    "JN": 90,
    "HP": 75,
}  # per cent of the projects, by the letters of the number


def projects(province: Province, subject: str) -> Iterable[Record]:
    """The project as its owner registered it, under the code that every authority uses from then on."""
    site = _site(province, subject)
    if site is None:
        return []
    name, kind, area, height = cast.PROJECTS.get(subject) or _drawn(province, subject)
    code = f"2026-{DISTRICTS[site.area][2]}-47-01-{drawn(subject, 'project') % 10**6:06d}"
    return [
        _record(
            site, code, project_code=code, name=name, kind=kind, floor_area_m2=f"{area}.00", height_m=f"{height}.00"
        )
    ]


def _drawn(province: Province, subject: str) -> tuple[str, str, int, int]:
    kind = tuple(KINDS)[drawn(subject, "kind") % len(KINDS)]
    area = 600 + 100 * (drawn(subject, "floor area") % 80)
    height = min(12 + drawn(subject, "storeys") % 30, _allowed(subject))
    return f"{province.enterprises[subject].name}{KINDS[kind]}", kind, area, height


def planning(province: Province, subject: str) -> Iterable[Record]:
    """What may be built on the site, and which protected areas it lies in."""
    site = _site(province, subject)
    if site is None:
        return []
    number = f"GT-2026-{drawn(subject, 'plan') % 10**5:05d}"
    known = subject in cast.PROJECTS
    return [
        _record(
            site, number, max_height_m=f"{_allowed(subject)}.00",
            in_water_zone=not known and drawn(subject, "river") % 6 == 0,
            in_heritage_zone=not known and drawn(subject, "monument") % 10 == 0,
        )
    ]  # fmt: skip


def _allowed(subject: str) -> int:
    """Metres that planning allows."""
    return cast.PROJECTS[subject][3] if subject in cast.PROJECTS else 18 + 6 * (drawn(subject, "height") % 9)


def on_file(letters: str, **more: Any) -> Callable[[Province, str], Iterable[Record]]:
    """A paper that another office holds: its number, and whatever else stands in the record."""

    def find(province: Province, subject: str) -> Iterable[Record]:
        site = _site(province, subject)
        if site is None or (subject, letters) in cast.NOT_ON_FILE:
            return []
        if subject not in cast.PROJECTS and drawn(subject, letters) % 100 >= ON_FILE[letters]:
            return []
        number = f"{letters}-{DISTRICTS[site.area][2]}-2026-{drawn(subject, letters) % 10**5:05d}"
        return [_record(site, number, **more)]

    return find


def _site(province: Province, subject: str) -> Premises | None:
    held = province.premises.get(subject, ())
    return held[0] if len(held) == 1 else None


def _record(site: Premises, record_id: str, **values: Any) -> Record:
    return {
        "record_id": record_id, "holder": {"uscc": site.owner}, "updated_at": _instant(site.updated_at), **values,
    }  # fmt: skip


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")
