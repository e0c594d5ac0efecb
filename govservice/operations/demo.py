"""Loading the demonstration: definitions, people, then ninety days of history, each only where it is missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from govservice.exchange.sandbox import province
from govservice.exchange.sandbox.direct import direct_gateway
from govservice.models.cases import Case
from govservice.models.session import Database, make_engine
from govservice.models.system import SimulatedClock
from govservice.operations import demo_plan, demo_scenes
from govservice.operations.clock import set_clock
from govservice.operations.demo_cast import load_cast
from govservice.operations.demo_history import History, Progress
from govservice.operations.demo_people import add_applicants, is_loaded
from govservice.operations.demo_staff import Staff
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime

AREA = "huaxi"  # where the cast works, whose calendar the arrivals follow


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did. `cases` is how many the database holds now; `new` how many of them this load made."""

    accounts: int
    new: int
    cases: int


def load(rt: Runtime, cases: int, progress: Progress) -> Loaded:
    """Loads what is missing: the cast, definitions and, for more than no case, the history up to the portal's present.

    Raises NotAllowed outside demo mode.
    """
    now = rt.now()
    accounts = load_cast(rt, now=now)  # people first: a service that nobody can carry out is not put in force
    publish_all(rt, by="system", now=now)
    with rt.read() as session:
        before, loaded = _count(session), is_loaded(session)
        clock = session.get(SimulatedClock, 1)
    new = load_history(rt, cases, now, progress) if cases and not loaded else 0
    if clock is None and rt.simulated:
        set_clock(rt, rt.now())
    return Loaded(accounts, new, before + new)


def load_history(rt: Runtime, cases: int, now: datetime, progress: Progress) -> int:
    """Plays the plan of `cases` cases and the cast's own scenes up to `now`, in one transaction. Returns how many."""
    made = province.build()
    calendar = rt.calendars.for_area(AREA)
    fates = [*demo_plan.draw(made, cases, now, calendar), *demo_scenes.scenes(made, now, calendar)]
    loading = _loading(rt)
    try:
        with loading.write() as session:
            if session.connection().dialect.name == "postgresql":
                session.execute(text("SET LOCAL synchronous_commit = off"))
            applicants = add_applicants(session, made, fates)
            history = History(loading, session, Staff(session), now)
            history.plan(fates, applicants)
            history.play(progress, len(fates))
            return history.filed
    finally:
        loading.database.engine.dispose()
        loading.gateway.close()


def _loading(rt: Runtime) -> Runtime:
    """The same portal with a connection of its own, not slowed by waiting for the disk, and registries in memory."""
    url = rt.database.engine.url.render_as_string(hide_password=False)
    database = Database(make_engine(url, synchronous="NORMAL"), rt.keyring)
    return replace(rt, database=database, gateway=direct_gateway(rt.definitions.catalogue))


def _count(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Case)) or 0
