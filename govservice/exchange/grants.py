"""The right to ask: every call is held against its grant, on our side, before anything leaves the portal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import Grant
from govservice.exchange.queries import Wanted
from govservice.models import exchange as tables

ASKED = "DS-"  # numbers of grants that a case asked for begin so
NONE: Mapping[str, Grant] = MappingProxyType({})


def asked_grants(session: Session, numbers: Iterable[str] | None = None) -> dict[str, Grant]:
    """Grants that departments asked for and owners gave, all or these; `revoked_grants` says which have ended."""
    rows = select(tables.Grant).where(tables.Grant.case_id.is_not(None))
    if numbers is not None:
        rows = rows.where(tables.Grant.id.in_(set(numbers)))
    return {row.id: _read(row) for row in session.scalars(rows)}


def _read(row: tables.Grant) -> Grant:
    assert row.valid_from is not None
    return Grant.model_validate({
        "dataset": row.dataset, "department": row.department, "services": list(row.services), "take": list(row.take),
        "purpose": row.purpose, "basis": row.basis, "from": row.valid_from,
    })  # fmt: skip


def covering(
    catalogue: Catalogue, wanted: Wanted, dataset: str, number: str, revoked: frozenset[str],
    asked: Mapping[str, Grant] = NONE,
) -> Grant | None:  # fmt: skip
    """The grant, if it covers this very call: dataset, service, department, purpose, every field, today; else None.
    `asked`: grants of the database, beside those of the files."""
    grant = catalogue.grants.get(number) or asked.get(number)
    if grant is None or number in revoked:
        return None
    covers = (
        grant.dataset == dataset
        and wanted.service in grant.services
        and wanted.department == grant.department
        and wanted.purpose == grant.purpose
        and bool(wanted.take)
        and set(wanted.take) <= set(grant.take)
        and grant.holds_on(wanted.today)
    )
    return grant if covers else None


def revoked_grants(session: Session, numbers: Iterable[str], at: datetime) -> frozenset[str]:
    """Those of the grants that were revoked, or ended early, since the registry's file was written."""
    rows = session.execute(
        select(tables.Grant.id, tables.Grant.valid_to, tables.Grant.revoked_at).where(tables.Grant.id.in_(set(numbers)))
    )
    return frozenset(
        number
        for number, ends, revoked in rows
        if (revoked is not None and revoked <= at) or (ends is not None and ends <= at)
    )
