"""Who is away and who stands in: declared by whoever goes, by the head of the department or by supervision."""

from __future__ import annotations

from datetime import date

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from werkzeug.wrappers import Response

from govservice.errors import Invalid, NotFound
from govservice.models.accounts import User
from govservice.operations import absences
from govservice.web.access import audience, current_actor, current_runtime, now, today
from govservice.web.account import blueprint
from govservice.web.forms_ui import DateField, PortalForm, SelectField
from govservice.web.i18n import text


@blueprint.route("/account/absences", methods=["GET", "POST"])
@audience("clerk", "supervisor")
def absence() -> Response | str | tuple[str, int]:
    """Declares an absence of one's own, or for a head and supervision that of the colleague named by `for`."""
    rt, actor = current_runtime(), current_actor()
    if actor is None:
        raise NotFound()
    whose = request.values.get("for") or actor.id
    with rt.read() as session:
        users = absences.staff_within(rt, session, actor, today())
        user = next((each for each in users if each.id == whose), None)
        if user is None:
            raise NotFound()
        deputies = absences.candidates(session, user.id, today())
        reach = absences.reach_of(rt, actor)
        shown = [(row, absent, deputy, reach.covers(absent, today()))
                 for row, absent, deputy in absences.shown_to(rt, session, actor, today())]  # fmt: skip
    form = _form(deputies)
    if form.is_submitted():
        errors = _errors(form)
        if not errors:
            try:
                absences.declare(
                    rt, actor, user.id, form["deputy"].data, form["from_on"].data, form["to_on"].data, now=now()
                )
                return redirect(url_for("account.absence"), 303)
            except Invalid as fault:
                errors = {name: _(words) for name, words in fault.fields.items()}
        for name, words in errors.items():
            form[name].errors = [words]
    page = render_template(
        "account/absence.html", form=form, user=user, users=users if len(users) > 1 else [], shown=shown, me=actor.id,
        name=text(user.name),
    )  # fmt: skip
    return (page, 422) if form.errors else page


@blueprint.post("/account/absences/<id>/end")
@audience("clerk", "supervisor")
def end_absence(id: str) -> Response:
    actor = current_actor()
    if actor is None:
        raise NotFound()
    absences.end(current_runtime(), actor, id, now=now())
    return redirect(url_for("account.absence"), 303)


def _form(deputies: list[User]) -> PortalForm:
    class AbsenceForm(PortalForm):
        from_on = DateField(lazy_gettext("First day away"))
        to_on = DateField(lazy_gettext("Last day away"))

    choices = [("", _("Choose a person")), *((user.id, text(user.name)) for user in deputies)]
    AbsenceForm.deputy = SelectField(
        lazy_gettext("Who stands in"), choices=choices,
        description=lazy_gettext("A colleague of the same department. Their acts for you are kept under both names."),
    )  # fmt: skip
    return AbsenceForm()


def _errors(form: PortalForm) -> dict[str, str]:
    wrong = {}
    for name in ("from_on", "to_on"):
        if not isinstance(form[name].data, date):
            wrong[name] = _("Enter a day")
    if form["deputy"].data not in [choice.value for choice in form["deputy"].choices if choice.value]:
        wrong["deputy"] = _("Choose a person")
    return wrong
