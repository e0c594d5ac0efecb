"""Clause 7: "pledge instead of a proof creates a post-check task; accepted with gaps closes only when gaps are filled,
else terminates"."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from govservice.engine import MAIN, SYSTEM, Applied, available, context
from govservice.engine.invariants import breaches
from govservice.engine.state import CaseState
from govservice.errors import Forbidden, Invalid, NotAllowed
from govservice.models.session import Database
from tests.engine.texts import DRAFT, ENDS, HEAD, LIMITS, ROLES, TOP_CORRECTION, branch, label, review
from tests.engine.world import CALENDARS, HE, LI, MONDAY, WU, ZHANG, ZHOU, World, compiled_from, data_of, staff

DAY = timedelta(days=1)
FORM = """\
form:
  - page: one
    title: {en: One, zh: 一}
    fields:
      menu.seats: {type: integer, label: {en: Seats, zh: 座}}
      place.area: {type: decimal, label: {en: Area, zh: 面积}}
facts:
  health:
    from: {dataset: health_certificates/1, grant: GR-2040}
    take: [staff.certificates]
    purpose: LICENSE
    fallback: [{upload: health_certificates}]
materials:
  plan: {required: false, label: {en: Plan, zh: 图}}
  health_certificates:
    replaced_by: health
    deferrable: {until: issue, within: 10wd, to: terminated}
    label: {en: Health, zh: 健康}
  rules:
    replaced_by: {pledge: food_safety_pledge, post_check: {step: post_check, within: 20wd}}
    label: {en: Rules, zh: 制度}
"""
AFTER = f"""
issue:
  kind: auto
  requires: {{gaps: closed}}
  do: {{call: document.issue}}
  answers: {{ok: {{to: done, marks: delivered}}, fail: {{to: decision, flag: issue_failed}}}}
post_check:
  kind: human
  owner: food
  after_close: true
  limit: 30wd
  actions:
    confirm: {{end: confirmed, {label("Kept")}}}
    revoke:
      end: revoked
      reason: true
      effects: [document.revoke]
      not_same_as: [review.food.desk]
      {label("Revoke")}
    again:   {{to: second_check, {label("Again")}}}
  timers:
    - {{at: 80%limit, do: warn}}
    - {{at: 100%limit, do: escalate, to_role: head}}
second_check:
  kind: human
  owner: head
  after_close: true
  actions:
    confirm: {{end: confirmed, {label("Kept")}}}
"""
REVIEW = review(
    branch("food", "food", reads="menu, health, rules", limit="5wd") + branch("fire", "fire", reads="place"),
    '- {if: "any(rejected)", to: refused, siblings: cancel}\n- {if: "all(approved)", to: decision}\n',
    correction="notice: once\nclock: pause_any\nrecheck: reads_changed\nwithin: 30wd\nlapse_to: withdrawn\n",
).replace("approve: {to: done,", "approve: {to: issue,")
STEPS = f"""
acceptance:
  kind: human
  owner: window
  actions:
    accept:  {{to: review, marks: accepted, {label("Accept")}}}
    decline: {{to: refused, reason: true, marks: decided, {label("No")}}}
"""
PLEDGED = {"pledges": {"rules": 1}}
PUT_OFF = {"deferred": ["health_certificates"]}


def text() -> str:
    always = "always:\n  withdraw: {to: withdrawn, by: applicant, unless: [issue], label: {en: W, zh: 撤}}\n"
    steps = "\n".join("  " + line for line in (STEPS + REVIEW + AFTER).splitlines())
    ends = ENDS + "  terminated: {kind: end, outcome: terminated}\n"
    head = f"{HEAD}{LIMITS}{TOP_CORRECTION}{FORM}{ROLES}start: draft\n{always}steps:\n"
    return f"{head}{DRAFT % 'acceptance'}{steps}\n{ends}"


@pytest.fixture
def world(database: Database) -> World:
    return World(database, compiled_from(text()))


def send(w: World, **promises: object) -> Applied:
    w.open()
    return w.do(w.wang, "submit", MAIN, data={"data_rev": w.answer(1, {"menu.seats": 1}), **promises})


def review_it(w: World) -> None:
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "pass", "review.food")
    w.do(ZHOU, "pass", "review.fire")


def grant(w: World) -> Applied:
    """From the start to the licence, on a pledge."""
    send(w, **PLEDGED)
    review_it(w)
    w.do(HE, "approve", MAIN)
    return w.do(SYSTEM, "@ok", MAIN)


def supply(w: World, rev: int = 2, *names: str) -> Applied:
    rev = w.answer(rev, w.answers)
    return w.do(w.wang, "@supply", data={"data_rev": rev, "supplied": list(names or ("health_certificates",))})


def armed(state: CaseState) -> set[str]:
    return {t.key for t in state.timers.values() if t.due_at}


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


# -- gaps


def test_accepted_with_gaps_waits_at_the_issue_and_closes_when_they_are_filled(world: World) -> None:
    """ "Accepted with gaps closes only when gaps are filled": the issue step waits, it does not fail."""
    w = world
    gap = data_of(send(w, **PUT_OFF), "gap.opened")
    assert (gap["material"], gap["due_on"]) == ("health_certificates", "2026-03-16")
    review_it(w)
    arrived = w.do(HE, "approve", MAIN)
    st = w.state
    assert (st.main.step, st.main.status, st.main.waits_for) == ("issue", "waiting", "gaps")
    assert "document.issue" not in w.topics(), "the call waits"
    assert data_of(arrived, "token.paused")["kind"] == "deferral"
    assert st.clocks["limit:delivery"].paused_since is not None, "the applicant's time is not the authority's"
    with pytest.raises(NotAllowed):
        w.do(SYSTEM, "@ok", MAIN)
    w.check()
    w.at(MONDAY + 2 * DAY)
    came = supply(w)
    assert w.types(came) == ["gap.closed", "token.resumed", "clock.resumed", "step.called"]
    assert w.topics().count("document.issue") == 1
    (call,) = w.rows("outbox", "WHERE topic = 'document.issue'")
    assert '"token_id":1' in call["payload"]
    assert '"step":"issue"' in call["payload"]
    assert w.state.clocks["limit:delivery"].running
    assert not any(key.startswith("deferral") for key in armed(w.state))
    w.check()
    w.do(SYSTEM, "@ok", MAIN)
    assert w.state.outcome == "granted"
    assert list(breaches(w.d, w.state)) == []
    w.check()


def test_what_comes_before_the_decision_is_looked_at_by_who_reads_it(world: World) -> None:
    """A finished branch whose reads were touched opens again; the join does not take an outcome older than that."""
    w = world
    send(w, **PUT_OFF)
    w.do(LI, "accept", MAIN)
    w.do(ZHANG, "pass", "review.food")
    came = supply(w)
    opened = data_of(came, "branch.opened")
    assert (opened["branch"], opened["reopened"]) == ("review.food", True)
    w.do(ZHOU, "pass", "review.fire")
    assert w.state.main.step == "review"
    w.do(ZHANG, "pass", "review.food")
    assert w.state.main.step == "decision"
    w.do(HE, "approve", MAIN)
    assert "document.issue" in w.topics(), "nothing is left to wait for"
    w.check()


def test_gaps_not_filled_terminate_the_case_wherever_it_is(world: World) -> None:
    """ "... else terminates": reminded at 80 %, ended at the last day, told as terminated and not as lapsed."""
    w = world
    for where in ("acceptance", "review", "issue"):
        w.at(MONDAY)
        send(w, **PUT_OFF)
        if where == "review":
            w.do(LI, "accept", MAIN)
        if where == "issue":
            review_it(w)
            w.do(HE, "approve", MAIN)
        assert w.state.main.step == where
        mine = f"WHERE case_id = '{w.case_id}'"
        w.tick(datetime.fromisoformat("2026-03-12T16:00:00+00:00"))  # the eighth working day is over
        topics = [r["topic"] for r in w.rows("outbox", mine)]
        assert topics.count("notice.gap") == 1
        assert w.state.status == "open"
        w.tick(datetime.fromisoformat("2026-03-16T15:59:59+00:00"))
        assert w.state.status == "open", "the last day runs to midnight"
        w.tick(datetime.fromisoformat("2026-03-16T16:00:00+00:00"))
        assert (w.state.status, w.state.outcome) == ("closed", "terminated")
        topics = [r["topic"] for r in w.rows("outbox", mine)]
        assert "notice.terminated" in topics
        assert "notice.lapsed" not in topics
        assert "document.issue" not in topics
        with pytest.raises(NotAllowed):
            supply(w)
        w.check()


def test_a_correction_may_bring_what_was_put_off(world: World) -> None:
    w = world
    send(w, **PUT_OFF)
    w.do(LI, "accept", MAIN)
    w.ask(ZHANG, "review.food", "health_certificates")
    w.do(ZHOU, "pass", "review.fire")
    rev = w.answer(2, w.answers)
    data = {"data_rev": rev, "changed": ["health_certificates"], "supplied": ["health_certificates", "plan"]}
    w.do(w.wang, "@resubmit", data=data)
    assert w.state.open_gaps == []
    assert w.state.gaps["health_certificates"].closed_at is not None
    w.check()


def test_only_the_applicant_brings_it_and_only_what_is_due(world: World) -> None:
    w = world
    send(w, **PUT_OFF)
    stranger = replace(w.wang, id="other", person_id="other")
    for actor, names, error in (
        (stranger, ["health_certificates"], Forbidden), (LI, ["health_certificates"], Forbidden),
        (w.wang, ["rules"], NotAllowed), (w.wang, [], NotAllowed),
    ):  # fmt: skip
        with pytest.raises(error):
            w.do(actor, "@supply", data={"data_rev": 1, "supplied": names})
    with w.db.read() as session:
        ctx = context(session, w.definitions, CALENDARS, w.state)
        assert "@supply" in [o.action for o in available(w.d, w.state, w.wang, ctx) if o.allowed]
    supply(w)
    with pytest.raises(NotAllowed):
        supply(w, 3)
    w.check()


def test_an_action_may_require_closed_gaps_too(database: Database) -> None:
    w = World(
        database,
        compiled_from(text().replace("approve: {to: issue,", "approve: {to: issue, requires: {gaps: closed},")),
    )
    send(w, **PUT_OFF)
    review_it(w)
    with pytest.raises(NotAllowed) as told:
        w.do(HE, "approve", MAIN)
    assert told.value.facts["why"] == "gaps"
    supply(w)
    w.do(HE, "approve", MAIN)
    assert w.state.main.step == "issue"
    w.check()


def test_ways_lead_nowhere_for_others(world: World) -> None:
    """Who holds the role elsewhere may not check; the applicant may not either."""
    w = world
    grant(w)
    for actor in (w.wang, staff("ma", "food@market_reg", area="nanming"), LI):
        with pytest.raises(Forbidden):
            w.do(actor, "confirm", "post_check")


def test_a_grant_with_an_open_gap_is_a_fault_of_the_engine(world: World) -> None:
    """Whatever a definition lets pass: "closes only when gaps are filled"."""
    w = world
    send(w, **PUT_OFF)
    review_it(w)
    supply(w)
    w.do(HE, "approve", MAIN)
    w.do(SYSTEM, "@ok", MAIN)
    st = w.state
    st.gaps["health_certificates"] = st.gaps["health_certificates"]._replace(closed_at=None)
    assert list(breaches(w.d, st)) == ["granted although a deferred material has not come"]
