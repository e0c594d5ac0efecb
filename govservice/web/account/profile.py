"""One's own account: password, where one is signed in, language, and for whom one acts."""

from __future__ import annotations

from flask import flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from govservice.errors import N_, Invalid, NotFound, TooMany
from govservice.models.people import EVERY_SERVICE
from govservice.operations import accounts, sessions
from govservice.operations.mandates import Held, mandates_of
from govservice.web.access import audience, audiences, current_runtime, signed_in, today, wall_now
from govservice.web.account import blueprint
from govservice.web.account.forms import ActingForForm, LanguageForm, PasswordForm, show_wrong
from govservice.web.account.sign_in import after_sign_in, safe_next, slowed
from govservice.web.frame import role_title, shown_name
from govservice.web.i18n import text
from govservice.web.language import COOKIE, LANGUAGES, YEAR_SECONDS, current_language, switched_in_place
from govservice.web.sessions import begin_sign_in, seconds_left
from govservice.web.titles import Titles


def member() -> sessions.SignedIn:
    """Who is signed in. Raises NotFound for nobody."""
    found = signed_in()
    if found is None or found.user_id is None:
        raise NotFound()
    return found


@blueprint.get("/account")
@audience("signed_in")
def home() -> str:
    found, rt = member(), current_runtime()
    departments = rt.definitions.catalogue.departments
    with rt.read() as session:
        signed = sessions.open_sessions(session, found.user_id or "", now=wall_now())
    roles = [(role_title(role), departments[d].name if d in departments else d) for role, d in found.roles]
    away = bool(audiences(found) & {"clerk", "supervisor"})
    language = LanguageForm(locale=found.locale or current_language().code)
    return render_template(
        "account/home.html", may_be_away=away, me=found, name=shown_name(found), roles=roles, sessions=len(signed),
        mandates=held_mandates(found), language_form=language, layout=layout(found),
    )  # fmt: skip


def layout(found: sessions.SignedIn) -> str:
    """Citizens see the white frame, staff theirs."""
    return "layouts/citizen.html" if found.kind == "citizen" else "layouts/staff.html"


# -- password ----------------------------------------------------------------------------------------------------------


@blueprint.route("/account/password", methods=["GET", "POST"])
@audience("signed_in")
def password() -> str | Response | tuple[str, int]:
    found, form = member(), PasswordForm()
    if not form.is_submitted():
        return show_password(form)
    if not form.validate():
        return show_password(form), 422
    user_id = found.user_id or ""
    try:
        accounts.change_password(
            current_runtime(), user_id, form.current.data or "", form.password.data or "", now=wall_now()
        )
    except TooMany as fault:
        return slowed(form, fault, show_password)
    except Invalid as fault:
        show_wrong(form, fault)
        return show_password(form), 422
    begin_sign_in(user_id)  # every session ended with the old password; this browser goes on
    flash(gettext("Your password is changed. Everywhere else you were signed out."))
    return redirect(url_for("account.home"), 303)


def show_password(form: PasswordForm) -> str:
    return render_template("account/password.html", form=form, layout=layout(member()))


# -- where one is signed in --------------------------------------------------------------------------------------------


@blueprint.get("/account/sessions")
@audience("signed_in")
def open_sessions() -> str:
    found, rt = member(), current_runtime()
    with rt.read() as session:
        signed = sessions.open_sessions(session, found.user_id or "", now=wall_now())
    return render_template(
        "account/sessions.html", sessions=signed, here=found.session_id, browser=browser_words, layout=layout(found)
    )


# What browsers call themselves, the more particular first: most claim to be several others as well.
BROWSERS = (
    ("MicroMessenger", "微信 WeChat"), ("QQBrowser", "QQ 浏览器"), ("HuaweiBrowser", "华为浏览器"), ("Edg", "Edge"),
    ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS = (
    ("HarmonyOS", "HarmonyOS"), ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"), ("Windows", "Windows"),
    ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_words(user_agent: str) -> str:
    """Chrome, Windows: what a browser said of itself, as its owner would call it; "" where it said nothing known."""
    found = [next((words for mark, words in marks if mark in user_agent), "") for marks in (BROWSERS, SYSTEMS)]
    return ", ".join(words for words in found if words)


@blueprint.post("/account/sessions/others")
@audience("signed_in")
def end_others() -> Response:
    found = member()
    count = sessions.revoke_others(current_runtime(), found.user_id or "", found.session_id, now=wall_now())
    flash(gettext("You are signed out everywhere else (%(count)s).", count=count))
    return redirect(url_for("account.open_sessions"), 303)


@blueprint.post("/account/still-here")
@audience("signed_in")
def still_here() -> Response:
    """Prolongs the sign-in of somebody who reads or types for long; answers with the seconds that are left now."""
    return Response(str(seconds_left() or 0), mimetype="text/plain")


# -- language ----------------------------------------------------------------------------------------------------------


@blueprint.post("/account/language")
@audience("signed_in")
def set_language() -> Response:
    form, found = LanguageForm(), member()
    if not form.validate() or form.locale.data not in LANGUAGES:
        raise Invalid({"locale": N_("Choose a language.")})
    accounts.set_locale(current_runtime(), found.user_id or "", form.locale.data)
    response = make_response(redirect(url_for("account.home"), 303))
    response.set_cookie(
        COOKIE, form.locale.data, max_age=YEAR_SECONDS, secure=request.is_secure, httponly=True, samesite="Lax"
    )
    return response


# -- acting for --------------------------------------------------------------------------------------------------------


def held_mandates(found: sessions.SignedIn) -> list[Held]:
    if found.person_id is None:
        return []
    with current_runtime().read() as session:
        return mandates_of(session, found.person_id, today())


@blueprint.route("/account/acting-for", methods=["GET", "POST"])
@audience("citizen")
def acting_for() -> str | Response | tuple[str, int]:
    found = member()
    held = held_mandates(found)
    form = ActingForForm(next=request.args.get("next", ""))
    form.party.choices = [
        ("self", gettext("For myself")), *((h.id, h.organisation) for h in held if h.valid)
    ]  # fmt: skip
    if not form.is_submitted():
        if not switched_in_place():
            form.party.data = found.acts_for.mandate_id if found.acts_for else "self"
        return show_parties(form, held)
    if not form.validate():
        return show_parties(form, held), 422
    chosen = None if form.party.data == "self" else form.party.data
    sessions.switch_acting_for(current_runtime(), found, chosen, today=today())
    return redirect(safe_next(form.next.data) or after_sign_in(None), 303)


def show_parties(form: ActingForForm, held: list[Held]) -> str:
    titles = Titles(current_runtime())
    return render_template(
        "account/acting_for.html", form=form, held=held, others=[h for h in held if not h.valid],
        only={h.id: [text(titles.service(c)) for c in h.services.split()] for h in held if h.services != EVERY_SERVICE},
    )  # fmt: skip
