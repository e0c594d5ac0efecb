"""A few of the cases that `tests.hard.changed` and `tests.hard.deferred` play by the ten thousand.

What the long runs came to stands in docs/durability.md."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from govservice.models.session import Database
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.hard import changed, deferred
from tests.hard.relying import Scene, staged
from tests.support.sandboxes import Sandbox

__all__ = ["_sandbox_process", "sandbox"]


@pytest.fixture
def stage(database: Database, database_url: str, tmp_path: Path, sandbox: Sandbox) -> Iterator[Scene]:
    with staged(database, database_url, tmp_path, sandbox.url) as made:
        yield made


def test_every_change_that_matters_stops_the_decision_and_no_other_way_of_writing_does(stage: Scene) -> None:
    tally = changed.play_changed(stage, Random(3), 24, share=0.4)
    assert (tally.missed, tally.false_stops) == ([], [])
    assert tally.stopped >= 5, "and it was put to the test"
    assert len(tally.met) >= 6


def test_registries_silent_for_hours_lose_no_application_and_what_waits_is_settled_after_the_recovery(
    stage: Scene,
) -> None:
    ok, came = deferred.play_deferred(stage, 24, timedelta(hours=1))
    assert ok, came
    assert (came["lost"], came["left"]) == (0, 0)
    assert came["settled"] == came["needs"]
