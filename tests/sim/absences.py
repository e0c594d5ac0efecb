"""Who is away and who stands in, told a second time: the deputy has the absent one's roles in the departments to which
both belong, on the days of the absence, and never those of supervision (docs/clauses.md, People)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from govservice.engine import Actor
from govservice.errors import Invalid
from govservice.operations import absences
from tests.sim.office import COLLECTORS
from tests.sim.tables import Broken

ROWS = "SELECT id, user_id, deputy_id, from_on, to_on FROM absences WHERE ended_at IS NULL ORDER BY id"
NEVER = ("supervisor", "designer", "admin")


class Away(NamedTuple):
    """Somebody's absence; both days counted."""

    id: str
    user: str
    deputy: str
    first: date
    last: date


class Deputies:
    """The absences that hold, as the table tells them, and what follows for a day."""

    def __init__(self, staff: Mapping[str, Actor]) -> None:
        self.staff = staff
        self.away: list[Away] = []
        self.day: date | None = None
        self.known: dict[str, Actor] = {}

    def look(self, eye: Any) -> list[Away]:
        """Reads the table again. Returns what is new."""
        before = {each.id for each in self.away}
        self.away = [Away(*row[:3], *(_day(value) for value in row[3:])) for row in eye.rows(ROWS)]
        self.known = {}
        return [each for each in self.away if each.id not in before]

    def acting(self, actor: Actor, today: date) -> Actor:
        """Somebody with the colleagues for whom they stand in today."""
        if actor.kind != "user" or actor.id not in self.staff:
            return actor
        if today != self.day:
            self.day, self.known = today, {}
        if actor.id not in self.known:
            mine = [a for a in self.away if a.deputy == actor.id and a.first <= today <= a.last]
            base = self.staff[actor.id]
            self.known[actor.id] = replace(base, deputy_for=tuple(self._absent(a.user, base) for a in mine))
        return self.known[actor.id]

    def _absent(self, user: str, deputy: Actor) -> Actor:
        common = {department for _, department in deputy.roles}
        absent = self.staff[user]
        return replace(absent, roles=tuple(r for r in absent.roles if r[1] in common and r[0] not in NEVER))

    def deputy_of(self, user: str, today: date) -> str | None:
        return next((a.deputy for a in self.away if a.user == user and a.first <= today <= a.last), None)


def _day(value: Any) -> date:
    return value if isinstance(value, date) else date.fromisoformat(value)


def declare(sim: Any) -> None:
    """Somebody says that they are away, or supervision says it for them; whoever is back early says that too."""
    pick, deputies, office = sim.random, sim.deputies, sim.office
    if deputies.away and pick.random() < 0.2:
        return _end(sim, pick.choice(deputies.away))
    user = pick.choice(list(office.staff.values()))
    mine = {department for _, department in user.roles}
    near = [a for a in office.staff.values() if a.id != user.id and mine & {department for _, department in a.roles}]
    deputy = pick.choice(near if near and pick.random() < 0.9 else list(office.staff.values()))
    first = sim.today() + timedelta(days=pick.choice((0, 0, 0, 1, 3)))
    last = first + timedelta(days=pick.choice((0, 5, 9, 20)))
    near_boss = user.id not in COLLECTORS  # whoever supervises another district does not see them
    actor = office.staff["boss"] if pick.random() < 0.3 and near_boss else user
    known = any((a.user, a.deputy, a.first, a.last) == (user.id, deputy.id, first, last) for a in deputies.away)
    why_not = None if known else refused(sim, user, deputy, first, last)
    if why_not is not None and pick.random() < 0.8:
        return None
    said = sim.carry_out(lambda: absences.declare(office.rt, actor, user.id, deputy.id, first, last, now=office.now))
    made = deputies.look(sim.eye)
    sim.note(f"{user.id} is away from {first} to {last}, {deputy.id} stands in: {said.outcome} {said.hit}")
    if [(a.user, a.deputy, a.first, a.last) for a in made] not in ([], [(user.id, deputy.id, first, last)]):
        raise Broken("I2", f"an absence of {user.id} was declared, and there is {made}")
    if said.outcome == "done" and (bool(made) == known or why_not is not None):
        raise Broken("I4", f"the absence of {user.id} was accepted, and there is {made}: {why_not}")
    if said.outcome == "refused" and (why_not is None or not isinstance(said.error, Invalid)):
        raise Broken("I6", f"the absence of {user.id} from {first} was refused: {said.error!r}")
    _agree(sim, deputy.id)
    return None


def _end(sim: Any, away: Away) -> None:
    actor = sim.office.staff[away.user]
    said = sim.carry_out(lambda: absences.end(sim.office.rt, actor, away.id, now=sim.office.now))
    sim.deputies.look(sim.eye)
    if said.outcome == "done" and any(each.id == away.id for each in sim.deputies.away):
        raise Broken("I2", f"{away.user} is back, and {away.deputy} still stands in")
    _agree(sim, away.deputy)


def refused(sim: Any, user: Actor, deputy: Actor, first: date, last: date) -> str | None:
    """Why an absence may not be declared: a colleague of the same department stands in, who is there."""
    common = {d for r, d in user.roles if r not in NEVER} & {d for r, d in deputy.roles if r not in NEVER}
    if user.id == deputy.id or not common:
        return "no colleague"
    for each in sim.deputies.away:
        if each.user in (user.id, deputy.id) and each.first <= last and each.last >= first:
            return "away already"
    return None


def _agree(sim: Any, about: str) -> None:
    """The product's own reading of who stands in today is this one."""
    today = sim.today()
    with sim.office.database.read() as session:
        for user in sorted({about, *(each.deputy for each in sim.deputies.away)}):
            told = {(a.id, frozenset(a.roles)) for a in absences.deputy_for(session, user, today)}
            mine = sim.deputies.acting(sim.office.staff[user], today)
            if told != {(a.id, frozenset(a.roles)) for a in mine.deputy_for}:
                raise Broken("I4", f"{user} stands in for {told}, should be {mine.deputy_for}")
