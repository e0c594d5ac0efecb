"""Ninety days of cases under the supervisor's pages: made once in a test process on each database, read by all."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from govservice.app import create_app
from govservice.models.cases import CaseEvent
from govservice.operations import demo
from govservice.operations.runtime import Runtime
from govservice.queries.turnaround import Scope
from tests.conftest import make_settings
from tests.support import postgres
from tests.support.clock import MovableClock
from tests.support.recount import Told, told
from tests.web.conftest import Browser, Stage

NOW = datetime(2026, 11, 24, 2, 10, tzinfo=UTC)  # a Tuesday, 10:10 in China
CASES = 130
HUAXI = ("huaxi",)


@dataclass
class History:
    stage: Stage
    told: list[Told]
    supervisor: Browser

    @property
    def rt(self) -> Runtime:
        return self.stage.runtime

    def of(self, service: str, areas: tuple[str, ...] = HUAXI) -> list[Told]:
        return [t for t in self.told if t.service == service and t.area in areas]

    def page(self, address: str) -> str:
        answer = self.supervisor.get(address)
        assert answer.status_code == 200, address
        return html.unescape(answer.get_data(as_text=True))


def supervised(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, definitions: Any, calendars: Any
) -> Iterator[History]:
    """Ninety days of cases, once on each database, with the portal's pages over them."""
    folder = tmp_path_factory.mktemp("supervised")
    with ExitStack() as stack:
        url = postgres.own_database(request, folder, stack)
        clock = MovableClock(NOW)
        app = create_app(make_settings(url, folder), definitions=definitions, calendars=calendars, wall=clock)
        app.testing, app.test_client_class = True, Browser
        rt: Runtime = app.extensions["runtime"]
        demo.load(rt, CASES, lambda _done, _total: None)
        stage = Stage(app, rt, clock)
        yield History(stage, recounted(rt), stage.client_as("zhao.lei"))
        rt.gateway.close()
        rt.database.engine.dispose()


def recounted(rt: Runtime) -> list[Told]:
    by_case: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    with rt.read() as session:
        for e in session.scalars(select(CaseEvent).order_by(CaseEvent.case_id, CaseEvent.seq)):
            by_case[e.case_id].append((e.type, e.at, e.token_id, e.data))
    return [told(events) for events in by_case.values()]


def scope(service: str | None, days: int = 90, areas: tuple[str, ...] = HUAXI) -> Scope:
    return Scope(areas, NOW - timedelta(days=days), service)
