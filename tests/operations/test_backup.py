"""Backup and restore that were tried: a copy taken while people work comes back whole, files included."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic import command
from sqlalchemy import select
from sqlalchemy.engine import make_url

from govservice.engine import MAIN
from govservice.models import migrate
from govservice.models.backup import BackupRefused, backup, restore
from govservice.models.cases import Case
from govservice.models.papers import File
from govservice.models.session import Database, make_engine
from govservice.operations.auditing import keep_anchor, verify_records
from govservice.operations.files import content_of
from tests.engine.world import LI, World
from tests.operations.conftest import PDF, Play


@contextmanager
def empty_beside(url: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database of the same kind."""
    given = make_url(url)
    if given.get_backend_name() == "sqlite":
        yield f"sqlite:///{folder / 'back.db'}"
        return
    name = f"back_{uuid4().hex[:12]}"
    plain = given.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield given.set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(plain, autocommit=True) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def _programs(database_url: str, shared_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's programs of the server's own version, where this run started it."""
    note = shared_folder / "postgres-bin"
    if note.exists():
        monkeypatch.setenv("PATH", note.read_text(), prepend=":")


@pytest.mark.usefixtures("_programs")
def test_a_copy_taken_under_load_comes_back_whole(play: Play, database_url: str, tmp_path: Path) -> None:
    """Backup and restore that were tried."""
    rt, copy = play.rt, tmp_path / "copy"
    number = play.draft()
    play.submit()
    root = keep_anchor(rt, rt.wall.now().date())
    busy, stop = World(rt.database), threading.Event()

    def work() -> None:
        while not stop.is_set():
            busy.submit()
            busy.do(LI, "accept", MAIN)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        made = backup(database_url, rt.storage, copy, play.now)
    finally:
        stop.set()
        worker.join()
    assert (made.root, made.root_day) == (root.merkle_root, root.day.isoformat())
    with pytest.raises(BackupRefused, match="there already"):
        backup(database_url, rt.storage, copy, play.now)
    with pytest.raises(BackupRefused, match="not empty"):
        restore(database_url, tmp_path / "elsewhere", copy)
    with pytest.raises(BackupRefused, match="no finished copy"):
        restore(database_url, tmp_path / "elsewhere", tmp_path)

    with empty_beside(database_url, tmp_path) as url:
        storage = tmp_path / "back"
        restore(url, storage, copy)
        engine = make_engine(url)
        back = replace(rt, database=Database(engine, rt.keyring), settings=replace(rt.settings, storage_dir=storage))
        report = verify_records(back, {root.day: root.merkle_root})
        assert report.faults == ()
        assert report.cases >= 1
        with back.read() as session:
            assert session.scalar(select(Case.id).where(Case.number == number)) == play.case_id
            files = session.scalars(select(File)).all()
            assert len(files) == 2
            assert {content_of(session, storage, file)[1] for file in files} == {PDF}
        engine.dispose()


def test_an_upgrade_under_running_cases(play: Play) -> None:
    """Upgrade with running cases: the newest migration is taken back and done again, and the case goes on."""
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    config = migrate._config()
    with play.rt.database.engine.execution_options(writing=True).begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
    migrate.upgrade(play.rt.database.engine)
    play.act("sun.min", "review.sign", "pass")
    assert verify_records(play.rt).faults == ()
