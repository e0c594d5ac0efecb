"""Which language a person reads, and how it is switched without losing the page or what was typed.

Two codes meet here: ours (`zh`, `en`, as in definitions and addresses) and Babel's (`zh_CN`, `en`, as in catalogues).
A further language is one row in LANGUAGES and one catalogue per room.

Switching: a page without a form links to `/language/<code>?back=<page>`. A page with a form (its template says
`{% set page_form = "page-form" %}`) has submit buttons instead, named `_language`, that send the half-filled form to
the page's own address. `_switch_in_place` catches such a request before anything else looks at it, turns it into a GET
that still carries the typed fields, and a `PortalForm` (forms_ui.py) shows them again, unvalidated and unsaved.
Nothing is stored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from flask import Flask, Response, g, redirect, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

COOKIE = "language"
FIELD = "_language"
YEAR_SECONDS = 365 * 24 * 3600
Guard = Callable[[Callable[..., BaseResponse]], Callable[..., BaseResponse]]


@dataclass(frozen=True, slots=True)
class Language:
    """`code` ours, `locale` Babel's, `tag` for the lang attribute (BCP 47), `name` as its readers write it."""

    code: str
    locale: str
    tag: str
    name: str


LANGUAGES = {
    "zh": Language("zh", "zh_CN", "zh-CN", "中文"),
    "en": Language("en", "en", "en", "English"),
}
DEFAULT = "zh"


def current_language() -> Language:
    """The language of this request: the switch just used, the person's own, the cookie, the browser's, Chinese."""
    chosen = getattr(g, "language", None)
    if chosen is None:
        chosen = g.language = LANGUAGES[_choose()]
    return chosen


def _choose() -> str:
    stored = g.get("stored_language")
    for code in (stored() if stored else None, request.cookies.get(COOKIE)):
        if code in LANGUAGES:
            return str(code)
    wished = (tag.lower().partition("-")[0] for tag in request.accept_languages.values())
    return next((code for code in wished if code in LANGUAGES), DEFAULT)


def switched_in_place() -> bool:
    """True while a half-filled form is shown again in another language: do not validate, do not save."""
    return bool(g.get("switched_in_place", False))


def safe_back(target: str | None) -> str:
    """The page to return to: a path of this site, else the home page (never another host, never a scheme)."""
    parts = urlsplit((target or "").replace("\\", "/"))
    if parts.scheme or parts.netloc or not parts.path.startswith("/") or parts.path.startswith("//"):
        return "/"
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _with_choice(page: str) -> str:
    """The page with what stood in its filter, where the switch was a button of the filter's form: chosen, not applied
    yet, and not to be chosen again."""
    chosen = [(name, value) for name, value in request.args.items(multi=True) if name != "back" and value]
    if request.method != "GET" or not chosen:
        return page
    return f"{page.partition('?')[0]}?{urlencode(chosen)}"


def init_language(
    app: Flask,
    stored: Callable[[], str | None] | None = None,
    remember: Callable[[str], None] | None = None,
    guard: Guard = lambda view: view,
) -> None:
    """Register the switch. Call before CSRFProtect, so that a switch is no longer a POST when tokens are checked.

    `stored` gives the signed-in person's language or None; `remember` keeps a new choice for that person;
    `guard` declares the audience of the route: pass `audience("anyone")`.
    """

    def language(code: str) -> BaseResponse:
        if code not in LANGUAGES:
            return Response(status=404)
        g.new_language = code
        if remember:
            remember(code)
        return redirect(_with_choice(safe_back(request.values.get("back"))), 303)

    def before() -> None:
        g.stored_language = stored
        _switch_in_place(app, remember)

    app.add_url_rule("/language/<code>", "language", guard(language), methods=["GET", "POST"])
    app.before_request(before)
    app.after_request(_keep_choice)
    app.context_processor(
        lambda: {"language": current_language(), "languages": tuple(LANGUAGES.values()), "language_field": FIELD}
    )


def _switch_in_place(app: Flask, remember: Callable[[str], None] | None) -> None:
    """Turn a form sent by a language button into a GET of the same address that still carries its fields."""
    if request.method != "POST" or request.path.startswith("/language/"):
        return
    code = request.form.get(FIELD)
    if code not in LANGUAGES:
        return
    request.method = "GET"
    adapter = app.create_url_adapter(request)
    if adapter is not None:
        try:
            rule, arguments = adapter.match(method="GET", return_rule=True)
            request.url_rule, request.view_args = rule, dict(arguments)
            request.routing_exception = None
        except HTTPException as fault:
            request.routing_exception = fault
    g.switched_in_place = True
    g.new_language = code
    g.language = LANGUAGES[code]
    if remember:
        remember(code)


def _keep_choice(response: Response) -> Response:
    code = g.get("new_language")
    if code:
        secure = bool(request.is_secure)
        response.set_cookie(COOKIE, code, max_age=YEAR_SECONDS, secure=secure, httponly=True, samesite="Lax")
    response.headers.setdefault("Content-Language", current_language().tag)
    response.vary.update(("Accept-Language", "Cookie"))
    return response
