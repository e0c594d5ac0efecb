"""Clause 7: "pledge instead of a proof creates a post-check task; accepted with gaps closes only when gaps are filled,
else terminates"."""

from __future__ import annotations

import pytest

from govservice.engine import MAIN, SYSTEM, available, context
from govservice.engine.invariants import breaches
from govservice.errors import Forbidden, Invalid, NotAllowed
from govservice.models.session import Database
from tests.engine.promised import DAY, PLEDGED, armed, grant, review_it, send, text
from tests.engine.world import CALENDARS, HE, LI, MONDAY, WU, ZHANG, ZHOU, World, compiled_from, data_of


@pytest.fixture
def world(database: Database) -> World:
    return World(database, compiled_from(text()))


# -- pledge


def test_a_pledge_instead_of_a_proof_creates_a_post_check_task(world: World) -> None:
    """ "Pledge instead of a proof creates a post-check task" with its own limit, once the licence is there."""
    w = world
    made = data_of(send(w, **PLEDGED), "pledge.made")
    assert (made["material"], made["pledge"], made["version"], len(made["digest"])) == (
        "rules",
        "food_safety_pledge",
        1,
        64,
    )
    review_it(w)
    w.do(HE, "approve", MAIN)
    assert not any(t.kind == "after" for t in w.state.tokens.values()), "nothing is to be checked before the grant"
    w.do(SYSTEM, "@ok", MAIN)
    st = w.state
    assert (st.status, st.outcome) == ("closed", "granted")
    (task,) = st.tasks.values()
    assert (task.step, task.role, task.status) == ("post_check", "food", "open")
    token = st.tokens[task.token_id]
    assert (token.kind, token.scope, token.status) == ("after", "post_check", "active")
    clock = st.step_clock(token)
    assert clock is not None
    assert (clock.statutory, clock.statutory_on) == ("20wd", "2026-03-30"), "the shorter of both"
    row = w.rows("tasks", "WHERE status = 'open'")
    assert [(r["step"], r["due_kind"]) for r in row] == [("post_check", "step")]
    w.check()
    assert list(breaches(w.d, st)) == []


def test_the_case_stays_closed_with_its_outcome_while_the_check_works(world: World) -> None:
    w = world
    grant(w)
    closed = w.state
    token = closed.token_of("post_check")
    assert token is not None
    w.do(ZHANG, "@claim", token.id)
    with w.db.read() as session:
        offers = available(w.d, w.state, ZHANG, context(session, w.definitions, CALENDARS, w.state))
    may = {o.action: (o.allowed, o.why_not.code if o.why_not else None) for o in offers}
    assert may == {
        "confirm": (True, None), "revoke": (False, "four_eyes"), "again": (True, None), "@release": (True, None),
    }  # fmt: skip
    with pytest.raises(Forbidden):
        w.do(WU, "confirm", token.id)  # it is claimed
    w.do(ZHANG, "@release", token.id)
    ended = w.do(WU, "confirm", token.id)
    assert w.types(ended) == ["step.left", "after.ended"]
    st = w.state
    assert (st.status, st.outcome, st.closed_at) == ("closed", "granted", closed.closed_at)
    assert st.tokens[token.id].outcome == "confirmed"
    assert not st.tasks
    assert not st.timers
    assert [r["status"] for r in w.rows("cases")] == ["closed"]
    with pytest.raises(NotAllowed):
        w.do(WU, "confirm", token.id)
    w.check()


def test_a_broken_pledge_revokes_the_document_and_tells_the_holder(world: World) -> None:
    w = world
    grant(w)
    left = data_of(w.do(WU, "revoke", "post_check", reason="no rules found"), "step.left")
    assert left["effects"] == ["notice.revoked", "document.revoke"]
    assert w.topics()[-2:] in (["notice.revoked", "document.revoke"], ["document.revoke", "notice.revoked"])
    assert w.state.token_of("post_check").outcome == "revoked"  # type: ignore[union-attr]
    w.check()


def test_work_after_the_case_may_go_on_to_a_second_step(world: World) -> None:
    w = world
    grant(w)
    w.do(ZHANG, "again", "post_check")
    assert [t.step for t in w.state.tasks.values()] == ["second_check"]
    w.do(HE, "confirm", "post_check")
    assert w.state.token_of("post_check").step == "second_check#confirmed"  # type: ignore[union-attr]
    w.check()


def test_an_overdue_check_warns_and_escalates_after_the_case_has_closed(world: World) -> None:
    w = world
    grant(w)
    assert armed(w.state) == {"post_check:0", "post_check:1"}
    w.tick(MONDAY + 40 * DAY)
    assert {(t.role, t.watch) for t in w.state.tasks.values()} == {("food", False), ("head", True)}
    assert w.state.status == "closed"
    w.do(ZHANG, "confirm", "post_check")
    assert not w.state.tasks
    w.check()


def test_nothing_is_checked_where_nothing_was_granted(world: World) -> None:
    w = world
    send(w, **PLEDGED)
    w.do(LI, "decline", MAIN, reason="no")
    assert (w.state.outcome, w.state.tasks) == ("refused", {})
    w.check()


def test_a_pledge_falls_when_the_proof_comes(world: World) -> None:
    w = world
    send(w, **PLEDGED)
    w.do(LI, "accept", MAIN)
    w.ask(ZHANG, "review.food", "rules")
    w.do(ZHOU, "pass", "review.fire")
    rev = w.answer(2, w.answers)
    done = w.do(w.wang, "@resubmit", data={"data_rev": rev, "changed": ["rules"], "pledges": {}})
    assert w.types(done)[0] == "pledge.ended"
    w.do(ZHANG, "pass", "review.food")
    w.do(HE, "approve", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    assert (w.state.status, w.state.tasks) == ("closed", {})
    w.check()


@pytest.mark.parametrize(
    ("promises", "words"),
    [
        ({"deferred": ["plan"]}, "cannot be put off"),
        ({"deferred": ["nothing"]}, "cannot be put off"),
        ({"pledges": {"plan": 1}}, "no pledge"),
        ({"pledges": {"rules": 2}}, "have changed"),
    ],
)
def test_only_what_the_definition_allows_is_promised(world: World, promises: dict[str, object], words: str) -> None:
    with pytest.raises(Invalid) as told:
        send(world, **promises)
    assert words in str(list(told.value.fields.values()))
    assert world.state.status == "draft"
    assert not world.state.gaps
