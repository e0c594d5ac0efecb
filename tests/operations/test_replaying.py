"""Clause 10, replay on a draft: N cases from the database, played on a file; the erased are reported, not replayed."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import update

from config import ROOT
from govservice.commands.definitions import command
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.loader import Rules, load_file
from govservice.engine.replay import Verdict
from govservice.models.people import Person
from govservice.operations import replaying
from govservice.operations.replaying import replay_on
from tests.conftest import INDEX_KEY, KEKS
from tests.operations.conftest import Play

SERVICE = "open_restaurant"
FILE = ROOT / "workflows" / "services" / f"{SERVICE}.yaml"


@pytest.fixture
def cases(play: Play) -> list[str]:
    """A case that was withdrawn, one that was declined, one in its branches."""
    from govservice.operations import filing

    numbers = [play.draft()]
    play.submit()
    filing.withdraw(play.rt, play.citizen("wang.fang"), play.case_id, reason=None, idem=play.key(), now=play.now)
    numbers.append(play.draft())
    play.submit()
    play.act("li.na", "", "decline", reason="not ours")
    numbers.append(play.draft())
    play.submit()
    play.act("li.na", "", "accept")
    play.act("zhang.qiang", "review.food", "pass")
    return numbers


def draft(play: Play, tmp_path: Path, old: str = "", new: str = "") -> Compiled:
    text = FILE.read_text("utf-8")
    assert old in text
    (tmp_path / "draft.yaml").write_text(text.replace(old, new, 1) if old else text, "utf-8")
    rules = Rules(play.rt.definitions.catalogue)
    return compile_service(
        load_file(tmp_path / "draft.yaml", "draft", rules).service, catalogue=play.rt.definitions.catalogue
    )


def test_cases_are_played_on_a_draft_and_nothing_is_written(play: Play, cases: list[str], tmp_path: Path) -> None:
    same = replay_on(play.rt, draft(play, tmp_path), limit=100)
    assert (same.cases, dict(same.kinds)) == (3, {"same": 3})
    assert replay_on(play.rt, draft(play, tmp_path), limit=2).cases == 2, "the newest ones"
    other = replay_on(play.rt, draft(play, tmp_path, "decline: {to: refused", "decline: {to: withdrawn"), limit=9)
    assert dict(other.differences) == {Verdict("other", was="refused", would="withdrawn"): 1}
    assert list(other.examples.values()) == [[cases[1]]]
    gone = replay_on(play.rt, draft(play, tmp_path, "      decline:", "      turn_down:"), limit=9)
    assert dict(gone.differences) == {Verdict("impossible", "acceptance", "decline", "no_action"): 1}


def test_the_erased_are_reported_not_replayed(play: Play, cases: list[str], tmp_path: Path) -> None:
    with play.rt.write() as session:
        session.execute(update(Person).values(key_wrapped=None, erased_at=play.now))
    found = replay_on(play.rt, draft(play, tmp_path), limit=100)
    assert (found.cases, dict(found.kinds)) == (3, {"erased": 3})


def test_from_the_command_line_in_two_processes(
    play: Play, cases: list[str], database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flask definitions replay DRAFT.yaml [--cases N] [--json]`: exit 0 where all end the same, 1 where not."""
    kek = ",".join(f"{id}:{base64.b64encode(key).decode()}" for id, key in KEKS)
    settings = {
        "GOVSERVICE_MODE": "demo", "DATABASE_URL": database_url, "VAR_DIR": str(tmp_path), "KEK": kek,
        "INDEX_KEY": base64.b64encode(INDEX_KEY).decode(),
    }  # fmt: skip
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("govservice.commands._versions.runtime", lambda: play.rt)
    monkeypatch.setattr(replaying, "SHARED_FROM", 1)
    monkeypatch.setattr(replaying, "CHUNK", 2)
    monkeypatch.chdir(ROOT)
    draft(play, tmp_path, "decline: {to: refused", "decline: {to: withdrawn")
    run = CliRunner().invoke
    done = run(command, ["replay", str(tmp_path / "draft.yaml"), "--json"])
    said = json.loads(done.output)
    assert (done.exit_code, said["cases"], said["same"], said["other"]) == (1, 3, 2, 1)
    assert said["differences"][0]["examples"] == [cases[1]]
    same = run(command, ["replay", str(FILE), "--processes", "1"])
    assert (same.exit_code, "3 cases: 3 the same" in same.output) == (0, True)
    (tmp_path / "broken.yaml").write_text("service: [", "utf-8")
    broken = run(command, ["replay", str(tmp_path / "broken.yaml")])
    assert (broken.exit_code, "E-YAML" in broken.output) == (1, True)
