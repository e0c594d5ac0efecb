"""Data that is shared on conditions: a department asks the registry's owner by a case, what is approved is a grant.

The grant is a row beside those of the registries' files, with a number made of the case's; the exchange and the check
of definitions ask both. It ends by its day, or when the owner revokes it (any grant of its registries).
State Council Order 809: no use beyond the purpose, an answer within ten working days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from govservice import logs
from govservice.definitions.catalogue import Catalogue
from govservice.engine import Actor
from govservice.errors import N_, Missing, NotAllowed, NotFound
from govservice.exchange.grants import ASKED
from govservice.messaging.outbox import Effect
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.exchange import Grant
from govservice.models.people import Organisation
from govservice.operations.answering import answer
from govservice.operations.disputing import owners
from govservice.operations.runtime import Runtime

SERVICE = "data_sharing_request"
MAX_REASON = 2000  # characters
log = logs.get(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a request asks for, in the catalogue's names."""

    dataset: str
    take: tuple[str, ...]
    service: str
    department: str
    purpose: str
    basis: str
    until: date


def wish_of(rt: Runtime, answers: Mapping[str, Any]) -> Wish:
    """What the answers of a request mean. Raises LookupError where the catalogue has no such thing, or shares it not on
    conditions."""
    catalogue, name = rt.definitions.catalogue, str(answers["request.dataset"])
    ref, dataset = next(
        (ref, each)
        for ref, each in catalogue.datasets.items()
        if ref.partition("/")[0] == name and each.sharing == "conditional" and each.status == "active"
    )
    by_option = {option_of(kind): kind for kind in dataset.fields}
    service = str(answers["request.service"])
    purpose = str(answers["request.purpose"]).upper()
    if purpose not in catalogue.purposes:
        raise LookupError(purpose)
    return Wish(
        ref, tuple(by_option[option] for option in answers[f"{name}.fields"]), service,
        rt.definitions.current(service).service.department, purpose,
        str(answers["request.basis"]), date.fromisoformat(str(answers["request.until"])),
    )  # fmt: skip


def option_of(fact_type: str) -> str:
    """What the form calls a fact type: options have no dots."""
    return fact_type.replace(".", "_")


def number_of(case: Case) -> str:
    return ASKED + case.number.replace("-", "")


def give(rt: Runtime, session: Session, effect: Effect, now: datetime) -> None:
    """The auto step after the owner's yes: the grant is in force exactly when its case knows it. Delivered twice, it is
    the same grant. What cannot be granted (a day that has passed, a dataset that is gone, an enterprise that asks) goes
    back to the desk."""
    case = session.get_one(Case, effect.case_id)
    form = read_form(session, case.applicant_id, case.id, case.data_rev)
    try:
        wish = wish_of(rt, form.answers)
    except (LookupError, StopIteration, NotFound, ValueError):
        wish = None
    today = rt.today(now)
    if wish is None or wish.until < today or not is_authority(session, case):
        answer(rt, session, effect, "@fail", now)
        return
    if not answer(rt, session, effect, "@ok", now) or session.get(Grant, number_of(case)) is not None:
        return
    ends = rt.calendars.for_area(case.area).end_of(wish.until)
    session.add(
        Grant(
            id=number_of(case), dataset=wish.dataset, services=[wish.service], take=list(wish.take),
            purpose=wish.purpose, department=wish.department, basis={"en": wish.basis, "zh": wish.basis},
            valid_from=today, valid_to=ends, case_id=case.id,
        )
    )  # fmt: skip
    log.info("grant.given", case_id=case.id)


def is_authority(session: Session, case: Case) -> bool:
    """Whether the case was filed for an authority: its code begins with 11 (GB 32100-2015)."""
    if case.organisation_id is None:
        return False
    return session.get_one(Organisation, case.organisation_id).uscc.startswith("11")


def revoke(rt: Runtime, actor: Actor, number: str, reason: str, *, now: datetime) -> None:
    """The owner ends a grant on one of its registries at once, one of a file too: publishing gives nothing back.

    Raises NotFound for whoever does not look after the registry, Missing without a reason, NotAllowed where it ended
    already. The same again changes nothing.
    """
    words = reason.strip()[:MAX_REASON]
    if not words:
        raise Missing(["reason"])
    with rt.write() as session:
        row = session.get(Grant, number, with_for_update=True)
        if row is None or owner_of(rt.definitions.catalogue, row.dataset) not in owners(actor):
            raise NotFound()
        if row.revoked_by == actor.id:
            return
        if row.revoked_at is not None or (row.valid_to is not None and row.valid_to <= now):
            raise NotAllowed(N_("This grant has ended already."))
        row.revoked_at, row.revoked_by, row.revoke_reason = now, actor.id, words
    log.info("grant.revoked", grant=number)


def owner_of(catalogue: Catalogue, dataset: str) -> str | None:
    """The department that answers for the dataset's registry."""
    code = catalogue.registry_of(dataset)
    return catalogue.registries[code].owner if code is not None else None
