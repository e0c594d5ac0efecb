"""Accounts: signing in, registering, passwords, and what the administration does with members of staff.

Nothing here tells whether an account exists: unknown, disabled and wrong password take the same work and give the same
answer, and registering with a name or number that is in use looks like registering. Times are the machine's.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from govservice.engine import Actor
from govservice.errors import N_, Forbidden, Invalid, NotFound
from govservice.identifiers import WrongIdentifier, parse
from govservice.models.accounts import STAFF_KINDS, Role, User
from govservice.models.base import new_id
from govservice.models.places import Department
from govservice.operations import passwords, throttling
from govservice.operations.absences import held_today
from govservice.operations.deciding import give_back
from govservice.operations.people import Identity, add_person, find_person, identity_of, name_person
from govservice.operations.runtime import Runtime
from govservice.operations.sessions import revoke_all

LOGIN = re.compile(r"[a-z][a-z0-9]*(?:[._-][a-z0-9]+)*", re.ASCII)
MIN_LOGIN, MAX_LOGIN = 3, 40
PORTAL_ROLES = tuple(kind for kind in STAFF_KINDS if kind != "clerk")


@dataclass(frozen=True, slots=True)
class NewCitizen:
    """What somebody registers with: all read and checked."""

    identity: Identity
    login: str
    password: str
    locale: str


# -- signing in --------------------------------------------------------------------------------------------------------


def authenticate(
    rt: Runtime, login: str, password: str, *, source: str, device: str | None, now: datetime
) -> str | None:
    """The id of the user, or None for a wrong name or password or a disabled account (one answer, the same work).

    `source` is the network the try comes from; `device` names a browser in which this account signed in before. Tries
    are slowed per account and source, and per source; a known device has a count of its own, so that its owner gets
    in while somebody else tries passwords from the same address. Raises TooMany.
    """
    name = plain_login(login)
    account = f"sign-in\0{name}\0{f'device {device}' if device else source}"
    tries = {account: throttling.PER_ACCOUNT_AND_SOURCE}
    if device is None:
        tries[f"sign-in\0{source}"] = throttling.PER_SOURCE
    throttling.count_try(rt, tries, now)
    with rt.read() as session:
        user = session.scalar(select(User).where(User.login == name))
    right = passwords.verify(user.password_hash if user else None, password)
    if not right or user is None or user.disabled_at is not None:
        return None
    with rt.write() as session:
        throttling.forgive(session, rt.keyring, account)
        throttling.take_back(session, rt.keyring, f"sign-in\0{source}")
        throttling.purge(session, now)
        if passwords.needs_rehash(user.password_hash):
            session.get_one(User, user.id).password_hash = passwords.hash_password(password)
    return user.id


def plain_login(text: str) -> str:
    """A sign-in name as it is stored: small letters, ASCII; "" for what cannot be one."""
    name = unicodedata.normalize("NFKC", text[: MAX_LOGIN * 4]).strip().lower()
    return name if MIN_LOGIN <= len(name) <= MAX_LOGIN and LOGIN.fullmatch(name) else ""


def read_login(text: str) -> str:
    """A new sign-in name. Raises Invalid naming `login`."""
    if not (name := plain_login(text)):
        raise Invalid(
            {"login": "Use 3 to 40 letters and digits, beginning with a letter; dots and hyphens may join them."}
        )
    return name


# -- registering -------------------------------------------------------------------------------------------------------


def register_citizen(rt: Runtime, new: NewCitizen, *, source: str, now: datetime) -> bool:
    """Makes an account, unless the sign-in name or the identity has one. The person is told the same either way;
    the returned value is for the log. Raises TooMany where one source registers too often."""
    throttling.count_try(rt, {f"register\0{source}": throttling.REGISTRATIONS}, now)
    hashed = passwords.hash_password(new.password)
    try:
        with rt.write() as session:
            return _register(rt, session, new, hashed, now)
    except IntegrityError:  # somebody took the name or the number at the same moment
        return False


def _register(rt: Runtime, session: Session, new: NewCitizen, hashed: str, now: datetime) -> bool:
    person = find_person(session, rt.keyring, new.identity.id_type, new.identity.number)
    if person is not None:
        known = identity_of(session, person.id)
        has_account = session.scalar(select(exists().where(User.person_id == person.id)))
        if has_account or known is None or known.name not in ("", new.identity.name):
            return False
    if session.scalar(select(exists().where(User.login == new.login))):
        return False
    person = person or add_person(session, rt.keyring, new.identity, now=now)
    name_person(session, person, new.identity.name)  # somebody else may have named the number only
    session.flush()
    add_user(session, new.login, hashed, kind="citizen", person_id=person.id, locale=new.locale, now=now)
    return True


def add_user(
    session: Session, login: str, password_hash: str, *, kind: str, now: datetime,
    name: Mapping[str, str] | None = None, person_id: str | None = None, locale: str = "", demo: bool = False,
) -> User:  # fmt: skip
    """A new account; the caller commits. `locale` "": no wish yet, the browser's language counts."""
    user = User(
        id=new_id(), login=login, password_hash=password_hash, kind=kind, name=dict(name or {}), person_id=person_id,
        locale=locale, demo=demo, created_at=now, password_changed_at=now,
    )  # fmt: skip
    session.add(user)
    session.flush()
    return user


# -- one's own account -------------------------------------------------------------------------------------------------


def change_password(rt: Runtime, user_id: str, current: str, new: str, *, now: datetime) -> None:
    """Sets a new password and ends every session of the user; the caller signs this browser in again.
    Raises Invalid naming `current` or `password`, TooMany."""
    key = f"change\0{user_id}"
    throttling.count_try(rt, {key: throttling.PER_ACCOUNT_AND_SOURCE}, now)
    with rt.read() as session:
        user = session.get_one(User, user_id)
    if not passwords.verify(user.password_hash, current):
        raise Invalid({"current": N_("This is not your present password.")})
    passwords.check_new(new, login=user.login)
    if passwords.verify(user.password_hash, new):
        raise Invalid({"password": N_("Choose a password that differs from the present one.")})
    hashed = passwords.hash_password(new)
    with rt.write() as session:
        _set_password(session, session.get_one(User, user_id), hashed, now)
        throttling.forgive(session, rt.keyring, key)


def _set_password(session: Session, user: User, hashed: str, now: datetime) -> None:
    user.password_hash, user.password_changed_at = hashed, now
    revoke_all(session, user.id, now=now)


def set_locale(rt: Runtime, user_id: str, locale: str) -> None:
    """The language in which the portal writes to the user."""
    with rt.write() as session:
        session.get_one(User, user_id).locale = locale


# -- administration ----------------------------------------------------------------------------------------------------


def create_staff(
    rt: Runtime, login: str, password: str, *, name: Mapping[str, str], roles: list[tuple[str, str]], now: datetime
) -> str:
    """A member of staff with (role, department) pairs; returns the user's id. Raises Invalid naming what is wrong."""
    plain = read_login(login)
    passwords.check_new(password, login=plain)
    hashed = passwords.hash_password(password)
    with rt.write() as session:
        if session.scalar(select(exists().where(User.login == plain))):
            raise Invalid({"login": N_("This sign-in name is taken.")})
        user = add_user(session, plain, hashed, kind="staff", name=name, now=now)
        for role, department_id in roles:
            assign_role(rt, session, user.id, role, department_id)
        return user.id


def assign_role(rt: Runtime, session: Session, user_id: str, role: str, department_id: str) -> None:
    """Gives a role in a department; the caller commits. Giving it again changes nothing. Raises Invalid for a role that
    no service knows, or one that services give to another kind of department."""
    department = session.get(Department, department_id)
    if department is None:
        raise Invalid({"role": N_("This department is unknown.")})
    kinds = known_roles(rt).get(role)
    if kinds is None:
        raise Invalid({"role": N_("No service knows this role.")})
    if kinds and department.code not in kinds:
        raise Invalid({"role": N_("Services give this role to another kind of department.")})
    held = exists().where(Role.user_id == user_id, Role.department_id == department_id, Role.role == role)
    if not session.scalar(select(held)):
        session.add(Role(id=new_id(), user_id=user_id, department_id=department_id, role=role))
        session.flush()


def known_roles(rt: Runtime) -> dict[str, frozenset[str]]:
    """Role codes with the kinds of departments that may hold them; empty: any (roles of the portal itself). Those of a
    service that is not in force yet count: it comes into force when somebody holds its roles."""
    found: dict[str, frozenset[str]] = dict.fromkeys(PORTAL_ROLES, frozenset())
    known = rt.definitions
    versions = [*map(known.current, known.codes()), *map(known.draft, known.drafts())]
    for compiled in versions:
        for role, spec in compiled.service.roles.items():
            found[role] = found.get(role, frozenset()) | {spec.department}
    return found


def disable(rt: Runtime, login: str, *, now: datetime) -> int:
    """Closes an account; its sessions end at once on every worker. Returns how many. Raises NotFound.

    What the person had taken goes back to the department's list: nobody else could take it from them.
    """
    with rt.write() as session:
        user = user_named(session, login)
        user.disabled_at = user.disabled_at or now
        ended, user_id = revoke_all(session, user.id, now=now), user.id
    give_back(rt, user_id, now=rt.now())
    return ended


def enable(rt: Runtime, login: str) -> None:
    """Opens a closed account again. Raises NotFound."""
    with rt.write() as session:
        user_named(session, login).disabled_at = None


def reset(rt: Runtime, login: str, *, now: datetime) -> str:
    """Gives an account a new password to hand over, and ends its sessions. Raises NotFound."""
    password = passwords.one_time_password()
    hashed = passwords.hash_password(password)
    with rt.write() as session:
        _set_password(session, user_named(session, login), hashed, now)
    return password


def user_named(session: Session, login: str) -> User:
    """Raises NotFound where there is none."""
    user = session.scalar(select(User).where(User.login == plain_login(login)))
    if user is None:
        raise NotFound()
    return user


def staff_actor(rt: Runtime, login: str, password: str, *, now: datetime) -> Actor:
    """Who acts from the command line, after the password was asked for: with the roles that hold today.
    Raises Forbidden for a wrong name or password, TooMany."""
    id = authenticate(rt, login, password, source="command line", device=None, now=rt.wall.now())
    if id is None:
        raise Forbidden("password", N_("The sign-in name or the password is not right."))
    with rt.read() as session:
        user = session.get_one(User, id)
        return Actor(id, "user", held_today(user, rt.today(now)), user.own_person_id, name=login)


def set_own_person(rt: Runtime, login: str, number: str | None) -> None:
    """Who a member of staff is in private (None: nobody known), so that "own case" reaches them. Somebody without an
    account is kept by the number alone. Raises NotFound, Invalid naming `number`."""
    try:
        known = parse("cn_id", number) if number is not None else None
    except WrongIdentifier as error:
        raise Invalid({"number": str(error)}) from error
    with rt.write() as session:
        user = user_named(session, login)
        if user.kind != "staff":
            raise NotFound()
        person = None
        if known is not None:
            person = find_person(session, rt.keyring, "cn_id", known) or add_person(
                session, rt.keyring, Identity("", "cn_id", known), now=rt.wall.now()
            )
            session.flush()
        user.private_person_id = person.id if person is not None else None


def demo_accounts(session: Session) -> int:
    """How many accounts have the demonstration's public password."""
    return len(session.scalars(select(User.id).where(User.demo)).all())


def overview(rt: Runtime) -> dict[str, Any]:
    """The accounts for whoever administrates: staff with roles; citizens only as a number."""
    with rt.read() as session:
        users = session.scalars(select(User).where(User.kind == "staff").order_by(User.login)).all()
        citizens = session.scalar(select(func.count()).select_from(User).where(User.kind == "citizen"))
    staff = [
        {
            "login": user.login,
            "name": user.name.get("zh", ""),
            "roles": [f"{role.role}@{role.department_id}" for role in user.roles],
            "disabled": user.disabled_at is not None,
            "demo": user.demo,
        }
        for user in users
    ]
    return {"staff": staff, "citizens": citizens or 0}
