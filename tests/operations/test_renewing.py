"""Clause 3, "renewal": the window opens, the holder is reminded, a timely application that nobody decides renews."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from govservice.engine import SYSTEM, Command, apply
from govservice.models.papers import IssuedDocument, Message
from govservice.operations import renewing
from govservice.operations.effects import deliver_due
from tests.web.conftest import Stage, make_stage  # noqa: F401
from tests.web.desks import Desks, words


@pytest.fixture
def desks(make_stage: Callable[..., Stage]) -> Desks:  # noqa: F811
    return Desks(make_stage())


def _issued(desks: Desks) -> tuple[str, str]:
    """Number and code of a licence that holds until ninety days from now."""
    number = desks.filed()
    rt, now = desks.stage.runtime, desks.stage.wall.now()
    with rt.write() as session:
        from govservice.messaging.outbox import Effect
        from govservice.operations.issuing import issue_document, renew_on

        effect = Effect(f"{desks.id_of(number)}:1:document.issue", desks.id_of(number), 1, "document.issue", {}, 0)
        made = issue_document(rt, session, effect, now)
        assert made.valid_until == date(2031, 3, 1)
        assert made.renew_on == date(2030, 12, 1)
        made.valid_until = rt.today(now) + timedelta(days=90)
        made.renew_on = renew_on(made.valid_until, rt.definitions.current("open_restaurant").service.output.renew_from)
        code = made.verify_code
    return number, code


def test_a_licence_is_renewed_from_its_window_on_and_by_law_where_nobody_decides(desks: Desks) -> None:
    rt = desks.stage.runtime
    number, code = _issued(desks)
    with rt.write() as session:  # the window is not open yet
        row = session.scalars(select(IssuedDocument)).one()
        row.renew_on += timedelta(days=1)
    assert renewing.remind_due(rt, desks.stage.wall.now()) == 0
    page = words(desks.at("wang.fang").get(f"/my/cases/{number}/licence"))
    assert "It may be renewed from" in page
    assert (
        desks.post("wang.fang", f"/my/cases/{number}/renew", idem="renew-too-early")
        .headers["Location"]
        .endswith("said=not_now")
    )
    desks.pass_time(days=1)
    assert renewing.remind_due(rt, desks.stage.wall.now()) == 1
    assert renewing.remind_due(rt, desks.stage.wall.now()) == 0, "once at the opening"
    with rt.read() as session:
        seq = session.scalars(select(Message.seq).where(Message.kind == "renewal")).one()
    letter = words(desks.at("wang.fang").get(f"/my/cases/{number}/notices/renewal/{seq}"))
    assert "It may be renewed from" in letter
    assert desks.at("liu.yang").post(f"/my/cases/{number}/renew").status_code in (400, 404)

    begun = desks.post("wang.fang", f"/my/cases/{number}/renew", idem="renew-it-now")
    assert begun.status_code == 303
    again = begun.headers["Location"].rpartition("/")[2]
    assert (
        desks.post("wang.fang", f"/my/cases/{number}/renew", idem="renew-it-twice").headers["Location"].endswith(again)
    )
    form = desks.at("wang.fang").get(f"/my/cases/{number}/licence")
    assert again in words(form), "the holder is led to the application that runs"

    with rt.read() as session:
        from govservice.models.cases import Case
        from govservice.operations.issuing import renewal_of

        case = session.scalars(select(Case).where(Case.number == again)).one()
        said = renewal_of(rt, session, case)
    actor = desks.actor("wang.fang", for_organisation=True)
    with desks.database.read() as session:
        from govservice.models.casedata import read_form

        carried = read_form(session, case.applicant_id, case.id)
    assert carried.answers["menu.seats"] == 4729, "what was answered is not asked again"
    desks.do(actor, again, "submit", data={"data_rev": _answered(desks, again), **said})
    told = words(desks.at("wang.fang").get(f"/my/cases/{again}"))
    assert "It is to renew your licence, which holds until" in told

    desks.pass_time(days=95)
    now = desks.stage.wall.now()
    for _ in range(2):
        with rt.write() as session:
            apply(
                session, Command(desks.id_of(again), "@timers", f"due-{_}", now, SYSTEM), rt.definitions, rt.calendars
            )
        for _round in range(3):
            deliver_due(rt, "worker", now)
    state = desks.state(again)
    assert (state.status, state.outcome) == ("closed", "granted")
    with rt.read() as session:
        row = session.scalars(select(IssuedDocument)).one()
        assert row.renewed_at is not None
        assert row.valid_until == date(2031, 5, 31)
        assert row.renew_on is not None
        assert row.renew_on > rt.today(now)
    public = words(desks.stage.client().get(f"/verify/{code}"))
    assert "Renewed by law on" in public
    assert "This licence is real and holds today." in public
    told = words(desks.at("wang.fang").get(f"/my/cases/{again}"))
    assert "Your licence is renewed by law" in told
    assert "it holds for another term" in told


def _answered(desks: Desks, number: str) -> int:
    """The answers of the draft with the area, as the form would have them."""
    from govservice.models.casedata import read_form, write_form
    from govservice.models.cases import Case

    with desks.database.write() as session:
        case = session.scalars(select(Case).where(Case.number == number)).one()
        form = read_form(session, case.applicant_id, case.id).with_answers({"premises.district": "huaxi"}, "you")
        return write_form(session, case.applicant_id, case.id, form, "test", desks.stage.wall.now()).rev
