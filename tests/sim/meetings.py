"""Meetings with applicants: an hour is chosen, moved or set; two teams of a department go out at a time, and nobody has
an hour twice. Which hours there are is counted here again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any

from govservice.models.base import to_iso
from govservice.operations import appointing
from tests.sim.reading import Case, Token
from tests.sim.tables import Broken, text_of
from tests.sim.world import Sim

ROWS = "SELECT case_id, token_id, seq, department_id, starts_at, lane FROM appointments"
TEAMS, DAYS, HOURS = 2, 10, (9, 10, 11, 14, 15, 16)
ONE = timedelta(days=1)


def places(sim: Sim, case: Case) -> list[Token]:
    """Parts that stand at a step for which people meet."""
    d = sim.rules.of(case)
    return [t for t in case.tokens.values() if t.open and t.step in d.steps and d.steps[t.step].appointment]


def hours(sim: Sim) -> Iterator[datetime]:
    """Of the next ten working days, in the office's own time."""
    day, left = sim.today(), DAYS
    while left:
        day += ONE
        if sim.days.works(day):
            left -= 1
            yield from (datetime.combine(day, time(hour), sim.days.zone).astimezone(UTC) for hour in HOURS)


def choose(sim: Sim, case: Case) -> None:
    """The applicant picks an hour, or the department does; now and then somebody else tries to, or at midnight."""
    pick, office = sim.random, sim.office
    token = pick.choice(places(sim, case))
    role = sim.rules.of(case).steps[token.step].owner
    applicant = sim.who(f"applicant:{case.person}")
    actor = sim.acting(pick.choice([*[applicant] * 6, *office.holders(role), *office.citizens]))
    if actor.kind == "user" and any(each.person_id for each in (actor, *actor.deputy_for)):
        actor = applicant  # of whom a private person is known, registries are asked first: none are played here
    hour = pick.choice(list(hours(sim))[: pick.choice((1, 3, 60))])
    hour += timedelta(hours=0 if pick.random() < 0.9 else 13)
    key = office.key()
    why = refused(sim, case, token, actor, role, hour)
    said = sim.carry_out(
        lambda: appointing.choose(office.rt, actor, case.id, token.id, hour, idem=key, now=office.now)
    )  # fmt: skip
    sim.settle()
    sim.note(f"{actor.id} wants {hour:%m-%d %H:%M} for {case.id[-4:]}: {said.outcome} {said.hit} {said.error or ''}")
    if said.outcome == "done" and why is not None:
        raise Broken("I4", f"{actor.id} was given {hour} although: {why}")
    if said.outcome == "refused" and why is None and not sim.due(case):
        raise Broken("I6", f"{actor.id} may have {hour}, and was refused: {said.error!r}")
    judge(sim)


def refused(sim: Sim, case: Case, token: Token, actor: Any, role: str, hour: datetime) -> str | None:
    mine = actor.kind == "applicant" and actor.person_id == case.person
    clerk = sim.rules.in_role(case, actor, role) and not sim.rules.conflict(case, actor, role, token)
    if not mine and not clerk:
        return "not theirs"
    if token.status != "active":
        return "the part waits"
    if hour not in set(hours(sim)):
        return "no such hour"
    if case.meetings.get(token.id) == to_iso(hour):
        return None
    department = sim.rules.department(case, role)
    busy = [row for row in present(sim) if (row[3], text_of(row[4])) == (department, to_iso(hour))]
    others = [row for row in busy if (row[0], row[1]) != (case.id, token.id)]
    return "both teams are out" if len(others) >= TEAMS else None


def present(sim: Sim) -> list[Any]:
    """Rows of stays that have not ended."""
    found = []
    for row in sim.eye.rows(ROWS):
        token = sim.case(row[0]).tokens.get(row[1])
        if token is not None and token.open and token.entered_seq == row[2]:
            found.append(row)
    return found


def judge(sim: Sim) -> None:
    """Every meeting that a case knows has its team's hour, and the reverse."""
    rows = present(sim)
    told = {(row[0], row[1]): text_of(row[4]) for row in rows}
    known = {(case.id, token): hour for case in sim.open_cases() for token, hour in case.meetings.items()}
    if {k: told.get(k) for k in known} != known or any(k not in known for k in told if k[0] in set(sim.live)):
        raise Broken("I5", f"meetings: the table says {told}, the events {known}")
    twice = [place for place, n in Counter((row[3], text_of(row[4]), row[5]) for row in rows).items() if n > 1]
    if twice or any(row[5] not in range(TEAMS) for row in rows):
        raise Broken("I5", f"a team is in two places: {twice}")
