"""Registering as a citizen. The answer never says whether a name or a person has an account already."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from govservice import logs
from govservice.errors import Invalid, NotFound, TooMany
from govservice.operations.accounts import NewCitizen, read_login, register_citizen
from govservice.operations.passwords import check_new
from govservice.operations.people import read_identity
from govservice.operations.throttling import source_of
from govservice.web.access import audience, current_runtime, wall_now
from govservice.web.account import blueprint
from govservice.web.account.forms import RegisterForm, show_wrong
from govservice.web.account.sign_in import registration_open, slowed
from govservice.web.language import current_language

log = logs.get("govservice.web.account")


@blueprint.route("/register", methods=["GET", "POST"])
@audience("anyone")
def register() -> str | Response | tuple[str, int]:
    if not registration_open():
        raise NotFound()
    form = RegisterForm()
    if not form.is_submitted():
        return show(form)
    if not form.validate():
        return show(form), 422
    try:
        new = read(form)
        made = register_citizen(current_runtime(), new, source=source_of(request.remote_addr), now=wall_now())
    except TooMany as fault:
        return slowed(form, fault, show)
    except Invalid as fault:
        show_wrong(form, fault)
        return show(form), 422
    log.info("registration.done" if made else "registration.in_use")
    return redirect(url_for("account.registered"), 303)


@blueprint.get("/register/done")
@audience("anyone")
def registered() -> str:
    if not registration_open():
        raise NotFound()
    return render_template("account/registered.html")


def read(form: RegisterForm) -> NewCitizen:
    """What was typed, checked; all that is wrong is told together. Raises Invalid."""
    wrong: dict[str, str] = {}
    login = identity = None
    try:
        identity = read_identity(form.name.data or "", form.id_type.data or "", form.id_number.data or "")
    except Invalid as fault:
        wrong |= fault.fields
    try:
        login = read_login(form.login.data or "")
    except Invalid as fault:
        wrong |= fault.fields
    try:
        check_new(form.password.data or "", login=login or "")
    except Invalid as fault:
        wrong |= fault.fields
    if wrong or identity is None or login is None:
        raise Invalid(wrong)
    return NewCitizen(identity, login, form.password.data or "", current_language().code)


def show(form: RegisterForm) -> str:
    return render_template("account/register.html", form=form)
