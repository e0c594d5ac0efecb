"""Taking the records out and bringing them back: the database as it stood at one moment, then the sealed files.

The portal may run on meanwhile. A file is on disk before the row that names it, and none is ever removed from disk, so
files copied after the database are all there that it names. The keys (`KEK`, `INDEX_KEY`, `SECRET_KEY`) are no part of
it: without them a copy tells nothing, and with it alone nothing can be read again.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import URL, make_url

from govservice.models import migrate
from govservice.models.base import to_iso
from govservice.models.session import make_engine, normalise_url

MANIFEST, FILES = "manifest.json", "files"


class BackupRefused(Exception):
    """It was not done; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy is: of which database, at which revision of the schema, with which root kept last."""

    made_at: str
    database: str  # sqlite | postgresql
    revision: str
    root_day: str | None
    root: str | None


def backup(url: str, storage: Path, folder: Path, now: datetime) -> Manifest:
    """Copies database and files into a new folder. Raises BackupRefused, and leaves nothing behind then."""
    if folder.exists():
        raise BackupRefused(f"{folder} is there already: name a new folder")
    manifest, unfinished = _manifest(url, now), folder.with_name(f"{folder.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True, mode=0o700)
    try:
        _copy_out(make_url(normalise_url(url)), unfinished)
        if storage.is_dir():
            shutil.copytree(storage, unfinished / FILES)
        (unfinished / MANIFEST).write_text(json.dumps(asdict(manifest)), encoding="utf-8")
        unfinished.rename(folder)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return manifest


def restore(url: str, storage: Path, folder: Path) -> Manifest:
    """Brings a copy back into an empty database and an empty file store. Raises BackupRefused."""
    if not (folder / MANIFEST).is_file():
        raise BackupRefused(f"{folder} is no finished copy: {MANIFEST} is missing")
    manifest = Manifest(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    target = make_url(normalise_url(url))
    if target.get_backend_name() != manifest.database:
        raise BackupRefused(f"the copy is of {manifest.database}, the settings name {target.get_backend_name()}")
    engine = make_engine(url)
    tables = inspect(engine).get_table_names()
    engine.dispose()
    if tables or (storage.is_dir() and any(storage.iterdir())):
        raise BackupRefused("the database or the file store is not empty: nothing is written over")
    _copy_in(target, folder)
    if (folder / FILES).is_dir():
        shutil.copytree(folder / FILES, storage, dirs_exist_ok=True)
    return manifest


def _manifest(url: str, now: datetime) -> Manifest:
    engine = make_engine(url)
    try:
        with engine.connect() as connection:
            revision = migrate.current(connection)
            if revision is None:
                raise BackupRefused("the database is empty")
            last = "SELECT day, merkle_root FROM anchors ORDER BY day DESC LIMIT 1"
            root = connection.execute(text(last)).one_or_none()
    finally:
        engine.dispose()
    day, merkle = (str(root.day), root.merkle_root) if root is not None else (None, None)
    return Manifest(to_iso(now), engine.dialect.name, revision, day, merkle)


def _copy_out(url: URL, folder: Path) -> None:
    if url.get_backend_name() == "sqlite":
        copy = folder / "database.db"
        with closing(sqlite3.connect(str(url.database))) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return
    _run(url, "pg_dump", "--format=custom", "--no-owner", f"--file={folder / 'database.dump'}")


def _copy_in(url: URL, folder: Path) -> None:
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        for name in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            name.unlink(missing_ok=True)  # of the empty database that looking at it made
        shutil.copyfile(folder / "database.db", path)
        return
    _run(url, "pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", str(folder / "database.dump"))


def _run(url: URL, program: str, *arguments: str) -> None:
    """One of PostgreSQL's own programs, of the server's version or newer, from the PATH. The password goes by the
    environment, where no list of processes shows it."""
    plain = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    found = shutil.which(program)
    if found is None:
        raise BackupRefused(f"{program} is not installed: it comes with PostgreSQL's client programs")
    given = {**os.environ, "PGPASSWORD": url.password} if url.password else dict(os.environ)
    done = subprocess.run(  # noqa: S603 - a program of the PATH with arguments of ours
        [found, f"--dbname={plain}", *arguments], env=given, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise BackupRefused(f"{program}: {done.stderr.strip()}")
