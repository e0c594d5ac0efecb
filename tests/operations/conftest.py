"""The portal without its web: a runtime on a fresh database with the cast, and the registries as a real process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pytest
from sqlalchemy import select

from config import Settings
from govservice.engine import Actor, Applied, CaseState, load_state
from govservice.exchange.consents import wants_consent
from govservice.exchange.evidence import current_facts
from govservice.exchange.gateway import Gateway
from govservice.models.accounts import User
from govservice.models.cases import Case
from govservice.models.people import Mandate
from govservice.models.session import Database
from govservice.operations import deciding, effects, filing
from govservice.operations.files import Upload, check_upload
from govservice.operations.publishing import publish_all
from govservice.operations.runtime import Runtime
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.support.clock import MovableClock
from tests.support.sandboxes import Sandbox

__all__ = ["_sandbox_process", "sandbox"]

PDF = b"%PDF-1.4\nsome plan\n%%EOF"


class Play:
    """The cast at work on one case: short words for what people do."""

    def __init__(self, rt: Runtime, clock: MovableClock) -> None:
        self.rt = rt
        self.clock = clock
        self.keys = count(1)
        self.case_id = ""
        with rt.read() as session:
            self.users = {user.login: user for user in session.scalars(select(User))}

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def citizen(self, login: str) -> Actor:
        person = self.users[login].person_id
        with self.rt.read() as session:
            held = session.scalar(select(Mandate).where(Mandate.person_id == person))
        organisation, mandate = (held.organisation_id, held.id) if held else (None, None)
        return Actor(f"applicant:{person}", "applicant", (), person, organisation, login, mandate)

    def staff(self, login: str) -> Actor:
        user = self.users[login]
        return Actor(user.id, "user", tuple((r.role, r.department_id) for r in user.roles), user.person_id, name=login)

    def key(self) -> str:
        return f"key-{next(self.keys)}"

    def new_case(self, actor: Actor, service: str) -> str:
        """An empty draft; from now on it is the case that is played. Returns the number."""
        number = filing.start(self.rt, actor, service, idem=self.key(), now=self.now)
        with self.rt.read() as session:
            self.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
        return number

    def draft(self, login: str = "wang.fang", service: str = "open_restaurant", tries: int = 12) -> str:
        """Starts a case, agrees to everything, answers and attaches what is asked. Returns the number."""
        number = self.new_case(self.citizen(login), service)
        self.agree(login, tries)
        self.answer(login, menu={"menu.kind": ["hot"], "menu.seats": 68}, sign={"signage.text": "清味小馆"})
        for slot in ("layout", "rules"):
            self.attach(login, slot)
        return number

    def agree(self, login: str, tries: int = 12) -> None:
        """The registries are asked; those that did not answer in time are asked again, as a citizen would."""
        actor = self.citizen(login)
        with self.rt.read() as session:
            compiled = self.rt.definitions.by_sha(session.get_one(Case, self.case_id).def_sha)
        agreed = wants_consent(compiled)
        filing.agree(self.rt, actor, self.case_id, declined=(), agreed=agreed, now=self.now)
        for _ in range(tries - 1):
            with self.rt.read() as session:
                facts = current_facts(session, self.case_id, self.rt.definitions.catalogue)
            if all(view.filled or view.state != "deferred" for view in facts.values()):
                break
            filing.fetch_facts(self.rt, actor, self.case_id, now=self.now, trigger="retry")

    def answer(self, login: str, **pages: Mapping[str, Any]) -> None:
        for page, values in pages.items():
            filing.save_page(self.rt, self.citizen(login), self.case_id, page, values, now=self.now)

    def attach(self, login: str, slot: str, content: bytes = PDF) -> str:
        return filing.attach(self.rt, self.citizen(login), self.case_id, slot, f"{slot}.pdf", content, now=self.now)

    def submit(self, login: str = "wang.fang", idem: str | None = None) -> filing.Receipt:
        actor = self.citizen(login)
        return filing.submit(self.rt, actor, self.case_id, expected=None, idem=idem or self.key(), now=self.now)

    def act(self, login: str, scope: str, action: str, **words: Any) -> Applied:
        token = self.state.token_of(scope)
        assert token is not None
        return deciding.act(
            self.rt, self.staff(login), self.case_id, token.id, action, expected=None, idem=self.key(), now=self.now,
            **words,
        )  # fmt: skip

    def review(self) -> None:
        """The three departments agree to an accepted restaurant, the site by two people: the decision is next."""
        self.act("zhang.qiang", "review.food", "pass")
        self.act("zhang.qiang", "review.food", "pass", attachments=self.report())
        self.act("wu.gang", "review.food", "pass")
        self.act("sun.min", "review.sign", "pass")
        self.act("zhou.jie", "review.fire", "pass")

    def pass_time(self, **span: float) -> None:
        self.clock.advance(timedelta(**span))

    def deliver(self) -> int:
        """Drains the outbox. Returns how many effects were delivered."""
        done = 0
        while some := effects.deliver_due(self.rt, "test", self.now):
            done += some
        return done

    @property
    def state(self) -> CaseState:
        with self.rt.read() as session:
            return load_state(session, self.case_id)

    @property
    def steps(self) -> dict[str, str]:
        """Step by scope of every open token."""
        return {t.scope: t.step for t in self.state.tokens.values() if t.open}

    def report(self, slot: str = "site_report") -> dict[str, list[Upload]]:
        return {slot: [check_upload(slot, "report.pdf", PDF, ("pdf",), 5)]}


@pytest.fixture
def sqlite_url(staged_sqlite_url: str) -> str:
    return staged_sqlite_url


@pytest.fixture
def postgresql_url(staged_postgresql_url: str) -> str:
    return staged_postgresql_url


@pytest.fixture
def runtime(
    settings: Settings, database: Database, definitions: Any, calendars: Any, clock: MovableClock, sandbox: Sandbox
) -> Iterator[Runtime]:
    """Published services, the cast, and a door to the real registries."""
    gateway = Gateway(definitions.catalogue, sandbox.endpoints())
    made = Runtime(database, definitions.for_one_portal(), calendars, gateway, settings, simulated=False, wall=clock)
    publish_all(made, by="test", now=clock.now())
    yield made
    gateway.close()


@pytest.fixture
def play(runtime: Runtime, clock: MovableClock) -> Play:
    return Play(runtime, clock)
