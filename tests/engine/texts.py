"""Small definitions for tests: the parts that every one needs, around the parts that a test is about."""

from __future__ import annotations

import textwrap

HEAD = """\
service: small
title: {en: Small, zh: 小}
department: market_reg
"""
FORM = """\
form:
  - page: one
    title: {en: One, zh: 一}
    fields:
      menu.seats: {type: integer, label: {en: Seats, zh: 座}}
      sign.text:  {type: text, label: {en: Sign, zh: 招}}
      place.area: {type: decimal, label: {en: Area, zh: 面积}}
materials:
  plan: {required: false, label: {en: Plan, zh: 图}}
"""
ROLES = """\
roles:
  window: {department: service_hall}
  lead:   {department: market_reg}
  head:   {department: market_reg}
  food:   {department: market_reg}
  fire:   {department: fire_rescue}
  urban:  {department: urban_mgmt}
"""
ENDS = """\
  done:      {kind: end, outcome: granted}
  refused:   {kind: end, outcome: refused}
  withdrawn: {kind: end, outcome: withdrawn}
"""
DRAFT = """\
  draft:
    kind: applicant
    actions:
      submit: {to: %s, marks: received, label: {en: Send, zh: 提交}}
"""


def definition(steps: str, *, first: str, head: str = "", form: str = FORM) -> str:
    """A whole definition around `steps` (YAML at the level of steps' names)."""
    body = textwrap.indent(textwrap.dedent(steps), "  ")
    return f"{HEAD}{head}{form}{ROLES}start: draft\n{head_free()}steps:\n{DRAFT % first}{body}{ENDS}"


def head_free() -> str:
    return "always:\n  withdraw: {to: withdrawn, by: applicant, label: {en: Withdraw, zh: 撤回}}\n"


def label(text: str) -> str:
    return f"label: {{en: {text}, zh: {text}}}"


def review(
    branches: str, joins: str, *, correction: str = "", limit: str = "", after: str = "decision", extra: str = ""
) -> str:
    """A parallel step `review` and a decision after it."""
    parts = ["review:", "  kind: parallel", "  owner: lead"]
    if limit:
        parts.append(f"  limit: {limit}")
    parts.append("  branches:")
    parts.append(textwrap.indent(textwrap.dedent(branches).strip("\n"), "    "))
    if correction:
        parts += ["  correction:", textwrap.indent(textwrap.dedent(correction).strip("\n"), "    ")]
    parts += ["  join:", textwrap.indent(textwrap.dedent(joins).strip("\n"), "    ")]
    decision = f"""
decision:
  kind: human
  owner: head
  actions:
    approve: {{to: done, marks: decided, {label("Yes")}}}
    reopen:  {{to: review, reason: true, {label("Again")}}}
    refuse:  {{to: refused, reason: true, marks: decided, {label("No")}}}
"""
    return "\n".join(parts) + (decision if after == "decision" else "") + extra + "\n"


def branch(name: str, owner: str, *, reads: str = "", when: str = "", ask: bool = True, limit: str = "") -> str:
    """A branch of one step `desk` with pass, fail and ask."""
    lines = [f"{name}:", f"  owner: {owner}"]
    if reads:
        lines.append(f"  reads: [{reads}]")
    if when:
        lines.append(f'  when: "{when}"')
    lines += ["  start: desk", "  steps:", "    desk:"]
    if limit:
        lines.append(f"      limit: {limit}")
    lines += ["      actions:", f"        pass: {{end: approved, {label('Pass')}}}"]
    lines.append(f"        fail: {{end: rejected, reason: true, {label('Fail')}}}")
    if ask:
        lines.append(f"        ask: {{correction: true, reason: true, {label('Ask')}}}")
    return "\n".join(lines) + "\n"


LIMITS = """\
limits:
  intake:   {from: received, to: accepted, statutory: 5wd, promised: 2wd, basis: "art. 32"}
  decision: {from: accepted, to: decided, statutory: 20wd, promised: 10wd, basis: "art. 42", pauses: [correction]}
  delivery: {from: decided, to: delivered, statutory: 10wd, promised: 1wd, basis: "art. 44"}
"""
TOP_CORRECTION = "correction: {within: 30wd, lapse_to: withdrawn}\n"
