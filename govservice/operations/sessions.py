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

from sqlalchemy import Row, and_, delete, or_, select, update
from sqlalchemy.orm import Session as Db

from govservice.models.accounts import Role, Session, User
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
    row = session.execute(_live(hash_of(token), now, today)).one_or_none()
    if row is None:
        return None
    found: Session = row[0]
    user: User | None = row.User
    plain = SignedIn(found.id, found.data or {}, found.created_at, found.seen_at, found.expires_at)
    if user is None:
        return plain
    return replace(
        plain, user_id=user.id, login=user.login, kind=user.kind, locale=user.locale, person_id=user.person_id,
        name=_name(session, user, row.Person), roles=_roles(session, user, today), acts_for=_acts_for(row),
    )  # fmt: skip


def is_known(session: Db, token: str) -> bool:
    """Whether a token ever was a session's: then it is over, and must not be used again."""
    return session.get(Session, hash_of(token)) is not None


def _live(session_id: str, now: datetime, today: date) -> Any:
    held = and_(
        Mandate.id == Session.mandate_id,
        Mandate.person_id == User.person_id,
        Mandate.revoked_at.is_(None),
        Mandate.valid_from <= today,
        or_(Mandate.valid_to.is_(None), Mandate.valid_to >= today),
    )
    return (
        select(Session, User, Person, Mandate, Organisation)
        .outerjoin(User, User.id == Session.user_id)
        .outerjoin(Person, Person.id == User.person_id)
        .outerjoin(Mandate, held)
        .outerjoin(Organisation, Organisation.id == Mandate.organisation_id)
        .where(
            Session.id == session_id,
            Session.revoked_at.is_(None),
            Session.expires_at > now,
            or_(Session.user_id.is_(None), User.disabled_at.is_(None)),
        )
    )


def _name(session: Db, user: User, person: Person | None) -> Mapping[str, str]:
    if user.kind == "staff" or person is None or person.name_enc is None:
        return dict(user.name or {}) or {"": user.login}
    keyring: Keyring = session.info["keyring"]
    box = keyring.box(person.key_wrapped, person.key_id)
    return {"": box.open_text(person.name_enc, f"people:{person.id}:name")} if box else {"": user.login}


def _roles(session: Db, user: User, today: date) -> tuple[tuple[str, str], ...]:
    if user.kind != "staff":
        return ()
    rows = session.execute(
        select(Role.role, Role.department_id)
        .where(
            Role.user_id == user.id,
            or_(Role.valid_from.is_(None), Role.valid_from <= today),
            or_(Role.valid_to.is_(None), Role.valid_to >= today),
        )
        .order_by(Role.id)
    )
    return tuple((row.role, row.department_id) for row in rows)


def _acts_for(row: Row[Any]) -> ActsFor | None:
    mandate, organisation = row.Mandate, row.Organisation
    if mandate is None or organisation is None:
        return None
    return ActsFor(mandate.id, organisation.id, organisation.name, mandate.kind, mandate.services)


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
