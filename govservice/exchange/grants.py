"""The right to ask: every call is held against its grant, on our side, before anything leaves the portal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.schema_registry import Grant
from govservice.exchange.queries import Wanted
from govservice.models import exchange as tables


def covering(catalogue: Catalogue, wanted: Wanted, dataset: str, number: str, revoked: frozenset[str]) -> Grant | None:
    """The grant, if it covers this very call: dataset, service, department, purpose, every field, today; else None."""
    grant = catalogue.grants.get(number)
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
