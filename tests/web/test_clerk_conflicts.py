"""Acts that are forged or stale, two clerks at once, a double click."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from govservice.models.cases import CommandKey
from tests.web.clerks import at_site, pdf
from tests.web.conftest import Stage
from tests.web.desks import Desks, inputs, words


@pytest.fixture
def desks(stage: Stage) -> Desks:
    return Desks(stage)


# -- forged


JUNK = ["to_granted", "to_done", "approve", "submit", "withdraw", "@timer", "@join0", "@ok", "@lapse", "@claim",
        "__class__", "accept'", "%00", "..", "{{7*7}}", "x" * 300]  # fmt: skip


@pytest.mark.parametrize("action", JUNK)
def test_a_forged_action_moves_nothing(desks: Desks, action: str) -> None:
    number = desks.filed()
    before = desks.fingerprint()
    seen = desks.seen(number)
    for token in (1, 2, 99):
        address = f"/clerk/cases/{number}/{token}/{action}"
        answer = desks.post("li.na", address, reason="r", idem=f"junk-{token}", **seen)
        assert answer.status_code in (400, 404, 405, 409), (address, answer.status_code)
        assert desks.at("li.na").get(address).status_code in (400, 404, 405, 409)
    assert desks.fingerprint() == before


def test_a_number_that_no_case_has_leads_nowhere(desks: Desks) -> None:
    number = desks.filed()
    before, seen = desks.fingerprint(), desks.seen(number) | {"seen": "1"}
    for token in (0, 99, 2**31 - 1, 2**31, 2**63, 10**40):
        for way in ("claim", "release", "accept"):
            answer = desks.post("li.na", f"/clerk/cases/{number}/{token}/{way}", idem="k", **seen)
            assert answer.status_code in (404, 409), (token, way)
    assert desks.fingerprint() == before


def test_only_the_declared_actions_of_the_present_step_move(desks: Desks) -> None:
    """Every action that the definition knows, tried at a step that does not have it."""
    compiled = desks.stage.runtime.definitions.current("open_restaurant")
    known = {edge.name for edges in compiled.out.values() for edge in edges}
    number = desks.filed()
    before = desks.fingerprint()
    for action in sorted(known - {"accept", "correct", "decline"}):
        seen = desks.seen(number)
        answer = desks.post("li.na", f"/clerk/cases/{number}/1/{action}", reason="r", idem=f"try-{action}", **seen)
        assert answer.status_code in (404, 409), action
    assert desks.fingerprint() == before


def test_mass_assignment_is_ignored(desks: Desks) -> None:
    number = desks.filed()
    forged = {
        "status": "closed", "outcome": "granted", "state": "done", "step": "done", "to": "issue", "assignee_id": "x",
        "department_id": "nanming.market_reg", "fee": "0", "role": "head", "data": "{}", "items": "x",
        "actor": "system", "marks": "decided", "file_site_report": "x", "reason": "not asked for",
    }  # fmt: skip
    done = desks.post("li.na", f"/clerk/cases/{number}/1/accept", idem="mass", **desks.seen(number), **forged)
    assert done.status_code == 302
    state = desks.state(number)
    assert (state.main.step, state.status, state.area) == ("review", "open", "huaxi")


@pytest.mark.parametrize(
    "hidden",
    [{}, {"token_version": "1"}, {"token_version": "²", "data_rev": "1"},
     {"token_version": "9" * 5000, "data_rev": "1"}, {"token_version": "-1", "data_rev": "1"},
     {"token_version": "1e400", "data_rev": "NaN"}],
)  # fmt: skip
def test_a_form_without_its_page_is_refused(desks: Desks, hidden: dict[str, str]) -> None:
    number = desks.filed()
    before = desks.fingerprint()
    answer = desks.post("li.na", f"/clerk/cases/{number}/1/accept", idem="k", opinion="写了很久的话", **hidden)
    assert answer.status_code == 422
    assert "写了很久的话" in words(answer)
    assert desks.fingerprint() == before


def test_a_key_nobody_can_type_is_refused(desks: Desks) -> None:
    number = desks.filed()
    for idem in ("x" * 201, "a\nb", "\u202e"):
        answer = desks.post("li.na", f"/clerk/cases/{number}/1/accept", idem=idem, **desks.seen(number))
        assert answer.status_code == 422
    assert desks.state(number).main.step == "acceptance"


# -- stale, and at once


def colleague(desks: Desks, role: str = "window") -> str:
    from govservice.operations.demo_cast import further_staff

    found = further_staff(desks.stage.runtime)
    return next(m.login for m in found if m.area == "huaxi" and m.roles[0][0] == role)


def test_a_stale_page_names_who_did_what_when_and_keeps_the_words(desks: Desks) -> None:
    number = desks.filed()
    other = colleague(desks)
    address = f"/clerk/cases/{number}/1/correct"
    page = words(desks.at(other).get(address))
    desks.do("li.na", number, "accept")
    form = {"item-menu-seats": "y", "note-menu-seats": "图纸为 86 个", "reason": "写了很久的话"}
    late = desks.at(other).post(address, data={**inputs(page, "page-form"), **form})
    said = words(late)
    assert late.status_code == 409
    assert "Somebody was first" in said
    assert "Acceptance: Accept" in said, "what"
    assert "Li Na" in said, "who"
    assert "2 March 2026, 10:00" in said, "when"
    for typed in ("写了很久的话", "图纸为 86 个", "Seats for guests"):
        assert typed in said
    assert desks.state(number).main.step == "review"


def test_a_page_of_the_step_before_is_stale_though_the_action_has_the_same_name(desks: Desks) -> None:
    """ "pass" of the papers is not "pass" of the site visit."""
    number = desks.reviewed()
    page = words(desks.at("zhang.qiang").get(f"/clerk/cases/{number}"))
    action = f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/pass"
    desks.do("wu.gang", number, "pass", desks.token(number, "review.food"))
    late = desks.at("zhang.qiang").post(action, data={**inputs(page, action), "opinion": "写了很久的话"})
    assert late.status_code == 409
    assert "Papers on food safety: Papers in order" in words(late)
    assert "Wu Gang" in words(late)
    assert "写了很久的话" in words(late)
    assert desks.state(number).token_of("review.food").step == "review.food.site"


def test_new_answers_make_a_page_stale(desks: Desks) -> None:
    number = desks.filed()
    desks.do("li.na", number, "correct", reason="r", data={"items": {"menu.seats": "n"}})
    desks.resubmitted(number, menu__seats=4730)
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    action = f"/clerk/cases/{number}/1/accept"
    given = inputs(page, action)
    desks.do("li.na", number, "correct", reason="r", data={"items": {"menu.seats": "n"}})
    desks.resubmitted(number, menu__seats=4731)
    late = desks.at("li.na").post(action, data=given)
    assert late.status_code == 409
    assert "The applicant sent the corrections" in words(late)


def test_another_department_does_not_make_a_page_stale(desks: Desks) -> None:
    number = desks.reviewed()
    page = words(desks.at("zhou.jie").get(f"/clerk/cases/{number}"))
    action = f"/clerk/cases/{number}/{desks.token(number, 'review.fire')}/pass"
    desks.do("sun.min", number, "pass", desks.token(number, "review.sign"))
    assert desks.at("zhou.jie").post(action, data=inputs(page, action)).status_code == 302


def test_a_double_click_is_one_act(desks: Desks) -> None:
    number = at_site(desks)
    address = f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/pass"
    given = inputs(words(desks.at("zhang.qiang").get(address)), "page-form")
    answers = [
        desks.at("zhang.qiang").post(address, data={**given, "opinion": "净", "file_site_report": pdf()},
                                     content_type="multipart/form-data")
        for _ in range(3)
    ]  # fmt: skip
    assert [a.status_code for a in answers] == [302, 302, 302]
    assert desks.state(number).token_of("review.food").confirmed is not None
    with desks.stage.runtime.read() as session:
        actor = desks.actor("zhang.qiang").id
        assert len(session.scalars(select(CommandKey).where(CommandKey.actor == actor)).all()) == 2  # papers, visit
    assert len([s for s in desks.files(number) if s == "site_report"]) == 1


def test_two_clerks_at_once(desks: Desks) -> None:
    """One wins; the other is told, and both got an answer."""
    number = desks.filed()
    other = colleague(desks)
    address = f"/clerk/cases/{number}/1/accept"
    given = {who: inputs(words(desks.at(who).get(address)), "page-form") for who in ("li.na", other)}
    barrier, answers = threading.Barrier(2), {}

    def act(who: str) -> None:
        barrier.wait()
        answers[who] = desks.at(who).post(address, data={**given[who], "opinion": f"words of {who}"})

    threads = [threading.Thread(target=act, args=(who,)) for who in given]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(a.status_code for a in answers.values()) == [302, 409]
    loser = next(who for who, answer in answers.items() if answer.status_code == 409)
    page = words(answers[loser])
    winner = {"li.na": "Li Na"}.get(next(who for who in answers if who != loser), "Acceptance: Accept")
    assert winner in page
    assert f"words of {loser}" in page
    assert len(desks.state(number).acts["acceptance"]) == 1


def test_a_closed_case_takes_nothing(desks: Desks) -> None:
    number = desks.filed()
    desks.verified(number)
    desks.send("li.na", number, "", "decline", reason="不属于本事项")
    page = words(desks.at("li.na").get(f"/clerk/cases/{number}"))
    assert "The case is closed." in page
    for action in ("accept", "correct", "decline"):
        late = desks.post("li.na", f"/clerk/cases/{number}/1/{action}", reason="r", idem=action, **desks.seen(number))
        assert late.status_code == 409


def test_the_language_switch_keeps_what_was_typed(desks: Desks) -> None:
    number = desks.reviewed()
    address = f"/clerk/cases/{number}/{desks.token(number, 'review.food')}/ask"
    given = inputs(words(desks.at("zhang.qiang").get(address)), "page-form")
    form = {"note-menu-seats": "图纸为 86 个", "reason": "写了很久的话", "_language": "zh"}
    switched = desks.at("zhang.qiang").post(address, data={**given, **form})
    page = words(switched)
    assert switched.status_code == 200
    assert 'lang="zh-CN"' in page
    assert "写了很久的话" in page
    assert "图纸为 86 个" in page
    assert inputs(page, "page-form")["idem"] == given["idem"]
    assert not desks.state(number).asks
