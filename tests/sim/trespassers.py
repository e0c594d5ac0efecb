"""Whoever tries what is not theirs: at random, and on purpose, by somebody to whom only a right is missing."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from govservice.engine import Actor
from tests.sim.reading import Case, Token
from tests.sim.rights import may_act
from tests.sim.world import Sim

Try = tuple[Token, Any, Actor]


def intrude(sim: Sim, case: Case) -> None:
    """Somebody tries an action that may not be theirs, at a token that may not be there."""
    pick, d, office = sim.random, sim.rules.of(case), sim.office
    names = [e.name for edges in d.out.values() for e in edges] + ["@claim", "@ok", "@fail", "@timers", "@join0"]
    anybody = [*office.staff.values(), *office.outsiders, *office.citizens]
    cmd = sim.command(
        case, pick.choice(anybody), pick.choice(names), pick.choice([*case.tokens, 99]), reason="because",
        data={"items": {}, "length": "5wd"}, attachments=("site_report", "report", "inspection_record"),
    )  # fmt: skip
    if case.status == "draft" and cmd.trigger == "submit":
        return
    sim.send(cmd, sim.expect(cmd))


def trespass(sim: Sim, case: Case) -> None:
    """What could be done here at this moment is tried by somebody who may not: of the same office elsewhere, on their
    own application, after having examined it, past a colleague who has taken it, another citizen."""
    tries = forbidden(sim, case)
    if not tries:
        return intrude(sim, case)
    token, edge, actor = sim.random.choice(tries[sim.random.choice(sorted(tries))])
    cmd = sim.command(
        case, actor, edge.name, token.id, reason="because", attachments=edge.requires_attachments,
        data={"items": dict.fromkeys(sorted(sim.rules.of(case).service.fields)[:1], "wrong"), "length": "5wd"},
    )  # fmt: skip
    sim.send(cmd, sim.expect(cmd))
    return None


def forbidden(sim: Sim, case: Case) -> dict[str, list[Try]]:
    """What may not be done, by why not: of people who would do such a thing, were it theirs."""
    d, found = sim.rules.of(case), defaultdict(list)
    for token in case.tokens.values():
        for edge in d.out.get(token.step, ()):
            if edge.kind not in ("action", "always") or case.status == "draft":
                continue
            for actor in like(sim, edge.by):
                why = may_act(sim.rules, case, token, edge, sim.acting(actor))
                if why is not None:
                    found[why].append((token, edge, actor))
    return found


def like(sim: Sim, by: str) -> list[Actor]:
    """People who do what this role does, wherever they do it."""
    office = sim.office
    if by in ("applicant", "person"):
        return office.citizens
    return [a for a in (*office.staff.values(), *office.outsiders) if any(held == by for held, _ in a.roles)]
