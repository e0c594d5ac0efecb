"""Flask's session on the `sessions` table: the cookie holds a random token and nothing else.

A visitor who sees no form gets no cookie. An anonymous token needs no row either: its CSRF secret is derived from it,
so a flood of visitors writes nothing. Signing in begins a row under a new token (fixation) and ends the old one;
revoking the row, or disabling its user, ends the sign-in with the next request of every worker.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import Flask, Request, Response, current_app, g, request
from flask.sessions import SessionInterface, SessionMixin
from flask_login import UserMixin
from sqlalchemy.exc import SQLAlchemyError

from govservice import logs
from govservice.operations import sessions as store
from govservice.operations.runtime import Runtime, clock_in

TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
CSRF = "csrf_token"
STATELESS = ("/static/", "/healthz", "/readyz", "/metrics")  # answered without looking who asks
log = logs.get("govservice.web.sessions")


class PortalSession(SessionMixin):
    """What the session of one request holds. `found` is the live sign-in or anonymous row, or None.

    `ended` says that the cookie named a session that is over; `broken` that the database did not answer.
    """

    def __init__(self, token: str, secret: str, found: store.SignedIn | None, *, given: bool) -> None:
        self.token = token
        self.found = found
        self.given = given  # the browser already has this token
        self.ended = False
        self.broken = False
        self.closed = False
        self.modified = False
        self.secret = secret
        self.kept = dict(found.data) if found else {}

    def __getitem__(self, key: str) -> Any:
        return self.csrf_secret() if key == CSRF else self.kept[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.kept[key] = value
        self.modified = True

    def __delitem__(self, key: str) -> None:
        del self.kept[key]
        self.modified = True

    def __iter__(self) -> Iterator[str]:
        return iter((CSRF, *self.kept))

    def __len__(self) -> int:
        return len(self.kept) + 1

    def csrf_secret(self) -> str:
        """What the forms of this session are signed for; derived, so that it needs no row and no write."""
        return hmac.new(self.secret.encode(), b"csrf\0" + self.token.encode(), hashlib.sha256).hexdigest()

    def renew(self) -> str:
        """A new token from now on; what was given before is worth nothing."""
        self.token, self.given, self.modified = store.new_token(), False, False
        self.kept = {}
        g.pop(CSRF, None)
        return self.token


class Member(UserMixin):  # type: ignore[misc]
    """Flask-Login's view of the person signed in."""

    def __init__(self, found: store.SignedIn) -> None:
        self.found = found

    def get_id(self) -> str:
        return str(self.found.user_id)


class PortalSessions(SessionInterface):
    """Opens and saves sessions. Outside demo mode the cookie is `__Host-session`: bound to this host, Secure."""

    def __init__(self, runtime: Runtime, *, secure: bool, idle_minutes: int, hours: int) -> None:
        self.runtime = runtime
        self.secure = secure
        self.name = "__Host-session" if secure else "session"
        self.limits = store.Limits(timedelta(minutes=idle_minutes), timedelta(hours=hours))

    def open_session(self, app: Flask, request: Request) -> PortalSession:
        token = request.cookies.get(self.name, "")
        secret = str(app.secret_key)
        if not TOKEN.fullmatch(token) or request.path.startswith(STATELESS):
            return PortalSession(store.new_token(), secret, None, given=False)
        return self._look_up(token, secret)

    def _look_up(self, token: str, secret: str) -> PortalSession:
        now = self.runtime.wall.now()
        try:
            with self.runtime.read() as session:
                if self.runtime.simulated:  # on this connection: one way to the database for each page
                    g.portal_time = clock_in(session, self.runtime.wall).now()
                moment = portal_time(self.runtime)
                found = store.find(session, token, now=now, today=self.runtime.today(moment))
                over = found is None and store.is_known(session, token)
        except SQLAlchemyError:
            log.warning("session.database", exc_info=True)
            opened = PortalSession(token, secret, None, given=True)
            opened.broken = True
            return opened
        if over:  # a token that once was a sign-in is never used again
            opened = PortalSession(store.new_token(), secret, None, given=False)
            opened.ended = True
            return opened
        return PortalSession(token, secret, found, given=True)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not isinstance(session, PortalSession) or session.broken:
            return
        if session.closed:
            response.delete_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")
            return
        try:
            self._write(session)
        except SQLAlchemyError:  # the page is made already: it is worth more than the note that it was seen
            log.warning("session.database", exc_info=True)
        if not session.given and (session.modified or session.found or CSRF in g):
            response.set_cookie(self.name, session.token, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def _write(self, session: PortalSession) -> None:
        now = self.runtime.wall.now()
        if session.modified:
            store.keep_data(self.runtime, session.token, session.kept, limits=self.limits, now=now)
        elif session.found and session.given and session.found.user_id:
            store.touch(self.runtime, session.found, limits=self.limits, now=now)


def portal_time(runtime: Runtime) -> datetime:
    """The portal's time of this request: one look at the simulated clock, however often it is asked for."""
    if "portal_time" not in g:
        g.portal_time = runtime.now()
    found: datetime = g.portal_time
    return found


def sessions_of(app: Flask | None = None) -> PortalSessions:
    """The session store of the application."""
    found = (app or current_app).session_interface
    assert isinstance(found, PortalSessions)
    return found


def portal_session() -> PortalSession:
    """This request's session."""
    from flask import session

    found: Any = session._get_current_object()  # type: ignore[attr-defined]
    assert isinstance(found, PortalSession)
    return found


def signed_in() -> store.SignedIn | None:
    """Who is signed in, or None."""
    found = portal_session().found
    return found if found is not None and found.user_id is not None else None


def begin_sign_in(user_id: str) -> None:
    """Starts a session of that user under a new token and ends the one of this browser."""
    interface, opened = sessions_of(), portal_session()
    now = interface.runtime.wall.now()
    if opened.found is not None:
        store.revoke(interface.runtime, opened.found.session_id, now=now)
    token = opened.renew()
    with interface.runtime.write() as session:
        store.begin(
            session, token, user_id=user_id, limits=interface.limits, now=now,
            user_agent=request.headers.get("User-Agent", ""),
        )  # fmt: skip
        store.purge(session, now)
    _load(interface, opened)


def end_sign_in() -> None:
    """Ends the session of this browser for good."""
    interface, opened = sessions_of(), portal_session()
    if opened.found is not None:
        store.revoke(interface.runtime, opened.found.session_id, now=interface.runtime.wall.now())
    opened.found, opened.closed = None, True
    g.pop("_login_user", None)


def _load(interface: PortalSessions, opened: PortalSession) -> None:
    today = interface.runtime.today(portal_time(interface.runtime))
    with interface.runtime.read() as session:
        opened.found = store.find(session, opened.token, now=interface.runtime.wall.now(), today=today)
    if opened.found is not None:
        g._login_user = Member(opened.found)


def seconds_left() -> int | None:
    """Seconds until this sign-in ends if nothing is done; None where nobody is signed in."""
    found = signed_in()
    if found is None:
        return None
    now, limits = sessions_of().runtime.wall.now(), sessions_of().limits
    fresh = now - found.seen_at < store.TOUCH_EVERY  # then this request does not prolong it
    end = found.expires_at if fresh else limits.expires_at(found.created_at, now)
    return max(0, int((end - now).total_seconds()))
