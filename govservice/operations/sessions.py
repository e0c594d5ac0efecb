"""Sign-ins that the server remembers: found by the hash of the cookie's token, ended for every worker at once.

Times here are the machine's (`Runtime.wall`), never the simulated clock's: moving a demonstration by a week must
neither end nor prolong a sign-in. Which mandates and roles hold is the portal's time: they are facts of the law.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Row, and_, bindparam, delete, func, or_, select, update
from sqlalchemy.orm import Session as Db

from govservice.models.accounts import Role, Session, User
from govservice.models.base import UtcDateTime
from govservice.models.keyring import Keyring
from govservice.models.people import Mandate, Organisation, Person
from govservice.operations.mandates import usable_mandate
from govservice.operations.runtime import Runtime

TOUCH_EVERY = timedelta(seconds=60)  # reads write at most this often
KEPT_AFTER_END = timedelta(days=7)
MAX_AGENT = 200  # characters of the browser's own words


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a session lives: without being used, and at all."""

    idle: timedelta
    absolute: timedelta

    def expires_at(self, created: datetime, seen: datetime) -> datetime:
        return min(seen + self.idle, created + self.absolute)


@dataclass(frozen=True, slots=True)
class ActsFor:
    """The organisation that a session acts for: a mandate that is valid today."""

    mandate_id: str
    organisation_id: str
    name: str
    kind: str
    services: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A live session and who it belongs to (`user_id` None: nobody yet). `roles`: (role, department id), valid today.
    `name`: {en, zh} of staff, {"": name} of a citizen."""

    session_id: str
    data: Mapping[str, Any]
    created_at: datetime
    seen_at: datetime
    expires_at: datetime
    user_id: str | None = None
    login: str = ""
    kind: str = ""
    locale: str = ""
    name: Mapping[str, str] | None = None
    person_id: str | None = None
    roles: tuple[tuple[str, str], ...] = ()
    acts_for: ActsFor | None = None


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A row of the list "where you are signed in"."""

    id: str
    user_agent: str
    created_at: datetime
    seen_at: datetime


def new_token() -> str:
    """What the cookie holds: 256 random bits."""
    return secrets.token_urlsafe(32)


def hash_of(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def find(session: Db, token: str, *, now: datetime, today: date) -> SignedIn | None:
    """The live session of a token; None where it is unknown, expired, revoked or its user disabled."""
    connection = session.connection()
    row = connection.execute(LIVE, {"id": hash_of(token), "now": now, "today": today}).one_or_none()
    if row is None:
        return None
    plain = SignedIn(row.session_id, row.data or {}, row.created_at, row.seen_at, row.expires_at)
    if row.user_id is None:
        return plain
    roles: tuple[tuple[str, str], ...] = ()
    if row.kind == "staff":
        held = connection.execute(ROLES, {"user": row.user_id, "today": today})
        roles = tuple((each.role, each.department_id) for each in held)
    return replace(
        plain, user_id=row.user_id, login=row.login, kind=row.kind, locale=row.locale, person_id=row.person_id,
        name=_name(session, row), roles=roles, acts_for=_acts_for(row),
    )  # fmt: skip


def is_known(session: Db, token: str) -> bool:
    """Whether a token ever was a session's: then it is over, and must not be used again."""
    return session.get(Session, hash_of(token)) is not None


def _name(session: Db, row: Row[Any]) -> Mapping[str, str]:
    if row.kind == "staff" or row.name_enc is None:
        return dict(row.name or {}) or {"": row.login}
    keyring: Keyring = session.info["keyring"]
    box = keyring.box(row.key_wrapped, row.key_id)
    return {"": box.open_text(row.name_enc, f"people:{row.person_id}:name")} if box else {"": row.login}


def _acts_for(row: Row[Any]) -> ActsFor | None:
    if row.mandate_id is None or row.organisation is None:
        return None
    return ActsFor(row.mandate_id, row.organisation_id, row.organisation, row.mandate_kind, row.services)


def _live() -> Any:
    """The statement of every request, built once: columns only, because objects would cost more than the answer."""
    today = bindparam("today", type_=Date())
    held = and_(
        Mandate.id == Session.mandate_id,
        Mandate.person_id == User.person_id,
        Mandate.holding(today),
    )
    return (
        select(
            Session.id.label("session_id"), Session.data, Session.created_at, Session.seen_at, Session.expires_at,
            User.id.label("user_id"), User.login, User.kind, User.locale, User.name,
            func.coalesce(User.person_id, User.private_person_id).label("person_id"),
            Person.name_enc, Person.key_wrapped, Person.key_id,
            Mandate.id.label("mandate_id"), Mandate.kind.label("mandate_kind"), Mandate.services,
            Organisation.id.label("organisation_id"), Organisation.name.label("organisation"),
        )
        .select_from(Session)
        .outerjoin(User, User.id == Session.user_id)
        .outerjoin(Person, Person.id == User.person_id)
        .outerjoin(Mandate, held)
        .outerjoin(Organisation, Organisation.id == Mandate.organisation_id)
        .where(
            Session.id == bindparam("id"),
            Session.revoked_at.is_(None),
            Session.expires_at > bindparam("now", type_=UtcDateTime()),
            or_(Session.user_id.is_(None), User.disabled_at.is_(None)),
        )
    )  # fmt: skip


def _roles() -> Any:
    today = bindparam("today", type_=Date())
    return (
        select(Role.role, Role.department_id)
        .where(
            Role.user_id == bindparam("user"),
            or_(Role.valid_from.is_(None), Role.valid_from <= today),
            or_(Role.valid_to.is_(None), Role.valid_to >= today),
        )
        .order_by(Role.id)
    )


LIVE, ROLES = _live(), _roles()


# -- beginning, keeping, ending --------------------------------------------------------------------------------------


def begin(
    session: Db, token: str, *, user_id: str | None, limits: Limits, now: datetime, user_agent: str = "",
    data: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """A new session under a new token; the caller commits. Signing in always takes a new token (fixation)."""
    session.add(
        Session(
            id=hash_of(token),
            user_id=user_id,
            data=dict(data or {}),
            user_agent=user_agent[:MAX_AGENT],
            created_at=now,
            seen_at=now,
            expires_at=limits.expires_at(now, now),
        )  # fmt: skip
    )


def keep_data(rt: Runtime, token: str, data: Mapping[str, Any], *, limits: Limits, now: datetime) -> None:
    """Stores what a session keeps between pages (messages to show once). Makes the row where there is none."""
    with rt.write() as session:
        changed = session.execute(update(Session).where(Session.id == hash_of(token)).values(data=dict(data)))
        if changed.rowcount == 0:  # type: ignore[attr-defined]
            begin(session, token, user_id=None, limits=limits, now=now, data=data)


def touch(rt: Runtime, found: SignedIn, *, limits: Limits, now: datetime) -> None:
    """Notes that a session is in use, at most once a minute, so that reading pages seldom writes."""
    if now - found.seen_at < TOUCH_EVERY:
        return
    with rt.write() as session:
        session.execute(
            update(Session)
            .where(Session.id == found.session_id, Session.revoked_at.is_(None))
            .values(seen_at=now, expires_at=limits.expires_at(found.created_at, now))
        )


def revoke(rt: Runtime, session_id: str, *, now: datetime) -> None:
    """Ends one session (signing out)."""
    with rt.write() as session:
        session.execute(_revoked(now).where(Session.id == session_id))


def revoke_all(session: Db, user_id: str, *, now: datetime, but: str | None = None) -> int:
    """Ends every session of a user except `but`; the caller commits. Returns how many were ended."""
    ended = session.execute(_revoked(now).where(Session.user_id == user_id, Session.id != (but or "")))
    return int(ended.rowcount)  # type: ignore[attr-defined]


def _revoked(now: datetime) -> Any:
    return update(Session).where(Session.revoked_at.is_(None)).values(revoked_at=now)


def open_sessions(session: Db, user_id: str, *, now: datetime) -> list[OpenSession]:
    """Where a user is signed in, the latest used first."""
    rows = session.scalars(
        select(Session)
        .where(Session.user_id == user_id, Session.revoked_at.is_(None), Session.expires_at > now)
        .order_by(Session.seen_at.desc())
    )
    return [OpenSession(row.id, row.user_agent, row.created_at, row.seen_at) for row in rows]


def revoke_others(rt: Runtime, user_id: str, session_id: str, *, now: datetime) -> int:
    """Signs the user out everywhere else. Returns how many sessions ended."""
    with rt.write() as session:
        return revoke_all(session, user_id, now=now, but=session_id)


def switch_acting_for(rt: Runtime, found: SignedIn, mandate_id: str | None, *, today: date) -> None:
    """From now on the session acts for the organisation of a mandate, or for the person (None).
    Raises NotFound for a mandate that is not the person's own or does not hold today."""
    with rt.write() as session:
        if mandate_id is not None:
            usable_mandate(session, found.person_id or "", mandate_id, today)
        session.execute(update(Session).where(Session.id == found.session_id).values(mandate_id=mandate_id))


def purge(session: Db, now: datetime) -> None:
    """Drops sessions that ended a week ago."""
    session.execute(delete(Session).where(Session.expires_at < now - KEPT_AFTER_END))
