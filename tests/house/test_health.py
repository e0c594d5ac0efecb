"""`/healthz`, `/readyz`, `/metrics`: what they say when all is well, and when something is not."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from config import Settings
from govservice.models.cases import Outbox
from govservice.models.keyring import Keyring
from govservice.models.session import Database, make_engine
from govservice.operations.runtime import Runtime
from govservice.web.health import init_health
from tests.support.clock import MovableClock

NO_GATEWAY = cast(Any, None)  # health asks no registry


@pytest.fixture
def runtime(database: Database, definitions: Any, calendars: Any, settings: Settings, clock: MovableClock) -> Runtime:
    return Runtime(database, definitions, calendars, NO_GATEWAY, settings, wall=clock)


def client(runtime: Runtime) -> FlaskClient:
    app = Flask("govservice", static_folder=None)
    init_health(app, runtime)
    return app.test_client()


def test_all_is_well(runtime: Runtime) -> None:
    assert client(runtime).get("/healthz").get_json() == {"status": "ok"}
    ready = client(runtime).get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["checks"] == {"database": True, "migrations": True, "definitions": True}


def test_a_database_behind_its_migrations_is_not_ready(runtime: Runtime) -> None:
    with runtime.database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    ready = client(runtime).get("/readyz")
    assert ready.status_code == 503
    assert ready.get_json()["checks"]["migrations"] is False
    assert client(runtime).get("/healthz").status_code == 200


def test_a_database_that_is_gone_is_not_ready(runtime: Runtime, keyring: Keyring) -> None:
    gone = Database(make_engine("postgresql+psycopg://nobody@127.0.0.1:1/nothing"), keyring)
    broken = Runtime(gone, runtime.definitions, runtime.calendars, NO_GATEWAY, runtime.settings, wall=runtime.wall)
    ready = client(broken).get("/readyz")
    assert ready.status_code == 503
    assert ready.get_json()["checks"]["database"] is False


def test_metrics_read_the_queues_from_the_database(runtime: Runtime) -> None:
    now = runtime.now()
    with runtime.write() as session:
        for number, due in (("1", now), ("2", now + timedelta(hours=1))):
            session.add(
                Outbox(id=f"c:1:{number}", case_id="c", seq=1, topic="mail", payload="{}", due_at=due, attempts=0)
            )
    said = client(runtime).get("/metrics").get_data(as_text=True)
    assert "portal_outbox_waiting 1.0" in said
    assert "portal_timers_due 0.0" in said
