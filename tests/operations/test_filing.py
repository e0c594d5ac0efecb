"""Filing: what registries hold stands, what they hold is not asked, one request is one case."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import func, select

from config import Settings
from govservice.definitions.library import Definitions
from govservice.engine import MAIN
from govservice.errors import Forbidden, Invalid, KeyReused, Missing, NotAllowed, NotFound, TooLarge
from govservice.exchange.evidence import asked_fields, current_facts, materials_asked
from govservice.exchange.gateway import Gateway
from govservice.exchange.snapshot import verify_snapshot
from govservice.models.casedata import Form, read_form
from govservice.models.cases import Case, CaseEvent
from govservice.models.exchange import DataAccess, Exchange, Snapshot
from govservice.models.people import Mandate
from govservice.models.session import Database
from govservice.operations import filing
from govservice.operations.completeness import open_slots
from govservice.operations.own_cases import own_case
from govservice.operations.rating import rate
from govservice.operations.runtime import Runtime
from govservice.worktime.calendar import Calendars
from tests.engine.texts import definition, label
from tests.engine.world import HE, World, compiled_from
from tests.operations.conftest import PDF, Play
from tests.support.rows import end_mandate
from tests.support.sandboxes import Sandbox


def form_of(play: Play) -> Form:
    with play.rt.read() as session:
        case = session.get_one(Case, play.case_id)
        return read_form(session, case.applicant_id, case.id)


def test_registries_fill_the_form_and_only_the_rest_is_asked(play: Play) -> None:
    play.draft()
    form = form_of(play)
    assert form.answers["org.name"] == "贵阳花溪清味餐饮有限公司"
    assert form.answers["premises.area"] == "326.40"
    assert form.sources["premises.area"] == "fact:premises"
    with play.rt.read() as session:
        facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
        compiled = play.rt.definitions.current("open_restaurant")
        assert asked_fields(compiled, facts) == ["menu.kind", "menu.seats", "signage.text"]
        assert materials_asked(compiled, facts) == ["layout", "rules"]
        asked = set(session.scalars(select(Exchange.dataset)))
        assert asked == {
            "population/2", "enterprises/1", "serious_breaches/1", "real_estate/1", "health_certificates/1",
        }  # fmt: skip
        reads = session.scalars(select(DataAccess).where(DataAccess.purpose == "registry_fetch")).all()
        assert {r.subject_id for r in reads} == {play.citizen("wang.fang").person_id}


def test_a_posted_value_never_overrides_a_registry(play: Play) -> None:
    play.draft()
    play.answer("wang.fang", premises={"premises.area": "5.00", "premises.address": "elsewhere"})
    form = form_of(play)
    assert form.answers["premises.area"] == "326.40"
    assert form.answers["premises.address"] == "花溪区清溪路 86 号一层"


def test_a_registry_that_is_down_leaves_its_fields_to_the_citizen(play: Play, sandbox: Sandbox) -> None:
    sandbox.fault("real_estate", "status_500")
    play.draft(tries=1)
    with pytest.raises(Missing) as missing:
        play.submit()
    down = {"premises.title_no", "premises.address", "premises.district", "premises.area", "title_deed"}
    assert down <= set(missing.value.fields)  # on a busy machine another registry may be late as well
    if "health_certificates" in missing.value.fields:
        play.attach("wang.fang", "health_certificates")
    answers = {"premises.title_no": "x", "premises.address": "y", "premises.district": "huaxi", "premises.area": "80"}
    play.answer("wang.fang", premises=answers)
    play.attach("wang.fang", "title_deed")
    assert play.submit().number
    assert form_of(play).sources["premises.area"] == "you"


def test_answers_of_a_hidden_page_are_not_stored(play: Play) -> None:
    play.draft()
    play.answer("wang.fang", menu={"menu.kind": ["hot"], "menu.seats": 0})
    assert "signage.text" not in form_of(play).answers


def test_nothing_is_sent_while_something_is_missing(play: Play) -> None:
    play.draft()
    play.answer("wang.fang", menu={"menu.kind": None, "menu.seats": 3})
    with pytest.raises(Missing) as missing:
        play.submit()
    assert missing.value.fields == ("menu.kind",)
    assert play.state.status == "draft"


def test_the_same_request_opens_one_case(play: Play) -> None:
    actor = play.citizen("wang.fang")
    numbers = {filing.start(play.rt, actor, "open_restaurant", idem="same", now=play.now) for _ in range(3)}
    assert len(numbers) == 1
    with play.rt.read() as session:
        assert session.scalar(select(func.count()).select_from(Case)) == 1


def test_numbers_do_not_follow_each_other(play: Play) -> None:
    actor = play.citizen("wang.fang")
    numbers = [filing.start(play.rt, actor, "open_restaurant", idem=f"n{i}", now=play.now) for i in range(20)]
    assert len(set(numbers)) == 20
    assert len({number[:3] for number in numbers}) > 10


def test_sending_again_gives_the_same_receipt(play: Play) -> None:
    play.draft()
    first = play.submit(idem="send")
    again = play.submit(idem="send")
    assert (again.number, again.sha256, again.replayed) == (first.number, first.sha256, True)
    with pytest.raises(NotAllowed):
        play.submit(idem="another")


def test_a_key_that_was_used_for_something_else_gives_no_receipt(play: Play) -> None:
    actor = play.citizen("wang.fang")
    play.draft()
    play.submit()
    filing.withdraw(play.rt, actor, play.case_id, reason=None, idem="taken", now=play.now)
    with pytest.raises(KeyReused):
        play.submit(idem="taken")


def test_many_sendings_at_once_make_one_submission(play: Play) -> None:
    play.draft()
    results: list[Any] = []

    def send() -> None:
        try:
            results.append(play.submit(idem="fifty"))
        except Exception as fault:  # what it was is asserted below
            results.append(fault)

    threads = [threading.Thread(target=send) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {getattr(r, "sha256", repr(r)) for r in results} == {results[0].sha256}
    with play.rt.read() as session:
        submitted = select(func.count()).select_from(CaseEvent).where(CaseEvent.data.contains('"received"'))
        assert session.scalar(submitted) == 1


def test_the_sealed_snapshot_verifies(play: Play) -> None:
    play.draft()
    receipt = play.submit()
    with play.rt.read() as session:
        row = session.scalars(select(Snapshot).where(Snapshot.case_id == play.case_id)).one()
        assert row.sha256 == receipt.sha256
        assert verify_snapshot(session, row)


def test_a_snapshot_lists_the_files_that_were_sent_and_no_others(play: Play) -> None:
    """A file taken back before sending, and one that a correction replaced, is not part of what was sent."""
    play.draft()
    wang, taken_back = play.citizen("wang.fang"), play.attach("wang.fang", "layout")
    filing.detach(play.rt, wang, play.case_id, taken_back, now=play.now)
    play.submit()
    first = form_of(play).materials
    play.act("li.na", "", "correct", reason="r", items={"layout": "unreadable"})
    filing.detach(play.rt, wang, play.case_id, first["layout"][0], now=play.now)
    replaced = play.attach("wang.fang", "layout")
    filing.resubmit(play.rt, wang, play.case_id, expected=None, idem=play.key(), now=play.now)
    listed = []
    with play.rt.read() as session:
        for row in session.scalars(select(Snapshot).order_by(Snapshot.n)):
            listed.append(set(json.loads(verify_snapshot(session, row) or b"{}")["files"]))
    assert listed == [{*first["layout"], *first["rules"]}, {replaced, *first["rules"]}]


def test_a_sent_application_is_closed_to_changes(play: Play) -> None:
    play.draft()
    play.submit()
    before = form_of(play)
    play.answer("wang.fang", menu={"menu.seats": 1})
    assert form_of(play).answers == before.answers
    with pytest.raises(NotAllowed):
        play.attach("wang.fang", "layout")


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("plan.pdf", b"", Invalid),
        ("plan.pdf", b"MZ\x90\x00 not a plan", Invalid),
        ("plan.png", PDF, Invalid),
        ("plan.pdf", b"%PDF-1.4" + b"0" * (21 * 1024 * 1024) + b"%%EOF", TooLarge),
    ],
    ids=["empty", "program", "wrong-ending", "too-large"],
)
def test_a_file_that_is_not_accepted_changes_nothing(
    play: Play, name: str, content: bytes, fault: type[Exception]
) -> None:
    play.draft()
    before = form_of(play)
    with pytest.raises(fault):
        filing.attach(play.rt, play.citizen("wang.fang"), play.case_id, "layout", name, content, now=play.now)
    assert form_of(play) == before


def test_a_file_of_somebody_else_cannot_be_taken_out(play: Play) -> None:
    play.draft()
    file = form_of(play).materials["layout"][0]
    with pytest.raises(NotFound):
        filing.detach(play.rt, play.citizen("liu.yang"), play.case_id, file, now=play.now)
    filing.detach(play.rt, play.citizen("wang.fang"), play.case_id, file, now=play.now)
    assert form_of(play).materials["layout"] == ()


STEPS: dict[str, Callable[[Play, Any], object]] = {
    "save": lambda p, a: filing.save_page(p.rt, a, p.case_id, "menu", {"menu.seats": 1}, now=p.now),
    "agree": lambda p, a: filing.agree(p.rt, a, p.case_id, declined=(), now=p.now),
    "submit": lambda p, a: filing.submit(p.rt, a, p.case_id, expected=None, idem="x", now=p.now),
    "withdraw": lambda p, a: filing.withdraw(p.rt, a, p.case_id, reason=None, idem="y", now=p.now),
    "attach": lambda p, a: filing.attach(p.rt, a, p.case_id, "layout", "a.pdf", PDF, now=p.now),
    "rate": lambda p, a: rate(p.rt, a, p.case_id, stars=5, comment="", now=p.now),
}


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_another_persons_case_is_not_there(play: Play, step: Callable[[Play, Any], object]) -> None:
    play.draft()
    with pytest.raises(NotFound):
        step(play, play.citizen("liu.yang"))


def test_an_ended_mandate_opens_no_door(play: Play) -> None:
    """Neither under the organisation's name nor as the one who filed: the case is the organisation's."""
    play.draft()
    wang = play.citizen("wang.fang")
    assert wang.mandate_id is not None
    end_mandate(play.rt, wang.mandate_id, play.now)
    for actor in (wang, replace(wang, organisation_id=None, mandate_id=None)):
        for step in STEPS.values():
            with pytest.raises(NotFound):
                step(play, actor)
    with pytest.raises(NotFound):
        filing.start(play.rt, wang, "open_restaurant", idem="k", now=play.now)


@pytest.mark.parametrize(
    ("scope", "covered"),
    [("seal_filing", False), ("open_restaurant_2 seal_filing", False), ("a open_restaurant", True)],
)
def test_a_mandate_opens_the_services_that_it_names(play: Play, scope: str, covered: bool) -> None:
    play.draft()
    wang = play.citizen("wang.fang")
    with play.rt.write() as session:
        held = session.get_one(Mandate, wang.mandate_id)
        held.services = scope
        assert held.covers("open_restaurant") is covered
    with play.rt.read() as session, nullcontext() if covered else pytest.raises(NotFound):
        own_case(session, wang, play.case_id, play.rt.today(play.now))


def test_of_the_applicants_case_wide_actions_the_one_that_ends_it_withdraws(
    database: Database, settings: Settings, definitions: Definitions, calendars: Calendars
) -> None:
    """A case-wide action may lead elsewhere, and be possible where withdrawing is not."""
    desks = "".join(
        f"{name}:\n  kind: human\n  owner: head\n  actions:\n    go: {{to: {to}, {label('Go')}}}\n"
        for name, to in (("exam", "hearing"), ("hearing", "done"))
    )
    text = definition(desks, first="exam").replace(
        "  withdraw: {",
        f"  be_heard: {{to: hearing, by: applicant, {label('Ask')}}}\n  withdraw: {{unless: [hearing], ",
    )
    w = World(database, compiled_from(text))
    rt = Runtime(database, w.definitions, calendars, Gateway(definitions.catalogue, {}), settings)
    w.submit({})
    assert filing.may_withdraw(rt, w.wang, w.case_id, now=w.now)
    w.do(HE, "go", MAIN)
    assert not filing.may_withdraw(rt, w.wang, w.case_id, now=w.now)
    with pytest.raises(NotAllowed):
        filing.withdraw(rt, w.wang, w.case_id, reason=None, idem="late", now=w.now)
    w.submit({})
    done = [filing.withdraw(rt, w.wang, w.case_id, reason=None, idem="end", now=w.now) for _twice in range(2)]
    assert w.state.outcome == "withdrawn"
    assert [d.replayed for d in done] == [False, True]
    assert not filing.may_withdraw(rt, w.wang, w.case_id, now=w.now)
    rt.gateway.close()


def test_a_service_for_enterprises_needs_one(play: Play) -> None:
    with pytest.raises(Forbidden) as refused:
        filing.start(play.rt, play.citizen("liu.yang"), "open_restaurant", idem="k", now=play.now)
    assert refused.value.code == "audience"


def test_whoever_lives_alone_is_not_asked_for_the_others(play: Play) -> None:
    """The household register says how many stand in the book: nobody else is there, and nobody has to say so."""
    for login in ("wang.fang", "liu.yang"):
        number = filing.start(
            play.rt, replace(play.citizen(login), organisation_id=None, mandate_id=None), "minimum_living_allowance",
            idem=play.key(), now=play.now,
        )  # fmt: skip
        with play.rt.read() as session:
            play.case_id = session.scalars(select(Case.id).where(Case.number == number)).one()
        play.agree(login)
        with play.rt.read() as session:
            case = session.get_one(Case, play.case_id)
            compiled = play.rt.definitions.by_sha(case.def_sha)
            facts = current_facts(session, play.case_id, play.rt.definitions.catalogue)
            slots = open_slots(session, case, compiled, facts)
        assert facts["household"].filled
        assert ("household.adults" in facts["household"].values) is (login == "liu.yang"), "his mother"
        assert "household.adults" not in slots.fields
