"""What holds for every request and answer: the host asked, the size and signs of what comes, forms' tokens, headers.

Order matters: cheap refusals first, nothing is rendered for a foreign host, and a body is never read beyond the limit
of its route. The composition root calls `guard_requests` (before all else) and `guard_forms` (after access).
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import BadRequest
from werkzeug.routing import IntegerConverter, Map

from govservice.web.sessions import STATELESS, signed_in

BODY = 256 * 1024  # bytes of an ordinary form
OVERHEAD = 1024 * 1024  # of a form around its files
FILES_AT_ONCE = 3  # uploads of full size in one form
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})
POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # to ourselves the referrer is a second proof of origin; to others nothing goes
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()",
}
YEAR = 31_536_000


class SmallInteger(IntegerConverter):
    """A whole number in an address: one that no database column could hold is an address that leads nowhere (404)."""

    def __init__(self, map: Map, **how: Any) -> None:
        super().__init__(map, **{"max": 2**31 - 1, **how})


def guard_requests(app: Flask, base_url: str, *, demo: bool, max_upload_mb: int) -> None:
    """Registers the checks that come before everything else and the headers of every answer. To be called before any
    route is made: numbers in addresses are bounded."""
    app.url_map.converters["int"] = SmallInteger
    own = (urlsplit(base_url).hostname or "").lower()
    hosts = {own} | (LOCAL_HOSTS if demo else frozenset())
    upload_limit = max_upload_mb * 1024 * 1024 * FILES_AT_ONCE + OVERHEAD

    def check_host() -> Response | None:
        if request.path.startswith(STATELESS) or _hostname() in hosts:
            return None
        return Response("This address is not served here.\n", 400, mimetype="text/plain")

    def limit_body() -> None:
        view = current_app.view_functions.get(request.endpoint or "")
        request.max_content_length = upload_limit if getattr(view, "uploads", False) else BODY

    app.before_request(check_host)
    app.before_request(limit_body)
    app.before_request(_refuse_broken_text)
    app.after_request(_headers)
    app.jinja_env.globals["csp_nonce"] = csp_nonce


def _hostname() -> str:
    try:
        return (urlsplit(f"//{request.host}").hostname or "").lower()
    except ValueError:
        return ""


def _refuse_broken_text() -> None:
    """NUL cannot be typed, PostgreSQL cannot store it, and it only ever comes from somebody trying things."""
    texts = [request.path, *request.args.keys(), *(v for vs in request.args.listvalues() for v in vs)]
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        texts += [*request.form.keys(), *(v for vs in request.form.listvalues() for v in vs)]
    if any("\x00" in text for text in texts):
        raise BadRequest


def csp_nonce() -> str:
    """This answer's nonce, for the rare inline script or style; without a call the policy allows none."""
    if "csp_nonce" not in g:
        g.csp_nonce = secrets.token_urlsafe(16)
    return str(g.csp_nonce)


def _headers(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Content-Security-Policy", policy())
    if current_app.config["SESSION_COOKIE_SECURE"]:
        response.headers.setdefault("Strict-Transport-Security", f"max-age={YEAR}; includeSubDomains")
    if not request.path.startswith(STATELESS):
        private = _is_signed_in() or response.status_code >= 400
        response.headers.setdefault("Cache-Control", "no-store" if private else "private, no-cache")
        response.vary.add("Cookie")
    return response


def policy() -> str:
    """The content security policy of this answer."""
    nonce = f" 'nonce-{g.csp_nonce}'" if "csp_nonce" in g else ""
    parts = [f"{name} {value}{nonce if name in ('script-src', 'style-src') else ''}" for name, value in POLICY.items()]
    if current_app.config["SESSION_COOKIE_SECURE"]:
        parts.append("upgrade-insecure-requests")
    return "; ".join(parts)


def _is_signed_in() -> bool:
    try:
        return signed_in() is not None
    except (AssertionError, RuntimeError):  # the session could not be opened: nobody is known
        return False


def guard_forms(app: Flask, base_url: str) -> CSRFProtect:
    """The token of every form, and the origin that sent it. The token lives as long as its session."""
    app.config.update(WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_HEADERS=[])
    app.before_request(lambda: _check_origin(base_url))
    return CSRFProtect(app)


def _check_origin(base_url: str) -> None:
    """A browser says where a form comes from; whoever names another place, or hides it, is refused."""
    if request.method not in ("POST", "PUT", "PATCH", "DELETE") or not request.endpoint:
        return
    said = request.headers.get("Origin") or request.headers.get("Referer")
    if said is not None and _origin(said) not in (_origin(request.host_url), _origin(base_url)):
        raise CSRFError("The form came from another site.")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise CSRFError("The form came from another site.")


def _origin(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return (parts.scheme.lower(), parts.netloc.lower()) if parts.netloc else None
