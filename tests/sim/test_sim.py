"""Clause "Durability": one simulation with everything injected, replayable by seed, and the proof that it sees: bugs
that are put in one by one (docs/simulation.md)."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sim.bugs import apply
from tests.sim.bugs.__main__ import copy, play
from tests.sim.bugs.catalogue import BUGS
from tests.sim.places import Places
from tests.sim.runner import run
from tests.sim.tables import Broken

SAMPLED = ("recheck-forgotten", "four-eyes-skipped", "timer-lost-on-pause")


@pytest.fixture(scope="module")
def lite_places() -> Iterator[Places]:
    with Places() as places:
        yield places


@pytest.mark.parametrize("seed", [101, 102, 103, 104])
def test_20000_steps_on_sqlite(lite_places: Places, seed: int) -> None:
    with lite_places.fresh(seed) as url:
        report = run(seed, 5000, url)
    assert report.broken is None, "\n".join([report.line(), *report.trace])
    assert report.faulty >= report.steps // 5, report.line()


@pytest.mark.postgres
@pytest.mark.parametrize("seed", [201, 202])
def test_5000_steps_on_postgresql(postgres_server: str, seed: int) -> None:
    with Places(server=postgres_server) as places, places.fresh(seed) as url:
        report = run(seed, 2500, url)
    assert report.broken is None, "\n".join([report.line(), *report.trace])
    assert report.faulty >= report.steps // 5, report.line()


def test_what_is_found_in_a_process_of_the_pool_reaches_whoever_asked() -> None:
    found = pickle.loads(pickle.dumps(Broken("I4", "an absence that nobody declared")))
    assert (found.law, str(found)) == ("I4", "I4: an absence that nobody declared")


def test_a_seed_replays_a_run(lite_places: Places) -> None:
    """The same seed gives the same events to the byte: one hash over the heads of all chains."""
    digests = []
    for _ in range(2):
        with lite_places.fresh(7) as url:
            digests.append(run(7, 400, url).digest)
    assert digests[0] == digests[1]


@pytest.mark.parametrize("file", sorted({bug.file for bug in BUGS}))
def test_every_bug_still_applies(tmp_path: Path, file: str) -> None:
    from config import ROOT

    for bug in (bug for bug in BUGS if bug.file == file):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text((ROOT / file).read_text(encoding="utf-8"), encoding="utf-8")
        apply(bug, tmp_path)
        compile((tmp_path / file).read_text(encoding="utf-8"), file, "exec")


@pytest.mark.parametrize("name", SAMPLED)
def test_a_bug_is_seen(name: str) -> None:
    """Three of the list; `python -m tests.sim.bugs` plays them all."""
    bug = next(bug for bug in BUGS if bug.name == name)
    with copy() as root:
        apply(bug, root)
        assert play(root, bug).caught
