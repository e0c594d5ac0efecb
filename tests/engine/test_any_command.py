"""Clause: any command in any reachable marking by any actor: a legal step or a refusal with a reason, never an
exception; a refused command leaves the business tables byte-equal."""

# one case a line, read as a table
# ruff: noqa: E501

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, text

from govservice.definitions.compiled import Compiled
from govservice.engine import MAIN, SYSTEM, Actor, Expected, rights
from govservice.engine.decide import carried_out
from govservice.engine.decide_work import Work
from govservice.engine.explore import explore
from govservice.engine.explore_world import ORACLE, Oracle, Timeless
from govservice.engine.explore_world import World as Stage
from govservice.engine.types import Command, Ctx
from govservice.errors import NotAllowed, PortalError, Tampered
from govservice.models.session import Database
from tests.engine.world import (
    ANSWERS,
    HE,
    LEAD,
    LI,
    MA,
    MONDAY,
    SHIPPED,
    SUN,
    WU,
    ZHANG,
    ZHOU,
    World,
)  # fmt: skip

OWN = (
    "@open", "@claim", "@release", "@send_notice", "@resubmit", "@timer", "@timers", "@recalculate", "@migrate", "@extend",
    "@extend:decision", "@extend:nowhere", "@invited", "@ok", "@fail", "@join0", "@join99", "@lapse", "@lapse1", "@", "",
    "nonsense", "__class__", "submit ", "审批", "@ok\0", "x" * 5000, "withdraw", "opinion", "@consult", "@cancel", "@reopen", "@assign", "@supply", "@child", "@restart", "@data", "@settled",
)  # fmt: skip
NOBODY = Actor("nobody", "user", (), None)
STRANGER = Actor("stranger", "applicant", (), "another-person")
COMPANY = Actor("company", "applicant", (), "another-person", organisation_id="org")
ODD: tuple[Any, ...] = (
    None,
    "",
    "x",
    0,
    -1,
    7,
    10**30,
    1.5,
    True,
    [],
    {},
    ["x"],
    {"x": 1},
    {"menu.seats": "wrong"},
    "\0",
    "审",
    "x" * 3000,
)
KEYS = (
    "data_rev", "items", "result", "step", "timer", "armed_seq", "to", "changed", "person_id", "length", "files", "opinion",
    "def_sha", "number", "task", "clock", "until", "channel", "organisation_id", "steps", "fields", "departments", "role",
    "supplied", "deferred", "pledges", "service", "outcome", "case", "attempt", "parent", "assignee",
    "facts", "why",
)  # fmt: skip


def triggers(d: Compiled) -> list[str]:
    return list(dict.fromkeys([*OWN, *(edge.name for edges in d.out.values() for edge in edges)]))


def tables(db: Database) -> dict[str, list[str]]:
    """Every row of every table, as text."""
    with db.read() as session:
        names = sorted(inspect(db.engine).get_table_names())
        return {
            name: sorted(repr(tuple(row)) for row in session.execute(text(f'SELECT * FROM "{name}"'))) for name in names
        }


class Monkey:
    """Sends commands that nobody would."""

    def __init__(self, w: World, seed: int) -> None:
        self.w, self.random = w, random.Random(seed)
        self.triggers = triggers(w.d)
        self.fitting = {
            "applicant": w.wang, "system": SYSTEM, "window": LI, "food": ZHANG, "fire": ZHOU, "urban": SUN, "head": HE, "lead": LEAD,
        }  # fmt: skip
        mine = replace(LI, id="li.herself", person_id=w.person)
        self.actors = [w.wang, w.wang, STRANGER, COMPANY, LI, ZHANG, WU, ZHOU, SUN, HE, LEAD, MA, NOBODY, mine, SYSTEM]

    def data(self) -> dict[str, Any]:
        pick = self.random
        said: dict[str, Any] = {key: pick.choice(ODD) for key in pick.sample(KEYS, pick.choice((0, 0, 1, 1, 2, 4)))}
        if pick.random() < 0.3:
            said["items"] = {"menu.seats": "wrong"}
        if pick.random() < 0.2:
            said["data_rev"] = pick.choice((1, 1, 2, 99))
        if pick.random() < 0.2:
            said["step"] = pick.choice([*self.w.d.steps, "nowhere"])
        return said

    def command(self, n: int) -> Command:
        pick, state = self.random, self.w.state
        token = pick.choice([None, *state.tokens, *state.tokens, 0, -1, 99, 2**40])
        shown = pick.choice([None, None, Expected(1), Expected(None, 1), Expected(10**9, -1), Expected(None, None)])
        later = pick.choice([0, 0, 0, 0, -400, 3, 60, 400])
        trigger, actor = pick.choice(self.triggers), pick.choice(self.actors)
        edges = self.w.d.out.get(state.tokens[token].step, ()) if token in state.tokens else ()
        if edges and pick.random() < 0.5:  # something that is possible there, by somebody who may, with odd words
            edge = pick.choice(edges)
            trigger, actor = edge.name, self.fitting.get(edge.by, actor)
        return Command(
            case_id=self.w.case_id, trigger=trigger, idem=f"monkey:{self.w.case_id}:{n}",
            now=self.w.now + timedelta(days=later), actor=actor, token_id=token, expected=shown,
            data=self.data(), reason=pick.choice([None, "", " ", "because", "\0", "x" * 20_000, "审批"]),
            attachments=pick.choice([(), ("site_report",), ("nothing", "\0")]),
            on_behalf_of=pick.choice([None, None, None, "wang.fang", ""]),
        )  # fmt: skip


def sent(w: World, command: Command) -> str:
    """What came of it: `done`, or the name of the refusal. Anything else that is raised is a fault."""
    from govservice.engine import apply
    from tests.engine.world import CALENDARS

    try:
        with w.db.write() as session:
            apply(session, command, w.definitions, CALENDARS)
    except Tampered as broken:
        raise AssertionError(f"{broken} {broken.facts} at {command}") from broken
    except PortalError as refused:
        return type(refused).__name__ if str(refused) else "a refusal without a reason"
    except Exception as fault:
        raise AssertionError(f"{fault!r} at {command}") from fault
    return "done"


STARTS = ("submitted", "accepted", "examined", "asked", "noticed", "decided")


def start(w: World, how: str) -> None:
    """A case of its own somewhere on its way."""
    w.now = MONDAY
    w.submit(ANSWERS)
    if how == "submitted":
        return
    w.do(LI, "accept", MAIN)
    if how in ("examined", "decided"):
        w.do(ZHANG, "pass", "review.food")
    if how in ("asked", "noticed"):
        w.ask(ZHANG, "review.food", "menu.seats")
    if how == "noticed":
        w.do(LEAD, "@send_notice", MAIN)
    if how == "decided":
        report = {"attachments": ("site_report",), "data": {"files": {"site_report": ["ab"]}}}
        w.do(ZHANG, "pass", "review.food", **report)
        w.do(WU, "pass", "review.food")
        w.do(ZHOU, "pass", "review.fire")
        w.do(SUN, "pass", "review.sign")


@pytest.mark.parametrize("how", STARTS)
def test_any_command_is_a_step_or_a_refusal_that_changes_nothing(database: Database, how: str) -> None:
    w = World(database)
    start(w, how)
    monkey = Monkey(w, STARTS.index(how))
    outcomes: dict[str, int] = {}
    before = tables(database)
    for n in range(60):
        command = monkey.command(n)
        outcome = sent(w, command)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        after = tables(database)
        if outcome != "done":
            changed = [name for name in before if before[name] != after[name]]
            assert not changed, f"{outcome} of {command.trigger} by {command.actor.id} changed {changed}"
        elif w.state.status == "closed":
            w.check()
            start(w, how)
            after = tables(database)
        before = after
    w.check()
    assert set(outcomes) <= {"done", "Forbidden", "NotAllowed", "Stale", "Missing", "Invalid", "NotFound"}, outcomes
    assert sum(outcomes.values()) - outcomes.get("done", 0) >= 30, outcomes


def everybody(stage: Stage) -> Iterator[Actor]:
    for by in (*stage.d.service.roles, "applicant", "system"):
        yield from stage.actors(by)[:2]
    yield from (NOBODY, STRANGER, COMPANY)


def test_every_trigger_by_everybody_in_every_marking() -> None:
    """No database: rights and decision alone, in each marking that the exploration reaches, conditions both ways."""
    d = SHIPPED.current("open_restaurant")
    stage = Stage(d)
    people = list(everybody(stage))
    tried = allowed = silent = 0
    for node in {node.marking: node for node in explore(d).nodes}.values():
        st = node.state
        for token in st.tokens.values():
            names = {edge.name for edge in stage.d.out.get(token.step, ())}
            for trigger in (*names, "nonsense", "@ok", "@join0", "@resubmit", "@send_notice", "@claim"):
                edge = stage.d.edge(token.step, trigger)
                for actor in people:
                    tried += 1
                    st.ctx = Ctx(stage.catalogue, {ORACLE: Oracle(stage, {}, (), [], {})}, None, stage.ctx.calendar)
                    if edge is not None and rights.refusal(stage.d, st, token, edge, actor, st.ctx) is not None:
                        continue
                    data = {"length": "5wd", "data_rev": 2, "changed": [], "items": {}}
                    command = Command(st.case_id, trigger, "k", MONDAY, actor, token_id=token.id, data=data)
                    try:
                        work: Work = carried_out(Timeless(stage.d, st, command, stage.calendars, st.last_at))
                    except NotAllowed as refused:
                        silent += not str(refused)
                    else:
                        allowed += bool(work.events)
    assert silent == 0, "a refusal says why"
    assert tried > 5_000
    assert allowed > 300
