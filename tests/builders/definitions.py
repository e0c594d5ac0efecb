"""Definitions for tests: compile a YAML text, or a small service made from its steps."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent, indent

from govservice.definitions.catalogue import Catalogue
from govservice.definitions.compile import compile_service
from govservice.definitions.compiled import Compiled
from govservice.definitions.loader import load_file, load_text

DATA = Path(__file__).parents[1] / "unit" / "definitions" / "data"

HEAD = """\
service: small
title: {en: Small, zh: 小}
department: market_reg
limits:
  intake:   {from: received, to: accepted, statutory: 5wd, basis: "art. 32"}
  decision: {from: accepted, to: decided, statutory: 20wd, promised: 10wd, basis: "art. 42", pauses: [correction]}
roles:
  window: {department: service_hall, title: {en: Window, zh: 窗口}}
  food:   {department: market_reg, title: {en: Food, zh: 食品}}
  fire:   {department: fire_rescue, title: {en: Fire, zh: 消防}}
  head:   {department: market_reg, title: {en: Head, zh: 局长}}
start: draft
"""

LINE = """\
draft:
  title: {en: Draft, zh: 填写}
  kind: applicant
  actions:
    submit: {to: desk, marks: received, label: {en: Submit, zh: 提交}}
desk:
  title: {en: Desk, zh: 办理}
  kind: human
  owner: window
  actions:
    accept: {to: decision, marks: accepted, label: {en: Accept, zh: 受理}}
decision:
  title: {en: Decision, zh: 决定}
  kind: human
  owner: head
  actions:
    approve: {to: done, marks: decided, label: {en: Approve, zh: 准予}}
    refuse: {to: refused, marks: decided, reason: true, label: {en: Refuse, zh: 不予}}
done: {kind: end, outcome: granted}
refused: {kind: end, outcome: refused}
"""


def compile_text(text: str, catalogue: Catalogue | None = None) -> Compiled:
    """Compiles a whole definition. Raises DefinitionError with its findings."""
    return compile_service(load_text(dedent(text)).service, catalogue=catalogue)


def small_text(steps: str = LINE, head: str = HEAD, more: str = "") -> str:
    """A definition from its steps (YAML of the mapping under `steps:`); `more` is added at the top level."""
    return f"{head}{dedent(more)}steps:\n{indent(dedent(steps), '  ')}"


def small(steps: str = LINE, head: str = HEAD, more: str = "", catalogue: Catalogue | None = None) -> Compiled:
    """Compiles `small_text`."""
    return compile_text(small_text(steps, head, more), catalogue)


def open_restaurant_full(catalogue: Catalogue | None = None) -> Compiled:
    """The reference example of the format, with everything that the format can say."""
    return compile_service(load_file(DATA / "open_restaurant_full.yaml").service, catalogue=catalogue)
