"""Races on one case: many clerks for one step, and every pair of actions at once. Real threads, each with a connection.

`python -m tests.hard.races [--races N] [--each M] [--database sqlite|postgresql]`. In a race two to twenty clerks act
on the page that all of them see; exactly one may win, and every other one must be told who was first. In a pair two
different people act at the same moment on the case as both see it; whatever the order, each is either done once or
refused with a reason, and the records agree. Exit 1 where anything else happened.
"""

from __future__ import annotations

import argparse
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from random import Random
from typing import Any

from govservice.engine import MAIN, Actor, Applied, Command, apply_retrying, recount
from govservice.errors import Forbidden, NotAllowed, PortalError, Stale
from govservice.models.base import new_id
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.engine.world import CALENDARS, WU, ZHANG, World, shown, staff
from tests.hard import pairs
from tests.hard.servers import serving
from tests.hard.told import on_each
from tests.support.verified import relied_on, verify

KEYRING = Keyring({"test1": bytes(range(32))}, bytes(range(32, 64)))
MOST = 20  # clerks in one race
WINDOWS = [staff(f"window-{n}", "window@service_hall") for n in range(MOST)]
FIRES = [staff(f"fire-{n}", "fire@fire_rescue") for n in range(MOST)]
SIGNS = [staff(f"sign-{n}", "urban@urban_mgmt") for n in range(MOST)]
HEADS = [staff(f"head-{n}", "head@market_reg") for n in range(MOST)]
CLEAR = (Stale, NotAllowed, Forbidden)  # each says what stands in the way
Ending = Applied | PortalError


@dataclass
class Tally:
    """What came of a run. `wrong` tells what must not be."""

    races: int = 0
    sizes: Counter[int] = field(default_factory=Counter)
    losers: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.wrong


class Ground:
    """Where races are run: a database, and threads that start together."""

    def __init__(self, database: Database, seed: int) -> None:
        self.db, self.random, self.tally = database, Random(seed), Tally()
        self.threads = ThreadPoolExecutor(MOST)

    def together(self, commands: Sequence[Command], w: World) -> list[Ending]:
        """Sends all at the same moment, each from a thread and a connection of its own."""
        gate = threading.Barrier(len(commands))

        def go(command: Command) -> Ending:
            gate.wait(60)
            try:
                return apply_retrying(self.db, command, w.definitions, CALENDARS)
            except PortalError as refused:
                return refused

        return list(self.threads.map(go, commands))

    def close(self) -> None:
        self.threads.shutdown()


# -- many for one step


def races(ground: Ground, count: int) -> None:
    """`count` races, four on each case: to accept, to pass two branches, to decide."""
    w = World(ground.db)
    while ground.tally.races < count:
        w.submit()
        with ground.db.write() as session:
            verify(session, w.case_id, relied_on(w.d), w.now)
        for field_of, token, actions in stations(w):
            race(ground, w, field_of, token, actions)
        with ground.db.read() as session:
            ground.tally.wrong += recount(session, w.case_id, w.definitions, CALENDARS)


def stations(w: World) -> Iterator[tuple[list[Actor], int | str, tuple[str, ...]]]:
    yield WINDOWS, MAIN, ("accept",)
    yield FIRES, "review.fire", ("pass", "fail")
    if w.state.main.step == "review":
        yield SIGNS, "review.sign", ("pass",)
        w.do(ZHANG, "pass", "review.food")
        w.do(ZHANG, "pass", "review.food", attachments=("site_report",))
        w.do(WU, "pass", "review.food")
    if w.state.main.step == "decision":
        yield HEADS, MAIN, ("approve",)


def race(ground: Ground, w: World, people: list[Actor], token: int | str, actions: tuple[str, ...]) -> None:
    size = ground.random.randint(2, MOST)
    state, tally = w.state, ground.tally
    place = token if isinstance(token, int) else state.token_of(token).id  # type: ignore[union-attr]
    commands = [
        Command(
            w.case_id, action := ground.random.choice(actions), new_id(), w.now, who, token_id=place,
            expected=shown(state, place), reason="x" if action in ("fail", "refuse") else None,
        )
        for who in ground.random.sample(people, size)
    ]  # fmt: skip
    endings = ground.together(commands, w)
    winners = [c.actor.id for c, e in zip(commands, endings, strict=True) if isinstance(e, Applied)]
    tally.races += 1
    tally.sizes[size] += 1
    if len(winners) != 1:
        tally.wrong.append(f"{len(winners)} winners of {size} at {token}")
        return
    for ending in endings:
        if isinstance(ending, PortalError):
            tally.losers[type(ending).__name__] += 1
            if not (isinstance(ending, Stale) and any(e.actor == winners[0] for e in ending.events)):
                tally.wrong.append(f"a loser was told {ending!r}, not who was first")


# -- every two actions


def every_pair(ground: Ground, each: int) -> None:
    """Every pair of concurrent actions (decide, withdraw, correct, reassign, timer, join), `each` times."""
    scene = pairs.Scene(ground.db)
    for one, two in combinations_with_replacement(pairs.ACTIONS, 2):
        for _ in range(each):
            _pair(ground, scene, one, two)


def _pair(ground: Ground, scene: pairs.Scene, one: str, two: str) -> None:
    w, tally = scene.world, ground.tally
    scene.set()
    late = "timer" in (one, two)
    commands = [scene.command(one, 0, late=late), scene.command(two, 1, late=late)]
    ground.random.shuffle(commands)
    endings = ground.together(commands, w)
    tally.pairs[f"{one} + {two}"] += 1
    done = [e for e in endings if isinstance(e, Applied) and (e.events or e.fired)]
    refused = [e for e in endings if isinstance(e, PortalError)]
    name = f"{one} + {two} in {w.case_id}"
    if not done:
        tally.wrong.append(f"{name}: nobody was done")
    if one == two and len(done) != 1:
        tally.wrong.append(f"{name}: {len(done)} were done")
    tally.wrong += [f"{name}: {e!r} is no clear word" for e in refused if not isinstance(e, CLEAR) or not str(e)]
    for refusal in refused:
        tally.losers[type(refusal).__name__] += 1
    with ground.db.read() as session:
        tally.wrong += [f"{name}: {d}" for d in recount(session, w.case_id, w.definitions, CALENDARS)]


def on(kind: str, work: Callable[[Ground], None], seed: int) -> Tally:
    """Runs `work` on a fresh database of that kind."""
    with serving(kind) as server:
        engine = make_engine(server.url, pool_size=MOST)
        ground = Ground(Database(engine, KEYRING), seed)
        try:
            work(ground)
            return ground.tally
        finally:
            ground.close()
            engine.dispose()


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hard.races")
    parser.add_argument("--races", type=int, default=10_000, help="races on each database")
    parser.add_argument("--each", type=int, default=100, help="times of each pair on each database")

    def play(kind: str, given: argparse.Namespace) -> tuple[bool, dict[str, Any]]:
        def work(ground: Ground) -> None:
            races(ground, given.races)
            every_pair(ground, given.each)

        tally = on(kind, work, given.seed)
        return tally.ok, {
            "races": tally.races, "racers": sum(size * count for size, count in tally.sizes.items()),
            "pairs": dict(tally.pairs), "losers": dict(tally.losers), "wrong": tally.wrong[:5],
        }  # fmt: skip

    return on_each(parser, arguments, play)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
