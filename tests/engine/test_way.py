"""The whole way of a case through the one door, on both databases."""

from __future__ import annotations

from govservice.engine import MAIN, SYSTEM
from govservice.models.session import Database
from tests.engine.world import HE, LI, SUN, WU, ZHANG, ZHOU, World


def test_from_draft_to_licence(database: Database) -> None:
    w = World(database)
    w.submit()
    assert w.steps() == ["acceptance"]
    w.check()
    w.do(LI, "accept", MAIN)
    w.check()
    assert w.steps() == ["review", "review.food.desk", "review.fire.site", "review.sign.desk"]
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHANG, "pass", "review.food", attachments=("site_report",), data={"files": {"site_report": ["ab"]}})
    w.do(WU, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")
    w.do(SUN, "pass", "review.sign")
    assert w.steps() == ["decision"]
    w.do(HE, "approve", MAIN)
    assert w.steps() == ["issue"]
    w.do(SYSTEM, "@ok", MAIN)
    w.check()
    assert w.state.status == "closed"
    assert w.state.outcome == "granted"
    assert w.topics() == ["notice.receipt", "notice.acceptance", "document.issue", "notice.grant"]
