"""A portal with demonstration data for the bench, and browsers signed in as its people."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from config import Settings, from_env
from govservice import logs
from govservice.app import create_app
from govservice.engine import Actor
from govservice.models import migrate
from govservice.models.accounts import Session, User
from govservice.models.cases import Case
from govservice.models.people import Mandate
from govservice.models.session import make_engine
from govservice.operations import demo
from govservice.operations import sessions as store
from govservice.operations.runtime import Runtime


@dataclass
class Stage:
    """The application and its runtime; `seconds` is what loading the history took, `cases` how many there are."""

    app: Flask
    rt: Runtime
    settings: Settings
    seconds: float
    cases: int

    def client(self, login: str | None = None) -> FlaskClient:
        """A browser that is signed in, acting for the enterprise where there is a mandate."""
        client = self.app.test_client()
        if login is not None:
            token, now = store.new_token(), self.rt.wall.now()
            interface = self.app.session_interface
            with self.rt.write() as session:
                user = session.scalars(select(User).where(User.login == login)).one()
                store.begin(session, token, user_id=user.id, limits=interface.limits, now=now)  # type: ignore[attr-defined]
                session.flush()
                row = session.get_one(Session, store.hash_of(token))
                row.mandate_id = session.scalar(select(Mandate.id).where(Mandate.person_id == user.person_id))
            client.set_cookie(interface.name, token)  # type: ignore[attr-defined]
        return client

    def citizen(self, login: str) -> Actor:
        """The applicant as a session of theirs would make it."""
        with self.rt.read() as session:
            user = session.scalars(select(User).where(User.login == login)).one()
            mandate = session.scalars(select(Mandate).where(Mandate.person_id == user.person_id)).one()
            return Actor(user.id, "applicant", (), user.person_id, mandate.organisation_id, login, mandate.id)

    def a_draft(self) -> tuple[str, str]:
        """Number and applicant's login of a draft that somebody left."""
        with self.rt.read() as session:
            case = session.scalars(select(Case).where(Case.status == "draft").order_by(Case.id)).first()
            assert case is not None, "the history has drafts"
            user = session.scalars(select(User).where(User.person_id == case.applicant_id)).one()
            return case.number, user.login


@contextlib.contextmanager
def staged(cases: int) -> Iterator[Stage]:
    """A demo portal on SQLite in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = from_env({"GOVSERVICE_MODE": "demo", "VAR_DIR": folder, "LOG_LEVEL": "ERROR"})
        logs.configure(settings.log_level)
        engine = make_engine(settings.database_url)
        migrate.upgrade(engine)
        engine.dispose()
        app = create_app(settings)
        rt: Runtime = app.extensions["runtime"]
        began = process_time()
        loaded = demo.load(rt, cases, lambda *_: None)
        yield Stage(app, rt, settings, process_time() - began, loaded.cases)
        rt.gateway.close()
        rt.database.engine.dispose()
