"""What each registry answers: its own field names and record shapes, which the portal's mapping translates.

The protocol of the sandbox: `POST /<registry>/<version>/query` with `{"subject": "...", "fields": ["xm", ...]}`;
the answer is `{"dataset": ..., "records": [{"record_id", "subject", "updated_at", "data"}]}` and holds no field
that was not asked for. Nobody there: an empty list, which is an answer and no fault.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from govservice.exchange.sandbox.province import Province
from govservice.exchange.sandbox.records import Certificate, Enterprise, Person, Premises

Record = dict[str, Any]
VERSIONS: Mapping[str, str] = {"population": "2", "enterprises": "1", "real_estate": "1", "health_certificates": "1"}


class BadQuery(ValueError):
    """The request is not of the shape that the registry publishes."""


def answer(province: Province, registry: str, version: str, query: Any) -> dict[str, Any]:
    """The answer of a registry. Raises LookupError for an unknown dataset, BadQuery for a wrong request."""
    if VERSIONS.get(registry) != version:
        raise LookupError(f"{registry}/{version}")
    if not isinstance(query, dict) or not isinstance(query.get("subject"), str):
        raise BadQuery("subject is missing")
    fields = query.get("fields")
    if not isinstance(fields, list) or not fields or not all(isinstance(f, str) for f in fields):
        raise BadQuery("fields is missing: name what you need")
    records = _REGISTRIES[registry](province, query["subject"])
    return {"dataset": f"{registry}/{version}", "records": [_only(r, fields) for r in records]}


def _only(record: Record, fields: Sequence[str]) -> Record:
    return {**record, "data": {k: v for k, v in record["data"].items() if k in fields}}


def _record(id: str, subject: str, updated_at: datetime, data: Mapping[str, Any]) -> Record:
    return {"record_id": id, "subject": subject, "updated_at": updated_at.isoformat(), "data": dict(data)}


def _population(province: Province, subject: str) -> Iterable[Record]:
    person = province.people.get(subject)
    return [] if person is None else [_of_person(person)]


def _of_person(person: Person) -> Record:
    return _record(
        f"RK-{person.household}-{person.id[-4:]}", person.id, person.updated_at,
        {
            "xm": person.name, "xmpy": person.pinyin, "gmsfhm": person.id, "xb": person.sex,
            "csrq": person.born.isoformat(), "mz": person.nation, "zz": person.address, "hkbh": person.household,
        },
    )  # fmt: skip


def _enterprises(province: Province, subject: str) -> Iterable[Record]:
    enterprise = province.enterprises.get(subject)
    return [] if enterprise is None else [_of_enterprise(province, enterprise)]


def _of_enterprise(province: Province, enterprise: Enterprise) -> Record:
    return _record(
        f"QY-{enterprise.uscc[8:17]}", enterprise.uscc, enterprise.updated_at,
        {
            "mc": enterprise.name, "mcyw": enterprise.name_en, "tyshxydm": enterprise.uscc,
            "fddbr": province.people[enterprise.legal_person].name, "zs": enterprise.address,
            "zczb": str(enterprise.capital), "clrq": enterprise.established.isoformat(), "zt": "存续",
        },
    )  # fmt: skip


def _real_estate(province: Province, subject: str) -> Iterable[Record]:
    return [_of_premises(p) for p in province.premises.get(subject, ())]


def _of_premises(premises: Premises) -> Record:
    return _record(
        premises.title_no, premises.owner, premises.updated_at,
        {
            "bdcqzh": premises.title_no, "zl": premises.address, "xzqh": premises.area,
            "jzmj": str(premises.floor_area), "ghyt": premises.use,
        },
    )  # fmt: skip


def _health_certificates(province: Province, subject: str) -> Iterable[Record]:
    held = province.certificates.get(subject, ())
    if not held:
        return []
    newest = datetime.combine(max(c.issued for c in held), time(8), UTC)
    return [_record(f"JK-{subject[8:17]}", subject, newest, {"ry": [_of_certificate(c) for c in held]})]


def _of_certificate(certificate: Certificate) -> dict[str, str]:
    return {
        "xm": certificate.holder, "bh": certificate.number,
        "fzrq": certificate.issued.isoformat(), "yxqz": certificate.valid_until.isoformat(),
    }  # fmt: skip


_REGISTRIES: Mapping[str, Callable[[Province, str], Iterable[Record]]] = {
    "population": _population,
    "enterprises": _enterprises,
    "real_estate": _real_estate,
    "health_certificates": _health_certificates,
}
