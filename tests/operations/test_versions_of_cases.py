"""Publishing versions while cases run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.library import load_library
from govservice.models.cases import Case, Definition
from govservice.models.exchange import Grant
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from tests.operations.conftest import Play


@pytest.fixture
def rt(runtime: Runtime) -> Runtime:
    return runtime


# -- publishing


def changed_library(folder: Path) -> Any:
    """The shipped definitions, with one promise changed."""
    import shutil

    shutil.copytree(ROOT / "workflows", folder / "workflows")
    file = folder / "workflows" / "services" / "open_restaurant.yaml"
    text = file.read_text("utf-8")
    assert "promised: 15wd" in text
    file.write_text(text.replace("promised: 15wd", "promised: 12wd"), "utf-8")
    return load_library(folder / "workflows")


def test_a_new_version_and_the_case_that_began_before_it(rt: Runtime, play: Play, tmp_path: Path) -> None:
    play.draft()
    play.submit()
    old = rt.definitions.current("open_restaurant").sha
    newer = replace(rt, definitions=changed_library(tmp_path))
    assert publish_all(newer, by="qian.yu", now=play.now) == ["open_restaurant"]
    assert publish_all(newer, by="qian.yu", now=play.now) == [], "again changes nothing"
    assert newer.definitions.by_sha(old).sha == old, "publishing looked at what running cases need"
    play.rt = newer
    play.act("li.na", "", "accept")
    clock = play.state.clocks["limit:decision"]
    assert clock.promised == "15wd", "a running case keeps the promise it was given"
    with newer.read() as session:
        assert session.get_one(Case, play.case_id).def_sha == old
        versions = {d.version: d.status for d in session.scalars(select(Definition).where(
            Definition.service == "open_restaurant"))}  # fmt: skip
    assert versions == {1: "retired", 2: "published"}
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    assert play.state.clocks["limit:decision"].promised == "12wd"


def test_going_back_to_an_earlier_version(rt: Runtime, play: Play, tmp_path: Path) -> None:
    newer = replace(rt, definitions=changed_library(tmp_path))
    publish_all(newer, by="x", now=play.now)
    assert publish_all(rt, by="x", now=play.now) == ["open_restaurant"]
    with rt.read() as session:
        rows = session.scalars(select(Definition).where(Definition.service == "open_restaurant")).all()
    assert {d.version: d.status for d in rows} == {1: "published", 2: "retired"}


def test_publishing_gives_no_revoked_grant_back(rt: Runtime, play: Play) -> None:
    with rt.write() as session:
        session.get_one(Grant, "GR-2031").revoked_at = play.now
    publish_all(rt, by="x", now=play.now)
    with rt.read() as session:
        assert session.get_one(Grant, "GR-2031").revoked_at == play.now
