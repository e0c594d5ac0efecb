"""Clause 3, clocks: "renewal". No decision before the licence expires counts as renewal where the definition says so
(Administrative Licensing Law art. 50)."""

from __future__ import annotations

from datetime import timedelta

from govservice.engine import MAIN
from govservice.models.base import to_iso
from govservice.models.session import Database
from tests.engine.texts import LIMITS, branch, definition, label, review
from tests.engine.world import LI, MONDAY, World, compiled_from, data_of

OUTPUT = "output: {document: restaurant_licence, valid: 5y, renew_from: 90d, on_expiry_undecided: %s}\n"
DESK = f"""
desk:
  kind: human
  owner: window
  actions:
    accept:  {{to: review, marks: accepted, {label("Accept")}}}
    decline: {{to: refused, reason: true, marks: decided, {label("Decline")}}}
"""
ENDS = MONDAY + timedelta(days=20)
SAID = {"document": "0190aaaa-0000-7000-8000-000000000001", "expires_on": "2026-03-21", "expires_at": to_iso(ENDS)}


def world(database: Database, policy: str = "renewed") -> World:
    steps = DESK + review(branch("food", "food") + branch("fire", "fire"), "- {to: decision}")
    w = World(database, compiled_from(definition(steps, first="desk", head=LIMITS + OUTPUT % policy)))
    w.open()
    sent = w.do(w.wang, "submit", MAIN, data={"data_rev": w.answer(1, {"menu.seats": 1}), "renews": SAID})
    assert data_of(sent, "renewal.begun")["document"] == SAID["document"]
    return w


def test_renewal_undecided_at_expiry_is_renewed_by_law_wherever_the_case_is(database: Database) -> None:
    w = world(database)
    w.do(LI, "accept", MAIN)
    w.tick(ENDS - timedelta(seconds=1))
    assert w.state.status == "open", "it hangs on the licence: leaving a step takes nothing away"
    w.tick(ENDS + timedelta(days=1))
    state = w.state
    assert (state.status, state.outcome, state.closed_at) == ("closed", "granted", to_iso(ENDS))
    assert state.milestones["decided"] == to_iso(ENDS)
    assert w.topics().count("document.renew") == 1
    assert "notice.grant" in w.topics()
    assert "notice.lapsed" not in w.topics()
    w.check()


def test_renewal_decided_in_time_changes_nothing_later(database: Database) -> None:
    decided = world(database)
    decided.do(LI, "decline", MAIN, reason="x")
    assert not decided.state.timers
    decided.check()


def test_renewal_expiring_by_the_definition_leaves_the_application_open(database: Database) -> None:
    expires = world(database, "expired")
    expires.tick(ENDS + timedelta(days=1))
    assert expires.state.status == "open", "the definition lets the licence expire; the application goes on"
    assert "document.renew" not in expires.topics()
    expires.check()
