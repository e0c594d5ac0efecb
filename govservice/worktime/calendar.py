"""Reading the calendars of `workflows/calendars/`: the holidays library plus what each file adds or mends."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays
from pydantic import BaseModel, ConfigDict, Field, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from govservice.worktime.days import Calendar

__all__ = ["Calendar", "CalendarFile", "Calendars", "build", "load_calendars"]

_FIRST_YEAR, _LAST_YEAR = 2000, 2080
# Beyond this the library's lunar dates only cost time at the start: such dates are provisional anyway.
_LIBRARY_YEARS = range(2010, 2046)


class CalendarFile(BaseModel):
    """One file of `workflows/calendars/`; its keys are explained at the top of `cn.yaml`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    country: str = Field(pattern=r"^[A-Z]{2}$")
    zone: str
    opens: time
    closes: time
    announced_to: int = Field(ge=_FIRST_YEAR, le=_LAST_YEAR)
    areas: Literal["all"] | tuple[str, ...] = "all"
    holidays: frozenset[date] = frozenset()
    not_holidays: frozenset[date] = frozenset()
    makeup: frozenset[date] = frozenset()
    not_makeup: frozenset[date] = frozenset()

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"there is no time zone {zone!r}") from error
        return zone


class Calendars(Mapping[str, Calendar]):
    """All calendars by code. `for_area` finds the one an area counts by."""

    def __init__(
        self, calendars: Mapping[str, Calendar], by_area: Mapping[str, str], default: str,
        parents: Mapping[str, str | None] | None = None,
    ) -> None:  # fmt: skip
        if default not in calendars:
            raise ValueError("one calendar must be for all areas")
        self._calendars, self._by_area, self._default = dict(calendars), dict(by_area), default
        self._parents = dict(parents or {})

    def __getitem__(self, code: str) -> Calendar:
        return self._calendars[code]

    def __iter__(self) -> Iterator[str]:
        return iter(self._calendars)

    def __len__(self) -> int:
        return len(self._calendars)

    def for_area(self, area: str | None) -> Calendar:
        """The calendar named for this area, else for the nearest area above it, else the one for all areas."""
        seen: set[str] = set()
        while area is not None and area not in seen:
            if area in self._by_area:
                return self._calendars[self._by_area[area]]
            seen.add(area)
            area = self._parents.get(area)
        return self._calendars[self._default]

    def with_parents(self, parents: Mapping[str, str | None]) -> Calendars:
        """The same calendars, knowing which area lies in which."""
        return Calendars(self._calendars, self._by_area, self._default, parents)


def load_calendars(folder: Path | str) -> Calendars:
    """Read every `*.yaml` of a folder. Raises ValueError naming the file and the fault."""
    files = [_read(path) for path in sorted(Path(folder).glob("*.yaml"))]
    defaults = [file.code for file in files if file.areas == "all"]
    if len(defaults) != 1:
        raise ValueError(f"{folder}: exactly one calendar must say `areas: all`, found {len(defaults)}")
    by_area = {area: file.code for file in files if file.areas != "all" for area in file.areas}
    return Calendars({file.code: build(file) for file in files}, by_area, defaults[0])


def _read(path: Path) -> CalendarFile:
    try:
        file = CalendarFile.model_validate(YAML(typ="safe", pure=True).load(path.read_text("utf-8")))
    except (YAMLError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from error
    if file.code != path.stem:
        raise ValueError(f"{path.name}: the calendar {file.code!r} must be in a file of its name")
    return file


def build(file: CalendarFile) -> Calendar:
    """The calendar of a file, with the library's days. Its version changes whenever a day or an hour does."""
    known = holidays.country_holidays(file.country, years=_LIBRARY_YEARS)
    off = (frozenset(known) | file.holidays) - file.not_holidays
    makeup = (frozenset(known.weekend_workdays) | file.makeup) - file.not_makeup
    hours = f"{file.zone} {file.opens}-{file.closes} {file.announced_to}"
    said = "\n".join([hours, *(f"off {d}" for d in sorted(off)), *(f"on {d}" for d in sorted(makeup))])
    return Calendar(
        code=file.code,
        version=f"{file.code}-{hashlib.sha256(said.encode()).hexdigest()[:12]}",
        zone=ZoneInfo(file.zone),
        opens=file.opens,
        closes=file.closes,
        holidays=off,
        makeup=makeup,
        announced_to=file.announced_to,
        first_year=_FIRST_YEAR,
        last_year=_LAST_YEAR,
    )
