"""The payment sandbox as a real process, a portal that it can reach over real HTTP, and two services with a fee."""

from __future__ import annotations

import base64
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from werkzeug.serving import make_server

from config import ROOT, PaymentAccount, Settings
from govservice.app import create_app
from govservice.clock import WallClock
from govservice.definitions.library import load_library
from govservice.engine import Actor, CaseState, load_state
from govservice.models.accounts import User
from govservice.models.cases import Case, CaseEvent
from govservice.models.papers import IssuedDocument
from govservice.models.payments import Payment, PaymentNotice
from govservice.models.session import Database
from govservice.operations import deciding, effects, filing
from govservice.operations.clock import fire_due, set_clock
from govservice.operations.fees import reconcile_due
from govservice.operations.invariants import check_case, staff_actors
from govservice.operations.paying import begin
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from tests.operations.conftest import postgresql_url, sqlite_url
from tests.support.clock import MONDAY
from tests.support.sandboxes import PATIENCE, PaymentSandbox, process

__all__ = ["postgresql_url", "sqlite_url"]

DATA = Path(__file__).parent / "data"
KEY = bytes(range(64, 96))
MERCHANT = "test-portal"


@pytest.fixture(scope="session")
def _payment_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PaymentSandbox]:
    """`flask payment-sandbox` as `make run` starts it."""
    environ = {
        "GOVSERVICE_MODE": "demo", "VAR_DIR": str(tmp_path_factory.mktemp("payment")),
        "PAYMENT_MERCHANT": MERCHANT, "PAYMENT_KEY": base64.b64encode(KEY).decode(),
    }  # fmt: skip
    command = ("flask", "--app", "wsgi", "payment-sandbox", "--port", "0", "--forget")
    with process(*command, environ=environ) as url:
        yield PaymentSandbox(url)


@pytest.fixture
def payment_sandbox(_payment_process: PaymentSandbox) -> PaymentSandbox:
    """Without faults."""
    _payment_process.reset()
    return _payment_process


@pytest.fixture(scope="session")
def fee_definitions(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The shipped definitions and two small services with a fee."""
    folder = tmp_path_factory.mktemp("workflows") / "workflows"
    shutil.copytree(ROOT / "workflows", folder)
    for file in DATA.glob("*.yaml"):
        shutil.copy(file, folder / "services")
    return load_library(folder)


@dataclass
class Till:
    """The cast at the till: short words for what people and the worker do with one case."""

    rt: Runtime
    app: Flask
    url: str
    sandbox: PaymentSandbox
    keys: Iterator[int] = field(default_factory=lambda: count(1))
    case_id: str = ""

    # -- the clock

    @property
    def now(self) -> datetime:
        return self.rt.now()

    def pass_time(self, **span: float) -> None:
        set_clock(self.rt, self.now + timedelta(**span), frozen=True)

    # -- people

    def citizen(self, login: str = "liu.yang") -> Actor:
        person = self._user(login).person_id
        return Actor(f"applicant:{person}", "applicant", (), person, None, login)

    def staff(self, login: str) -> Actor:
        user = self._user(login)
        return Actor(user.id, "user", tuple((r.role, r.department_id) for r in user.roles), user.person_id, name=login)

    def _user(self, login: str) -> User:
        with self.rt.read() as session:
            user = session.scalars(select(User).where(User.login == login)).one()
            assert user.roles is not None
            return user

    def key(self) -> str:
        return f"till-{next(self.keys)}"

    def file(self, service: str = "stall_permit", login: str = "liu.yang") -> str:
        """Files a case. Returns its number."""
        number = self.draft(service, login)
        self.send(login)
        return number

    def draft(self, service: str = "stall_permit", login: str = "liu.yang") -> str:
        """A draft with everything answered. Returns its number."""
        actor = self.citizen(login)
        number = filing.start(self.rt, actor, service, idem=self.key(), now=self.now)
        with self.rt.read() as session:
            self.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
        filing.agree(self.rt, actor, self.case_id, declined=(), now=self.now)
        filing.save_page(self.rt, actor, self.case_id, "stall", {"stall.district": "huaxi"}, now=self.now)
        return number

    def send(self, login: str = "liu.yang") -> None:
        actor = self.citizen(login)
        filing.submit(self.rt, actor, self.case_id, expected=None, idem=self.key(), now=self.now)

    def act(self, login: str, action: str, reason: str | None = None) -> None:
        deciding.act(
            self.rt, self.staff(login), self.case_id, 1, action, expected=None, idem=self.key(), now=self.now,
            reason=reason,
        )  # fmt: skip

    def withdraw(self) -> None:
        filing.withdraw(self.rt, self.citizen(), self.case_id, reason=None, idem=self.key(), now=self.now)

    def to_fee(self, service: str = "stall_permit") -> str:
        """Files a case and brings it to its fee step, the order made at the provider. Returns the order's number."""
        self.file(service)
        if service == "stall_permit":
            self.act("li.na", "accept")
            self.act("he.tao", "approve")
        self.work()
        begin(self.rt, self.citizen(), self.case_id, now=self.now)
        return self.payment.id

    # -- the worker

    def work(self) -> int:
        """What the worker does in its rounds, until nothing is left to do now."""
        done = 0
        while some := fire_due(self.rt, self.now) + effects.deliver_due(self.rt, "test", self.now):
            done += some
        return done

    def reconcile(self) -> int:
        return reconcile_due(self.rt, self.now)

    # -- what is

    @property
    def state(self) -> CaseState:
        with self.rt.read() as session:
            return load_state(session, self.case_id)

    @property
    def step(self) -> str:
        return self.state.main.step

    @property
    def payments(self) -> list[Payment]:
        with self.rt.read() as session:
            rows = select(Payment).where(Payment.case_id == self.case_id).order_by(Payment.created_at, Payment.id)
            return list(session.scalars(rows))

    @property
    def payment(self) -> Payment:
        return self.payments[-1]

    def documents(self) -> int:
        with self.rt.read() as session:
            query = select(func.count()).select_from(IssuedDocument).where(IssuedDocument.case_id == self.case_id)
            return int(session.scalar(query) or 0)

    def everything(self) -> tuple[Any, ...]:
        """All that a callback could change: to be compared before and after one that counts for nothing."""
        with self.rt.read() as session:
            rows = [
                {c.key: getattr(p, c.key) for c in Payment.__table__.columns} for p in session.scalars(select(Payment))
            ]
            notices = sorted(session.scalars(select(PaymentNotice.nonce)))
            heads = sorted(session.execute(select(Case.id, Case.head, Case.version)).all())
            return rows, notices, heads, session.scalar(select(func.count()).select_from(CaseEvent))

    def check(self) -> None:
        """The invariants of the case hold."""
        with self.rt.read() as session:
            case = session.get_one(Case, self.case_id)
            assert list(check_case(self.rt, session, case, staff_actors(session))) == []


def until(holds: Callable[[], bool], what: str = "") -> None:
    """Waits for something that another process does."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"it did not come: {what}"
        time.sleep(0.02)


@pytest.fixture
def till(
    settings: Settings, database: Database, fee_definitions: Any, calendars: Any, payment_sandbox: PaymentSandbox
) -> Iterator[Till]:
    """A portal that listens on a port of this machine; its cases live on a simulated clock that stands still."""
    server = make_server("127.0.0.1", 0, lambda _environ, _start: [], threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    account = PaymentAccount(payment_sandbox.url, MERCHANT, KEY)
    app = create_app(
        replace(settings, base_url=url, payment=account), database=database, definitions=fee_definitions,
        calendars=calendars, wall=WallClock(),
    )  # fmt: skip
    rt: Runtime = app.extensions["runtime"]
    set_clock(rt, MONDAY, frozen=True)
    publish_all(rt, by="test", now=MONDAY)
    server.app = app
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Till(rt, app, url, payment_sandbox)
    server.shutdown()
    thread.join(10)
    server.server_close()
    assert rt.provider is not None
    rt.provider.close()
