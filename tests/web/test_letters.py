"""Notices tell the event that they were sent for, however many of its kind the case has."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Flask

from config import ROOT
from govservice.engine import MAIN
from govservice.messaging.notices import KINDS, TO_OTHERS
from govservice.models.base import new_id
from govservice.models.cases import Case
from govservice.models.papers import Message
from govservice.models.session import Database
from govservice.queries.tracking import CasePage, case_page
from govservice.web.citizen import letters
from govservice.web.citizen.letters import dates, told_by
from govservice.web.citizen.story import letter_of
from govservice.web.i18n import init_i18n
from tests.engine.texts import LIMITS, definition, label
from tests.engine.world import CALENDARS, LI, MONDAY, ZHANG, World, compiled_from

STEPS = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept: {{to: exam, marks: accepted, {label("Accept")}}}
exam:
  kind: human
  owner: food
  actions:
    pass: {{to: done, marks: delivered, effects: [message.grant], {label("Pass")}}}
    back: {{to: acceptance, reason: true, {label("Back")}}}
"""


def page_of(w: World) -> CasePage:
    """The case's page with every notice of the outbox in the inbox."""
    with w.db.write() as session:
        case = session.get_one(Case, w.case_id)
        for row in w.rows("outbox"):
            if row["topic"].startswith("notice."):
                session.add(Message(
                    id=new_id(), case_id=case.id, person_id=case.applicant_id, kind=row["topic"].partition(".")[2],
                    effect_key=row["id"], seq=row["seq"], params_enc=None, created_at=w.now, read_at=None,
                ))  # fmt: skip
        session.flush()
        return case_page(session, w.definitions, CALENDARS, case, w.now)


def test_a_second_acceptance_tells_its_own_dates(database: Database) -> None:
    w = World(database, compiled_from(definition(STEPS, first="acceptance", head=LIMITS)))
    w.submit({})
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "back", MAIN, reason="x")
    w.at(MONDAY + timedelta(days=7)).do(LI, "accept", MAIN)
    w.do(ZHANG, "pass", MAIN)
    page = page_of(w)
    sent = sorted(m.seq for m in page.notices if m.kind == "acceptance")
    about = [told_by(page, "acceptance", seq) for seq in sent]
    assert [h.seq for h in about if h] == sent
    assert [dates(page, "decision", h)["promised_on"] for h in about] == [date(2026, 3, 16), date(2026, 3, 23)]
    receipt = told_by(page, "receipt", next(m.seq for m in page.notices if m.kind == "receipt"))
    assert dates(page, "intake", receipt)["statutory_on"] == date(2026, 3, 9)
    accepted = [h for h in page.happenings if h.data.get("marks") == "accepted"]
    linked = [letter_of(page, "acceptance", h) for h in accepted]
    assert [m.seq for m in linked if m] == sent
    delivered = next(h for h in page.happenings if h.data.get("marks") == "delivered")
    grant = letter_of(page, "grant", delivered)  # sent with the end of the case, told by the delivery
    assert grant is not None
    assert told_by(page, "grant", grant.seq) == delivered
    assert letter_of(page, "receipt", delivered) is None


def test_every_notice_to_the_applicant_has_its_letter() -> None:
    kinds = set(KINDS) - set(TO_OTHERS)
    assert set(letters._COMPOSE) == set(letters._EVENTS) == kinds
    app = Flask(__name__)
    init_i18n(app, ROOT / "translations")
    with app.test_request_context():
        assert {kind for kind in KINDS if letters.title_of(kind) == kind} == set()
