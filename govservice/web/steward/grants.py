"""Who may ask the owner's registries: each grant with its service, fields, purpose, law and days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from govservice.definitions.schema_registry import Grant, RegistryFile
from govservice.errors import NotFound
from govservice.exchange.grants import asked_grants
from govservice.models import exchange as tables
from govservice.models.exchange import Exchange
from govservice.operations import sharing
from govservice.operations.runtime import Runtime
from govservice.web.access import audience, current_runtime
from govservice.web.forms_ui import LongTextField, PortalForm
from govservice.web.steward.blueprint import blueprint, own_registries, steward
from govservice.web.titles import Titles

MOMENT = timedelta(microseconds=1)  # a grant ends with the end of its last day, which is the next one's beginning
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
    reason: str  # of a revocation


@blueprint.get("/grants")
@audience("steward")
def grants() -> str:
    """Those in force first; of each, how often it was used lately."""
    rt = current_runtime()
    catalogue, mine = rt.definitions.catalogue, own_registries(rt, steward())
    with rt.read() as session:
        held = _held(rt, session, mine, rt.now())
    held.sort(key=lambda each: (each.state != "holds", each.grant.dataset, each.number))
    return render_template(
        "steward/grants.html", rows=held, kinds=catalogue.kinds, datasets=catalogue.datasets,
        label=lambda name: catalogue.label(name) or {"en": name, "zh": name}, purposes=catalogue.purposes,
        acts=catalogue.acts, **Titles(rt).for_templates(),
    )  # fmt: skip


def _held(rt: Runtime, session: Session, mine: Mapping[str, RegistryFile], now: datetime) -> list[Held]:
    """Grants of the files and those that a case asked for."""
    today, datasets = rt.today(now), {ref: each for each in mine.values() for ref in each.datasets}
    asked = asked_grants(session)
    every = {**{n: g for each in mine.values() for n, g in each.grants.items()}, **asked}
    rows = {row.id: row for row in session.scalars(select(tables.Grant).where(tables.Grant.id.in_(every)))}
    calls = session.execute(
        select(Exchange.grant_id, func.count())
        .where(Exchange.registry_code.in_(mine), Exchange.at >= now - LATELY, Exchange.grant_id.is_not(None))
        .group_by(Exchange.grant_id)
    )
    used = {str(number): int(n) for number, n in calls}
    held = []
    for number, grant in every.items():
        if grant.dataset not in datasets:
            continue
        row = rows.get(number)
        ends = rt.today(row.valid_to - MOMENT) if row is not None and row.valid_to is not None else None
        until = min((day for day in (grant.until, ends) if day is not None), default=None)
        revoked = row is not None and row.revoked_at is not None and row.revoked_at <= now
        reason = row.revoke_reason if row is not None else None
        state = _state(grant, until, revoked, today)
        held.append(Held(number, datasets[grant.dataset], grant, until, state, used.get(number, 0), reason or ""))
    return held


def _state(grant: Grant, until: date | None, revoked: bool, today: date) -> str:
    if revoked:
        return "revoked"
    if until is not None and until < today:
        return "ended"
    return "coming" if today < grant.start else "holds"


@blueprint.route("/grants/<grant>/revoke", methods=["GET", "POST"])
@audience("steward")
def revoke(grant: str) -> str | Response | tuple[str, int]:
    """Ends a grant at once, with a reason."""
    rt, actor = current_runtime(), steward()
    with rt.read() as session:
        held = next((h for h in _held(rt, session, own_registries(rt, actor), rt.now()) if h.number == grant), None)
    if held is None:
        raise NotFound()

    class RevokeForm(PortalForm):
        reason = LongTextField(lazy_gettext("Reason"), ui={"rows": 4, "maxlength": sharing.MAX_REASON})

    form = RevokeForm()
    if form.is_submitted():
        words = form["reason"].data or ""
        if 0 < len(words) <= sharing.MAX_REASON:
            sharing.revoke(rt, actor, grant, words, now=rt.now())
            return redirect(url_for("steward.grants"), 303)
        form["reason"].errors = [
            _("Write at most %(n)s characters", n=sharing.MAX_REASON) if words else _("Write the reason")
        ]
    page = render_template(
        "steward/revoke.html", one=held, form=form, datasets=rt.definitions.catalogue.datasets,
        **Titles(rt).for_templates(),
    )  # fmt: skip
    return (page, 422) if form.is_submitted() else page
