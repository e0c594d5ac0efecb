"""What the registries of the synthetic province hold: plain frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person. `id` is an 18-digit number of a region that is assigned to nobody (9901xx)."""

    id: str
    name: str
    pinyin: str  # "Wang Fang"
    sex: str  # "F" | "M"
    born: date
    nation: str
    area: str  # the portal's code: huaxi | nanming
    address: str
    household: str  # number of the household book
    head: bool  # heads the household
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Enterprise:
    """An enterprise. `uscc` is its unified social credit code; `legal_person` a Person's id."""

    uscc: str
    name: str
    name_en: str
    trade: str
    area: str
    address: str
    legal_person: str
    capital: Decimal  # registered, in 10,000 CNY
    established: date
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Premises:
    """A property with its title. `owner` is the uscc of the enterprise that holds it; area in square metres."""

    title_no: str
    address: str
    area: str
    floor_area: Decimal
    use: str
    owner: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Certificate:
    """A health certificate of a member of an enterprise's staff (food safety law art. 45: renewed every year)."""

    number: str
    holder: str  # name
    employer: str  # uscc
    issued: date
    valid_until: date


@dataclass(frozen=True, slots=True)
class Birth:
    """A birth in a hospital. `mother` and `father` are Persons' ids."""

    number: str
    mother: str
    father: str
    born: date
    sex: str  # "F" | "M"
    hospital: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Triple:
    """Who can file: an enterprise with its legal representative and its only premises."""

    person: Person
    enterprise: Enterprise
    premises: Premises
