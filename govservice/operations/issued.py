"""What a case brings forth beside its document: the numbers that its fields with `issued` hold from then on.

A licence gives an enterprise its code, registering a birth gives the child its number; other cases of a bundle then
use them. They are drawn here, once for an effect, and stand in a revision of the answers that the answer pins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from govservice.definitions.compiled import Compiled
from govservice.definitions.values import typed
from govservice.errors import NotAllowed
from govservice.identifiers import cn_check, organisation_check, uscc_check
from govservice.models.casedata import ISSUED, Form, read_form, write_form
from govservice.models.cases import Case
from govservice.operations.mandates import add_organisation, grant_mandate
from govservice.operations.people import Identity, add_person, find_person
from govservice.operations.runtime import Runtime

ORGANISATION = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100 leaves out I, O, S, V and Z
TRIES = 1000  # numbers of one day and district


def issue_facts(rt: Runtime, session: Session, case: Case, compiled: Compiled, key: str, now: datetime) -> int | None:
    """Draws the numbers of the case's `issued` fields, computes its amounts, and keeps them in a new revision, whose
    number it returns; None where the definition has no such field."""
    wanted = {name: field.issued for name, field in compiled.service.fields.items() if field.issued is not None}
    if not wanted:
        return None
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    for name, kind in wanted.items():
        if kind == "amount":
            value = amount_of(compiled, name, form.answers)
        else:
            value = KINDS[kind](rt, session, case, form, f"{key}:{name}", now)
        form = form.with_answers({name: value}, ISSUED)
    return write_form(session, case.applicant_id, case.id, replace(form, rev=0), "system", now).rev


def amount_of(compiled: Compiled, name: str, answers: Mapping[str, Any]) -> str:
    """What a field comes to by its rule, from the answers of the decision. Raises NotAllowed where one is missing."""
    amount = compiled.amounts[name].amount(typed(compiled.service.fields, answers))
    if amount is None:
        raise NotAllowed("The amount cannot be computed: an answer is missing.", service=compiled.code)
    return format(amount, "f")


def _digits(key: str, count: int) -> str:
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    return str(number % 10**count).zfill(count)


def _region(rt: Runtime, case: Case) -> str:
    return rt.definitions.catalogue.areas[case.area or ""].region


def serial(rt: Runtime, _session: Session, case: Case, _form: Form, key: str, now: datetime) -> str:
    """A number of the department's own: area, day and eight digits."""
    prefix = rt.definitions.catalogue.areas[case.area or ""].prefix
    return f"{prefix}{rt.calendars.for_area(case.area).local_date(now):%Y%m%d}{_digits(key, 8)}"


def uscc(rt: Runtime, session: Session, case: Case, form: Form, key: str, now: datetime) -> str:
    """A unified social credit code (GB 32100-2015), and with it the enterprise: whoever registered it acts for it."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    body = "MA" + "".join(ORGANISATION[(number >> (5 * place)) % len(ORGANISATION)] for place in range(6))
    first = f"91{_region(rt, case)}{body}{organisation_check(body)}"
    code = first + uscc_check(first)
    name = str(form.answers.get("company.name") or code)
    organisation = add_organisation(session, code, name, area=case.area, now=now)
    session.flush()
    today: date = rt.calendars.for_area(case.area).local_date(now)
    grant_mandate(
        session, case.applicant_id, organisation.id,
        kind="legal_representative", source="registry", valid_from=today, now=now,
    )  # fmt: skip
    return code


def national_id(rt: Runtime, session: Session, case: Case, form: Form, key: str, now: datetime) -> str:
    """A citizen number (GB 11643-1999) from the child's `child.birth_date` and `child.sex`, nobody else's; the child is
    a person of its own from now on. Raises NotAllowed where the answers lack the day."""
    born, sex = str(form.answers.get("child.birth_date", "")), form.answers.get("child.sex")
    if not born:
        raise NotAllowed("The day of birth is not known.", case_id=case.id)
    start = int(_digits(key, 3))
    for offset in range(TRIES):
        order = (start + offset) % TRIES
        if (order % 2 == 1) != (sex == "m"):
            continue
        first = f"{_region(rt, case)}{born.replace('-', '')}{order:03d}"
        number = first + cn_check(first)
        if find_person(session, rt.keyring, "cn_id", number) is None:
            name = str(form.answers.get("child.name", ""))
            add_person(session, rt.keyring, Identity(name, "cn_id", number), area=case.area, now=now)
            return number
    raise NotAllowed("No number is left for this day.", case_id=case.id)


KINDS: Mapping[str, Callable[[Runtime, Session, Case, Form, str, datetime], str]] = {
    "serial": serial,
    "uscc": uscc,
    "national_id": national_id,
}
