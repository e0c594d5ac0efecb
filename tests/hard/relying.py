"""What the long checks of the exchange play on: a portal whose decisions rely on registries, its people at work, and
the registries as a process of their own, on a durable database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from config import Settings, from_env
from govservice import logs
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations.demo_cast import load_cast
from tests.hard.servers import serving
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_runtime
from tests.support.sandboxes import Sandbox, process

KEYRING = Keyring({"test1": bytes(range(32))}, bytes(range(32, 64)))
USCC = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)


@dataclass
class Scene:
    """The people, the registries, and the clock on which all of it happens."""

    play: Play
    sandbox: Sandbox
    clock: MovableClock


@contextmanager
def scene(kind: str) -> Iterator[Scene]:
    """Everything set up; gone afterwards."""
    with serving(kind) as server, process("govservice.exchange.sandbox", "--port", "0", "--delay-ms", "0") as url:
        engine = make_engine(server.url)
        folder = server.folder / "portal"
        folder.mkdir()
        with staged(Database(engine, KEYRING), server.url, folder, url) as made:
            yield made
        engine.dispose()


@contextmanager
def staged(database: Database, url: str, folder: Path, registries: str) -> Iterator[Scene]:
    """A portal on this database, with the cast."""
    settings: Settings = from_env({"GOVSERVICE_MODE": "demo", "VAR_DIR": str(folder), "DATABASE_URL": url})
    logs.configure("ERROR")
    clock, sandbox = MovableClock(), Sandbox(registries)
    rt = relying_runtime(settings, database, clock, sandbox, folder)
    load_cast(rt, now=clock.now())
    try:
        yield Scene(Play(rt, clock), sandbox, clock)
    finally:
        rt.gateway.close()
