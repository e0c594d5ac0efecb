"""This is wrong: the applicant disputes what a registry holds about them, and takes it back."""

from __future__ import annotations

from flask import redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select
from werkzeug.wrappers import Response

from govservice.exchange.evidence import current_facts
from govservice.models.reliance import Dispute
from govservice.operations import disputing
from govservice.queries.service_page import labels
from govservice.web.access import audience, citizen_case, current_actor, current_runtime, now
from govservice.web.citizen import blueprint
from govservice.web.disputes import shown_dispute
from govservice.web.forms_ui import LongTextField, PortalForm, SelectField, TextField
from govservice.web.i18n import text
from govservice.web.words import answer_text


def _form(choices: list[tuple[str, str]]) -> PortalForm:
    class WrongForm(PortalForm):
        fact = SelectField(
            lazy_gettext("Which entry is wrong"), choices=[("", lazy_gettext("Choose an entry")), *choices]
        )
        claimed = TextField(lazy_gettext("What is right"), ui={"maxlength": disputing.MAX_CLAIM})
        reason = LongTextField(
            lazy_gettext("Why, and what shows it"),
            description=lazy_gettext("The department that keeps the register reads this."),
            ui={"rows": 4, "maxlength": disputing.MAX_REASON},
        )

    return WrongForm()


@blueprint.route("/my/cases/<number>/wrong", methods=["GET", "POST"])
@audience("citizen")
def wrong(number: str) -> str | Response | tuple[str, int]:
    """What registers said for this case, to be disputed; what was disputed already, with its answer."""
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        case = citizen_case(number, session)
        compiled, catalogue = rt.definitions.by_sha(case.def_sha), rt.definitions.catalogue
        names = labels(rt.definitions, compiled)
        views = current_facts(session, case.id, catalogue).values()
        rows = session.scalars(select(Dispute).where(Dispute.case_id == case.id).order_by(Dispute.sent_at.desc()))
        said = [shown_dispute(rt, session, row, compiled) for row in rows]
        choices = [
            (kind, _(
                "%(what)s: %(value)s (%(source)s)", what=text(names.get(kind, {"en": kind, "zh": kind})),
                value=answer_text(compiled.service.fields.get(kind), value, catalogue, kind),
                source=text(view.registry_name),
            ))
            for view in views for kind, value in view.values.items()
            if compiled.service.facts[view.name].show != "hidden"
        ]  # fmt: skip
    form = _form(choices)
    errors = _errors(form, [kind for kind, _words in choices]) if form.is_submitted() else {}
    if form.is_submitted() and not errors:
        disputing.dispute(
            rt, actor, case.id, form["fact"].data, form["claimed"].data or "", form["reason"].data or "", now=now()
        )
        return redirect(url_for("citizen.wrong", number=number), 303)
    for name, sentence in errors.items():
        form[name].errors = [sentence]
    may = bool(choices) and case.status != "closed"
    page = render_template("citizen/wrong.html", case=case, service=compiled.service, form=form, said=said, may=may)
    return (page, 422) if errors else page


def _errors(form: PortalForm, kinds: list[str]) -> dict[str, str]:
    errors = {}
    if form["fact"].data not in kinds:
        errors["fact"] = _("Choose what is wrong")
    for name, most in (("claimed", disputing.MAX_CLAIM), ("reason", disputing.MAX_REASON)):
        words = form[name].data or ""
        if not words:
            errors[name] = _("Write what is right") if name == "claimed" else _("Write the reason")
        elif len(words) > most:
            errors[name] = _("Write at most %(n)s characters", n=most)
    return errors


@blueprint.post("/my/cases/<number>/wrong/<dispute_id>/withdraw")
@audience("citizen")
def take_back_dispute(number: str, dispute_id: str) -> Response:
    """Takes it back: the register's value stands."""
    rt, actor = current_runtime(), current_actor()
    assert actor is not None  # the audience of this view
    with rt.read() as session:
        case = citizen_case(number, session)
    disputing.withdraw(rt, actor, case.id, dispute_id, now=now())
    return redirect(url_for("citizen.wrong", number=number), 303)
