"""Forgetting: what registries told is dropped when its purpose is over; a person who asks for it is erased.

Both leave the record whole. Events, chains and the log of exchanges hold no personal data. A value's row stays with its
provenance, without the value; a person's row stays without a key, and everything that was sealed with that key, files
and snapshots too, can never be read again (Personal Information Protection Law art. 47).
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from govservice import logs
from govservice.errors import N_, NotAllowed, NotFound
from govservice.models.accounts import User
from govservice.models.cases import Case, Task
from govservice.models.exchange import Exchange, Fact
from govservice.models.papers import IssuedDocument
from govservice.models.people import Mandate, Person
from govservice.operations.accounts import user_named
from govservice.operations.runtime import Runtime
from govservice.operations.sessions import revoke_all

KEEP = timedelta(days=365)  # after the case was closed, where a purpose says nothing else
AT_ONCE = 500  # values dropped in one transaction
log = logs.get(__name__)


def forget_values(rt: Runtime, now: datetime) -> int:
    """Drops what registries told for cases that are over, each value when its purpose no longer needs it. Returns how
    many values were dropped; call again until it is none."""
    by_age: dict[timedelta, list[str]] = defaultdict(list)
    known = rt.definitions.catalogue.purposes
    for code, purpose in known.items():
        by_age[purpose.keep.span if purpose.keep is not None else KEEP].append(code)
    with rt.write() as session:
        dropped = sum(_forget(session, Exchange.purpose.in_(codes), now - age) for age, codes in by_age.items())
        # A purpose that the catalogue does not know any more keeps nothing for ever.
        return dropped + _forget(session, Exchange.purpose.not_in(list(known)), now - KEEP)


def _forget(session: Session, told_for: ColumnElement[bool], before: datetime) -> int:
    working = select(Task.id).where(Task.case_id == Case.id, Task.status.in_(("open", "waiting"))).exists()
    over = (
        select(Fact.id)
        .join(Case, Case.id == Fact.case_id)
        .join(Exchange, Exchange.id == Fact.exchange_id)
        .where(Fact.value_enc.is_not(None), Case.closed_at < before, told_for, ~working)
        .limit(AT_ONCE)
    )
    ids = session.scalars(over).all()
    if ids:
        session.execute(update(Fact).where(Fact.id.in_(ids)).values(value_enc=None))
    return len(ids)


def erase_person(rt: Runtime, login: str, *, now: datetime) -> str:
    """Destroys the data key of a citizen, at their own wish, and closes the account. Returns the person's id; a second
    time changes nothing.

    Raises NotFound for an account that is no citizen's, NotAllowed where the law still needs the data: an application
    that is not over, or over for less than a year, a licence in force, or an enterprise's record under this key.
    """
    with rt.write() as session:
        user = user_named(session, login)
        if user.person_id is None or user.kind != "citizen":
            raise NotFound()
        person = session.get_one(Person, user.person_id, with_for_update=True)
        if person.erased_at is None:
            _check(session, person.id, now, rt.today(now))
            _shred(session, person, user, now)
            log.info("person.erased", user=user.id)
        return person.id


def _check(session: Session, person_id: str, now: datetime, today: date) -> None:
    mine = Case.applicant_id == person_id
    running = session.scalar(select(func.count()).where(mine, Case.closed_at.is_(None)).select_from(Case))
    if running:
        raise NotAllowed(N_("An application is not over yet: end it or wait until it is decided."), cases=running)
    recent = session.scalar(select(func.max(Case.closed_at)).where(mine))
    if recent is not None and recent > now - KEEP:
        raise NotAllowed(N_("The record of an application is kept for a year after its end."), until=recent + KEEP)
    if session.scalar(select(func.count()).select_from(Case).where(mine, Case.organisation_id.is_not(None))):
        raise NotAllowed(N_("The record of an enterprise's application is sealed with this person's key and is kept."))
    in_force = select(func.count()).select_from(IssuedDocument).join(Case, Case.id == IssuedDocument.case_id).where(
        or_(IssuedDocument.holder_person_id == person_id, mine), IssuedDocument.revoked_at.is_(None),
        or_(IssuedDocument.valid_until.is_(None), IssuedDocument.valid_until >= today),
    )  # fmt: skip
    if session.scalar(in_force):
        raise NotAllowed(N_("A licence of this person is in force: its record is kept as long as it is."))


def _shred(session: Session, person: Person, user: User, now: datetime) -> None:
    person.key_wrapped = person.name_enc = person.id_enc = person.phone_enc = None
    person.id_index, person.erased_at = f"erased:{person.id}", now
    for mandate in session.scalars(select(Mandate).where(Mandate.person_id == person.id)):
        mandate.revoked_at = mandate.revoked_at or now
    user.login, user.disabled_at = f"erased-{user.id}", user.disabled_at or now
    revoke_all(session, user.id, now=now)
