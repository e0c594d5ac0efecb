"""Pages of facts in full: what is agreed to, what may be changed, what is hidden, of which time a value is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import select

from config import Settings
from govservice.exchange.sandbox.cast import CITIZENS
from govservice.models.cases import Case
from govservice.models.consents import Consent
from govservice.models.papers import Message
from govservice.models.session import Database
from govservice.operations import filing, owing
from govservice.operations.revalidating import ask_again
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.operations.conftest import PDF, Play
from tests.support.clock import MovableClock
from tests.support.relying import Edits, relying_files
from tests.support.sandboxes import Sandbox
from tests.web.citizens import send
from tests.web.conftest import Stage, portal_with

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


def opened(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, files: Path
) -> Desk:  # fmt: skip
    """A draft whose purpose page has not been answered, in a portal with these files."""
    stage = portal_with(settings, database, clock, sandbox, files)
    play = Play(stage.runtime, clock)
    wang = play.citizen("wang.fang")
    number = filing.start(stage.runtime, wang, "open_restaurant", idem=play.key(), now=clock.now())
    with stage.runtime.read() as session:
        play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
    return Desk(stage, play, number)


@pytest.fixture
def desk(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Desk]:
    made = opened(settings, database, clock, sandbox, relying_files(tmp_path, EDITS, **FACTS))
    yield made
    made.stage.runtime.gateway.close()


@pytest.fixture
def patient(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Desk]:
    """Certificates may come late; a change of the premises is corrected by the applicant and looked at by the fire
    brigade where it concerns the enterprise."""
    files = relying_files(tmp_path, premises="on_change: correct", enterprise="on_change: {task: fire}")
    made = opened(settings, database, clock, sandbox, files)
    yield made
    made.stage.runtime.gateway.close()


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
    page = clerk.get(f"/clerk/cases/{desk.number}").get_data(as_text=True)
    assert "Consent taken back on" in page
    for history in (page, citizen.get(desk.at).get_data(as_text=True)):
        assert history.count("Consent given to ask: ") == history.count("Consent taken back: ") == 1, "in the history"
        assert history.index("Consent taken back: ") < history.index("Consent given to ask: "), "newest first"


def test_a_choice_that_there_is_not_is_none(desk: Desk) -> None:
    citizen = desk.stage.client_as("wang.fang")
    assert citizen.send(f"{desk.at}/purpose", {"consent.premises": "maybe"}).status_code == 422
    with desk.play.rt.read() as session:
        assert session.scalars(select(Consent)).all() == []
    assert citizen.send(f"{desk.at}/purpose", {"consent.premises": "own"}).status_code == 303
    page = citizen.get(f"{desk.at}/tasks").get_data(as_text=True)
    assert "so we did not ask the" in page


def filled_in(desk: Desk) -> None:
    desk.play.answer("wang.fang", menu={"menu.kind": ["hot"], "menu.seats": 68}, sign={"signage.text": "清味小馆"})
    for slot in ("layout", "rules"):
        desk.play.attach("wang.fang", slot)


def test_sent_while_a_register_is_down_and_asked_for_once(patient: Desk, sandbox: Sandbox) -> None:
    desk, citizen = patient, patient.stage.client_as("wang.fang")
    sandbox.fault("health_certificates", "status_500")
    assert citizen.send(f"{desk.at}/purpose", {}).status_code == 303
    filled_in(desk)
    page = citizen.get(f"{desk.at}/check").get_data(as_text=True)
    assert "You can send without this" in page
    assert "within 5 working days" in page
    assert "Send the application" in page, "and it can be sent from here"
    assert send(citizen, desk.number).status_code == 303
    assert desk.play.state.status == "open"
    assert "we keep asking" in citizen.get(desk.at).get_data(as_text=True)
    assert citizen.get(f"{desk.at}/owed").status_code == 303, "nothing is asked yet"

    desk.play.pass_time(days=12)
    assert owing.ask_due(desk.play.rt, desk.play.now) == 1
    citizen = desk.stage.client_as("wang.fang")
    letter = citizen.get(f"{desk.at}/notices/owed/1").get_data(as_text=True)
    assert "Staff health certificates" in letter
    assert "is not refused for it" in letter
    page = citizen.get(desk.at).get_data(as_text=True)
    assert page.count("Give it now") == 2, "the panel on top says it as well"
    assert "You need not do anything" not in page
    page = citizen.get(f"{desk.at}/owed").get_data(as_text=True)
    assert "Staff health certificates" in page
    empty = citizen.send(f"{desk.at}/owed", {})
    assert empty.status_code == 422
    assert "upload a file" in empty.get_data(as_text=True)
    for _ in range(2):  # pressed twice: the same answer
        given = {"file-health_certificates": (BytesIO(PDF), "证明.pdf"), "idem": "0123456789abcdef0123456789abcdef"}
        answer = citizen.send(f"{desk.at}/owed", given, page="/my/cases")
        assert answer.status_code == 303
        assert answer.location.endswith("said=given")
    assert "You gave what was still owed" in citizen.get(desk.at).get_data(as_text=True)
    assert citizen.get(f"{desk.at}/owed").status_code == 303
    stranger = desk.stage.client_as("chen.wei")
    assert stranger.get(f"{desk.at}/owed").status_code == 404


def test_a_change_is_a_correction_or_a_task_on_every_desk(patient: Desk, sandbox: Sandbox) -> None:
    desk, citizen = patient, patient.stage.client_as("wang.fang")
    citizen.send(f"{desk.at}/purpose", {})
    filled_in(desk)
    desk.play.submit()
    uscc = next(c.organisation.uscc for c in CITIZENS if c.login == "wang.fang" and c.organisation)
    sandbox.change("real_estate", uscc, floor_area_m2="999.50")
    sandbox.change("enterprises", uscc, name="贵阳花溪新味餐饮有限公司")
    desk.play.pass_time(hours=1)
    ask_again(
        desk.play.rt, desk.play.staff("he.tao"), desk.play.case_id, ["premises", "enterprise"], now=desk.play.now,
        trigger="clerk",
    )  # fmt: skip
    desk.play.deliver()
    citizen = desk.stage.client_as("wang.fang")
    story = citizen.get(desk.at).get_data(as_text=True)
    assert "A register says something else than your application" in story
    assert "looks at the change" in story
    page = citizen.get(f"{desk.at}/correct").get_data(as_text=True)
    assert "says now: 999.50" in page
    letter = citizen.get(f"{desk.at}/notices/correction/{_seq(desk)}").get_data(as_text=True)
    assert "says now: 999.50" in letter

    brigade = desk.stage.client_as("zhou.jie")
    assert desk.number in brigade.get("/clerk/").get_data(as_text=True)
    page = brigade.get(f"/clerk/cases/{desk.number}").get_data(as_text=True)
    assert "贵阳花溪新味餐饮有限公司" in page, "the difference, side by side"
    assert "I have looked at the change" in page
    assert "清味小馆" not in page, "and nothing that the change does not concern"
    clerk = desk.stage.client_as("li.na")
    assert "A register says something else than the application" in clerk.get(f"/clerk/cases/{desk.number}").get_data(
        as_text=True
    )


def _seq(desk: Desk) -> int:
    with desk.play.rt.read() as session:
        return session.scalars(select(Message.seq).where(Message.kind == "correction")).one()


def test_a_page_with_other_questions_lets_out_what_a_register_owes(patient: Desk, sandbox: Sandbox) -> None:
    """The means may come later (`pending: allowed`); the income of the tax year is given on the same page."""
    rt, play = patient.stage.runtime, patient.play
    sandbox.fault("civil_affairs", "status_500")
    number = filing.start(
        rt, play.citizen("liu.yang"), "minimum_living_allowance", idem=play.key(), now=play.now
    )  # fmt: skip
    liu, at = patient.stage.client_as("liu.yang"), f"/my/cases/{number}"
    consent = {"means": "agree", "tax": "own", "earners": "own", "card": "own"}
    assert liu.send(f"{at}/purpose", {f"consent.{n}": how for n, how in consent.items()}).status_code == 303
    assert "you may send without it" in liu.get(f"{at}/pages/means").get_data(as_text=True)
    assert liu.send(f"{at}/pages/means", {"income.taxable": "0"}).status_code == 422, "the standard is not owed"
    assert liu.send(f"{at}/pages/means", {"allowance.standard": "785", "income.taxable": "0"}).status_code == 303
    check = liu.get(f"{at}/check").get_data(as_text=True)
    owed = check.partition('id="row-means.deposits"')[2].partition("gs-list__row")[0]
    assert "The register is still being asked" in owed, "nobody left it out"
    assert "Not provided" not in owed
