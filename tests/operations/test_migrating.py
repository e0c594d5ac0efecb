"""Clause 10: `workflows/migrations/<from>_<to>.yaml` with a dry run that lists every case it cannot move and why."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import select, update

from config import ROOT
from govservice.commands.definitions import command
from govservice.definitions.findings import DefinitionError
from govservice.engine import recount
from govservice.errors import Forbidden, NotFound
from govservice.models.casedata import read_form
from govservice.models.cases import Case
from govservice.models.people import Person
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.invariants import check_cases
from govservice.operations.migrating import Moved, dry_run, migrate, route
from govservice.operations.proposing import approve, propose
from tests.operations.conftest import Play

SERVICE = "open_restaurant"
TEXT = (ROOT / "workflows" / "services" / f"{SERVICE}.yaml").read_text("utf-8")
# A step and a field have other names, the decision has another promise, a branch another limit.
NEW = (
    TEXT.replace("\n  acceptance:", "\n  intake_desk:").replace("to: acceptance,", "to: intake_desk,")
    .replace("menu.seats", "menu.chairs").replace("promised: 15wd", "promised: 12wd")
)  # fmt: skip
MAP = f"service: {SERVICE}\nsteps: {{acceptance: intake_desk}}\nfields: {{menu.seats: menu.chairs}}\n"


@pytest.fixture
def cases(play: Play, tmp_path: Path) -> dict[str, str]:
    """Numbers of a draft, a case at acceptance, one in the branches, one that waits for a correction; and version 2."""
    folder = shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    (folder / "migrations").mkdir(exist_ok=True)
    play.rt = replace(play.rt, settings=replace(play.rt.settings, workflows_dir=folder))  # type: ignore[type-var]
    found = {"draft": play.draft()}
    found["new"] = play.draft()
    play.submit()
    found["review"] = play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    play.act("zhang.qiang", "review.food", "pass")
    found["asked"] = play.draft()
    play.submit()
    play.act("li.na", "", "correct", reason="?", items={"menu.seats": "how many?"})
    id = propose(play.rt, play.staff("qian.yu"), NEW, "n", now=play.now)
    approve(play.rt, play.staff("zhao.lei"), id, now=play.now)
    return found


def codes(results: list[Moved]) -> dict[str, list[str]]:
    return {m.number: [r.code for r in m.reasons] for m in results}


def test_a_map_moves_what_can_be_moved_and_the_dry_run_says_the_same(play: Play, cases: dict[str, str]) -> None:
    way = route(play.rt, SERVICE, 1, 2)
    without = codes(list(dry_run(play.rt, way, now=play.now)))
    assert without[cases["new"]] == ["no_step"]
    assert without[cases["asked"]] == ["no_step"]
    assert without[cases["review"]] == ["not_asked"]
    (play.rt.settings.workflows_dir / "migrations" / "1_2.yaml").write_text(MAP, "utf-8")
    way = route(play.rt, SERVICE, 1, 2)
    before = _heads(play)
    foreseen = list(dry_run(play.rt, way, now=play.now))
    assert _heads(play) == before, "a dry run changes nothing"
    with pytest.raises(Forbidden):
        list(migrate(play.rt, play.staff("li.na"), way, now=play.now))
    assert list(migrate(play.rt, play.staff("qian.yu"), way, now=play.now)) == foreseen
    assert codes(foreseen) == dict.fromkeys(cases.values(), [])
    with play.rt.read() as session:
        rows = session.scalars(select(Case)).all()
        assert {row.def_sha for row in rows} == {way.new}
        for row in rows:
            assert recount(session, row.id, play.rt.definitions, play.rt.calendars) == []
            form = read_form(session, row.applicant_id, row.id)
            assert form.answers["menu.chairs"] == 68
            assert "menu.seats" not in form.answers
    assert [b for _, broken in check_cases(play.rt) for b in broken] == []
    assert list(migrate(play.rt, play.staff("qian.yu"), way, now=play.now)) == [], "nobody is left there"


def _heads(play: Play) -> list[tuple[str, str]]:
    with play.rt.read() as session:
        return [(row.number, row.head) for row in session.execute(select(Case.number, Case.head).order_by(Case.id))]


def test_moved_cases_go_on_and_can_be_moved_back(play: Play, cases: dict[str, str]) -> None:
    maps = play.rt.settings.workflows_dir / "migrations"
    (maps / "1_2.yaml").write_text(MAP, "utf-8")
    list(migrate(play.rt, play.staff("qian.yu"), route(play.rt, SERVICE, 1, 2), now=play.now))
    with play.rt.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == cases["new"])).one()
    assert play.steps == {"": "intake_desk"}
    play.act("li.na", "", "accept")
    assert play.state.clocks["limit:decision"].promised == "12wd"
    back = f"service: {SERVICE}\nsteps: {{intake_desk: acceptance}}\nfields: {{menu.chairs: menu.seats}}\n"
    way = route(play.rt, SERVICE, 2, 1)
    (maps / f"{way.old[:12]}_{way.new[:8]}.yaml").write_text(back, "utf-8")  # versions may go by their hashes
    moved = list(migrate(play.rt, play.staff("qian.yu"), route(play.rt, SERVICE, 2, 1), now=play.now))
    assert codes(moved) == dict.fromkeys(cases.values(), [])
    assert play.state.clocks["limit:decision"].promised == "15wd"
    play.clock.advance(timedelta(days=1))
    play.act("zhang.qiang", "review.food", "pass")
    assert [b for _, broken in check_cases(play.rt) for b in broken] == []


def test_an_erased_applicants_case_is_told_and_stays(play: Play, cases: dict[str, str]) -> None:
    (play.rt.settings.workflows_dir / "migrations" / "1_2.yaml").write_text(MAP, "utf-8")
    way = route(play.rt, SERVICE, 1, 2)
    with play.rt.write() as session:
        session.execute(update(Person).values(key_wrapped=None, erased_at=play.now))
    foreseen = list(dry_run(play.rt, way, now=play.now))
    assert codes(foreseen) == dict.fromkeys(cases.values(), ["erased"])
    assert list(migrate(play.rt, play.staff("qian.yu"), way, now=play.now)) == foreseen


def test_a_map_that_names_what_is_not_there(play: Play, cases: dict[str, str]) -> None:
    with pytest.raises(NotFound):
        route(play.rt, SERVICE, 1, 9)
    wrong = MAP.replace("intake_desk", "nowhere").replace("menu.seats", "menu.stools")
    (play.rt.settings.workflows_dir / "migrations" / "1_2.yaml").write_text(wrong, "utf-8")
    with pytest.raises(DefinitionError) as refused:
        route(play.rt, SERVICE, 1, 2)
    assert [f.message for f in refused.value.findings] == [
        "the newer version has no step 'nowhere'", "the older version has no field 'menu.stools'",
    ]  # fmt: skip


def test_from_the_command_line(play: Play, cases: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`flask definitions migrate SERVICE FROM TO --dry-run` lists every case that stays and why; exit 1."""
    monkeypatch.setattr("govservice.commands._versions.runtime", lambda: play.rt)
    run = CliRunner().invoke
    listed = run(command, ["migrate", SERVICE, "1", "2", "--dry-run"])
    assert listed.exit_code == 1
    assert f"{cases['new']}: The step acceptance has no place in the new version." in listed.output
    assert "1 cases would move, 3 stay" in listed.output
    (play.rt.settings.workflows_dir / "migrations" / "1_2.yaml").write_text(MAP, "utf-8")
    assert run(command, ["migrate", SERVICE, "1", "2"]).exit_code == 2
    done = run(command, ["migrate", SERVICE, "1", "2", "--by", "qian.yu", "--password-stdin", "--json"], input=PASSWORD)
    assert (done.exit_code, json.loads(done.output)) == (0, {"moved": 4, "stay": []})
