"""Signing in and out. One page for citizens and staff: who somebody is, the account says."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from flask import current_app, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from govservice import logs
from govservice.errors import TooMany
from govservice.operations import accounts
from govservice.operations.demo_cast import SIGN_INS
from govservice.operations.sessions import hash_of, new_token
from govservice.operations.throttling import source_of
from govservice.web.access import audience, current_runtime, wall_now
from govservice.web.account import blueprint
from govservice.web.account.forms import SignInForm
from govservice.web.forms_ui import PortalForm
from govservice.web.frame import desk_home
from govservice.web.sessions import begin_sign_in, end_sign_in, portal_session, signed_in

YEAR = 365 * 24 * 3600
Form = TypeVar("Form", bound=PortalForm)
log = logs.get("govservice.web.account")


@blueprint.route("/sign-in", methods=["GET", "POST"])
@audience("anyone")
def sign_in() -> str | Response | tuple[str, int]:
    form = SignInForm(next=request.args.get("next", ""))
    if request.method == "GET" and signed_in() is not None:
        return redirect(after_sign_in(form.next.data), 303)
    if form.is_submitted() and not form.validate():
        return show(form), 422
    if not form.is_submitted():
        return show(form)
    try:
        user_id = accounts.authenticate(
            current_runtime(), form.login.data or "", form.password.data or "", source=source_of(request.remote_addr),
            device=known_device(form.login.data or ""), now=wall_now(),
        )  # fmt: skip
    except TooMany as fault:
        log.warning("sign_in.slowed", retry_after=fault.retry_after)
        return slowed(form, fault, show)
    if user_id is None:
        log.warning("sign_in.failed")
        form.form_errors.append(gettext("The sign-in name or the password is not right."))
        return show(form), 422
    begin_sign_in(user_id)
    log.info("sign_in.done", user=user_id)
    response = make_response(redirect(after_sign_in(form.next.data), 303))
    remember_device(response, form.login.data or "")
    return response


def show(form: SignInForm) -> str:
    settings = current_runtime().settings
    return render_template(
        "account/sign_in.html",
        form=form,
        ended=portal_session().ended,
        lost="lost" in request.args and bool(safe_next(form.next.data)),
        needed=bool(form.next.data),
        cast=SIGN_INS if settings.demo else (),
        register=registration_open(),
    )


def slowed(form: Form, fault: TooMany, show: Callable[[Form], str]) -> Response:
    """The page with what was typed, and how long to wait."""
    words = gettext("Too many tries. Please wait %(seconds)s seconds and try again.", seconds=fault.retry_after)
    form.form_errors.append(words)
    response = make_response(show(form), 429)
    response.headers["Retry-After"] = str(fault.retry_after)
    return response


def registration_open() -> bool:
    return getattr(current_runtime().settings, "registration", "closed") == "open"


@blueprint.post("/sign-out")
@audience("anyone")
def sign_out() -> Response:
    """Ends the session for every worker at once. Without a session it is done already."""
    found = signed_in()
    end_sign_in()
    log.info("sign_out.done", user=found.user_id if found else None)
    return redirect("/", 303)


# -- where to go afterwards --------------------------------------------------------------------------------------------


def after_sign_in(target: str | None) -> str:
    """The page asked for, if it is one of ours; else the first page of the person's desk."""
    if local := safe_next(target):
        return local
    found = signed_in()
    return desk_home(found) if found else url_for("public.home")


def safe_next(target: str | None) -> str | None:
    """A path of this site, or None: no scheme, no host, nothing a browser could read as one (`//`, `/\\`, tabs)."""
    text = target or ""
    if not text.startswith("/") or text[1:2] in ("/", "\\") or "\\" in text or len(text) > 2000:
        return None
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") for sign in text) or " " in text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    if parts.scheme or parts.netloc or parts.path.startswith(("//", "/sign-", url_for("account.sign_in"))):
        return None
    return text


# -- devices: so that an attack on an account does not keep its owner out ----------------------------------------------


def known_device(login: str) -> str | None:
    """The id of this browser, if this account signed in here before."""
    try:
        account, device = _devices().loads(request.cookies.get(device_cookie(), ""))
    except (BadSignature, ValueError, TypeError):
        return None
    return str(device) if hmac.compare_digest(str(account), _account_mark(login)) else None


def remember_device(response: Response, login: str) -> None:
    """Marks this browser as one where the account's owner has been."""
    if known_device(login) is not None:
        return
    value = _devices().dumps([_account_mark(login), hash_of(new_token())[:32]])
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    response.set_cookie(
        device_cookie(), str(value), max_age=YEAR, path="/", secure=secure, httponly=True, samesite="Strict"
    )


def device_cookie() -> str:
    return "__Host-device" if current_app.config["SESSION_COOKIE_SECURE"] else "device"


def _devices() -> URLSafeSerializer:
    return URLSafeSerializer(str(current_app.secret_key), salt="device")


def _account_mark(login: str) -> str:
    return current_runtime().keyring.blind("device", accounts.plain_login(login))[:32]
