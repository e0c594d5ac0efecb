"""Pages of facts in full: what is agreed to, what may be changed, what is hidden, of which time a value is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings
from govservice.app import create_app
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.session import Database
from govservice.operations import filing
from govservice.operations.publishing import publish_all
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import Edits, relying_files
from tests.support.sandboxes import Sandbox
from tests.support.staged import TEMPLATES
from tests.web.conftest import Browser, Stage

__all__ = ["_sandbox_process", "sandbox"]
EDITS: Edits = {
    "purposes.yaml": (("  LICENSE:\n", "  LICENSE:\n    hides: {en: Some law art. 1, zh: 《某法》第一条}\n"),),
    "registries/real_estate.yaml": (("    freshness: 30d\n", "    freshness: 30d\n    periods: [last_month]\n"),),
}
FACTS = {"premises": "consent: explicit\n    show: editable\n    as_of: last_month", "health": "show: hidden"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """What pages say does not depend on the kind of database; `operations/test_consents.py` runs on both."""
    return sqlite_url


@dataclass
class Desk:
    stage: Stage
    play: Play
    number: str

    @property
    def at(self) -> str:
        return f"/my/cases/{self.number}"


@pytest.fixture
def desk(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Desk]:
    """A draft whose purpose page has not been answered."""
    files = relying_files(tmp_path, EDITS, **FACTS)
    changes = {"workflows_dir": files, "registry_endpoints": sandbox.endpoints(), "registration": "open"}
    app = create_app(replace(settings, **changes), database=database, wall=clock)
    app.testing = True
    app.jinja_env.bytecode_cache = TEMPLATES
    app.test_client_class = Browser
    stage = Stage(app, app.extensions["runtime"], clock)
    publish_all(stage.runtime, by="test", now=clock.now())
    play = Play(stage.runtime, clock)
    number = filing.start(stage.runtime, play.citizen("wang.fang"), "open_restaurant", idem=play.key(), now=clock.now())
    with stage.runtime.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    yield Desk(stage, play, number)
    stage.runtime.gateway.close()


def consent(desk: Desk) -> Consent:
    with desk.play.rt.read() as session:
        return session.scalars(select(Consent)).one()


def test_agreed_to_changed_sent_and_taken_back(desk: Desk) -> None:
    citizen = desk.stage.client_as("wang.fang")
    page = citizen.get(f"{desk.at}/purpose").get_data(as_text=True)
    assert "This register is asked only if you agree" in page
    assert "February 2026" in page
    assert "kept from your sight" in page
    unsaid = citizen.send(f"{desk.at}/purpose", {})
    assert unsaid.status_code == 422, "nobody has agreed by silence"
    assert "choose whether you agree" in unsaid.get_data(as_text=True)
    assert citizen.send(f"{desk.at}/purpose", {"consent.premises": "agree"}).status_code == 303

    page = citizen.get(f"{desk.at}/pages/premises").get_data(as_text=True)
    assert "Change what is wrong" in page
    desk.play.answer("wang.fang", premises={"premises.area": "512.5"})
    desk.play.answer("wang.fang", menu={"menu.kind": ["hot"], "menu.seats": 68}, sign={"signage.text": "清味小馆"})
    for slot in ("layout", "rules"):
        desk.play.attach("wang.fang", slot)
    page = citizen.get(f"{desk.at}/check").get_data(as_text=True)
    assert "512.5" in page
    assert "of February 2026, asked on" in page
    assert "Also from registers" not in page, "the certificates are hidden from the applicant"
    desk.play.submit()

    clerk = desk.stage.client_as("li.na")
    page = clerk.get(f"/clerk/cases/{desk.number}").get_data(as_text=True)
    assert "登记信息为" in page or "The register says" in page
    assert "Says something else than the applicant" in page

    row = consent(desk)
    listed = citizen.get("/my/data/consents").get_data(as_text=True)
    assert "Take this consent back" in listed
    assert desk.number in listed
    away = f"/my/data/consents/{row.id}/withdraw"
    stranger = desk.stage.client_as("chen.wei")
    assert stranger.send(away, page="/my/data/consents").status_code == 404
    assert "Take this consent back" not in stranger.get("/my/data/consents").get_data(as_text=True)
    assert citizen.send(away, page="/my/data/consents").status_code == 303
    assert citizen.send(away, page="/my/data/consents").status_code == 303, "twice is once"
    assert "Taken back on" in citizen.get("/my/data/consents").get_data(as_text=True)
    assert "Consent taken back on" in clerk.get(f"/clerk/cases/{desk.number}").get_data(as_text=True)


def test_a_choice_that_there_is_not_is_none(desk: Desk) -> None:
    citizen = desk.stage.client_as("wang.fang")
    assert citizen.send(f"{desk.at}/purpose", {"consent.premises": "maybe"}).status_code == 422
    with desk.play.rt.read() as session:
        assert session.scalars(select(Consent)).all() == []
    assert citizen.send(f"{desk.at}/purpose", {"consent.premises": "own"}).status_code == 303
    page = citizen.get(f"{desk.at}/tasks").get_data(as_text=True)
    assert "was not asked" in page
