"""What each registry answers: its own field names and record shapes, which the portal's mapping translates.

The protocol: `POST /<registry>/<path>` with `{"subject": "...", "fields": ["name", ...]}`, and `"as_of": "2025"`
where a time is asked for; the answer is `{"records": [...]}`, each record with its key fields and no other field that
was not asked for. Nobody there: an empty list, which is an answer and no fault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any

from govservice.exchange.sandbox import answers_building as building
from govservice.exchange.sandbox import answers_food as food
from govservice.exchange.sandbox import answers_people as people
from govservice.exchange.sandbox import answers_standing as standing
from govservice.exchange.sandbox import cast
from govservice.exchange.sandbox.province import AS_OF, Province
from govservice.exchange.sandbox.records import Certificate, Enterprise, Person, Premises
from govservice.exchange.sandbox.words import DISTRICTS

Record = dict[str, Any]


class BadQuery(ValueError):
    """The request is not of the shape that the registry publishes."""


@dataclass(frozen=True, slots=True)
class Door:
    """One dataset: where it is asked, what always stands in a record, how records are found."""

    path: str
    keys: tuple[str, ...]
    find: Callable[[Province, str], Iterable[Record]]


def answer(province: Province, registry: str, path: str, query: Any) -> dict[str, Any]:
    """The answer of a registry. Raises LookupError for an unknown dataset, BadQuery for a wrong request."""
    door = next((door for door in DOORS.get(registry, ()) if door.path == path), None)
    if door is None:
        raise LookupError(f"{registry}/{path}")
    if not isinstance(query, dict) or not isinstance(query.get("subject"), str):
        raise BadQuery("subject is missing")
    fields = query.get("fields")
    if not isinstance(fields, list) or not fields or not all(isinstance(f, str) for f in fields):
        raise BadQuery("fields is missing: name what you need")
    shown = {*door.keys, "updated_at", "flags", *fields}
    as_of = query.get("as_of")
    if as_of is not None and not (isinstance(as_of, str) and re.fullmatch(r"\d{4}(-\d\d){0,2}", as_of, re.ASCII)):
        raise BadQuery("as_of is a date, a month or a year")
    records = [_of_when(record, as_of) for record in door.find(province, query["subject"])]
    return {"records": [{k: v for k, v in record.items() if k in shown} for record in records]}


def _of_when(record: Record, as_of: str | None) -> Record:
    """The record as it was at another time, where it is one that has a time: a tax year, months insured until then."""
    if as_of is None:
        return record
    earlier = {"year": int(as_of[:4])} if "year" in record else {}
    if "months" in record and len(as_of) > 4:
        later = (AS_OF.year - int(as_of[:4])) * 12 + AS_OF.month - int(as_of[5:7])
        earlier = {"months": max(record["months"] - later, 0)}
    return {**record, **earlier}


def _population(province: Province, subject: str) -> Iterable[Record]:
    person = province.people.get(subject)
    return [] if person is None else [_of_person(person)]


def _of_person(person: Person) -> Record:
    return {
        "record_id": f"RK-{person.household}-{person.id[-4:]}",
        "national_id": person.id,
        "name": person.name,
        "name_pinyin": person.pinyin,
        "sex": person.sex,
        "birth_date": person.born.isoformat(),
        "nation": person.nation,
        "residence": {"address": person.address, "region": DISTRICTS[person.area][2]},
        "household": person.household,
        "updated_at": _instant(person.updated_at),
    }


def _enterprises(province: Province, subject: str) -> Iterable[Record]:
    enterprise = province.enterprises.get(subject)
    return [] if enterprise is None else [_of_enterprise(province, enterprise)]


def _of_enterprise(province: Province, enterprise: Enterprise) -> Record:
    return {
        "uscc": enterprise.uscc,
        "name": enterprise.name,
        "name_en": enterprise.name_en,
        "legal_person": {"name": province.people[enterprise.legal_person].name},
        "address": enterprise.address,
        "capital": str(enterprise.capital),
        "established_on": enterprise.established.isoformat(),
        "status": "active",
        "updated_at": _instant(enterprise.updated_at),
    }


def _real_estate(province: Province, subject: str) -> Iterable[Record]:
    return [_of_premises(p) for p in province.premises.get(subject, ())]


def _of_premises(premises: Premises) -> Record:
    return {
        "title_no": premises.title_no,
        "holder": {"uscc": premises.owner},
        "address": premises.address,
        "region": DISTRICTS[premises.area][2],
        "floor_area_m2": str(premises.floor_area),
        "use": premises.use,
        "updated_at": _instant(premises.updated_at),
    }


def _health_certificates(province: Province, subject: str) -> Iterable[Record]:
    held = province.certificates.get(subject, ())
    if not held:
        return []
    newest = datetime.combine(max(c.issued for c in held), time(8), UTC)
    return [
        {
            "record_id": f"JK-{subject[8:17]}",
            "employer_uscc": subject,
            "certificates": [_of_certificate(c) for c in held],
            "updated_at": _instant(newest),
        }
    ]


def _of_certificate(certificate: Certificate) -> dict[str, str]:
    return {
        "number": certificate.number,
        "holder": certificate.holder,
        "issued_on": certificate.issued.isoformat(),
        "valid_until": certificate.valid_until.isoformat(),
    }


def _births(province: Province, subject: str) -> Iterable[Record]:
    return [
        {
            "record_id": birth.number,
            "mother": {"national_id": birth.mother},
            "father": {"national_id": birth.father, "name": province.people[birth.father].name},
            "born_on": birth.born.isoformat(),
            "sex": birth.sex,
            "hospital": birth.hospital,
            "updated_at": _instant(birth.updated_at),
        }
        for birth in cast.BIRTHS
        if birth.mother == subject
    ]


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


PERSON, HOLDER = ("record_id", "person"), ("record_id", "holder")
DOORS: Mapping[str, tuple[Door, ...]] = {
    "population": (Door("v2/people/query", ("record_id", "national_id"), _population),),
    "enterprises": (
        Door("v1/enterprises/query", ("uscc",), _enterprises),
        Door("v1/serious_breaches/query", ("record_id", "uscc"), standing.breaches),
        Door("v1/scopes/query", ("record_id", "uscc"), food.scopes),
    ),
    "real_estate": (
        Door("v1/premises/query", ("title_no", "holder"), _real_estate),
        Door("v1/dwellings/query", PERSON, people.dwellings),
    ),
    "births": (
        Door("v1/births/query", ("record_id", "mother"), _births),
        Door("v1/kinship/query", PERSON, people.kinship),
    ),
    "health_certificates": (Door("v1/certificates/query", ("record_id", "employer_uscc"), _health_certificates),),
    "food_safety": (Door("v1/managers/query", ("record_id", "employer_uscc"), food.managers),),
    "planning": (Door("v1/conditions/query", HOLDER, building.planning),),
    "investment": (
        Door("v1/projects/query", HOLDER, building.projects),
        Door("v1/energy/query", HOLDER, building.on_file("JN")),
    ),
    "drawing_review": (
        Door("v1/drawings/query", HOLDER, building.on_file("SG", agency="贵州建工施工图审查中心")),
        Door("v1/sets/query", HOLDER, building.on_file("TZ", sheets="86")),
        Door("v1/fire/query", HOLDER, building.on_file("XF")),
    ),
    "environment": (Door("v1/forms/query", HOLDER, building.on_file("HP")),),
    "households": (Door("v1/households/query", PERSON, people.households),),
    "civil_affairs": (
        Door("v1/marriages/query", PERSON, people.marriages),
        Door("v1/means/query", PERSON, people.means),
        Door("v1/standards/query", PERSON, people.standards),
    ),
    "social_insurance": (
        Door("v1/employment/query", PERSON, people.employment),
        Door("v1/household_employment/query", PERSON, people.household_employment),
        Door("v1/cards/query", PERSON, people.cards),
    ),
    "tax": (Door("v1/income/query", PERSON, standing.income),),
    "education": (
        Door("v1/qualifications/query", PERSON, standing.qualifications),
        Door("v1/enrolments/query", PERSON, standing.enrolments),
    ),
    "housing": (Door("v1/tenancies/query", PERSON, people.tenancies),),
    "traffic": (Door("v1/vehicles/query", PERSON, people.vehicles),),
    "licences": (Door("v1/licences/query", HOLDER, standing.licences),),
    "medical_insurance": (Door("v1/costs/query", PERSON, people.medical_costs),),
}
CHECKS = "v1/checks"  # what somebody stated is compared; nobody learns the register's own figure
ACTS = {
    "v1/addresses": "address",
    "v1/payments": "account",
    "v1/handovers": "district",
    CHECKS: "source",
}  # acts that ask for nothing but this key


def done(path: str, data: Any) -> dict[str, Any]:
    """An act of a registry that has nothing to weigh. Raises LookupError for another door, BadQuery as above."""
    if path not in ACTS:
        raise LookupError(path)
    if not isinstance(data, dict) or not isinstance(data.get("subject"), str) or not data.get(ACTS[path]):
        raise BadQuery(f"subject or {ACTS[path]} is missing")
    return (
        {"state": "done", "agrees": people.agrees(data["subject"], str(data["source"]))}
        if path == CHECKS
        else {"state": "done"}
    )
