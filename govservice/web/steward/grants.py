"""Who may ask the owner's registries: each grant with its service, fields, purpose, law and days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from flask import render_template
from sqlalchemy import func, select

from govservice.definitions.schema_registry import Grant, RegistryFile
from govservice.models import exchange as tables
from govservice.models.exchange import Exchange
from govservice.web.access import audience, current_runtime
from govservice.web.steward.blueprint import blueprint, own_registries, steward
from govservice.web.titles import Titles

LATELY = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Held:
    """A grant that others hold. `asked`: calls under it in the last 30 days."""

    number: str
    registry: RegistryFile
    grant: Grant
    until: date | None
    state: str  # ended | coming | revoked | holds
    asked: int


@blueprint.get("/grants")
@audience("steward")
def grants() -> str:
    """Those in force first; of each, how often it was used lately."""
    rt = current_runtime()
    now, today = rt.now(), rt.today(rt.now())
    mine = own_registries(rt, steward())
    numbers = [number for each in mine.values() for number in each.grants]
    with rt.read() as session:
        rows = {row.id: row for row in session.scalars(select(tables.Grant).where(tables.Grant.id.in_(numbers)))}
        calls = session.execute(
            select(Exchange.grant_id, func.count())
            .where(Exchange.registry_code.in_(mine), Exchange.at >= now - LATELY, Exchange.grant_id.is_not(None))
            .group_by(Exchange.grant_id)
        )
        used = {str(number): int(n) for number, n in calls}
    held = []
    for registry in mine.values():
        for number, grant in registry.grants.items():
            row = rows.get(number)
            ends = rt.today(row.valid_to) if row is not None and row.valid_to is not None else None
            until = min((day for day in (grant.until, ends) if day is not None), default=None)
            revoked = row is not None and row.revoked_at is not None and row.revoked_at <= now
            held.append(Held(number, registry, grant, until, _state(grant, until, revoked, today), used.get(number, 0)))
    held.sort(key=lambda each: (each.state != "holds", each.grant.dataset, each.number))
    catalogue = rt.definitions.catalogue
    return render_template(
        "steward/grants.html", rows=held, kinds=catalogue.kinds, datasets=catalogue.datasets,
        label=lambda name: catalogue.label(name) or {"en": name, "zh": name}, purposes=catalogue.purposes,
        acts=catalogue.acts, **Titles(rt).for_templates(),
    )  # fmt: skip


def _state(grant: Grant, until: date | None, revoked: bool, today: date) -> str:
    if revoked:
        return "revoked"
    if until is not None and until < today:
        return "ended"
    return "coming" if today < grant.start else "holds"
