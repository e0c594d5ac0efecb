"""Clause: role nobody holds (from a staffing file `--staff`, else the database), four-eyes unsatisfiable; publishing
checks staffing and exploration as well."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import delete, func, select, update

from config import ROOT
from govservice.commands.definitions import command
from govservice.definitions.findings import DefinitionError
from govservice.definitions.library import load_library
from govservice.models.accounts import Role, User
from govservice.models.cases import Definition
from govservice.operations.accounts import staff_actor
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.judging import staffing_in, staffing_of
from govservice.operations.proposing import review
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from tests.operations.conftest import Play

Changed = Callable[[str, str], Runtime]


@pytest.fixture
def changed(runtime: Runtime, tmp_path: Path) -> Changed:
    """The portal with one piece of open_restaurant's text replaced."""

    def change(old: str, new: str) -> Runtime:
        folder = shutil.copytree(ROOT / "workflows", tmp_path / f"workflows{len(list(tmp_path.iterdir()))}")
        file = folder / "services" / "open_restaurant.yaml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new, 1), "utf-8")
        return replace(runtime, definitions=load_library(folder))

    return change


def refusal(rt: Runtime, play: Play) -> list[tuple[str, str | None]]:
    with rt.read() as session:
        before = session.scalar(select(func.count()).select_from(Definition))
    with pytest.raises(DefinitionError) as refused:
        publish_all(rt, by="x", now=play.now)
    with rt.read() as session:
        assert session.scalar(select(func.count()).select_from(Definition)) == before, "a refusal publishes nothing"
    assert all(f.file.endswith("open_restaurant.yaml") and f.line > 1 for f in refused.value.findings)
    return [(f.code, f.step) for f in refused.value.findings]


def test_publishing_refuses_a_role_that_nobody_holds(play: Play, changed: Changed) -> None:
    newer = changed("promised: 15wd", "promised: 12wd")
    with newer.write() as session:
        session.execute(delete(Role).where(Role.role == "fire"))
    assert "E-NO-STAFF" in [code for code, _ in refusal(newer, play)]


def test_who_left_or_whose_role_has_ended_does_not_count(play: Play, runtime: Runtime) -> None:
    day = play.now.date()
    with runtime.write() as session:
        everybody = staffing_of(session, day)
        assert everybody is not None
        (key, holders) = next((k, h) for k, h in everybody.items() if k[0] == "fire")
        gone = sorted(holders)[0]
        session.execute(update(User).where(User.id == gone).values(disabled_at=play.now))
        assert gone not in (staffing_of(session, day) or {}).get(key, frozenset())
        session.execute(update(User).where(User.id == gone).values(disabled_at=None))
        session.execute(update(Role).where(Role.user_id == gone).values(valid_to=day - timedelta(days=1)))
        assert gone not in (staffing_of(session, day) or {}).get(key, frozenset())
        session.execute(update(Role).where(Role.user_id == gone).values(valid_from=day, valid_to=day))
        assert staffing_of(session, day) == everybody


def test_roles_hold_on_the_day_of_the_offices_calendar(play: Play, runtime: Runtime, changed: Changed) -> None:
    evening = play.now.replace(hour=17, minute=0)  # after midnight at the offices
    tomorrow = runtime.today(evening)
    assert tomorrow == evening.date() + timedelta(days=1)
    newer = changed("promised: 15wd", "promised: 12wd")
    with newer.write() as session:
        session.execute(update(Role).where(Role.role == "fire").values(valid_from=tomorrow))
        login = session.scalars(
            select(User.login).join(Role, Role.user_id == User.id).where(Role.role == "fire")
        ).first()
        text = (ROOT / "workflows" / "services" / "open_restaurant.yaml").read_text("utf-8")
        assert review(runtime, session, text, "new.yaml", evening).refused == ()
    assert login is not None
    assert "fire" in {role for role, _ in staff_actor(newer, login, PASSWORD, now=evening).roles}
    publish_all(newer, by="x", now=evening)


def test_publishing_refuses_four_eyes_that_the_people_there_cannot_give(play: Play, changed: Changed) -> None:
    newer = changed("promised: 15wd", "promised: 12wd")
    with newer.write() as session:
        held = session.scalars(select(Role).where(Role.role == "food").order_by(Role.department_id, Role.id)).all()
        first = {role.department_id: role.id for role in reversed(held)}
        session.execute(delete(Role).where(Role.role == "food", Role.id.not_in(first.values())))
    assert ("E-FOUR-EYES", "review.food.site") in refusal(newer, play)


def test_publishing_plays_the_definition_through(
    play: Play, runtime: Runtime, changed: Changed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The linear check made blind: the exploration refuses by itself."""
    for door in ("govservice.definitions.check.verify", "govservice.operations.judging.verify"):
        monkeypatch.setattr(door, lambda *_: [])
    newer = changed('{if: "all(approved, not_needed)", to: decision}', '{if: "any(not_needed)", to: decision}')
    assert refusal(newer, play) == [("E-JOIN-DEADLOCK", "review")]
    assert publish_all(runtime, by="x", now=play.now) == [], "what is in force is not asked again"


def test_a_new_portal_has_definitions_before_people(runtime: Runtime) -> None:
    with runtime.write() as session:
        session.execute(delete(Role))
        assert staffing_of(session, runtime.now().date()) is None


def test_check_asks_the_database_for_a_whole_folder(
    runtime: Runtime, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"GOVSERVICE_MODE": "demo", "DATABASE_URL": database_url, "VAR_DIR": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(ROOT)
    run = CliRunner().invoke
    assert run(command, ["check"]).exit_code == 0
    with runtime.write() as session:
        session.execute(delete(Role).where(Role.role == "fire"))
    whole = run(command, ["check"])
    assert (whole.exit_code, "E-NO-STAFF" in whole.output) == (1, True)
    assert run(command, ["check", "workflows/services/open_restaurant.yaml"]).exit_code == 0, "a file is judged alone"
    monkeypatch.setenv("DATABASE_URL", "sqlite:///nowhere/portal.db")
    assert run(command, ["check"]).exit_code == 0


def test_a_database_that_is_not_there_yet_says_nothing(tmp_path: Path, runtime: Runtime) -> None:
    day = runtime.now().date()
    assert staffing_in(f"sqlite:///{tmp_path / 'none.db'}", day) is None
    assert not (tmp_path / "none.db").exists()
    (tmp_path / "empty.db").touch()
    assert staffing_in(f"sqlite:///{tmp_path / 'empty.db'}", day) is None
