"""`/healthz`: the process answers. `/readyz`: it can serve people. `/metrics`: figures for Prometheus."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import datetime

from flask import Blueprint, Flask, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from govservice import logs
from govservice.models import migrate
from govservice.models.cases import Case, Outbox, Timer
from govservice.operations.runtime import Runtime

Guard = Callable[[Callable[..., Response]], Callable[..., Response]]
log = logs.get("govservice.web.health")


def init_health(app: Flask, runtime: Runtime, guard: Guard = lambda view: view) -> None:
    """Registers the three routes. `guard` declares their audience: pass `audience("anyone")`."""
    pages = Blueprint("health", __name__)

    def healthz() -> Response:
        return jsonify(status="ok")

    def readyz() -> Response:
        checks = readiness(runtime)
        response = jsonify(status="ok" if all(checks.values()) else "not ready", checks=checks)
        response.status_code = 200 if all(checks.values()) else 503
        return response

    def metrics() -> Response:
        return Response(exposition(runtime), content_type=CONTENT_TYPE_LATEST)

    for view in (healthz, readyz, metrics):
        pages.add_url_rule(f"/{view.__name__}", view.__name__, guard(view))
    app.register_blueprint(pages)


def readiness(runtime: Runtime) -> dict[str, bool]:
    """What must hold before people are sent here: database there and migrated, definitions loaded."""
    checks = {"database": False, "migrations": False, "definitions": bool(runtime.definitions.codes())}
    try:
        with runtime.read() as session:
            current = migrate.current(session.connection())
    except SQLAlchemyError:
        log.warning("readyz.database", exc_info=True)
        return checks
    return checks | {"database": True, "migrations": current == migrate.head()}


def exposition(runtime: Runtime) -> bytes:
    """The metrics of all worker processes, and the queues as the database has them now."""
    registry = CollectorRegistry()
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        registry.register(REGISTRY)
    registry.register(_Queues(runtime))
    return generate_latest(registry)


class _Queues:
    """Read at each scrape: a gauge kept in a process would be wrong in every other one."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime

    def collect(self) -> Iterator[Metric]:
        now = self.runtime.now()
        with self.runtime.read() as session:
            yield _gauge("portal_outbox_waiting", "Effects that are due and not delivered", _outbox(session, now))
            yield _gauge("portal_timers_due", "Timers that are due and not fired", _timers(session, now))
            open_cases = GaugeMetricFamily("portal_cases", "Cases by status", labels=["status"])
            for status, count in session.execute(select(Case.status, func.count()).group_by(Case.status)):
                open_cases.add_metric([status], count)
            yield open_cases


def _gauge(name: str, help: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help, value=value)


def _outbox(session: Session, now: datetime) -> int:
    due = select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None), Outbox.due_at <= now)
    return session.execute(due).scalar_one()


def _timers(session: Session, now: datetime) -> int:
    due = select(func.count()).select_from(Timer).where(Timer.status == "armed", Timer.due_at <= now)
    return session.execute(due).scalar_one()
