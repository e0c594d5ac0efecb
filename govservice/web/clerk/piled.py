"""Several like tasks in one go: the same step of the same service, the same usual act, a result for each case.

Only what needs no words, no files and no list of faults may be piled: a refusal, a correction, a pause is always said
to one applicant. Each case gets a command of its own with the page's view of it, so that whatever happened meanwhile
refuses that case alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask import render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from govservice.engine import Actor, Expected, Offer
from govservice.errors import Forbidden, LostRace, Missing, NotAllowed, NotFound, Stale
from govservice.exchange.accesses import Read
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.operations import deciding
from govservice.operations.runtime import Runtime
from govservice.queries.worklist import Filters, Row, worklist
from govservice.web.access import audience, current_runtime, work_roles
from govservice.web.clerk.access import clerk, clerk_areas, open_case
from govservice.web.clerk.acting import whole
from govservice.web.clerk.blueprint import blueprint, helpers
from govservice.web.clerk.casepage import applicant_of, offers_of
from govservice.web.clerk.worklist import record_names
from govservice.web.errors import sentence

MOST = 20  # cases in one pile
REFUSED = (Stale, NotAllowed, Forbidden, LostRace, Missing, NotFound)


@dataclass(frozen=True, slots=True)
class Ready:
    """A case whose usual act is possible now. `seen`: version of the token and revision of the answers."""

    row: Row
    offer: Offer
    seen: str


@dataclass(frozen=True, slots=True)
class Done:
    number: str
    applicant: str
    ok: bool
    words: str


@blueprint.route("/piled", methods=["GET", "POST"])
@audience("clerk")
def piled() -> str | tuple[str, int]:
    """The pile of one step, and its result. Nothing chosen is a fault of the form."""
    rt, actor = current_runtime(), clerk()
    service, step = request.values.get("service", ""), request.values.get("step", "")
    now = rt.now()
    if request.method == "POST":
        chosen = request.form.getlist("case")[:MOST]
        if chosen:
            return _result(rt, actor, chosen, request.form, now)
    with rt.read() as session:
        ready = _ready(rt, session, actor, service, step, now)
    record_names(rt, actor, [
        ((r.row.role, r.row.department_id), Read(r.row.person_id, r.row.case_id, ["person.name"], "list"))
        for r in ready if r.row.person_id
    ], now)  # fmt: skip
    nothing = request.method == "POST"
    page = render_template(
        "clerk/piled.html", ready=ready, service=service, step=step, idem=new_id(), nothing=nothing, most=MOST,
        label=ready[0].offer.label if ready else None, back=url_for("clerk.worklist", service=service, step=step),
        **helpers(rt),
    )  # fmt: skip
    return (page, 422) if nothing else page


def _ready(rt: Runtime, session: Session, actor: Actor, service: str, step: str, now: datetime) -> list[Ready]:
    """The most urgent tasks of a step whose usual act needs nothing but a yes; all of them the same act."""
    calendar = rt.calendars.for_area(next(iter(clerk_areas(actor)), None))
    filters = Filters(service=service or "-", step=step or "-", whose="mine_or_nobody")
    shown = worklist(session, work_roles(actor), actor.ids, filters, calendar, now)
    found: list[Ready] = []
    for row in shown.rows:
        state, offers = offers_of(rt, session, session.get_one(Case, row.case_id), actor)
        offer = next((o for o in offers if o.token_id == row.token_id and o.primary and may_pile(o)), None)
        if offer is not None and (not found or found[0].offer.action == offer.action):
            found.append(Ready(row, offer, f"{state.tokens[row.token_id].version}.{state.data_rev}"))
        if len(found) == MOST:
            break
    return found


def may_pile(offer: Offer) -> bool:
    """Possible now, and nothing is asked for: no reason, no file, no field, no list of faults, no length."""
    needs = offer.needs
    asked = needs.reason or needs.items or needs.length or needs.attachments or needs.fields
    return offer.kind == "action" and offer.allowed and not asked


def _result(
    rt: Runtime, actor: Actor, chosen: list[str], form: Mapping[str, str], now: datetime
) -> str:  # fmt: skip
    done = [_one(rt, actor, number, form, now) for number in dict.fromkeys(chosen)]
    return render_template(
        "clerk/piled_done.html", done=done, went=sum(d.ok for d in done),
        back=url_for("clerk.worklist", service=form.get("service") or None, step=form.get("step") or None),
        **helpers(rt),
    )  # fmt: skip


def _one(rt: Runtime, actor: Actor, number: str, form: Mapping[str, str], now: datetime) -> Done:
    """The act in one case, by a command of its own; what refuses it is told for this case alone."""

    step, action = form.get("step", ""), form.get("action", "")
    version, _dot, rev = form.get(f"seen-{number}", "").partition(".")
    expected = Expected(whole(version), whole(rev))
    try:
        with rt.read() as session:
            opened = open_case(session, actor, number)
            applicant, _person = applicant_of(session, opened.case)
            case_id = opened.case.id
            _state, offers = offers_of(rt, session, opened.case, actor)
            offer = next((o for o in offers if o.step == step and o.action == action), None)
            token = next((t.token_id for t in opened.tasks if t.step == step), None)
    except Forbidden as fault:  # known to be a relative's case
        return Done(number, "", False, sentence(fault))
    except NotFound:
        return Done(number, "", False, str(_("There is no such case.")))
    if expected.token_version is None or expected.data_rev is None or token is None:
        return Done(number, applicant, False, str(_("This form cannot be sent. Please open the page again.")))
    if offer is not None and offer.allowed and not may_pile(offer):
        return Done(number, applicant, False, str(_("This act asks for words or documents: open the case.")))
    try:
        deciding.act(
            rt, actor, case_id, token, action, expected=expected,
            idem=f"{form.get('idem', '')[:60]}:{case_id}", now=now,
        )  # fmt: skip
    except REFUSED as fault:
        return Done(number, applicant, False, sentence(fault))
    return Done(number, applicant, True, str(_("Done")))
