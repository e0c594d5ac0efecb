"""What a page may offer: the same answers as the door gives, with reasons."""

from __future__ import annotations

from govservice.engine import MAIN, Actor, Offer, available, context
from govservice.models.session import Database
from tests.engine.texts import definition, label
from tests.engine.world import CALENDARS, HE, LEAD, LI, WU, ZHANG, ZHOU, World, compiled_from


def offers(w: World, actor: Actor) -> dict[tuple[int, str], Offer]:
    with w.db.read() as session:
        ctx = context(session, w.definitions, CALENDARS, w.state)
    return {(o.token_id, o.action): o for o in available(w.d, w.state, actor, ctx)}


def why(offer: Offer) -> str | None:
    assert (offer.why_not is None) == offer.allowed
    return offer.why_not.code if offer.why_not else None


def test_a_draft_is_the_applicants(database: Database) -> None:
    w = World(database)
    w.open()
    assert {a for (_, a), o in offers(w, w.wang).items() if o.allowed} == {"submit"}
    assert why(offers(w, LI)[MAIN, "submit"]) == "not_applicant"


def test_a_clerk_sees_the_actions_of_the_step_and_why_not(database: Database) -> None:
    w = World(database)
    w.submit()
    mine = offers(w, LI)
    assert [a for (_, a), o in mine.items() if o.allowed] == ["accept", "correct", "decline", "@claim"]
    assert mine[MAIN, "accept"].primary
    assert mine[MAIN, "decline"].needs.reason
    assert mine[MAIN, "correct"].needs.items
    assert mine[MAIN, "correct"].correction
    assert {why(o) for o in offers(w, ZHANG).values()} == {"role", "not_applicant"}


def test_claims_second_people_and_notices(database: Database) -> None:
    w = World(database)
    w.submit()
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "@claim", "review.food")
    assert why(offers(w, WU)[2, "pass"]) == "claimed"
    assert why(offers(w, WU)[2, "@claim"]) == "taken"
    assert offers(w, ZHANG)[2, "@release"].allowed
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHANG, "pass", "review.food", attachments=("site_report",))
    assert why(offers(w, ZHANG)[2, "pass"]) == "same_person"
    second = offers(w, WU)[2, "pass"]
    assert (second.allowed, second.second, second.needs.attachments) == (True, True, ())
    assert why(offers(w, LEAD)[MAIN, "@send_notice"]) == "nothing_asked"
    w.ask(ZHOU, "review.fire", "layout")
    assert offers(w, LEAD)[MAIN, "@send_notice"].allowed
    assert why(offers(w, ZHOU)[3, "pass"]) == "waiting"
    w.do(LEAD, "@send_notice", MAIN)
    assert why(offers(w, LEAD)[MAIN, "@send_notice"]) == "notice_out"
    assert offers(w, w.wang)[MAIN, "@resubmit"].allowed
    assert why(offers(w, HE)[MAIN, "@resubmit"]) == "not_applicant"


def test_nothing_is_offered_of_a_closed_case(database: Database) -> None:
    w = World(database)
    w.submit()
    w.do(LI, "decline", MAIN, reason="x")
    assert offers(w, LI) == {}


def test_reasons_are_sentences(database: Database) -> None:
    w = World(database)
    w.submit()
    for offer in offers(w, ZHANG).values():
        if offer.why_not is not None:
            assert offer.why_not.text.endswith(".")


def test_a_guard_that_does_not_hold_says_what_was_missing(database: Database) -> None:
    steps = f"""
exam:
  kind: human
  owner: food
  actions:
    pass: {{to: done, guard: "place.area > 10.0", {label("Pass")}}}
    drop: {{to: refused, reason: true, {label("Drop")}}}
"""
    w = World(database, compiled_from(definition(steps, first="exam")))
    w.submit({"menu.seats": 1})
    refused = offers(w, ZHANG)[MAIN, "pass"]
    assert why(refused) == "guard"
    assert refused.why_not is not None
    assert refused.why_not.facts["missing"] == ["place.area"]
    w.submit({"place.area": "11"})
    assert offers(w, ZHANG)[MAIN, "pass"].allowed
