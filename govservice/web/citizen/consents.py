"""My data: the consents somebody gave, and taking one back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from govservice.operations import consenting
from govservice.queries.consents import Given, given_by
from govservice.web.access import audience, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.citizen.data import keeper, reader

Text = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Line:
    """One consent in words. `state`: holds | ended (the application, or the year, is over) | withdrawn."""

    id: str
    registry: Text
    keeper: Text
    what: tuple[Text, ...]
    why: Text
    service: Text
    case: str
    given_at: datetime
    until: datetime
    revoked_at: datetime | None
    state: str


@blueprint.get("/my/data/consents")
@audience("citizen")
def consents() -> str:
    rt, _actor, me = reader()
    with rt.read() as session:
        found = given_by(session, me)
    lines = [_line(each) for each in found]
    return render_template("citizen/consents.html", lines=lines, done="done" in request.args)


def _line(given: Given) -> Line:
    rt = current_runtime()
    catalogue, compiled = rt.definitions.catalogue, rt.definitions.by_sha(given.def_sha)
    node = compiled.service.facts[given.fact]
    code = catalogue.registry_of(node.dataset or "") or ""
    nobody = {"en": given.fact, "zh": given.fact}
    purpose = catalogue.purposes.get(given.purpose)
    over = given.closed_at is not None or now() >= given.expires_at
    state = "withdrawn" if given.revoked_at is not None else "ended" if over else "holds"
    return Line(
        given.id, catalogue.registries[code].title if code in catalogue.registries else nobody,
        keeper(catalogue, code), tuple(catalogue.label(name) or {"en": name, "zh": name} for name in node.taken),
        purpose.text if purpose else nobody, compiled.service.title, given.number, given.given_at, given.expires_at,
        given.revoked_at, state,
    )  # fmt: skip


@blueprint.post("/my/data/consents/<consent_id>/withdraw")
@audience("citizen")
def withdraw_consent(consent_id: str) -> Response:
    rt, actor, _me = reader()
    consenting.revoke(rt, actor, consent_id, now=now())
    return redirect(url_for("citizen.consents", done=1), 303)
