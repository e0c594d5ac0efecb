"""What costs no database: deciding, answering what is possible, checking definitions."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import thread_time

from bench.figure import Figure, figure, timed
from bench.office import FIRE, FOOD, HEAD, KEYRING, WINDOW, Office
from config import ROOT
from govservice.definitions.verify import verify
from govservice.engine import CaseState, Command, available, context, decide
from govservice.models import migrate
from govservice.models.session import Database, make_engine

REPEATS = 300


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        made = make_engine(f"sqlite:///{Path(folder) / 'pure.db'}", synchronous="OFF")
        migrate.upgrade(made)
        office = Office(Database(made, KEYRING))
        asked = list(_asked(office))
        yield from _deciding(office, asked)
        made.dispose()
    yield from _checking()


def _asked(office: Office) -> Iterator[tuple[CaseState, Command]]:
    """Every command of one case with the state that it met, answers at hand."""
    state = office.draft()
    way = office.way(state)
    command: Command | None = next(way)
    while command is not None:
        with office.db.read() as session:
            pinned = replace(state, data_rev=1) if state.status == "draft" else state
            state.ctx = context(session, office.definitions, office.calendars, pinned)
        yield state, command
        state = office.do(command).state
        try:
            command = way.send(state)
        except StopIteration:
            command = None


def _deciding(office: Office, asked: list[tuple[CaseState, Command]]) -> Iterator[Figure]:
    each = [
        median(timed(lambda s=state, c=command: decide(office.d, s, c, office.calendars), REPEATS, 10))  # type: ignore[misc]
        for state, command in asked
    ]
    yield figure("engine.decide_p50", median(each) * 1e6, "us", 40)
    yield figure("engine.decide_dearest", max(each) * 1e6, "us")
    per_action = []
    for state, _ in asked:
        assert state.ctx is not None
        for actor in (WINDOW, FOOD, FIRE, HEAD, office.applicant):
            offers = len(available(office.d, state, actor, state.ctx))
            seconds = timed(lambda s=state, a=actor: available(office.d, s, a, s.ctx), REPEATS, 5)  # type: ignore[misc, arg-type]
            if offers:
                per_action.append(median(seconds) / offers)
    yield figure("engine.available_per_action_p50", median(per_action) * 1e6, "us", 5)


def _checking() -> Iterator[Figure]:
    """The linear check and the exploration of each shipped definition, compiled before."""
    from govservice.definitions.library import load_library
    from govservice.engine.explore import explore
    from govservice.engine.explore_findings import problems_of

    library = load_library(ROOT / "workflows")
    for code in library.codes():
        compiled, loaded = library.current(code), library.loaded(code)
        linear = median(timed(partial(verify, compiled, loaded, library.catalogue), 50, 3, thread_time))
        yield figure(f"definitions.verify.{code}", linear * 1e3, "ms", 5)
        played = median(timed(lambda c=compiled: list(problems_of(explore(c))), 5, 1, thread_time))  # type: ignore[misc]
        yield figure(f"definitions.explore.{code}", played, "s", 1)
