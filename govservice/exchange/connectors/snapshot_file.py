"""Copies of a registry's table that arrive as CSV with a signed manifest: checked, loaded aside, swapped in whole.

In the folder: `<name>.jws`, the manifest as a compact JWS of `{file, sha256, rows, as_of, schema}` under the sender's
key, and the file that it names. What was loaded lies beside as `<name>.sqlite`, for every process to read: a new copy
is loaded under another name and takes its place in one step, or not at all.
"""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import os
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

TOLERANCE = 0.2  # share of the rows by which a copy may differ from the one before
MAX_FILE = 512 * 1024 * 1024
MAX_CELL = 4000
MAX_COLUMNS = 200
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}", re.ASCII)
_ALGORITHMS = ["Ed25519", "ES256"]


class Refused(ValueError):
    """A copy that is not taken; the one before stays. The message is a word for the log."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the sender signed. `replaces`: the digest of the copy that this one may differ from by any number."""

    file: str
    sha256: str
    rows: int
    as_of: str
    columns: tuple[str, ...]
    replaces: str = ""


def read_manifest(path: Path, signer: ECKey | OKPKey) -> Manifest:
    """Raises Refused where there is none, its signature is not the sender's, or it does not say what it must."""
    try:
        signed = jws.deserialize_compact(path.read_bytes()[:100_000], signer, algorithms=_ALGORITHMS)
        said = json.loads(signed.payload)
        made = Manifest(
            said["file"], said["sha256"], int(said["rows"]), said["as_of"], tuple(said["schema"]),
            said.get("replaces", ""),
        )  # fmt: skip
        aware = datetime.fromisoformat(made.as_of).tzinfo is not None
    except OSError:
        raise Refused("no_manifest") from None
    except JoseError:
        raise Refused("signature") from None
    except (ValueError, KeyError, TypeError):
        raise Refused("manifest") from None
    if not aware or not _NAME.fullmatch(made.file) or not 0 < len(made.columns) <= MAX_COLUMNS:
        raise Refused("manifest")
    return made


def load(folder: Path, name: str, manifest: Manifest, key_column: str) -> None:
    """Loads a copy aside and swaps it in. Raises Refused where it is not what was signed, or not believable."""
    with _alone(folder / f"{name}.lock"):
        before = loaded(folder, name)
        if before is not None and before.sha256 == manifest.sha256:
            return
        _believable(before, manifest)
        aside = folder / f"{name}.sqlite.new"
        aside.unlink(missing_ok=True)
        try:
            _fill(aside, folder / manifest.file, manifest, key_column)
            os.replace(aside, folder / f"{name}.sqlite")
        finally:
            aside.unlink(missing_ok=True)


def _believable(before: Manifest | None, manifest: Manifest) -> None:
    if before is None:
        return
    if datetime.fromisoformat(manifest.as_of) < datetime.fromisoformat(before.as_of):
        raise Refused("older")
    if abs(manifest.rows - before.rows) > TOLERANCE * before.rows and manifest.replaces != before.sha256:
        raise Refused("row_count")


def _fill(aside: Path, source: Path, manifest: Manifest, key_column: str) -> None:
    """What was read is held against what was signed before anything of it counts."""
    if key_column not in manifest.columns:
        raise Refused("no_key_column")
    digest, rows = hashlib.sha256(), 0
    connection = sqlite3.connect(aside, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("BEGIN")
        connection.execute("CREATE TABLE manifest (said TEXT)")
        connection.execute("CREATE TABLE rows (subject TEXT NOT NULL, record TEXT NOT NULL)")
        at = manifest.columns.index(key_column)
        for row in _rows(source, manifest, digest):
            record = json.dumps(dict(zip(manifest.columns, row, strict=True)), ensure_ascii=False)
            connection.execute("INSERT INTO rows VALUES (?, ?)", (row[at].strip().upper(), record))
            rows += 1
        if digest.hexdigest() != manifest.sha256 or rows != manifest.rows:
            raise Refused("digest" if digest.hexdigest() != manifest.sha256 else "rows")
        connection.execute("CREATE INDEX rows_subject ON rows (subject)")
        connection.execute("INSERT INTO manifest VALUES (?)", (json.dumps(_said(manifest)),))
        connection.execute("COMMIT")
    finally:
        connection.close()


def _rows(source: Path, manifest: Manifest, digest: Any) -> Iterator[list[str]]:
    try:
        with source.open("rb") as handle:
            if os.fstat(handle.fileno()).st_size > MAX_FILE:
                raise Refused("too_large")
            reader = csv.reader(_lines(handle, digest), strict=True)
            if tuple(next(reader, ())) != manifest.columns:
                raise Refused("columns")
            for row in reader:
                if len(row) != len(manifest.columns) or any(len(cell) > MAX_CELL for cell in row):
                    raise Refused("row")
                yield row
    except OSError:
        raise Refused("no_file") from None
    except (csv.Error, UnicodeDecodeError):
        raise Refused("csv") from None


def _lines(handle: Any, digest: Any) -> Iterator[str]:
    first = True
    while line := handle.readline(1_000_000):
        digest.update(line)
        yield line.decode("utf-8-sig" if first else "utf-8")
        first = False


def loaded(folder: Path, name: str) -> Manifest | None:
    """What the copy in use was signed as; None where none was loaded yet."""
    path = folder / f"{name}.sqlite"
    if not path.is_file():
        return None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        said = json.loads(connection.execute("SELECT said FROM manifest").fetchone()[0])
    finally:
        connection.close()
    return Manifest(**{**said, "columns": tuple(said["columns"])})


def find(folder: Path, name: str, subject: str, most: int) -> tuple[Manifest, list[dict[str, Any]]] | None:
    """Up to `most` records about a subject, out of one copy; None where none was loaded yet."""
    path = folder / f"{name}.sqlite"
    if not path.is_file():
        return None
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        said = json.loads(connection.execute("SELECT said FROM manifest").fetchone()[0])
        rows = connection.execute("SELECT record FROM rows WHERE subject = ? LIMIT ?", (subject.upper(), most))
        found = [json.loads(record) for (record,) in rows]
    finally:
        connection.close()
    return Manifest(**{**said, "columns": tuple(said["columns"])}), found


def _said(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__slots__}


class _alone:
    """One process loads at a time."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._handle = self._path.open("w")
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._handle.close()
