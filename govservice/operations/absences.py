"""Absence with delegation: somebody is away, a colleague of the same department stands in, every act says for whom.

The deputy has the absent one's roles in the departments that both belong to, on the days of the absence and no other;
what they may not do themselves (their own case, what they examined) they may not do for the colleague either.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from govservice.definitions.catalogue import Catalogue
from govservice.engine import Actor
from govservice.errors import N_, Invalid, NotFound
from govservice.models.accounts import STAFF_KINDS, Absence, Role, User
from govservice.models.base import new_id
from govservice.operations.runtime import Runtime
from govservice.queries.access import organisations_of

LONGEST = timedelta(days=366)
PORTAL = tuple(kind for kind in STAFF_KINDS if kind != "clerk")  # nobody stands in for supervision or administration


def held_today(user: User, today: date) -> tuple[tuple[str, str], ...]:
    """(role, department id) pairs that hold on a day."""
    return tuple(
        (r.role, r.department_id) for r in user.roles if (r.valid_from or today) <= today <= (r.valid_to or today)
    )


def deputy_for(session: Session, user_id: str, today: date) -> tuple[Actor, ...]:
    """The colleagues for whom a member of staff stands in today, each with the roles that count."""
    away = session.scalars(
        select(Absence).where(
            Absence.deputy_id == user_id, Absence.ended_at.is_(None), Absence.from_on <= today, Absence.to_on >= today
        )
    ).all()
    if not away:
        return ()
    own = {department for _, department in held_today(session.get_one(User, user_id), today)}
    return tuple(_absent(session, session.get_one(User, each.user_id), own, today) for each in away)


def _absent(session: Session, user: User, departments: set[str], today: date) -> Actor:
    roles = tuple(p for p in held_today(user, today) if p[1] in departments and p[0] not in PORTAL)
    person = user.own_person_id
    acts_for = organisations_of(session, person, today) if person else ()
    return Actor(user.id, "user", roles, person, name=next(iter(user.name.values()), ""), acts_for=acts_for)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose absence somebody may declare: their own; a head that of everybody in the department; supervision that of
    everybody in its areas."""

    actor: Actor
    departments: frozenset[str]  # ids that the actor heads
    areas: frozenset[str]  # that the actor supervises
    catalogue: Catalogue

    def covers(self, user: User, today: date) -> bool:
        if self.actor.id == user.id:
            return True
        places = self.catalogue.departments
        theirs = {d for _, d in held_today(user, today) if d in places}
        above = {area.code for d in theirs for area in self.catalogue.line_of_areas(places[d].area)}
        return not (self.departments.isdisjoint(theirs) and self.areas.isdisjoint(above))


def reach_of(rt: Runtime, actor: Actor) -> Reach:
    """For whom the actor may declare an absence."""
    catalogue, leading = rt.definitions.catalogue, heads(rt)
    places = catalogue.departments
    headed = {d for role, d in actor.roles if (role, d.partition(".")[2]) in leading}
    areas = {places[d].area for role, d in actor.roles if role == "supervisor" and d in places}
    return Reach(actor, frozenset(headed), frozenset(areas), catalogue)


def heads(rt: Runtime) -> frozenset[tuple[str, str]]:
    """(role, kind of department) of those who head one: late work of the department is brought before them, and
    theirs before nobody else there."""
    escalates: set[tuple[str, str, str]] = set()
    for code in rt.definitions.codes():
        compiled = rt.definitions.current(code)
        roles = compiled.service.roles.items()
        kind_of = {role: spec.department for role, spec in roles if spec.area is None}  # others may sit elsewhere
        for step in compiled.steps.values():
            for timer in step.timers:
                here, there = kind_of.get(step.owner or ""), kind_of.get(timer.to_role or "")
                if here is not None and here == there and step.owner != timer.to_role:
                    escalates.add((str(step.owner), str(timer.to_role), here))
    below = {(role, kind) for role, _above, kind in escalates}
    return frozenset((above, kind) for _role, above, kind in escalates) - below


def candidates(session: Session, user_id: str, today: date) -> list[User]:
    """Who may stand in: colleagues of a department of the absent one, with a role there today."""
    theirs = aliased(Role)
    found = session.scalars(
        select(User)
        .join(Role, Role.user_id == User.id)
        .join(theirs, theirs.department_id == Role.department_id)
        .where(theirs.user_id == user_id, theirs.role.not_in(PORTAL), Role.role.not_in(PORTAL),
               User.id != user_id, User.disabled_at.is_(None))
        .order_by(User.login)
    ).unique()  # fmt: skip
    return [user for user in found if held_today(user, today)]


def declare(
    rt: Runtime, actor: Actor, user_id: str, deputy_id: str, from_on: date, to_on: date, *, now: datetime
) -> str:  # fmt: skip
    """Returns the id of the absence; the same again returns the first one. Raises NotFound where it is not the actor's
    to declare, Invalid naming `deputy`, `from_on` or `to_on`."""
    today = rt.today(now)
    with rt.write() as session:
        user = session.get(User, user_id)
        if user is None or user.kind != "staff" or not reach_of(rt, actor).covers(user, today):
            raise NotFound()
        own = _overlapping(session, user_id, from_on, to_on)
        same = next((a for a in own if (a.deputy_id, a.from_on, a.to_on) == (deputy_id, from_on, to_on)), None)
        if same is not None:
            return same.id
        _check(session, user, deputy_id, from_on, to_on, today, bool(own))
        made = Absence(
            id=new_id(), user_id=user_id, deputy_id=deputy_id, from_on=from_on, to_on=to_on, declared_by=actor.id,
            declared_at=now,
        )  # fmt: skip
        session.add(made)
        return made.id


def _check(
    session: Session, user: User, deputy_id: str, from_on: date, to_on: date, today: date, declared: bool
) -> None:  # fmt: skip
    wrong: dict[str, str] = {}
    if to_on < max(from_on, today):
        wrong["to_on"] = N_("The last day must not be before the first day or before today.")
    elif to_on - from_on > LONGEST:
        wrong["to_on"] = N_("An absence lasts at most one year.")
    elif declared:
        wrong["from_on"] = N_("Another absence has been declared for some of these days.")
    if deputy_id not in {each.id for each in candidates(session, user.id, today)}:
        wrong["deputy"] = N_("Choose a colleague of the same department.")
    elif _overlapping(session, deputy_id, from_on, to_on):
        wrong["deputy"] = N_("This colleague is away in that time too.")
    if wrong:
        raise Invalid(wrong)


def _overlapping(session: Session, user_id: str, from_on: date, to_on: date) -> list[Absence]:
    return list(
        session.scalars(
            select(Absence).where(
                Absence.user_id == user_id, Absence.ended_at.is_(None), Absence.from_on <= to_on,
                Absence.to_on >= from_on,
            )
        )
    )  # fmt: skip


def end(rt: Runtime, actor: Actor, absence_id: str, *, now: datetime) -> None:
    """The colleague is back, or does not go: the deputy's rights end at once. Raises NotFound."""
    with rt.write() as session:
        found = session.get(Absence, absence_id)
        user = session.get(User, found.user_id) if found is not None else None
        if found is None or user is None or not reach_of(rt, actor).covers(user, rt.today(now)):
            raise NotFound()
        if found.ended_at is None:
            found.ended_at = now


def shown_to(rt: Runtime, session: Session, actor: Actor, today: date) -> list[tuple[Absence, User, User]]:
    """Absences that are not over: one's own, those one stands in for, a head's department and supervision's areas."""
    rows = session.scalars(
        select(Absence).where(Absence.ended_at.is_(None), Absence.to_on >= today).order_by(Absence.from_on, Absence.id)
    ).all()
    found = [(row, session.get_one(User, row.user_id), session.get_one(User, row.deputy_id)) for row in rows]
    reach = reach_of(rt, actor)
    return [f for f in found if f[2].id == actor.id or reach.covers(f[1], today)]


def staff_within(rt: Runtime, session: Session, actor: Actor, today: date) -> list[User]:
    """Whose absence the actor may declare (`Reach`)."""
    users = session.scalars(select(User).where(User.kind == "staff", User.disabled_at.is_(None)).order_by(User.login))
    reach = reach_of(rt, actor)
    return [user for user in users.unique() if reach.covers(user, today)]
