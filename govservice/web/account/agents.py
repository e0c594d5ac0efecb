"""Who acts for the enterprise: its legal representative appoints agents and ends their mandates; an agent gives one
back."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext, lazy_gettext
from werkzeug.wrappers import Response

from govservice.engine import Actor
from govservice.errors import Invalid, NotFound
from govservice.models.people import EVERY_SERVICE
from govservice.operations import agents
from govservice.web.access import audience, current_actor, current_runtime, now, today
from govservice.web.account import blueprint
from govservice.web.account.forms import needed, show_wrong
from govservice.web.forms_ui import DateField, ManyField, PortalForm, TextField
from govservice.web.i18n import text


class AgentForm(PortalForm):
    name = TextField(lazy_gettext("Name"), validators=[needed(lazy_gettext("Enter the name as on the identity card."))])
    number = TextField(
        lazy_gettext("Identity number"),
        validators=[needed(lazy_gettext("Enter the identity number."))],
        description=lazy_gettext("Of somebody who has signed in here at least once."),
    )
    services = ManyField(
        lazy_gettext("For which services"), validators=[needed(lazy_gettext("Choose for which services they may act."))]
    )
    valid_to = DateField(lazy_gettext("Until when"), description=lazy_gettext("At most five years ahead."))


def member_actor() -> tuple[Actor, str]:
    """Who is signed in, with the id of their person. Raises NotFound for nobody."""
    actor = current_actor()
    if actor is None or actor.person_id is None:
        raise NotFound()
    return actor, actor.person_id


@blueprint.route("/account/agents/<mandate_id>", methods=["GET", "POST"])
@audience("citizen")
def mandate_agents(mandate_id: str) -> Response | str | tuple[str, int]:
    """`mandate_id`: one's own mandate as a legal representative."""
    rt, (actor, me) = current_runtime(), member_actor()
    with rt.read() as session:
        held = agents.represented(session, me, mandate_id, today())
        known = agents.agents_of(session, held.organisation_id, today())
    titles = {code: text(rt.definitions.current(code).service.title) for code in agents.offered(rt)}
    form = AgentForm()
    form.services.choices = [(EVERY_SERVICE, gettext("All services")), *titles.items()]
    name = (form.name.data or "").strip()
    if form.is_submitted() and form.validate():
        try:
            agents.appoint(
                rt, actor, mandate_id, name=name, number=form.number.data or "", services=form.services.data or (),
                valid_to=form.valid_to.data if isinstance(form.valid_to.data, date) else None, now=now(),
            )  # fmt: skip
            flash(gettext("%(name)s may act for the enterprise now.", name=name))
            return redirect(url_for("account.mandate_agents", mandate_id=mandate_id), 303)
        except Invalid as fault:
            show_wrong(form, fault)
    lines = [(each, _services(each.services, titles)) for each in known]
    page = render_template("account/agents.html", form=form, held=held, lines=lines, mandate_id=mandate_id)
    return (page, 422) if form.errors or form.form_errors else page


def _services(codes: str, titles: dict[str, str]) -> list[str]:
    """What a mandate covers, in words; empty: everything."""
    return [] if codes == EVERY_SERVICE else [titles.get(code, code) for code in codes.split()]


@blueprint.post("/account/agents/<mandate_id>/end/<agent_id>")
@audience("citizen")
def end_agent(mandate_id: str, agent_id: str) -> Response:
    """The legal representative ends an agent's mandate."""
    rt, (actor, me) = current_runtime(), member_actor()
    with rt.read() as session:
        agents.represented(session, me, mandate_id, today())
    agents.end(rt, actor, agent_id, now=now())
    flash(gettext("The mandate has ended."))
    return redirect(url_for("account.mandate_agents", mandate_id=mandate_id), 303)


@blueprint.post("/account/acting-for/<agent_id>/give-back")
@audience("citizen")
def give_back(agent_id: str) -> Response:
    """An agent acts for the enterprise no longer."""
    actor, _me = member_actor()
    agents.end(current_runtime(), actor, agent_id, now=now())
    flash(gettext("The mandate has ended."))
    return redirect(url_for("account.acting_for"), 303)
