"""Server time of the ten main pages on demonstration data, the database's part of it, the engine's share of a POST.

Processor time of the serving thread: what a page costs, whatever else the machine does meanwhile.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter, thread_time
from typing import Any

from flask import Flask, render_template_string
from flask.testing import FlaskClient
from flask_login import LoginManager, UserMixin, current_user, login_required
from sqlalchemy import event, select

from bench.figure import Figure, figure, timed
from bench.stage import Stage
from govservice.models.accounts import User
from govservice.models.cases import Case, Task
from govservice.models.papers import IssuedDocument
from govservice.operations import deciding
from govservice.queries.worklist import Filters, worklist

REPEATS = 25
BARE = """<!doctype html><html lang="zh"><head><title>{{ title }}</title></head><body><h1>{{ title }}</h1>
<form method="post"><input type="hidden" name="csrf_token" value="{{ token }}">{% for name in fields %}
<p><label for="{{ name }}">{{ name }}</label> <input id="{{ name }}" name="{{ name }}"></p>{% endfor %}
<button>OK</button></form><p>{{ user.id }}</p></body></html>"""


@dataclass
class Meter:
    """Seconds that the driver was busy."""

    seconds: float = 0.0
    statements: int = 0


def figures(stage: Stage) -> Iterator[Figure]:
    yield figure("demo.cases", stage.cases, "cases")
    yield figure("demo.load_per_case", stage.seconds / stage.cases * 1e3, "ms", 30)
    bare = median(timed(_bare(stage), 100, 10, thread_time))
    yield figure("page.bare", bare * 1e3, "ms")
    for name, login, address in _addresses(stage):
        client = stage.client(login)
        answer = client.get(address)
        assert answer.status_code == 200, f"{address} answers {answer.status_code}"
        seconds = timed(lambda c=client, a=address: c.get(a), REPEATS, 3, thread_time)  # type: ignore[misc]
        meters = [_measured(stage, client, address) for _ in range(5)]
        yield figure(f"page.{name}", median(seconds) * 1e3, "ms", round(2 * bare * 1e3, 1))
        within = 100 if name == "supervisor" else None
        yield figure(f"page.{name}.database", median(m.seconds for m in meters) * 1e3, "ms", within)
        yield figure(f"page.{name}.statements", meters[-1].statements, "statements")
    yield _worklist(stage)
    yield from _post(stage)


def _measured(stage: Stage, client: FlaskClient, address: str) -> Meter:
    with metered(stage) as meter:
        client.get(address)
    return meter


def _worklist(stage: Stage) -> Figure:
    """Database time of everything that a page of the worklist reads, without the session and the access rows."""
    rt, now = stage.rt, stage.rt.now()
    calendar, seconds = rt.calendars.for_area("huaxi"), []
    with rt.read() as session:
        zhang = session.scalars(select(User.id).where(User.login == "zhang.qiang")).one()
    for _ in range(REPEATS):
        with metered(stage) as meter, rt.read() as session:
            worklist(session, [("food", "huaxi.market_reg")], zhang, Filters(), calendar, now)
        seconds.append(meter.seconds)
    return figure("query.worklist", median(seconds) * 1e3, "ms", 1)


@contextmanager
def metered(stage: Stage) -> Iterator[Meter]:
    """Counts what the database's driver does meanwhile."""
    meter, began = Meter(), [0.0]
    engine = stage.rt.database.engine

    def before(*_: Any) -> None:
        began[0] = perf_counter()

    def after(*_: Any) -> None:
        meter.seconds += perf_counter() - began[0]
        meter.statements += 1

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)
    try:
        yield meter
    finally:
        event.remove(engine, "before_cursor_execute", before)
        event.remove(engine, "after_cursor_execute", after)


def _addresses(stage: Stage) -> Iterator[tuple[str, str | None, str]]:
    """(name, who, address) of the ten pages."""
    with stage.rt.read() as session:
        chen = session.scalars(select(User).where(User.login == "chen.wei")).one()
        his = session.scalars(
            select(Case.number).where(Case.applicant_id == chen.person_id, Case.status == "open")
        ).first()
        desk = select(Case.number).join(Task, Task.case_id == Case.id).where(
            Task.status == "open", Task.step == "review.food.desk", Task.department_id == "huaxi.market_reg"
        )  # fmt: skip
        waiting = session.scalars(desk.order_by(Task.due_at, Task.id)).first()
        code = session.scalars(select(IssuedDocument.verify_code).order_by(IssuedDocument.id)).first()
    draft, applicant = stage.a_draft()
    yield "service", None, "/services/open_restaurant"
    yield "search", None, "/search?q=restaurant"
    yield "sign_in", None, "/sign-in"
    yield "my_cases", "chen.wei", "/my/cases"
    yield "my_case", "chen.wei", f"/my/cases/{his}"
    yield "check_answers", applicant, f"/my/cases/{draft}/check"
    yield "worklist", "zhang.qiang", "/clerk/"
    yield "clerk_case", "zhang.qiang", f"/clerk/cases/{waiting}"
    yield "supervisor", "zhao.lei", "/supervisor/"
    yield "verify", None, f"/verify/{code}"


def _bare(stage: Stage) -> Any:
    """Flask, Flask-Login with a user read from the database, and a small page: what the stack itself costs."""
    app = Flask("bare")
    app.secret_key = "bench"
    manager = LoginManager(app)

    class Known(UserMixin):  # type: ignore[misc]
        def __init__(self, id: str) -> None:
            self.id = id

    @manager.request_loader
    def load(_request: Any) -> Known:
        with stage.rt.read() as session:
            return Known(session.scalars(select(User.id).where(User.login == "zhao.lei")).one())

    @app.get("/")
    @login_required
    def page() -> str:
        return render_template_string(BARE, title="Bare", token="t", fields=list("abcdefgh"), user=current_user)  # type: ignore[no-any-return]

    client = app.test_client()
    return lambda: client.get("/")


def _post(stage: Stage) -> Iterator[Figure]:
    """Taking a task and giving it back, in turn: the whole POST, and `engine.apply` inside it."""
    client = stage.client("zhou.jie")
    page = client.get("/clerk/").get_data(as_text=True)
    with stage.rt.read() as session:
        task = session.scalars(
            select(Task).where(
                Task.department_id == "huaxi.fire_rescue", Task.status == "open", Task.assignee_id.is_(None)
            )
        ).first()
        assert task is not None
        number = session.get_one(Case, task.case_id).number
    inside, seconds = [], []
    plain = deciding.apply

    def measured(*given: Any) -> Any:
        began = thread_time()
        try:
            return plain(*given)
        finally:
            inside.append(thread_time() - began)

    deciding.apply = measured
    try:
        for turn in range(2 * REPEATS):
            seconds.append(_send(client, page, f"/clerk/cases/{number}/{task.token_id}", turn))
    finally:
        deciding.apply = plain
    assert len(inside) == len(seconds)
    yield figure("post.claim", median(seconds) * 1e3, "ms")
    yield figure("post.engine_share", median(a / b for a, b in zip(inside, seconds, strict=True)), "ratio", 0.2)


def _send(client: FlaskClient, page: str, address: str, turn: int) -> float:
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
    assert token is not None
    form = {"csrf_token": token.group(1), "idem": f"bench-{turn}"}
    began = thread_time()
    answer = client.post(f"{address}/{'release' if turn % 2 else 'claim'}", data=form)
    took = thread_time() - began
    assert answer.status_code in (302, 303), answer.get_data(as_text=True)[:2000]
    return took
