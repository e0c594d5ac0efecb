"""What asking again has found, to be read: both sides of a difference, with what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compiled import Compiled
from govservice.definitions.schema_form import brought
from govservice.exchange.comparing import differing
from govservice.exchange.outcomes import GIVES_VALUES
from govservice.exchange.rechecking import values_of
from govservice.exchange.views import NOBODY
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.exchange import EvidenceRequirement, Exchange
from govservice.models.reliance import CHANGED, EXAMINED, SAID, Revalidation
from govservice.models.session import box_of

STOPS = (*CHANGED, "unavailable", "unverified")


@dataclass(frozen=True, slots=True)
class Found:
    """One fact that was asked again. `changes`: (fact type, value that the case rests on, value now), where they
    differ in meaning; JSON forms, None for nothing. Names are {en, zh}."""

    id: str
    name: str
    result: str
    outcome: str
    at: datetime
    registry_name: Mapping[str, str]
    declared: bool  # the applicant gave the old value, no registry did
    changes: tuple[tuple[str, Any, Any], ...] = field(repr=False, default=())
    resolution: str | None = None
    resolved_by: str | None = None
    resolved_at: datetime | None = None
    reason: str = field(repr=False, default="")
    asked: bool = True  # False: found at sending, no register was asked then

    @property
    def stands_open(self) -> bool:
        """Whether it may hold up a decision."""
        return (self.result in STOPS or self.outcome == EXAMINED) and self.resolution is None


def newest(session: Session, case_id: str, until: datetime | None = None) -> dict[str, Revalidation]:
    """The last row of each fact, up to an instant."""
    rows = select(Revalidation).where(Revalidation.case_id == case_id).order_by(Revalidation.at, Revalidation.id)
    if until is not None:
        rows = rows.where(Revalidation.at <= until)
    return {row.name: row for row in session.scalars(rows)}


def unsettled(session: Session, case: Case) -> list[EvidenceRequirement]:
    """The needs of a case whose registry has not answered yet: it is asked again, or would have to be."""
    silent = or_(EvidenceRequirement.next_try_at.is_not(None), EvidenceRequirement.state == "deferred")
    rows = select(EvidenceRequirement).where(EvidenceRequirement.case_id == case.id, silent)
    return list(session.scalars(rows.order_by(EvidenceRequirement.id)))


def found_of(
    session: Session, catalogue: Catalogue, compiled: Compiled, case: Case, rows: Iterable[Revalidation]
) -> list[Found]:
    """These rows with their values, in the order of the definition's facts."""
    order = list(compiled.service.facts)
    known = [row for row in rows if row.name in order]
    return [_found(session, catalogue, compiled, case, row) for row in sorted(known, key=lambda r: order.index(r.name))]


def _found(session: Session, catalogue: Catalogue, compiled: Compiled, case: Case, row: Revalidation) -> Found:
    node = compiled.service.facts[row.name]
    types = brought(row.name, node)
    old, new = _before(session, case, types, row), _after(session, case, row)
    differ = differing(catalogue, types, old, new) if row.result in CHANGED else ()
    registry = catalogue.registries.get(_registry(session, catalogue, node.dataset, row))
    box = box_of(session, case.applicant_id)
    said = box.open_text(row.reason_enc, f"revalidations:{row.id}") if box and row.reason_enc else ""
    return Found(
        row.id, row.name, row.result, row.outcome, row.at, registry.short if registry else NOBODY,
        row.old_exchange_id is None, tuple((each, old.get(each), new.get(each)) for each in differ), row.resolution,
        row.resolved_by, row.resolved_at, said, row.trigger != SAID,
    )  # fmt: skip


def _before(session: Session, case: Case, take: tuple[str, ...], row: Revalidation) -> Mapping[str, Any]:
    form = read_form(session, case.applicant_id, case.id, case.data_rev or None)
    sent = {name: form.answers[name] for name in take if name in form.answers}
    if row.old_exchange_id is None:
        return sent
    held, _by = values_of(session, case.id, row.name, row.old_exchange_id)
    return held or sent


def _after(session: Session, case: Case, row: Revalidation) -> Mapping[str, Any]:
    if row.exchange_id is None or row.outcome not in GIVES_VALUES:
        return {}
    return values_of(session, case.id, row.name, row.exchange_id)[0]


def _registry(session: Session, catalogue: Catalogue, dataset: str | None, row: Revalidation) -> str:
    asked = session.scalar(select(Exchange.registry_code).where(Exchange.id == row.exchange_id))
    return asked or catalogue.registry_of(dataset or "") or ""
