"""Clause 10 "Versions": publish = verify, hash, immutable, by two people; running cases stay pinned; roll back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from config import ROOT
from govservice.commands.definitions import command
from govservice.definitions.findings import DefinitionError
from govservice.definitions.library import load_library
from govservice.errors import Forbidden, Missing, NotAllowed, NotFound
from govservice.models.accounts import Role
from govservice.models.cases import Case, Definition
from govservice.models.versions import Proposal
from govservice.operations import effects
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.in_force import take_in_force
from govservice.operations.proposing import approve, propose, propose_back, refuse, review
from govservice.operations.publishing import publish_all
from tests.operations.conftest import Play

FILE = ROOT / "workflows" / "services" / "open_restaurant.yaml"
TEXT = FILE.read_text("utf-8")
NEW = TEXT.replace("promised: 15wd", "promised: 12wd", 1)
SERVICE = "open_restaurant"


def versions(play: Play) -> dict[int, str]:
    with play.rt.read() as session:
        rows = session.scalars(select(Definition).where(Definition.service == SERVICE))
        return {row.version: row.status for row in rows}


def in_force(play: Play) -> str:
    take_in_force(play.rt)
    return play.rt.definitions.current(SERVICE).limits["decision"].promised.__str__()


def test_a_version_comes_into_force_by_two_people_and_cases_stay_pinned(play: Play) -> None:
    play.draft()
    play.submit()
    qian, zhao = play.staff("qian.yu"), play.staff("zhao.lei")
    id = propose(play.rt, qian, NEW, "new.yaml", now=play.now)
    assert in_force(play) == "15wd", "a proposal changes nothing"
    with pytest.raises(Forbidden) as refused:
        approve(play.rt, qian, id, now=play.now)
    assert refused.value.code == "same_person"
    for login in ("li.na", "he.tao"):
        with pytest.raises(Forbidden):
            approve(play.rt, play.staff(login), id, now=play.now)
        with pytest.raises(Forbidden):
            propose(play.rt, play.staff(login), NEW, "new.yaml", now=play.now)
    with pytest.raises(NotAllowed):
        propose(play.rt, qian, TEXT.replace("15wd", "11wd"), "other.yaml", now=play.now)
    assert approve(play.rt, zhao, id, now=play.now) == 2
    assert (versions(play), in_force(play)) == ({1: "retired", 2: "published"}, "12wd")
    with pytest.raises(NotAllowed):
        approve(play.rt, zhao, id, now=play.now)
    play.act("li.na", "", "accept")
    assert play.state.clocks["limit:decision"].promised == "15wd", "a running case keeps its version"
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    assert play.state.clocks["limit:decision"].promised == "12wd", "a new one goes by the new version"


def test_back_to_an_older_version(play: Play) -> None:
    """Clause 10: "roll back to an older version": new cases go to the older one, the others stay with theirs."""
    qian, zhao = play.staff("qian.yu"), play.staff("zhao.lei")
    approve(play.rt, zhao, propose(play.rt, qian, NEW, "n", now=play.now), now=play.now)
    play.draft()
    play.submit()
    with pytest.raises(NotFound):
        propose_back(play.rt, qian, SERVICE, 7, now=play.now)
    with pytest.raises(NotAllowed):
        propose_back(play.rt, qian, SERVICE, 2, now=play.now)
    back = propose_back(play.rt, qian, SERVICE, 1, now=play.now)
    with pytest.raises(Forbidden):
        approve(play.rt, qian, back, now=play.now)
    assert approve(play.rt, zhao, back, now=play.now) == 1
    assert (versions(play), in_force(play)) == ({1: "published", 2: "retired"}, "15wd")
    play.act("li.na", "", "accept")
    assert play.state.clocks["limit:decision"].promised == "12wd"


def test_what_two_people_decided_no_start_up_takes_back(play: Play, tmp_path: Path) -> None:
    """The demonstration's start publishes the shipped files, until two people have decided about a service."""
    folder = shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    (folder / "services" / FILE.name).write_text(TEXT.replace("15wd", "14wd", 1), "utf-8")
    newer = replace(play.rt, definitions=load_library(folder))
    assert publish_all(newer, by="system", now=play.now) == [SERVICE]
    grown_up = replace(play.rt, settings=replace(play.rt.settings, mode="production"))  # type: ignore[type-var]
    assert publish_all(grown_up, by="system", now=play.now) == [], "outside a demonstration only what has no version"
    approve(
        play.rt, play.staff("zhao.lei"), propose(play.rt, play.staff("qian.yu"), NEW, "n", now=play.now), now=play.now
    )
    assert publish_all(newer, by="system", now=play.now) == []
    assert in_force(play) == "12wd"


BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "not yaml": (lambda _: "service: [", "E-YAML"),
    "a step that is not there": (lambda t: t.replace("to: acceptance,", "to: aceptance,", 1), "E-UNKNOWN-STEP"),
    "nobody": (
        lambda t: t.replace("\nroles:", "\nroles:\n  nobody: {department: market_reg}", 1).replace(
            "owner: lead", "owner: nobody", 1
        ),
        "E-NO-STAFF",
    ),
}


@pytest.mark.parametrize("name", sorted(BAD))
def test_what_does_not_hold_is_not_proposed(play: Play, name: str) -> None:
    """Clause 10: "publish = verify": every finding is told, nothing is kept."""
    change, code = BAD[name]
    with pytest.raises(DefinitionError) as refused:
        propose(play.rt, play.staff("qian.yu"), change(TEXT), "bad.yaml", now=play.now)
    assert code in {f.code for f in refused.value.findings}
    with play.rt.read() as session:
        assert session.scalars(select(Proposal)).all() == []


def test_an_approval_verifies_again(play: Play) -> None:
    """What held when it was proposed may not hold when it is decided: the last fire inspector has left."""
    id = propose(play.rt, play.staff("qian.yu"), NEW, "n", now=play.now)
    with play.rt.write() as session:
        session.execute(delete(Role).where(Role.role == "fire"))
    with pytest.raises(DefinitionError):
        approve(play.rt, play.staff("zhao.lei"), id, now=play.now)
    assert versions(play) == {1: "published"}
    with pytest.raises(Missing):
        refuse(play.rt, play.staff("zhao.lei"), id, " ", now=play.now)
    refuse(play.rt, play.staff("zhao.lei"), id, "nobody inspects", now=play.now)
    with pytest.raises(NotAllowed):
        approve(play.rt, play.staff("zhao.lei"), id, now=play.now)


def test_what_differs_is_told_part_by_part(play: Play) -> None:
    changed = NEW.replace("\n  acceptance:", "\n  intake_desk:").replace("to: acceptance,", "to: intake_desk,")
    with play.rt.read() as session:
        found = review(play.rt, session, changed, "n", play.now)
    told = {d.path: (d.old, d.new) for d in found.differences}
    assert told["limits.decision.promised"] == ("15wd", "12wd")
    assert told["steps.draft.actions.submit.to"] == ("to: acceptance", "to: intake_desk")
    assert told["steps.acceptance"][1] is None
    assert told["steps.intake_desk"][0] is None
    assert len(told) == 4


def test_a_published_version_never_changes(play: Play) -> None:
    """Clause 10: "immutable": not even by hand, on either database."""
    for column in ("source_yaml", "canonical_json", "published_by"):
        with pytest.raises(DBAPIError, match="never changes"), play.rt.write() as session:
            session.execute(update(Definition).values({column: "x"}))
    with pytest.raises(DBAPIError, match="never changes"), play.rt.write() as session:
        session.execute(delete(Definition))
    id = propose(play.rt, play.staff("qian.yu"), NEW, "n", now=play.now)
    with pytest.raises(DBAPIError), play.rt.write() as session:
        session.execute(
            text("UPDATE proposals SET status='approved', decided_by=proposed_by, decided_at=proposed_at WHERE id=:id"),
            {"id": id},
        )


def test_publishing_refuses_when_a_pinned_running_case_would_lose_its_handler(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clause 10 (engine: versions): an effect, a call or a role that the code or the catalogue no longer has."""
    id = propose(play.rt, play.staff("qian.yu"), NEW, "n", now=play.now)
    handlers = {k: v for k, v in effects.HANDLERS.items() if k != "document.issue"}
    monkeypatch.setattr(effects, "HANDLERS", handlers)
    publish_all(play.rt, by="x", now=play.now)  # nothing runs yet
    play.draft()
    play.submit()
    with pytest.raises(DefinitionError) as refused:
        publish_all(play.rt, by="x", now=play.now)
    (lost,) = refused.value.findings
    assert (lost.code, lost.step) == ("E-LOST-HANDLER", "issue")
    assert "1 running cases of version 1" in lost.message
    with pytest.raises(DefinitionError):
        approve(play.rt, play.staff("zhao.lei"), id, now=play.now)
    monkeypatch.undo()
    catalogue = play.rt.definitions.catalogue
    kinds = {k: v for k, v in catalogue.kinds.items() if k != "fire_rescue"}
    monkeypatch.setattr(play.rt.definitions, "catalogue", replace(catalogue, kinds=kinds, documents={}))
    with pytest.raises(DefinitionError) as gone:
        approve(play.rt, play.staff("zhao.lei"), id, now=play.now)
    assert {"review.fire.site", "issue"} <= {f.step for f in gone.value.findings}
    monkeypatch.undo()
    with play.rt.read() as session:
        assert session.scalars(select(Case.status)).all() == ["open"]
    approve(play.rt, play.staff("zhao.lei"), id, now=play.now)


def test_from_the_command_line_with_passwords(
    play: Play, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`flask definitions propose|publish|back|versions`: who does it proves who they are."""
    var = play.rt.settings.storage_dir.parent
    for name, value in {"GOVSERVICE_MODE": "demo", "DATABASE_URL": database_url, "VAR_DIR": str(var)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("govservice.commands._versions.runtime", lambda: play.rt)
    monkeypatch.chdir(ROOT)
    file = tmp_path / "new.yaml"
    file.write_text(NEW, "utf-8")

    def run(*words: str, password: str = PASSWORD) -> tuple[int, str]:
        done = CliRunner().invoke(command, [*words], input=password + "\n")
        return done.exit_code, done.output

    assert run("publish") == (0, "all versions of the files are in force\n")
    assert run("propose", str(file), "--by", "qian.yu", "--password-stdin", password="wrong")[0] == 1
    assert run("propose", str(file), "--by", "li.na", "--password-stdin")[0] == 1
    assert run("publish", SERVICE, "--by", "zhao.lei", "--password-stdin")[0] == 2, "nothing waits"
    assert run("publish", SERVICE)[0] == 2
    code, said = run("propose", str(file), "--by", "qian.yu", "--password-stdin")
    assert (code, said.startswith("proposal ")) == (0, True)
    assert run("publish", SERVICE, "--by", "qian.yu", "--password-stdin")[0] == 1
    assert run("publish", SERVICE, "--by", "zhao.lei")[0] == 0
    assert versions(play) == {1: "retired", 2: "published"}
    assert run("back", SERVICE, "1", "--by", "qian.yu", "--password-stdin")[0] == 0
    listed = run("versions")[1]
    assert "retired" in listed
    assert "back to version 1" in listed
    assert len(json.loads(run("versions", SERVICE, "--json")[1])["versions"]) == 2
    assert run("publish")[1].startswith(f"{SERVICE}: the file differs"), "two people have decided about it"
    file.write_text("service: [", "utf-8")
    code, said = run("propose", str(file), "--by", "qian.yu", "--password-stdin")
    assert (code, "E-YAML" in said) == (1, True)
