"""The figures of the supervisor's desk and of the home page against a recount of the accounts (I9)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from govservice.queries import figures, turnaround
from tests.sim.office import AREA
from tests.sim.reading import Case
from tests.sim.tables import Broken
from tests.sim.world import Sim
from tests.support.recount import Office, at, rank

WINDOW = timedelta(days=90)
ONE = timedelta(days=1)


def recount(sim: Sim) -> None:
    """Raises Broken for the first figure that differs."""
    office, now = sim.office, sim.office.now
    calendar = office.calendars.for_area(AREA)
    scope = turnaround.Scope((AREA,), now - WINDOW)
    with office.database.read() as session:
        decided = turnaround.decided_cases(session, scope, office.definitions, office.calendars)
        strip = turnaround.case_figures(session, scope, decided, calendar, now)
        steps = turnaround.step_figures(session, scope, now)
        waiting = turnaround.cases_with_applicant(session, scope)
        home = figures.home_figures(session, office.definitions, office.calendars, now)
    cases = [account.case for account in sim.accounts.values()]
    here = [case for case in cases if case.area == AREA]
    mine = {case.id: found for case in here if (found := decision(sim, case, now - WINDOW)) is not None}
    _same("cases decided", {d.case_id: (d.seconds, d.in_promise) for d in decided}, mine)
    _same("open, late and soon", (strip.open, strip.late, strip.late_soon), dates(sim, here))
    times = [seconds for seconds, _ in mine.values()]
    kept = sum(in_time for _, in_time in mine.values())
    _same("decisions", (strip.decided, strip.on_time_promised, strip.median_s, strip.p90_s),
          (len(mine), kept, rank(times, 0.5), rank(times, 0.9)))  # fmt: skip
    told = {(f.service, f.step): (f.waiting, f.late, f.stopped) for f in steps if f.waiting or f.late or f.stopped}
    _same("work at the steps", told, {key: n for key, n in work(sim, here) if "." in key[1] or key[1] not in FORKS})
    opened = [case for case in here if case.status == "open"]
    asked = sum(any(t.waits_for == "correction" for t in case.tokens.values()) for case in opened)
    _same("cases with the applicant", waiting, asked)
    sent = sum("received" in case.marks and at(case.marks["received"]) >= now - WINDOW for case in cases)
    _same("cases sent", home.sent, sent)


FORKS = ("review", "together")  # parallel steps: the stays in their branches say who has the case


def _same(what: str, told: Any, mine: Any) -> None:
    if told != mine:
        if isinstance(told, dict):
            told, mine = ({k: v for k, v in each.items() if other.get(k) != v}
                          for each, other in ((told, mine), (mine, told)))  # fmt: skip
        raise Broken("I9", f"{what}: the desk says {told}, a recount {mine}")


def decision(sim: Sim, case: Case, since: datetime) -> tuple[int, bool] | None:
    """Office seconds that the decision took without pauses, and whether it came by the promised day; None where it was
    not decided in the period."""
    limits = sim.rules.of(case).limits
    key = next((f"limit:{name}" for name, said in limits.items() if said.stop == "decided"), None)
    limit = case.limits.get(key or "")
    if limit is None or limit.stopped is None or "decided" not in case.marks or at(limit.stopped) < since:
        return None
    office, stopped = Office(sim.office.calendars.for_area(AREA)), at(limit.stopped)
    pauses = [[at(a), min(at(b), stopped)] for a, b, _ in limit.pauses]
    in_time = limit.promised_on is None or office.day(stopped) <= date.fromisoformat(limit.promised_on)
    return office.without_pauses(at(limit.started), stopped, pauses), in_time


def dates(sim: Sim, cases: list[Case]) -> tuple[int, int, int]:
    """Cases that are open; of these past the day that was promised, or due within two working days."""
    today, soon, left = sim.today(), sim.today(), 2
    while left:
        soon += ONE
        left -= sim.days.works(soon)
    opened = [case for case in cases if case.status == "open"]
    due = [date.fromisoformat(day) for case in opened if (day := _due(case)) is not None]
    return len(opened), sum(day < today for day in due), sum(today <= day <= soon for day in due)


def _due(case: Case) -> str | None:
    running = [limit for limit in case.limits.values() if limit.running]
    last = max(running, key=lambda limit: limit.started, default=None)
    return (last.promised_on or last.statutory_on) if last is not None else None


def work(sim: Sim, cases: list[Case]) -> Iterator[tuple[tuple[str, str], tuple[int, int, int]]]:
    """By service and step: what waits for its department, what of all that stands there is late, and what waits for
    the applicant."""
    now = sim.office.now.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    waiting, late, stopped = Counter[Any](), Counter[Any](), Counter[Any]()
    for case in cases:
        for task in case.tasks.values():
            token, key = case.tokens[task["token"]], (case.service, task["step"])
            asked = (token.waits_for or "").startswith("correction")
            if task["watch"] or (task["status"] == "waiting" and not asked):
                continue
            due = case.stays.get(token.id, (None, None))[1]
            (stopped if token.waits_for == "correction" else waiting)[key] += 1
            late[key] += due is not None and due <= now
    for key in {*waiting, *late, *stopped}:
        yield key, (waiting[key], late[key], stopped[key])
