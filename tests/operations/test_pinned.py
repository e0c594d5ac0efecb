"""A case is pinned to the version it began with: it runs on when the file says something else."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from config import ROOT, Settings
from govservice.engine import Actor, Command, apply
from govservice.errors import Forbidden
from govservice.models.session import Database
from govservice.operations.publishing import publish_all
from govservice.operations.startup import open_runtime
from tests.operations.conftest import Play


def renamed_step(folder: Path) -> Path:
    """A copy of the shipped files in which a step of open_restaurant has another name."""
    copy = shutil.copytree(ROOT / "workflows", folder / "workflows")
    path = copy / "services" / "open_restaurant.yaml"
    text = path.read_text(encoding="utf-8")
    assert "\n  acceptance:" in text
    changed = text.replace("\n  acceptance:", "\n  intake_desk:").replace("to: acceptance,", "to: intake_desk,")
    path.write_text(changed, encoding="utf-8")
    return copy


def test_a_running_case_ends_on_its_own_version(
    play: Play, settings: Settings, database: Database, tmp_path: Path
) -> None:
    play.draft()
    play.submit()
    old = play.rt.definitions.current("open_restaurant").sha
    later = open_runtime(
        replace(settings, workflows_dir=renamed_step(tmp_path)),
        {"database": database, "wall": play.clock, "simulated": False, "gateway": play.rt.gateway},
    )
    assert publish_all(later, by="test", now=play.now) == ["open_restaurant"]
    assert later.definitions.current("open_restaurant").sha != old

    play.rt = later  # the portal was started anew: it holds the new files only
    assert play.steps == {"": "acceptance"}
    play.act("li.na", "", "accept")
    assert set(play.steps) == {"", "review.food", "review.fire", "review.sign"}


def test_nobody_decides_for_an_enterprise_of_their_own(play: Play) -> None:
    play.draft()
    play.submit()
    organisation = play.citizen("wang.fang").organisation_id
    assert organisation is not None
    clerk: Actor = replace(play.staff("li.na"), acts_for=(organisation,))
    command = Command(case_id=play.case_id, trigger="accept", idem="own", now=play.now, actor=clerk, token_id=1)
    with play.rt.write() as session, pytest.raises(Forbidden) as refused:
        apply(session, command, play.rt.definitions, play.rt.calendars)
    assert refused.value.code == "own_case"
