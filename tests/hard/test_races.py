"""A few of the races that `make races` runs by the ten thousand (docs/durability.md)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from tests.hard.pairs import ACTIONS
from tests.hard.races import MOST, Ground, every_pair, races


@pytest.fixture
def ground(database_url: str, keyring: Keyring) -> Iterator[Ground]:
    engine = make_engine(database_url, pool_size=MOST, synchronous="OFF")
    made = Ground(Database(engine, keyring), seed=3)
    yield made
    made.close()
    engine.dispose()


def test_races_have_one_winner_and_every_pair_of_actions_ends_well(ground: Ground) -> None:
    """Two to twenty clerks racing on one case: one winner each, a clear message for the losers; every pair of
    concurrent actions (decide, withdraw, correct, reassign, timer, join)."""
    races(ground, 12)
    every_pair(ground, 1)
    assert ground.tally.wrong == []
    assert len(ground.tally.pairs) == len(ACTIONS) * (len(ACTIONS) + 1) // 2
    assert ground.tally.losers["Stale"] > 50
