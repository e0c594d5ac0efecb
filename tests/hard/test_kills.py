"""A few of the kills that `make kills` makes by the hundred (docs/durability.md)."""

from __future__ import annotations

import pytest

from tests.hard.kills import run
from tests.hard.servers import KINDS


@pytest.mark.slow
@pytest.mark.parametrize("kind", [KINDS[0], pytest.param(KINDS[1], marks=pytest.mark.postgres)])
def test_what_was_acknowledged_is_there_once_after_kill_9_and_restart(kind: str) -> None:
    """kill -9 and database restart under load on both databases: nothing acknowledged lost or doubled."""
    found = run(kind, kills=6, minutes=0.12, clerks=2, applicants=1)
    assert (found.lost, found.faults, found.strange, found.undelivered) == ([], [], [], 0)
    assert sum(found.kills.values()) + found.idle > 0
    assert found.acknowledged > 0
