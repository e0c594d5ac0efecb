"""One case from the draft to the licence, as the story goes, on both databases and with real registries."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from govservice.engine import Expected
from govservice.errors import Forbidden, Missing, NotAllowed, PortalError, Stale
from govservice.models.cases import Outbox
from govservice.models.papers import CaseText, File, IssuedDocument, Message
from govservice.operations import deciding, effects, filing
from tests.operations.conftest import Play


def at_departments(play: Play) -> None:
    play.draft()
    play.submit()
    play.act("li.na", "", "accept")


def test_from_the_draft_to_the_licence(play: Play) -> None:
    at_departments(play)
    branches = {"review.food": "review.food.desk", "review.fire": "review.fire.site", "review.sign": "review.sign.desk"}
    assert play.steps == {"": "review", **branches}

    play.act("zhang.qiang", "review.food", "ask", reason="餐位数与图纸不符", items={"menu.seats": "图纸为 86 个"})
    play.act("zhou.jie", "review.fire", "ask", reason="未标出口", items={"layout": "请标明两个出口"})
    assert play.state.notice is None  # not before every department has looked
    play.act("sun.min", "review.sign", "pass")
    notice = play.state.notice
    assert notice is not None
    assert set(notice.items) == {"menu.seats", "layout"}
    assert play.state.clocks["limit:decision"].paused_since is not None

    play.pass_time(days=1)
    play.answer("wang.fang", menu={"menu.seats": 86, "menu.kind": ["raw"]})
    play.attach("wang.fang", "layout")
    wang = play.citizen("wang.fang")
    filing.resubmit(play.rt, wang, play.case_id, expected=None, idem=play.key(), now=play.now)
    assert play.steps["review.food"] == "review.food.desk"
    assert play.state.clocks["limit:decision"].paused_since is None

    play.act("zhang.qiang", "review.food", "pass")
    with pytest.raises(Missing) as missing:
        play.act("zhang.qiang", "review.food", "pass")
    assert missing.value.fields == ("site_report",)
    play.act("zhang.qiang", "review.food", "pass", attachments=play.report())
    with pytest.raises(PortalError):  # the same person is not the second one
        play.act("zhang.qiang", "review.food", "pass")
    play.act("wu.gang", "review.food", "pass")
    play.act("zhou.jie", "review.fire", "pass")
    assert play.steps == {"": "decision"}

    play.act("he.tao", "", "approve")
    assert play.steps == {"": "issue"}
    assert play.deliver() >= 5
    assert (play.state.status, play.state.outcome) == ("closed", "granted")
    with play.rt.read() as session:
        licence = session.scalars(select(IssuedDocument)).one()
        kinds = [m.kind for m in session.scalars(select(Message).order_by(Message.seq))]
    assert licence.holder == "贵阳花溪清味餐饮有限公司"
    assert {row["name"]: row["value"]["en"] for row in licence.content["rows"]}["menu.seats"] == "86"
    assert licence.valid_until is not None
    assert licence.issued_on <= licence.valid_until
    assert kinds == ["receipt", "acceptance", "correction", "grant"]


def test_a_correction_opens_only_what_was_named(play: Play) -> None:
    at_departments(play)
    play.act("zhang.qiang", "review.food", "ask", reason="r", items={"menu.seats": "n"})
    play.act("zhou.jie", "review.fire", "pass")
    play.act("sun.min", "review.sign", "pass")
    play.answer("wang.fang", menu={"menu.seats": 70, "menu.kind": ["raw"]}, sign={"signage.text": "changed"})
    with pytest.raises(NotAllowed):
        play.attach("wang.fang", "rules")
    wang = play.citizen("wang.fang")
    filing.resubmit(play.rt, wang, play.case_id, expected=None, idem=play.key(), now=play.now)
    assert play.state.changes[-1][1] == ("menu.seats",)


def test_words_of_people_are_sealed_and_never_in_an_event(play: Play) -> None:
    at_departments(play)
    secret = "王芳的电话是 13900000000"
    play.act("zhang.qiang", "review.food", "ask", reason=secret, items={"menu.seats": secret})
    with play.rt.read() as session:
        connection = session.connection()
        events = connection.exec_driver_sql("SELECT data FROM case_events").scalars().all()
        boxes = session.scalars(select(CaseText.text_enc)).all()
    assert not any("13900000000" in data for data in events)
    assert boxes
    assert not any(secret.encode() in box for box in boxes if box)


def test_a_page_that_was_overtaken_is_told_who_was_first(play: Play) -> None:
    play.draft()
    play.submit()
    state, token = play.state, play.state.main
    seen = Expected(token.version, state.data_rev)
    play.act("li.na", "", "accept")
    others = [u for u in play.users if u != "li.na" and any(
        r.role == "window" and r.department_id.startswith("huaxi") for r in play.users[u].roles)]  # fmt: skip
    with pytest.raises(Stale) as stale:
        deciding.act(
            play.rt, play.staff(others[0]), play.case_id, token.id, "accept", expected=seen, idem="late", now=play.now
        )
    assert play.users["li.na"].id in {event.actor for event in stale.value.events}


def test_two_branches_do_not_make_each_other_stale(play: Play) -> None:
    at_departments(play)
    state = play.state
    seen = {t.scope: Expected(t.version, state.data_rev) for t in state.tokens.values()}
    for login, scope, action in (("sun.min", "review.sign", "pass"), ("zhou.jie", "review.fire", "pass")):
        token = state.token_of(scope)
        assert token is not None
        deciding.act(
            play.rt, play.staff(login), play.case_id, token.id, action, expected=seen[scope], idem=login, now=play.now
        )
    assert set(play.steps) == {"", "review.food"}


def test_clerks_of_the_other_area_may_do_nothing(play: Play) -> None:
    at_departments(play)
    with pytest.raises(Forbidden):
        play.act("ma.jun", "review.food", "pass")


def test_the_applicant_withdraws_and_everything_stops(play: Play) -> None:
    at_departments(play)
    wang = play.citizen("wang.fang")
    filing.withdraw(play.rt, wang, play.case_id, reason="changed my mind", idem=play.key(), now=play.now)
    state = play.state
    assert (state.status, state.outcome) == ("closed", "withdrawn")
    assert not state.tasks
    assert not state.timers


def test_the_same_act_sent_twice_keeps_its_report_once(play: Play) -> None:
    at_departments(play)
    play.act("zhang.qiang", "review.food", "pass")
    token, key = play.state.token_of("review.food"), play.key()
    assert token is not None
    for _ in range(2):
        deciding.act(
            play.rt, play.staff("zhang.qiang"), play.case_id, token.id, "pass", expected=None, idem=key, now=play.now,
            attachments=play.report(),
        )  # fmt: skip
    with play.rt.read() as session:
        assert len(session.scalars(select(File).where(File.kind == "attachment")).all()) == 1


def test_an_effect_that_keeps_failing_answers_the_step_with_fail(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    at_departments(play)
    play.review()
    play.act("he.tao", "", "approve")

    def broken(*_args: object) -> None:
        raise OSError("the printer is on fire")

    monkeypatch.setitem(effects.HANDLERS, "document.issue", broken)
    for _ in range(40):
        play.deliver()
        play.pass_time(hours=7)
    assert play.steps == {"": "decision"}
    with play.rt.read() as session:
        row = session.scalars(select(Outbox).where(Outbox.topic == "document.issue")).one()
        assert row.done_at is not None
        assert row.attempts == 9, "the definition's `retry: {max: 8}`: eight more after the first"
