"""What a registry told, and what it says otherwise: a flag in the worklist, and side by side on the clerk's case."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from config import Settings
from govservice.engine import SYSTEM
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.reliance import FlaggedCase, RegistryEvent
from govservice.models.session import Database
from govservice.operations.registry_events import LOOKED_AT, WORST, follow_due
from govservice.operations.revalidating import ask_again
from govservice.queries.flags import TOLD
from tests.exchange.conftest import _sandbox_process, sandbox
from tests.operations.conftest import Play
from tests.support.clock import MovableClock
from tests.support.relying import relying_files
from tests.support.sandboxes import Sandbox
from tests.web.conftest import portal_with
from tests.web.desks import words
from tests.web.test_relied import USCC, Room

__all__ = ["_sandbox_process", "sandbox"]


@pytest.fixture
def room(
    settings: Settings, database: Database, clock: MovableClock, sandbox: Sandbox, tmp_path: Path
) -> Iterator[Room]:
    """A restaurant under review; its enterprise fact listens to the register."""
    files = relying_files(tmp_path)
    stage = portal_with(settings, database, clock, sandbox, files)
    play = Play(stage.runtime, clock)
    made = Room(stage, play, sandbox)
    made.number = play.draft()
    play.submit()
    play.act("li.na", "", "accept")
    yield made
    stage.runtime.gateway.close()


def dissolved(room: Room, number: str = "E-1", result: str = TOLD) -> None:
    """As the door keeps a signed message (`operations/test_registry_events.py` goes through the door)."""
    play = room.play
    with play.rt.write() as session:
        event = RegistryEvent(
            id=new_id(), registry_code="enterprises", number=number, type="org.dissolved", person_id=None,
            organisation_id=session.get_one(Case, play.case_id).organisation_id, occurred_at=play.now,
            received_at=play.now, tries=0,
        )  # fmt: skip
        session.add(event)
        session.flush()
        session.add(FlaggedCase(id=new_id(), event_id=event.id, case_id=play.case_id, result=result, at=play.now))


def test_a_registrys_word_is_a_flag_until_it_is_settled(room: Room) -> None:
    food = room.stage.client_as("zhang.qiang")
    assert "Enterprise dissolved" not in words(food.get("/clerk/"))
    dissolved(room)
    lead = room.stage.client_as("he.tao")
    assert "Enterprise dissolved" not in words(food.get("/clerk/")), "the food desk does not read the enterprise"
    page = words(lead.get(f"/clerk/cases/{room.number}"))
    assert "Enterprise dissolved" not in page or "It is being asked again." in page
    room.sandbox.forget("enterprises", USCC)
    follow_due(room.play.rt, room.play.now)
    for login, scope, action in (
        ("zhang.qiang", "review.food", "pass"), ("sun.min", "review.sign", "pass"), ("zhou.jie", "review.fire", "pass")
    ):  # fmt: skip
        room.play.act(login, scope, action)
    room.play.act("zhang.qiang", "review.food", "pass", attachments=room.play.report())
    room.play.act("wu.gang", "review.food", "pass")
    page = words(lead.get("/clerk/"))
    assert "Enterprise dissolved" in page
    assert "A register says otherwise" in page
    case = words(lead.get(f"/clerk/cases/{room.number}"))
    assert "Told by the register" in case
    assert "Asked again it says otherwise: see below." in case
    assert "Has no record any more" in case


def test_supervision_reads_what_came_of_every_word(room: Room) -> None:
    """Also that a review of what was granted was opened: an answer of another kind than those of asking again."""
    for number, result in enumerate((TOLD, LOOKED_AT, *WORST)):
        dissolved(room, f"E-{number}", result)
    page = words(room.stage.client_as("zhao.lei").get("/supervisor/registries"))
    assert page.count("Enterprise dissolved") == 2 + len(WORST)
    assert "Is being asked again" in page
    assert "A review was opened" in page


def test_a_contradiction_is_a_flag_and_stands_side_by_side(room: Room) -> None:
    room.sandbox.change("real_estate", USCC, floor_area_m2="999.50")
    play = room.play
    fire = room.stage.client_as("zhou.jie")
    assert "A register says otherwise" not in words(fire.get("/clerk/"))
    ask_again(play.rt, SYSTEM, play.case_id, ["premises"], now=play.now, trigger="clerk")
    assert "A register says otherwise" in words(fire.get("/clerk/"))
    assert "A register says otherwise" not in words(room.stage.client_as("sun.min").get("/clerk/"))
    case = words(fire.get(f"/clerk/cases/{room.number}"))
    assert case.index("Sent") < case.index("Register now")
    assert "999.5" in case
    fire.set_cookie("language", "zh")
    assert "登记信息不一致" in words(fire.get("/clerk/?lang=zh"))
