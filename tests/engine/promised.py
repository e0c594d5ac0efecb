"""A service with a pledge and with a document that may come later, for the tests of both."""

from __future__ import annotations

from datetime import timedelta

from govservice.engine import MAIN, SYSTEM, Applied
from govservice.engine.state import CaseState
from tests.engine.texts import DRAFT, ENDS, HEAD, LIMITS, ROLES, TOP_CORRECTION, branch, label, review
from tests.engine.world import HE, LI, ZHANG, ZHOU, World

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


def text() -> str:
    always = "always:\n  withdraw: {to: withdrawn, by: applicant, unless: [issue], label: {en: W, zh: 撤}}\n"
    steps = "\n".join("  " + line for line in (STEPS + REVIEW + AFTER).splitlines())
    ends = ENDS + "  terminated: {kind: end, outcome: terminated}\n"
    head = f"{HEAD}{LIMITS}{TOP_CORRECTION}{FORM}{ROLES}start: draft\n{always}steps:\n"
    return f"{head}{DRAFT % 'acceptance'}{steps}\n{ends}"


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


def armed(state: CaseState) -> set[str]:
    return {t.key for t in state.timers.values() if t.due_at}
