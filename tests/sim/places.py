"""Where a run happens: a fresh SQLite file in memory, or a fresh database of a PostgreSQL server, migrated once."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import structlog

from govservice.models import migrate
from govservice.models.session import make_engine
from tests.support import postgres

SHM = Path("/dev/shm")


class Places:
    """`fresh(seed)` gives the URL of an empty, migrated database, and takes it away again."""

    def __init__(self, *, postgres: bool = False, url: str | None = None, server: str | None = None) -> None:
        self.postgres, self.url, self.server = postgres or server is not None, url, server
        self.folder = Path()
        self.own_server = False

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="sim-", dir=SHM if SHM.is_dir() else None))
        if self.postgres and self.server is None:
            self.server, self.own_server = postgres.server_url(self.folder), True
        elif not self.postgres and self.url is None:
            engine = make_engine(f"sqlite:///{self.folder / 'template.db'}", synchronous="OFF")
            migrate.upgrade(engine)
            engine.dispose()
        return self

    def __exit__(self, *_error: object) -> None:
        if self.own_server:
            postgres.stop(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)

    @contextmanager
    def fresh(self, seed: int) -> Iterator[str]:
        if self.url is not None:
            yield self.url
        elif self.server is not None:
            with postgres.fresh_database(self.server) as url:
                yield url
        else:
            path = self.folder / f"sim-{seed}.db"
            shutil.copy(self.folder / "template.db", path)
            try:
                yield f"sqlite:///{path}"
            finally:
                for made in self.folder.glob(f"sim-{seed}.db*"):
                    made.unlink(missing_ok=True)


def quiet() -> None:
    """The product's log lines go nowhere: thousands of faults are told in them."""
    structlog.configure(
        processors=[structlog.processors.KeyValueRenderer()], logger_factory=structlog.ReturnLoggerFactory()
    )
