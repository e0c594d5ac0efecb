"""The composition root: the only module that knows everyone. `create_app` puts the parts together, in order."""

from __future__ import annotations

from flask import Flask
from flask_login import LoginManager
from sqlalchemy import inspect
from werkzeug.middleware.proxy_fix import ProxyFix

from config import ROOT, Settings, from_env
from govservice.models.session import Database
from govservice.operations.accounts import demo_accounts
from govservice.operations.in_force import take_in_force
from govservice.operations.runtime import Runtime
from govservice.operations.startup import open_runtime
from govservice.web import (
    account,
    citizen,
    clerk,
    designer,
    frame,
    payments,
    public,
    registry_events,
    steward,
    supervisor,
)
from govservice.web.access import audience, init_access
from govservice.web.errors import init_errors
from govservice.web.forms_ui import init_forms
from govservice.web.health import init_health
from govservice.web.i18n import init_i18n
from govservice.web.in_force import init_in_force
from govservice.web.requests_log import init_request_log
from govservice.web.security import guard_forms, guard_requests
from govservice.web.sessions import Member, PortalSessions, signed_in
from govservice.web.shell import init_shell
from govservice.web.static import init_static
from govservice.web.style import init_style
from govservice.web.words import init_words

ROOMS = (public, account, citizen, clerk, steward, supervisor, payments, registry_events, designer)


class StartRefused(Exception):
    """The portal must not run like this; the text says why and what to do."""


def create_app(settings: Settings | None = None, **overrides: object) -> Flask:
    """The portal. `overrides` replaces parts of its runtime by name (tests share what is costly to build).

    Raises ConfigError, DefinitionError or StartRefused, each naming everything that is wrong.
    """
    settings = settings or from_env()
    runtime = open_runtime(settings, overrides)
    refuse_demo_accounts(settings, runtime.database)
    refuse_unpayable(settings, runtime)
    app = Flask("govservice", template_folder=str(ROOT / "templates"), static_folder=None)
    app.secret_key = settings.secret_key
    app.config.update(SESSION_COOKIE_SECURE=settings.secure_cookies, MAX_FORM_PARTS=500)
    app.extensions["runtime"] = runtime
    app.session_interface = PortalSessions(
        runtime,
        secure=settings.secure_cookies,
        idle_minutes=settings.session_idle_minutes,
        hours=settings.session_hours,
    )
    _behind_proxies(app, settings.trusted_proxies)
    _compose(app, settings, runtime)
    return app


def _compose(app: Flask, settings: Settings, runtime: Runtime) -> None:
    """Hooks run in this order: log, host and body, language switch, audience, form token."""
    everyone = audience("anyone")
    init_request_log(app)
    guard_requests(app, settings.base_url, demo=settings.demo, max_upload_mb=settings.max_upload_mb)
    init_i18n(app, ROOT / "translations", stored=frame.stored_language, guard=everyone)
    init_access(app)
    forms = guard_forms(app, settings.base_url)
    for door in (payments.callback, registry_events.message):
        forms.exempt(door)
    init_in_force(app, runtime)
    init_login(app)
    init_errors(app)
    init_forms(app)
    init_words(app)
    init_static(app, ROOT / "static", reload=app.debug, guard=everyone)
    init_shell(app, frame.shell)
    init_health(app, runtime, guard=everyone)
    if settings.demo:
        init_style(app, guard=everyone)
    for room in ROOMS:
        app.register_blueprint(room.blueprint)


def init_login(app: Flask) -> None:
    """Flask-Login's `current_user`, read from the session's row; no remember-me cookie, no second source of truth."""
    manager = LoginManager(app)
    manager.session_protection = None

    @manager.request_loader  # type: ignore[untyped-decorator]
    def load(_request: object) -> Member | None:
        found = signed_in()
        return Member(found) if found is not None else None


def refuse_demo_accounts(settings: Settings, database: Database) -> None:
    """Outside demo mode nobody may sign in with a password that everybody knows. Raises StartRefused."""
    if settings.demo or not inspect(database.engine).has_table("users"):
        return
    with database.read() as session:
        count = demo_accounts(session)
    if count:
        raise StartRefused(
            f"This database holds {count} demonstration accounts, whose password is public. Start in demo mode "
            "(GOVSERVICE_MODE=demo) or use a database of its own."
        )


def refuse_unpayable(settings: Settings, runtime: Runtime) -> None:
    """A service in force asks for a fee, and nobody is there to whom it could be paid: its cases would stand at the fee
    for ever. Raises StartRefused. (A demonstration has its sandbox.)"""
    if settings.demo or runtime.provider is not None or not inspect(runtime.database.engine).has_table("definitions"):
        return
    take_in_force(runtime)
    asking = sorted(code for code in runtime.definitions.codes() if runtime.definitions.current(code).service.fee)
    if asking:
        raise StartRefused(
            f"These services ask for a fee, and no payment provider is set: {', '.join(asking)}. Set PAYMENT_URL, "
            "PAYMENT_MERCHANT and PAYMENT_KEY (docs/operating.md), or put versions without a fee in force."
        )


def _behind_proxies(app: Flask, count: int) -> None:
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
