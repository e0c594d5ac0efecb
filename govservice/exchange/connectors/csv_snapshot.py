"""A registry that sends copies of its table: a signed CSV file now and then, looked up here (`snapshot_file`).

How old a copy may be is the dataset's `max_age`: what comes out of an older one is STALE, good enough to fill a form
and not to decide on.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import time
from pathlib import Path
from urllib.parse import unquote, urlsplit

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from govservice import logs
from govservice.definitions.schema_registry import Dataset, RegistryFile
from govservice.exchange.connectors import snapshot_file
from govservice.exchange.connectors.base import Answer, Deed, Probe, Query
from govservice.exchange.connectors.identity import Keys, file_of
from govservice.exchange.connectors.snapshot_file import Refused
from govservice.exchange.outcomes import Outcome

ENOUGH = 2  # rows: one is the answer, a second one says that there is no single one
log = logs.get(__name__)


class CsvSnapshot:
    """The connector of one folder. `endpoint` is `file:///...`; the portal writes there what it has loaded."""

    kind = "csv_snapshot"

    def __init__(self, registry: RegistryFile, endpoint: str, keys: Keys) -> None:
        self.registry = registry
        self._folder = Path(unquote(urlsplit(endpoint).path))
        self._signer = _public(file_of(keys, registry.signer or ""))
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}  # manifest -> its time, once it was looked into
        self._loading: dict[str, threading.Thread] = {}

    def close(self) -> None:
        for thread in list(self._loading.values()):
            thread.join()

    def fetch(self, query: Query) -> Answer:
        """Looks the subject up in the newest copy that was taken. A new one is loaded beside; where none is there yet
        it is waited for until the deadline."""
        dataset = self.registry.datasets[query.dataset]
        name = dataset.request.file
        sha = hashlib.sha256(json.dumps([name, query.subject.value]).encode()).hexdigest()
        try:
            if (thread := self._refresh(name, dataset)) is not None and snapshot_file.loaded(
                self._folder, name
            ) is None:
                thread.join(max(query.deadline - time.monotonic(), 0.0))
            found = snapshot_file.find(self._folder, name, query.subject.value, ENOUGH)
        except (OSError, sqlite3.Error) as error:
            return Answer(Outcome.UNAVAILABLE, request_sha=sha, detail=type(error).__name__)
        if found is None:
            return Answer(Outcome.UNAVAILABLE, request_sha=sha, detail="no_copy")
        manifest, records = found
        if missing := set(query.fields) - {*manifest.columns, "as_of"}:
            return Answer(Outcome.SCHEMA_VIOLATION, request_sha=sha, detail=f"no_column:{min(missing)}")
        body = {"as_of": manifest.as_of, "records": [{**each, "as_of": manifest.as_of} for each in records]}
        digest = hashlib.sha256(json.dumps(body, ensure_ascii=False, sort_keys=True).encode()).hexdigest()
        return Answer(
            Outcome.OK, body, request_sha=sha, response_sha=digest, transport={"snapshot": manifest.sha256}
        )  # fmt: skip

    def do(self, deed: Deed) -> Answer:
        """A copy does nothing: its file can name no act."""
        return Answer(Outcome.DENIED, detail="read_only")

    def probe(self, deadline: float) -> Probe:
        """Whether the newest manifests hold, and what was loaded of them."""
        for ref, dataset in self.registry.datasets.items():
            name = dataset.request.file
            try:
                snapshot_file.read_manifest(self._folder / f"{name}.jws", self._signer)
            except Refused as why:
                return Probe(False, f"{ref}: {why}")
            if (thread := self._refresh(name, dataset)) is not None:
                thread.join(max(deadline - time.monotonic(), 0.0))
            if snapshot_file.loaded(self._folder, name) is None:
                return Probe(False, f"{ref}: nothing was loaded")
        return Probe(True, "every copy is there")

    def _refresh(self, name: str, dataset: Dataset) -> threading.Thread | None:
        """Begins to load a copy that is new; the thread that does, where one does."""
        path = self._folder / f"{name}.jws"
        with self._lock:
            if (thread := self._loading.get(name)) is not None and thread.is_alive():
                return thread
            stamp = path.stat().st_mtime_ns if path.is_file() else 0
            if self._seen.get(name) == stamp:
                return None
            self._seen[name] = stamp
            thread = threading.Thread(target=self._load, args=(name, path, dataset.subject_at), daemon=True)
            self._loading[name] = thread
            thread.start()
            return thread

    def _load(self, name: str, path: Path, key_column: str) -> None:
        registry = self.registry.registry
        try:
            manifest = snapshot_file.read_manifest(path, self._signer)
            snapshot_file.load(self._folder, name, manifest, key_column)
        except Refused as why:
            log.error("snapshot_refused", registry=registry, dataset=name, code=str(why))
        except (OSError, sqlite3.Error) as error:
            log.error("snapshot_refused", registry=registry, dataset=name, code=type(error).__name__)
        else:
            log.info("snapshot_loaded", registry=registry, dataset=name, count=manifest.rows)


def _public(path: Path) -> ECKey | OKPKey:
    for kind in (OKPKey, ECKey):
        try:
            return kind.import_key(path.read_bytes())
        except (ValueError, JoseError):
            continue
    raise ValueError(f"{path.name} holds no key that manifests are signed with (Ed25519 or P-256)")
