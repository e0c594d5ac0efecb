"""`appointment` on a step: the applicant picks a slot, or one is set when the limit nears; nobody has a slot twice."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from config import ROOT
from govservice.definitions.library import load_library
from govservice.errors import Forbidden, NotAllowed, NotFound
from govservice.models.papers import Message
from govservice.operations import appointing
from govservice.operations.effects import deliver_due
from tests.web.conftest import Stage, make_stage  # noqa: F401
from tests.web.desks import MAIN, Desks, words


@pytest.fixture
def definitions(tmp_path: Path) -> Any:
    """The shipped services; the window meets whoever wants to open a restaurant."""
    folder = shutil.copytree(ROOT / "workflows", tmp_path / "workflows")
    path = folder / "services" / "open_restaurant.yaml"
    text = path.read_text(encoding="utf-8")
    at = text.index("  acceptance:")
    at = text.index("    owner: window\n", at)
    path.write_text(text[:at] + "    appointment: inspection\n" + text[at:], encoding="utf-8")
    return load_library(folder)


@pytest.fixture
def desks(make_stage: Callable[..., Stage]) -> Desks:  # noqa: F811
    return Desks(make_stage())


def test_a_slot_is_chosen_moved_set_by_itself_and_never_held_twice(desks: Desks) -> None:
    rt, now = desks.stage.runtime, desks.stage.wall.now()
    first, second, third = (desks.filed() for _ in range(3))
    page = words(desks.at("wang.fang").get(f"/my/cases/{first}"))
    assert "Inspection on site" in page
    address = f"/my/cases/{first}/appointment/{MAIN}"
    with rt.read() as session:
        place = appointing.place_of(rt, session, desks.id_of(first), MAIN)
        assert place is not None
        free = appointing.free_hours(rt, session, place, now)
        past = appointing.free_hours(rt, session, replace(place, due_on=now.date() - timedelta(days=1)), now)
    assert place.due_on == max(hour.date() for hour in free), "nobody is seen after the last day of the step"
    assert len(past) == appointing.DAYS * len(appointing.HOURS), "where that day is over, later is better than never"
    from govservice.models.base import to_iso

    hour = to_iso(free[0])
    assert desks.post("wang.fang", address, idem="slot-of-the-first").status_code == 422
    assert desks.post("wang.fang", address, idem="slot-of-the-first", hour=hour).status_code == 303
    assert desks.post("wang.fang", address, idem="slot-of-the-first", hour=hour).status_code == 303, "sent twice"
    told = words(desks.at("wang.fang").get(f"/my/cases/{first}"))
    assert "Tuesday 3 March, 09:00 to 10:00" in told.replace(" 2026", "")
    while deliver_due(rt, "worker", now):
        pass
    letter = _letter(desks, first)
    for said in (
        "Tuesday 3 March",
        "09:00 to 10:00",
        "CANARY-premises-address",
        "Government Service Centre",
        "originals",
    ):
        assert said in letter, said
    assert f"{address}" in desks.at("wang.fang").get(_letters(desks, first)[-1]).get_data(as_text=True)
    assert desks.at("zhou.jie").get(f"/clerk/cases/{first}/{MAIN}/@appoint").status_code == 404
    assert "09:00 to 10:00" in words(desks.at("li.na").get(f"/clerk/cases/{first}"))

    # two teams go out: the third who wants the hour is told, whoever asks at the same moment
    applicant = desks.actor("wang.fang", for_organisation=True)
    outcomes: list[str] = []

    def wants(number: str, n: int) -> None:
        try:
            appointing.choose(rt, applicant, desks.id_of(number), MAIN, free[0], idem=f"race-{n}-of-this-test", now=now)
            outcomes.append("had")
        except NotAllowed:
            outcomes.append("taken")

    threads = [threading.Thread(target=wants, args=(number, n)) for n, number in enumerate((second, third))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["had", "taken"]
    with rt.read() as session:
        rows = session.query(appointing.Appointment).all()
        assert len({(r.department_id, r.starts_at, r.lane) for r in rows}) == len(rows) == 2
        assert free[0] not in appointing.free_hours(rt, session, place, now)

    # who withdraws leaves the hour to others; who moves has one only
    appointing.choose(rt, applicant, desks.id_of(first), MAIN, free[5], idem="another-hour", now=now)
    while deliver_due(rt, "worker", now):
        pass
    old, new = (words(desks.at("wang.fang").get(href)) for href in _letters(desks, first))
    assert "This time was changed since: Tuesday 3 March 2026, 16:00 to 17:00." in old
    assert "Choose another time" not in old
    assert "Choose another time" in new
    late = second if _has(desks, second) else third
    other = third if late == second else second
    appointing.choose(rt, applicant, desks.id_of(other), MAIN, free[0], idem="now-it-is-free", now=now)
    desks.do(applicant, other, "withdraw")
    with rt.read() as session:
        assert free[0] in appointing.free_hours(rt, session, place, now)
    with pytest.raises(NotFound):
        appointing.choose(rt, applicant, desks.id_of(other), MAIN, free[1], idem="too-late", now=now)
    with pytest.raises(Forbidden):
        appointing.choose(rt, desks.actor("zhou.jie"), desks.id_of(first), MAIN, free[1], idem="stranger", now=now)

    # nobody chose: the first free hour, once half of the limit is used
    fourth = desks.filed()
    desks.stage.wall.advance(timedelta(days=3))
    with rt.write() as session:
        from govservice.engine import SYSTEM, Command, apply

        due = Command(desks.id_of(fourth), "@timers", "due", desks.stage.wall.now(), SYSTEM)
        apply(session, due, rt.definitions, rt.calendars)
    for _ in range(3):
        deliver_due(rt, "worker", desks.stage.wall.now())
    assert _has(desks, fourth)
    desks.browsers.clear()
    told = words(desks.at("wang.fang").get(f"/my/cases/{fourth}"))
    assert "set by the system, because nobody had chosen" in told
    desks.at("wang.fang").get("/language/zh")
    assert "现场核查" in desks.at("wang.fang").get(f"/my/cases/{fourth}").get_data(as_text=True)


def _has(desks: Desks, number: str) -> bool:
    with desks.stage.runtime.read() as session:
        found = session.query(appointing.Appointment).filter_by(case_id=desks.id_of(number)).count()
    return found == 1


def _letters(desks: Desks, number: str) -> list[str]:
    """Addresses of the letters about the case's meetings, the oldest first."""
    with desks.stage.runtime.read() as session:
        kept = select(Message.seq).where(Message.case_id == desks.id_of(number), Message.kind == "appointment")
        return [f"/my/cases/{number}/notices/appointment/{seq}" for seq in session.scalars(kept.order_by(Message.seq))]


def _letter(desks: Desks, number: str) -> str:
    answer = desks.at("wang.fang").get(_letters(desks, number)[-1])
    assert answer.status_code == 200
    return words(answer)
