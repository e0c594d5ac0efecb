"""Clause 5, "`consult` another department with a limit", on the pages: whoever asks, whoever answers, the applicant,
the supervisor's figures."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config import ROOT
from govservice.definitions.library import load_library
from tests.web.conftest import Stage
from tests.web.desks import Desks, words

ASK = (
    "      ask_fire: {consult: {departments: [fire_rescue], limit: 2wd, on_timeout: no_objection}, "
    "label: {en: Ask the fire brigade, zh: 征求消防意见}}\n"
)
ACCEPT = "      accept:  {to: review"
SIDE = "acceptance@ask_fire@fire_rescue"


@pytest.fixture
def definitions(tmp_path: Path) -> Any:
    """The shipped services, and a question that the window may ask the fire brigade."""
    folder = shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    path = folder / "services" / "open_restaurant.yaml"
    text = path.read_text(encoding="utf-8")
    assert ACCEPT in text
    path.write_text(text.replace(ACCEPT, ASK + ACCEPT, 1), encoding="utf-8")
    return load_library(folder)


@pytest.fixture
def desks(make_stage: Callable[..., Stage]) -> Desks:
    return Desks(make_stage())


def test_consult_is_asked_answered_and_told_at_every_desk(desks: Desks) -> None:
    number = desks.filed()
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}/1/ask_fire"))
    assert "You ask Fire and Rescue Brigade, who answer within 2 working days. No clock stands still for this." in page
    assert "Silence counts as no objection. This step goes on only when all have answered." in page
    assert "Your question" in page
    missing = desks.send("li.na", number, "", "ask_fire", reason="")
    assert missing.status_code == 422
    assert "Write your question" in words(missing)
    sent = desks.send("li.na", number, "", "ask_fire", reason="CANARY-question")
    assert sent.status_code == 302
    assert "The departments have been asked" in words(desks.at("li.na").get(sent.headers["Location"]))

    asking = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    assert "Opinions asked for" in asking
    assert "Not answered yet" in asking
    assert "A department that was asked for its opinion has not answered yet." in asking
    assert "Take the question back" in asking
    assert number in words(desks.at("zhou.jie").get("/clerk/")), "it is in the worklist of the department that is asked"
    asked = words(desks.at("zhou.jie").get(f"/clerk/cases/{number}"))
    assert "CANARY-question" in asked
    assert "Take the question back" not in asked
    assert desks.at("sun.min").get(f"/clerk/cases/{number}").status_code == 404
    form = words(desks.at("zhou.jie").get(f"/clerk/cases/{number}/{desks.token(number, SIDE)}/agree_if"))
    assert "The department that asked reads this; the applicant does not." in form

    told = words(desks.at("wang.fang").get(f"/my/cases/{number}"))
    assert "was asked for its opinion, until" in told
    assert "the clock runs on meanwhile" in told
    assert "Opinion asked of:" in told
    assert "CANARY" not in told.replace("CANARY-org", "").replace("CANARY-person", "").replace("CANARY-premises", "")

    assert desks.send("zhou.jie", number, SIDE, "agree_if", reason="CANARY-opinion").status_code == 302
    answered = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    assert "Agrees on conditions" in answered
    assert "CANARY-opinion" in answered
    told = words(desks.at("wang.fang").get(f"/my/cases/{number}"))
    assert "gave its opinion" in told
    assert "CANARY-opinion" not in told
    desks.do("li.na", number, "accept")
    desks.at("wang.fang").get("/language/zh")
    zh = desks.at("wang.fang").get(f"/my/cases/{number}").get_data(as_text=True)
    assert "已出具意见" in zh


def test_consult_is_taken_back_and_counts_among_the_steps(desks: Desks) -> None:
    number = desks.filed()
    desks.send("li.na", number, "", "ask_fire", reason="?")
    address = f"/clerk/cases/{number}/{desks.token(number, SIDE)}/@cancel"
    assert desks.at("zhou.jie").get(address).status_code == 404
    page = desks.at("li.na").get(address)
    assert "Take the question back" in words(page)
    assert desks.post("li.na", address, idem="back-1", reason="").status_code == 422
    assert desks.post("li.na", address, idem="back-1", reason="settled by telephone").status_code == 303
    shown = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    assert "Taken back" in shown
    assert "need not be answered any more" in shown
    desks.send("li.na", number, "", "ask_fire", reason="once more")
    desks.pass_time(days=4)
    with desks.stage.runtime.write() as session:
        from govservice.engine import SYSTEM, Command, apply

        due = Command(desks.id_of(number), "@timers", "due", desks.stage.wall.now(), SYSTEM)
        apply(session, due, desks.stage.runtime.definitions, desks.stage.runtime.calendars)
    told = words(desks.at("wang.fang").get(f"/my/cases/{number}"))
    assert "gave no opinion in time: that counts as no objection" in told
    figures = words(desks.at("zhao.lei").get("/supervisor/?service=open_restaurant"))
    assert "Ask the fire brigade" in figures
