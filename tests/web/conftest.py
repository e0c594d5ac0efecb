"""The portal as an application under test: on a migrated database with the cast, and a browser-like client for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import Settings
from govservice.app import create_app
from govservice.models.session import Database
from govservice.operations.demo_cast import PASSWORD
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from tests.support.clock import MovableClock
from tests.support.sandboxes import Sandbox
from tests.support.staged import TEMPLATES

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Browser(FlaskClient):
    """A client that fills in the form's token as a browser would."""

    def token(self, page: str = "/sign-in") -> str:
        """The token of the first form on a page."""
        found = TOKEN.search(self.get(page).get_data(as_text=True))
        assert found, f"no form on {page}"
        return found.group(1)

    def send(
        self, address: str, form: dict[str, Any] | None = None, page: str | None = None, **kw: Any
    ) -> TestResponse:
        """Posts a form with its token, read from `page` (or from the address itself)."""
        return self.post(address, data={**(form or {}), "csrf_token": self.token(page or address)}, **kw)

    def sign_in(self, login: str, password: str = PASSWORD, **more: str) -> TestResponse:
        return self.send("/sign-in", {"login": login, "password": password, **more}, page="/sign-in")


@dataclass(frozen=True)
class Stage:
    """The application, its runtime and the clock of the machine that it believes in."""

    app: Flask
    runtime: Runtime
    wall: MovableClock

    def client(self, **headers: str) -> Browser:
        """Nobody yet; reads English."""
        made = self.app.test_client()
        assert isinstance(made, Browser)
        made.environ_base = {**made.environ_base, "HTTP_ACCEPT_LANGUAGE": "en", **headers}
        return made

    def client_as(self, login: str) -> Browser:
        """A browser in which this member of the cast is signed in."""
        made = self.client()
        answer = made.sign_in(login)
        assert answer.status_code == 303, answer.get_data(as_text=True)
        return made


@pytest.fixture
def sqlite_url(request: pytest.FixtureRequest) -> str:
    """With the services in force and the cast; `@pytest.mark.empty`: migrated only."""
    return _url_of(request, "sqlite")


@pytest.fixture
def postgresql_url(request: pytest.FixtureRequest) -> str:
    return _url_of(request, "postgresql")


def _url_of(request: pytest.FixtureRequest, kind: str) -> str:
    empty = request.node.get_closest_marker("empty")
    url: str = request.getfixturevalue(f"{'empty' if empty else 'staged'}_{kind}_url")
    return url


@pytest.fixture
def make_stage(
    settings: Settings, database: Database, definitions: Any, calendars: Any, clock: MovableClock
) -> Callable[..., Stage]:
    """Builds the application on a fresh database with the published services and the cast."""

    def make(**changes: Any) -> Stage:
        parts = {"database": database, "definitions": definitions, "calendars": calendars, "wall": clock}
        app = create_app(replace(settings, **({"registration": "open"} | changes)), **parts)
        app.testing = True
        app.jinja_env.bytecode_cache = TEMPLATES
        app.test_client_class = Browser
        runtime: Runtime = app.extensions["runtime"]
        publish_all(runtime, by="test", now=clock.now())
        return Stage(app, runtime, clock)

    return make


def portal_with(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, files: Path
) -> Stage:  # fmt: skip
    """A portal with these definitions and a door to the registries of the sandbox; whoever asks closes its gateway."""
    changes = {"workflows_dir": files, "registry_endpoints": sandbox.endpoints(), "registration": "open"}
    app = create_app(replace(settings, **changes), database=database, wall=clock)  # type: ignore[arg-type]
    app.testing = True
    app.jinja_env.bytecode_cache = TEMPLATES
    app.test_client_class = Browser
    made = Stage(app, app.extensions["runtime"], clock)
    publish_all(made.runtime, by="test", now=clock.now())
    return made


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """The portal with the cast, in demo mode; on SQLite and on PostgreSQL."""
    return make_stage()


@pytest.fixture
def client_as(stage: Stage) -> Callable[[str], Browser]:
    return stage.client_as


@pytest.fixture
def storage(settings: Settings) -> Path:
    return settings.storage_dir


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def history(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, definitions: Any, calendars: Any
) -> Iterator[Any]:
    """Ninety days of cases (`tests.web.history.History`)."""
    from tests.web.history import supervised  # it is made of this folder's browsers and stages

    yield from supervised(request, tmp_path_factory, definitions, calendars)
